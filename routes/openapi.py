"""How a route is described: by decorators that check, and by those that only tell.

They stand between a view and its rule, and are read from the top:

    @blueprint.post("/api/develope/respond")
    @blueprint.arguments(schemas.RespondBody)  # checks the body, and describes it
    @blueprint.response(200, responses.Turn)
    @blueprint.errors(*CHANGING, "message_id_reused")
    def continue_conversation(body: schemas.Checked) -> ResponseReturnValue:
        '''Answer the question the chat asked.'''  # the operation's summary

An id in the address is described by `parameters=[SESSION_ID]` beside the rule. Every operation
has its name, its tag, `internal_error` and the header X-Request-ID by itself.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import flask
import flask_smorest
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

from routes import errors, schemas

READING = ("session_not_found", "session_unreadable", "store_unavailable")
"""The errors of a view that reads a session."""
CHANGING = (*READING, "session_conflict", "session_too_large")
"""The errors of a view that changes one."""

SESSION_ID = {"in": "path", "name": "session_id", "schema": {"type": "string", "format": "uuid"}}
"""A session's id in the address; the view checks it by `schemas.session_id`."""
CONTEXT_NAME = {
    "in": "path",
    "name": "session_id",
    "description": "Chosen by the caller; `.` and `..` and a `/` are no ids.",
    "schema": {"type": "string", "minLength": 1, "maxLength": schemas.MAX_NAME},
}
"""A context's id in the address; the view checks it by `schemas.name`."""
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of what was read; it is changed only while that is still current.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "description": "The ETag of what is known already.",
    "schema": {"type": "string"},
}
LAST_EVENT_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "description": "The id of the last event that was seen, to go on after it.",
    "schema": {"type": "string"},
}
ETAG = {"ETag": {"description": "Names this version.", "schema": {"type": "string"}}}
"""For `headers=` of a response that carries one."""


View = TypeVar("View", bound=Callable[..., Any])


class _Checks(FlaskParser):
    """The checks of `schemas` in the place of webargs' own, with our errors."""

    def parse(self, argmap: Any, *_: Any, location: str | None = None, **_options: Any) -> Any:
        """What a schema finds in the request's body or query string."""
        return schemas.query(argmap) if location == "query" else schemas.body(argmap)


class Blueprint(flask_smorest.Blueprint, flask.Blueprint):  # type: ignore[misc] # without types
    """Routes that are described; see the head of this module."""

    ARGUMENTS_PARSER = _Checks()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_hand_on)

    def arguments(
        self, schema: type[Schema], *, location: str = "json", **described: Any
    ) -> Callable[[View], View]:
        """Check the body, or with `location="query"` the query string, and describe both.

        What was found is the view's first argument; the errors of the check are described too.
        """
        checked = super().arguments(schema(), location=location, **described)
        of_bodies = ("malformed_request", "request_too_large") if location == "json" else ()
        noted = self.errors("validation_failed", *of_bodies)
        return lambda view: checked(noted(view))

    def response(
        self, status_code: int, schema: Any = None, **described: Any
    ) -> Callable[[View], View]:
        """Describe an answer; the view makes the Response itself, and it is sent as it is."""
        return super().alt_response(status_code, schema=schema, success=True, **described)  # type: ignore[no-any-return]

    def errors(self, *codes: str) -> Callable[[View], View]:
        """Describe what may go wrong, by the codes of `routes.errors`.

        Raises:
            KeyError: there is no such code.
        """
        return _noting("errors", [errors.BY_CODE[code] for code in codes])

    def takes(self, *headers: dict[str, Any]) -> Callable[[View], View]:
        """Describe headers of the request that the view reads itself, such as IF_MATCH."""
        return _noting("parameters", list(headers))

    def secured(self, scheme: str = "bearer") -> Callable[[View], View]:
        """Describe that the view wants a bearer token: a user's, or "operator" for theirs."""
        return _noting("security", [{scheme: []}])


def _noting(kind: str, found: list[Any]) -> Callable[[View], View]:
    """Keep something with a view, where flask-smorest keeps what its own decorators were told."""

    def note(view: View) -> View:
        known = getattr(view, "_apidoc", {})
        view._apidoc = {**known, kind: [*known.get(kind, ()), *found]}  # type: ignore[attr-defined]
        return view

    return note


def _hand_on(doc: dict[str, Any], info: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Add what was noted to an operation; the errors wait until its address is known."""
    for kind in ("parameters", "security"):
        if noted := info.get(kind):
            doc[kind] = [*doc.get(kind, ()), *noted]
    return {**doc, "x-errors": info.get("errors", [])}
