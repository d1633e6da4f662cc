"""The description of all routes at /openapi.json, and what they have in common."""

import threading
from functools import cached_property
from typing import Any

import flask_smorest
from apispec import BasePlugin
from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from routes import errors, responses
from routes.openapi import Blueprint
from services.release import VERSION

ABOUT = """\
Which EU norms apply to a product: a conversation about it, its analysis, and questions about that.

Every error has the same body, `error`, `code` and `request_id`; a client decides by `code`, which
never changes its meaning. New members may be added to any answer.

A conversation that was started with the cookie of a browser belongs to that browser; for any other
it does not exist. One that was started without a cookie is reached by its id alone.

Pages of other sites may use what is under `/api/develope/`, `/api/v1/chat` and
`/api/v1/chat/session/` if the deployment lists their origin. Their visitors have a cookie apart
from the one of this site, and a visitor whose browser takes no such cookie has none.
"""

_BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_OPERATOR = {"type": "http", "scheme": "bearer", "description": "What OPS_TOKEN is set to."}
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
    "WwwAuthenticate": {
        "description": "What to send.",
        "schema": {"type": "string"},
    },
}
_OF_STATUS = {
    401: ("WWW-Authenticate", "WwwAuthenticate"),
    429: ("Retry-After", "RetryAfter"),
    503: ("Retry-After", "RetryAfter"),
}
"""The header an error of this status may have, and its name among the components."""


class _Common(BasePlugin):
    """What all operations share: a name, the form of their errors, the id of the request."""

    def path_helper(
        self, *_: Any, operations: dict[str, Any] | None = None, **more: Any
    ) -> str | None:
        """Complete the operations of one rule."""
        rule: Rule = more["rule"]
        is_page_too = not rule.rule.startswith("/api/")
        for operation in (operations or {}).values():
            operation.setdefault("operationId", rule.endpoint.replace(".", "_"))
            of_statuses = operation["responses"]
            found = {errors.UNEXPECTED, *operation.pop("x-errors")}
            for status in sorted({answer.status for answer in found}):
                of_status = [answer for answer in found if answer.status == status]
                of_statuses[status] = _describe_error(of_status, is_page_too=is_page_too)
            operation["responses"] = dict(sorted(of_statuses.items()))
            for response in of_statuses.values():
                headers = response.setdefault("headers", {})
                headers["X-Request-ID"] = {"$ref": "#/components/headers/RequestId"}
        return None


def _describe_error(found: list[errors.HttpError], *, is_page_too: bool) -> dict[str, Any]:
    """The response of one status, with each code and its sentence."""
    sentences = {answer.code: answer.sentence for answer in sorted(found)}
    code = {"type": "string", "enum": list(sentences)}
    error = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"code": code}}]}
    described: dict[str, Any] = {
        "description": "\n".join(f"- `{code}`: {sentence}" for code, sentence in sentences.items()),
        "content": {"application/json": {"schema": error}},
    }
    if is_page_too:
        described["content"]["text/html"] = {"schema": {"type": "string"}}
    if header := _OF_STATUS.get(found[0].status):
        described["headers"] = {header[0]: {"$ref": f"#/components/headers/{header[1]}"}}
    return described


class Api(flask_smorest.Api):  # type: ignore[misc] # the package has no types
    """The application's blueprints and their description.

    The description is built when it is first asked for: most processes never need it, and it
    takes longer than all the rest of making an application.

    Args:
        app: the application.
    """

    ERROR_SCHEMA = responses.Error
    DEFAULT_ERROR_RESPONSE_NAME = None  # errors are described by their codes instead

    def __init__(self, app: Flask) -> None:
        spec_options = {
            "title": "Teaser chat",
            "version": VERSION,
            "openapi_version": "3.1.0",
            "info": {"description": ABOUT},
            "extra_plugins": [_Common()],
        }
        super().__init__(app, spec_kwargs=spec_options)
        components = self.spec.components
        components.security_scheme("bearer", _BEARER)
        components.security_scheme("operator", _OPERATOR)
        components.schemas.pop(
            "PaginationMetadata"
        )  # describes flask-smorest's own paging, which is not used
        for step in responses.STEPS:
            components.schema(step.__name__, schema=step)
        for name, header in _HEADERS.items():
            components.header(name, header)
        self._blueprints: list[Blueprint] = []
        self._lock = threading.Lock()

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Register a blueprint's routes, to be described later."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint, **options)
        self._blueprints.append(blueprint)

    @cached_property
    def description(self) -> dict[str, Any]:
        """Every route with what it takes and answers, in OpenAPI's terms."""
        with self._lock:  # two first requests at once must not describe a route twice
            while self._blueprints:
                blueprint = self._blueprints.pop(0)
                blueprint.register_views_in_doc(
                    self, self._app, self.spec, name=blueprint.name, parameters=None
                )
        found: dict[str, Any] = self.spec.to_dict()
        return found

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer like every other error."""
        return errors.handle_error(error)
