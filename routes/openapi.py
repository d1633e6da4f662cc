"""How a route is described, and the description of all of them that /openapi.json gives.

A view says by decorators what it takes and what it answers:

    @blueprint.post("/api/develope/respond")
    @blueprint.arguments(schemas.RespondBody)  # checks the body and describes it
    @blueprint.response(200, answers.Turn)
    @blueprint.errors(*CHANGING, "message_id_reused")
    def continue_conversation(body: Json) -> ResponseReturnValue:
        '''Answer the question the chat asked.'''  # the operation's summary

An id in the address is described by `parameters=[SESSION_ID]` beside its rule.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import flask
import flask_smorest
from apispec import BasePlugin
from flask import Flask, Response
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from routes import answers, errors, schemas

VERSION = "0.1.0"
"""Of the interface and of the project alike."""
ABOUT = """\
Which EU norms apply to a product: a conversation about it, its analysis, and questions about that.

Every error has the same body, `error`, `code` and `request_id`; a client decides by `code`, which
never changes its meaning. New members may be added to any answer.

A conversation that was started with the cookie of a browser belongs to that browser; for any other
it does not exist. One that was started without a cookie is reached by its id alone.
"""

READING = ("session_not_found", "session_unreadable", "store_unavailable")
"""The errors of a view that reads a session."""
CHANGING = (*READING, "session_conflict", "session_too_large")
"""The errors of a view that changes one."""

SESSION_ID = {"in": "path", "name": "session_id", "schema": {"type": "string", "format": "uuid"}}
"""A session's id in the address; the view checks it by `schemas.session_id`."""
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
ETAG = {"ETag": {"description": "Of this version of it.", "schema": {"type": "string"}}}
"""For `headers=` of a response that carries one."""
BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
"""For `@blueprint.doc(security=BEARER)`."""

SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
_HEADERS = {
    "RequestId": {
        "description": "The id of this request in the logs.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds after which asking again makes sense.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
_TELL_WHEN = (429, 503)
"""Statuses that say when to ask again."""

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
        return _noting("headers", list(headers))


def _noting(kind: str, found: list[Any]) -> Callable[[View], View]:
    """Keep something with a view, where flask-smorest keeps what its own decorators were told."""

    def note(view: View) -> View:
        known = getattr(view, "_apidoc", {})
        view._apidoc = {**known, kind: [*known.get(kind, ()), *found]}  # type: ignore[attr-defined]
        return view

    return note


def _hand_on(doc: dict[str, Any], info: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Add what was noted to an operation; the errors wait until its address is known."""
    if headers := info.get("headers"):
        doc["parameters"] = [*doc.get("parameters", ()), *headers]
    return {**doc, "x-errors": info.get("errors", [])}


class _Common(BasePlugin):
    """What all operations have: a name, the form of their errors, the id of the request."""

    def path_helper(
        self, *_: Any, operations: dict[str, Any] | None = None, **more: Any
    ) -> str | None:
        """Complete the operations of one rule."""
        rule: Rule = more["rule"]
        is_page_too = not rule.rule.startswith("/api/")
        for operation in (operations or {}).values():
            operation.setdefault("operationId", rule.endpoint.replace(".", "_"))
            responses = operation["responses"]
            found = {errors.UNEXPECTED, *operation.pop("x-errors")}
            for status in sorted({answer.status for answer in found}):
                of_status = [answer for answer in found if answer.status == status]
                responses[status] = _error(of_status, is_page_too=is_page_too)
            operation["responses"] = dict(sorted(responses.items()))
            for response in responses.values():
                headers = response.setdefault("headers", {})
                headers["X-Request-ID"] = {"$ref": "#/components/headers/RequestId"}
        return None


def _error(found: list[errors.Answer], *, is_page_too: bool) -> dict[str, Any]:
    """The response of one status: the codes it may have, each with its sentence."""
    sentences = {answer.code: answer.sentence for answer in sorted(found)}
    code = {"type": "string", "enum": list(sentences)}
    error = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"code": code}}]}
    described: dict[str, Any] = {
        "description": "\n".join(f"- `{code}`: {said}" for code, said in sentences.items()),
        "content": {"application/json": {"schema": error}},
    }
    if is_page_too:
        described["content"]["text/html"] = {"schema": {"type": "string"}}
    if found[0].status in _TELL_WHEN:
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return described


class Api(flask_smorest.Api):  # type: ignore[misc] # the package has no types
    """The application's blueprints and their description.

    Args:
        app: the application.
    """

    ERROR_SCHEMA = answers.Error
    DEFAULT_ERROR_RESPONSE_NAME = None  # every error is described by its code

    def __init__(self, app: Flask) -> None:
        told = {
            "title": "Teaser chat",
            "version": VERSION,
            "openapi_version": "3.1.0",
            "info": {"description": ABOUT},
            "extra_plugins": [_Common()],
        }
        super().__init__(app, spec_kwargs=told)
        components = self.spec.components
        for name, scheme in SECURITY_SCHEMES.items():
            components.security_scheme(name, scheme)
        for name, header in _HEADERS.items():
            components.header(name, header)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer as everywhere."""
        return errors.answer(error)
