"""Decorators that describe a route in OpenAPI; one of them also checks the request.

They stand between a view and its rule:

    @blueprint.post("/api/develope/respond")
    @blueprint.arguments(schemas.RespondBody)  # checks the body, and describes it
    @blueprint.response(200, responses.Turn)
    @blueprint.describe_errors(*CHANGING, "message_id_reused")
    def continue_conversation(body: schemas.Checked) -> ResponseReturnValue:
        '''Answer the question the chat asked.'''  # the operation's summary

An id in the address is described by `parameters=[SESSION_ID]` beside the rule. Every operation
has a name, a tag, `internal_error` and the header X-Request-ID automatically.
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
"""A session's id in the address; the view checks it by `schemas.parse_session_id`."""
CONTEXT_NAME = {
    "in": "path",
    "name": "session_id",
    "description": "Chosen by the caller; `.` and `..` and a `/` are no ids.",
    "schema": {"type": "string", "minLength": 1, "maxLength": schemas.MAX_NAME},
}
"""A context's id in the address; the view checks it by `schemas.parse_name`."""


def _build_header(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"in": "header", "name": name, "description": description, "schema": schema}


IF_MATCH = _build_header(
    "If-Match", "The ETag of what was read; it is changed only while that is current."
)
IF_NONE_MATCH = _build_header("If-None-Match", "The ETag of what is known already.")
LAST_EVENT_ID = _build_header("Last-Event-ID", "The id of the last event seen, to go on after it.")
ETAG = {"ETag": {"description": "Names this version.", "schema": {"type": "string"}}}
"""For `headers=` of a response that carries one."""


View = TypeVar("View", bound=Callable[..., Any])


class _Parser(FlaskParser):
    """The checks of `schemas` instead of webargs' own, with our errors."""

    def parse(self, argmap: Any, *_: Any, location: str | None = None, **_options: Any) -> Any:
        """Load the request's body or query string."""
        return schemas.read_query(argmap) if location == "query" else schemas.read_body(argmap)


class Blueprint(flask_smorest.Blueprint, flask.Blueprint):  # type: ignore[misc] # without types
    """Routes that are described; see the beginning of this module."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_add_notes)

    def arguments(
        self, schema: type[Schema], *, location: str = "json", **described: Any
    ) -> Callable[[View], View]:
        """Check the body, or with `location="query"` the query string, and describe both.

        The loaded data is the view's first argument; the errors of the check are described too.
        """
        check = super().arguments(schema(), location=location, **described)
        of_bodies = ("malformed_request", "request_too_large") if location == "json" else ()
        describe = self.describe_errors("validation_failed", *of_bodies)
        return lambda view: check(describe(view))

    def response(
        self, status_code: int, schema: Any = None, **described: Any
    ) -> Callable[[View], View]:
        """Describe a response; the view builds it itself, and it is sent unchanged."""
        return super().alt_response(status_code, schema=schema, success=True, **described)  # type: ignore[no-any-return]

    def describe_errors(self, *codes: str) -> Callable[[View], View]:
        """Describe possible errors, by the codes of `routes.errors`.

        Raises:
            KeyError: there is no such code.
        """
        return _attach("errors", [errors.BY_CODE[code] for code in codes])

    def describe_headers(self, *headers: dict[str, Any]) -> Callable[[View], View]:
        """Describe headers of the request that the view reads itself, such as IF_MATCH."""
        return _attach("parameters", list(headers))

    def describe_token(self, scheme: str = "bearer") -> Callable[[View], View]:
        """Describe that the view needs a bearer token: a user's, or with "operator" theirs."""
        return _attach("security", [{scheme: []}])


def _attach(kind: str, found: list[Any]) -> Callable[[View], View]:
    """Attach notes to a view, where flask-smorest keeps those of its own decorators."""

    def attach(view: View) -> View:
        known = getattr(view, "_apidoc", {})
        view._apidoc = {**known, kind: [*known.get(kind, ()), *found]}  # type: ignore[attr-defined]
        return view

    return attach


def _add_notes(doc: dict[str, Any], info: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Add the notes to an operation; the errors are completed once its address is known."""
    for kind in ("parameters", "security"):
        if noted := info.get(kind):
            doc[kind] = [*doc.get(kind, ()), *noted]
    return {**doc, "x-errors": info.get("errors", [])}
