"""The only mapping from errors to HTTP responses.

Every error body is `{"error": <a sentence for a person>, "code", "request_id"}`; nothing in it
comes from an engine or a stack trace.
"""

import logging
from typing import Any, NamedTuple

from flask import Flask, Response, jsonify, make_response, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError

from routes import faults
from routes.middleware import get_request_id
from services import errors as service
from services.sessions import errors as store

log = logging.getLogger(__name__)


class HttpError(NamedTuple):
    """The status, the stable code and the sentence of one kind of error."""

    status: int
    code: str
    sentence: str


UNREADABLE = HttpError(
    410,
    "session_unreadable",
    "This conversation cannot be read any more; please start a new one.",
)
INVALID = HttpError(
    422, "validation_failed", "A member is missing or wrong; please look at the errors named."
)

RESPONSES: dict[type[Exception], HttpError] = {
    store.InvalidSessionId: HttpError(
        422, "validation_failed", "The session id must be a UUID; please check the address."
    ),
    store.SessionNotFound: HttpError(
        404,
        "session_not_found",
        "There is no such conversation, or it has expired; please start a new one.",
    ),
    store.SessionUnreadable: UNREADABLE,
    store.SessionFormatUnknown: UNREADABLE,
    store.SessionConflict: HttpError(
        409,
        "session_conflict",
        "This conversation is being changed from several places; please try again.",
    ),
    store.SessionChanged: HttpError(
        412,
        "precondition_failed",
        "This was changed meanwhile; please load it again, and then save.",
    ),
    store.SessionTooLarge: HttpError(
        413, "session_too_large", "This conversation has grown too long; please start a new one."
    ),
    store.SessionNotSerialisable: HttpError(
        422, "validation_failed", "This text cannot be stored; please write it differently."
    ),
    service.ConversationIncomplete: HttpError(
        409,
        "conversation_incomplete",
        "Some questions are still open; please answer them before the analysis.",
    ),
    service.AnalysisMissing: HttpError(
        409, "analysis_missing", "There is no analysis yet; please run it before asking about it."
    ),
    service.ConversationFull: HttpError(
        413,
        "session_too_large",
        "This conversation has as many messages as one may have; please start a new one.",
    ),
    service.CorrectionRefused: INVALID,
    service.MessageIdReused: HttpError(
        409,
        "message_id_reused",
        "This message id was used for another text; please send the message with a new id.",
    ),
    store.StoreUnavailable: HttpError(
        503,
        "store_unavailable",
        "Conversations cannot be reached right now; please try again in a moment.",
    ),
    service.RateLimited: HttpError(
        429,
        "rate_limited",
        "Too many requests have come from you in a short time; please wait a little and try again.",
    ),
    service.BudgetSpent: HttpError(
        429,
        "rate_limited",
        "Too much has been stored from your address in the last hour; please wait a little and try"
        " again.",
    ),
    service.TokenRefused: HttpError(
        401,
        "unauthenticated",
        "This needs a valid bearer token; please get a new one and send it in the Authorization"
        " header.",
    ),
    service.AuthenticationNotConfigured: HttpError(
        503,
        "authentication_not_configured",
        "Tokens cannot be verified here yet; please ask the operator to set AUTH_SECRET or"
        " AUTH_KEY_SET_FILE.",
    ),
}

HTTP_RESPONSES = {
    400: HttpError(400, "malformed_request", "The request could not be read; please send JSON."),
    404: HttpError(404, "not_found", "There is nothing at this address; please check it."),
    405: HttpError(405, "method_not_allowed", "This address does not take that method."),
    408: HttpError(
        408, "request_timeout", "The request did not arrive in time; please send it again."
    ),
    413: HttpError(
        413, "request_too_large", "The request is too large; please send a shorter text."
    ),
    415: HttpError(
        400,
        "malformed_request",
        "The body must be JSON; please send it with Content-Type application/json.",
    ),
}
UNEXPECTED = HttpError(500, "internal_error", "Something went wrong here; please try again later.")
REFUSED = HttpError(400, "refused", "The request was refused; please check it.")
"""For anything else that Werkzeug refuses, with its own status."""

NOUNS = {"session_state": "session", "context": "context"}
"""What sentences call a session, by blueprint; in all others it is a conversation."""

BY_CODE = {
    found.code: found
    for found in (REFUSED, INVALID, UNEXPECTED, *HTTP_RESPONSES.values(), *RESPONSES.values())[::-1]
}
"""Every code; of errors that share one, the most general."""


def init_app(app: Flask) -> None:
    """Handle every error of this application, Werkzeug's own among them."""
    app.register_error_handler(Exception, handle_error)


def handle_error(error: Exception) -> Response:
    """The response to an error, whether it was raised in a view or outside the views."""
    if isinstance(error, InternalServerError) and error.original_exception:
        # Saving the browser's session may fail outside views, where Flask wraps the error.
        error = error.original_exception  # type: ignore[assignment]
    if isinstance(error, service.CorrectionRefused):
        error = ValidationError({"facts": error.to_messages()})
    found = _find_response(error)
    if not isinstance(error, ValidationError):  # its sentence quotes names of the client's own
        found = _name_session(found)
    if found.status >= InternalServerError.code and not _is_logged_elsewhere(error):
        log.error("request %s failed", get_request_id(), exc_info=error)
    response = _render_page(found) if _should_render_page() else _render_json(found, error)
    response.status_code = found.status
    if isinstance(error, store.StoreUnavailable | service.RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, service.TokenRefused):
        response.headers["WWW-Authenticate"] = _build_challenge(error)
    if isinstance(error, HTTPException):
        response.headers.extend(
            [item for item in error.get_headers() if item[0] in ("Allow", "Retry-After")]
        )
    return response


def describe_stream_error(error: Exception) -> str:
    """The sentence for an error that was raised after a stream had begun."""
    found = _find_response(error)
    if found.status >= InternalServerError.code and not _is_logged_elsewhere(error):
        log.error("an event stream failed", exc_info=error)
    return found.sentence


def _find_response(error: Exception) -> HttpError:
    if isinstance(error, ValidationError):
        return INVALID._replace(sentence=_write_sentence(error))
    if isinstance(error, HTTPException):
        status = error.code or UNEXPECTED.status
        if status in HTTP_RESPONSES:
            return HTTP_RESPONSES[status]
        if status < UNEXPECTED.status:
            return REFUSED._replace(status=status)
        return UNEXPECTED
    # The most specific class wins, so that a subclass needs no entry of its own.
    kinds = (RESPONSES[kind] for kind in type(error).__mro__ if kind in RESPONSES)
    return next(kinds, UNEXPECTED)


def _name_session(found: HttpError) -> HttpError:
    """The same error, with the word for a session that fits the present route."""
    noun = NOUNS.get(request.blueprint or "", "conversation")
    return found._replace(sentence=found.sentence.replace("conversation", noun))


def _write_sentence(error: ValidationError) -> str:
    """One sentence that names the first wrong field, with its path if it is nested."""
    path, first = next(faults.flatten(error.normalized_messages()), ((), "Invalid."))
    field = ".".join(faults.shorten_path(name for name in path if name != "_schema"))
    return f"{first.rstrip('.')} ({field})." if field else first


def _build_challenge(error: service.TokenRefused) -> str:
    """The challenge (RFC 6750, 3); without an error for a client that sent no token."""
    if error.reason == service.NO_TOKEN:
        return "Bearer"
    log.info("request %s has no valid token: %s", get_request_id(), error.reason)
    return 'Bearer error="invalid_token"'


def _should_render_page() -> bool:
    """Whether a browser requests a page rather than a script data."""
    if request.path.startswith("/api/"):
        return False  # whatever a script accepts, its errors are JSON
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _render_page(found: HttpError) -> Response:
    sentence, identity = found.sentence, get_request_id()
    return make_response(render_template("error.html", sentence=sentence, request_id=identity))


def _render_json(found: HttpError, error: Exception) -> Response:
    details: dict[str, Any] = {}
    if isinstance(error, ValidationError):
        details["errors"], more = faults.bound_messages(error.normalized_messages())
        if more:
            details["more_errors"] = more
    return jsonify(error=found.sentence, code=found.code, request_id=get_request_id(), **details)


def _is_logged_elsewhere(error: Exception) -> bool:
    """Whether the operator knows of it: the breaker logs an engine's outage once."""
    return isinstance(error, store.StoreUnavailable | service.AuthenticationNotConfigured)
