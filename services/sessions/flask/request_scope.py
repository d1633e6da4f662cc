"""A request as the unit of work of a session mapping: what it changed is saved as it ends.

`SessionMapping(scope=RequestScope())` is all a module needs. A response is held back until the
sessions are saved, and a failure to save replaces it. The status of a streamed response is sent
before its end, so there the last event reports the failure.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from flask import Flask, Response, after_this_request, has_request_context, request
from flask.signals import request_finished

from ..mapping import SessionMapping, UnitOfWork, run_all

log = logging.getLogger(__name__)

DescribeError = Callable[[Exception], str]
"""Turns a failure to save into the sentence that a stream's last event carries."""

_ENVIRON_KEY = "teaser_chat.session_work"
_FAILED = 500


def describe_error(error: Exception) -> str:
    """Log a failure to save, and describe it without the error's own words."""
    log.error("the sessions of a stream could not be saved", exc_info=error)
    return "The session could not be saved; please try again."


class RequestScope:
    """Units of work that are as long as the request, one for each mapping that it uses.

    They are kept in the request's environ, as `flask.g` may be shared by several requests of a
    test. A streamed response belongs to its request: a session that was looked up before the
    stream is the same object in it, and is saved when the stream ends or its reader goes away.

    Args:
        describe_error: writes the sentence of the event that reports a failure to save.
    """

    def __init__(self, *, describe_error: DescribeError = describe_error) -> None:
        self._describe_error = describe_error
        # The hooks that run between saving and sending may use a mapping as well.
        request_finished.connect(self._finish)

    def get_unit(self, mapping: SessionMapping) -> UnitOfWork:
        """The mapping's unit in this request or in the stream being read.

        Raises:
            RuntimeError: there is no request, or its response was made already.
        """
        work = self._get_work() if has_request_context() else _streamed.get()
        if work is None:
            raise RuntimeError(
                "no request is going on: look sessions up before a stream or a thread starts, "
                "or use `with mapping.unit_of_work():`"
            )
        return work.get_unit(mapping)

    def _get_work(self) -> "_Work":
        known: _Work | None = request.environ.get(_ENVIRON_KEY)
        if known is None:
            known = request.environ[_ENVIRON_KEY] = _Work(self._describe_error)
            after_this_request(known.save_or_defer)
        return known

    def _finish(self, _app: Flask, response: Response, **_more: Any) -> None:
        work = request.environ.setdefault(_ENVIRON_KEY, _Work(self._describe_error))
        work.save_or_defer(response)
        work.is_over = not work.is_in_stream


class _Work:
    """The units of one request.

    Attributes:
        describe_error: see RequestScope.
        is_in_stream: whether they end with the stream rather than with the view.
        is_over: whether nothing saves them any more.
    """

    def __init__(self, describe_error: DescribeError) -> None:
        self.describe_error = describe_error
        self.is_in_stream = False
        self.is_over = False
        self._units: dict[SessionMapping, UnitOfWork] = {}

    def get_unit(self, mapping: SessionMapping) -> UnitOfWork:
        if self.is_over:
            raise RuntimeError(
                "the response was made already: look sessions up before a stream starts, "
                "or use `with mapping.unit_of_work():`"
            )
        if mapping not in self._units:
            self._units[mapping] = mapping.begin()
        return self._units[mapping]

    def save_or_defer(self, response: Response) -> Response:
        """Save, unless the request failed; in a stream once it ends."""
        if response.status_code >= _FAILED:
            self._units.clear()
        elif not self._units or self.is_in_stream:
            pass
        elif response.is_streamed and not response.direct_passthrough:
            self.is_in_stream = True
            response.response = _SavedStream(response.response, self, response.mimetype)
        else:
            self.save()
        return response

    def save(self) -> None:
        """Save every mapping's changes; after a failure nothing of them is saved later.

        Raises:
            SessionError: the first that could not be saved; the others were.
        """
        try:
            run_all(unit.commit for unit in self._units.values())
        except Exception:
            self._units.clear()
            raise

    def end(self) -> None:
        """Drop what was not saved."""
        self._units.clear()
        self.is_over = True


class _SavedStream:
    """A stream after whose last chunk the request's sessions are saved.

    Args:
        chunks: what is streamed.
        work: the request's units.
        mimetype: of the response; only an event stream has a form for reporting a failure.
    """

    def __init__(self, chunks: Iterable[Any], work: _Work, mimetype: str | None) -> None:
        self._given = chunks
        self._chunks = iter(chunks)
        self._work = work
        self._has_events = mimetype == "text/event-stream"

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._work.is_over:
            raise StopIteration
        try:
            with _expose(self._work):
                return next(self._chunks)
        except StopIteration as end:
            return self._build_last_event(end)
        except BaseException:
            self._work.end()  # as after a view that failed
            raise

    def close(self) -> None:
        """Save what there is, whether the stream was read to its end, in part, or never."""
        try:
            if hasattr(self._given, "close"):
                with _expose(self._work):
                    self._given.close()
            if not self._work.is_over:
                self._work.save()
        finally:
            self._work.end()

    def _build_last_event(self, end: StopIteration) -> bytes:
        try:
            self._work.save()
        except Exception as error:
            if not self._has_events:
                raise  # the connection breaks, so that nobody takes it for a complete response
            event = {"phase": "error", "error": self._work.describe_error(error)}
            return b"data: %b\n\n" % msgspec.json.encode(event)
        finally:
            self._work.end()
        raise end


_streamed: ContextVar[_Work | None] = ContextVar("streamed", default=None)
"""The units of the stream whose next chunk is being made."""


@contextmanager
def _expose(work: _Work) -> Iterator[None]:
    """Let the code of a stream find the units of its request, which is over by then."""
    outer = _streamed.get()
    _streamed.set(work)
    try:
        yield
    finally:
        _streamed.set(outer)
