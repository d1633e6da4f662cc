"""The only map from what went wrong to an HTTP answer.

Every error body is `{"error": <a sentence for a person>, "code", "request_id"}`; nothing in
it comes from an engine or a stack trace.
"""

import logging
from typing import Any, NamedTuple

from flask import Flask, Response, jsonify, make_response, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError

from routes.middleware import request_id
from services import errors as service
from services.sessions import errors as store

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """Status, stable code and sentence for one kind of error."""

    status: int
    code: str
    sentence: str


UNREADABLE = Answer(
    410,
    "session_unreadable",
    "This conversation cannot be read any more; please start a new one.",
)
INVALID = Answer(
    422, "validation_failed", "A member is missing or wrong; please look at the errors named."
)

ANSWERS: dict[type[Exception], Answer] = {
    store.InvalidSessionId: Answer(
        422, "validation_failed", "The session id must be a UUID; please check the address."
    ),
    store.SessionNotFound: Answer(
        404,
        "session_not_found",
        "There is no such conversation, or it has expired; please start a new one.",
    ),
    store.SessionUnreadable: UNREADABLE,
    store.SessionFormatUnknown: UNREADABLE,
    store.SessionConflict: Answer(
        409,
        "session_conflict",
        "This conversation is being changed from several places; please try again.",
    ),
    store.SessionChanged: Answer(
        412,
        "precondition_failed",
        "This was changed meanwhile; please load it again, and then save.",
    ),
    store.SessionTooLarge: Answer(
        413, "session_too_large", "This conversation has grown too long; please start a new one."
    ),
    store.SessionNotSerialisable: Answer(
        422, "validation_failed", "This text cannot be stored; please write it differently."
    ),
    service.ConversationIncomplete: Answer(
        409,
        "conversation_incomplete",
        "Some questions are still open; please answer them before the analysis.",
    ),
    service.AnalysisMissing: Answer(
        409, "analysis_missing", "There is no analysis yet; please run it before asking about it."
    ),
    service.CorrectionRefused: INVALID,
    service.MessageIdReused: Answer(
        409,
        "message_id_reused",
        "This message id was used for another text; please send the message with a new id.",
    ),
    store.StoreUnavailable: Answer(
        503,
        "store_unavailable",
        "Conversations cannot be reached right now; please try again in a moment.",
    ),
    service.RateLimited: Answer(
        429,
        "rate_limited",
        "Too many requests have come from you in a short time; please wait a little and try again.",
    ),
    service.TokenRefused: Answer(
        401,
        "unauthenticated",
        "This needs a valid bearer token; please get a new one and send it in the Authorization"
        " header.",
    ),
    service.AuthenticationNotConfigured: Answer(
        503,
        "authentication_not_configured",
        "Tokens cannot be verified here yet; please ask the operator to set AUTH_SECRET or"
        " AUTH_KEY_SET_FILE.",
    ),
}

HTTP_ANSWERS = {
    400: Answer(400, "malformed_request", "The request could not be read; please send JSON."),
    404: Answer(404, "not_found", "There is nothing at this address; please check it."),
    405: Answer(405, "method_not_allowed", "This address does not take that method."),
    413: Answer(413, "request_too_large", "The request is too large; please send a shorter text."),
    415: Answer(
        400,
        "malformed_request",
        "The body must be JSON; please send it with Content-Type application/json.",
    ),
}
UNEXPECTED = Answer(500, "internal_error", "Something went wrong here; please try again later.")
REFUSED = Answer(400, "refused", "The request was refused; please check it.")
"""Whatever else Werkzeug refuses, with its own status."""

NOUNS = {"session_state": "session", "context": "context"}
"""What the sentences call a session, by blueprint; everywhere else it is a conversation."""

BY_CODE = {
    found.code: found
    for found in (REFUSED, INVALID, UNEXPECTED, *HTTP_ANSWERS.values(), *ANSWERS.values())[::-1]
}
"""Every code there is; where several answers share one, the most general of them."""


def init_app(app: Flask) -> None:
    """Answer every error of this application."""
    app.register_error_handler(service.TeaserChatError, answer)
    app.register_error_handler(store.SessionError, answer)
    app.register_error_handler(ValidationError, answer)
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """The answer to an error, whether a view raised it or something around the views."""
    if isinstance(error, InternalServerError) and error.original_exception:
        # Saving the browser's session fails outside views; Flask then wraps what was raised.
        error = error.original_exception  # type: ignore[assignment]
    if isinstance(error, service.CorrectionRefused):
        error = ValidationError({"facts": error.to_messages()})
    found = _answer_for(error)
    if not isinstance(error, ValidationError):  # that sentence quotes the client's own names
        found = _named(found)
    if found.status >= InternalServerError.code and not _is_told(error):
        log.error("request %s failed", request_id(), exc_info=error)
    response = _page(found) if _wants_a_page() else _body(found, **_details(error))
    response.status_code = found.status
    if isinstance(error, store.StoreUnavailable | service.RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, service.TokenRefused):
        response.headers["WWW-Authenticate"] = _challenge(error)
    if isinstance(error, HTTPException):
        response.headers.extend(
            [item for item in error.get_headers() if item[0] in ("Allow", "Retry-After")]
        )
    return response


def describe_stream_error(error: Exception) -> str:
    """The sentence for an error that came after a stream had begun."""
    found = _answer_for(error)
    if found.status >= InternalServerError.code and not _is_told(error):
        log.error("an event stream broke off", exc_info=error)
    return found.sentence


def _answer_for(error: Exception) -> Answer:
    if isinstance(error, ValidationError):
        return INVALID._replace(sentence=_sentence(error))
    if isinstance(error, HTTPException):
        status = error.code or UNEXPECTED.status
        if status in HTTP_ANSWERS:
            return HTTP_ANSWERS[status]
        if status < UNEXPECTED.status:
            return REFUSED._replace(status=status)
        return UNEXPECTED
    kinds = (ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    return next(kinds, UNEXPECTED)


def _named(found: Answer) -> Answer:
    """The same answer, with a session called what it is where it was asked for."""
    noun = NOUNS.get(request.blueprint or "", "conversation")
    return found._replace(sentence=found.sentence.replace("conversation", noun))


def _sentence(error: ValidationError) -> str:
    """One sentence that names the first field at fault, with its place if it lies deep."""
    said: Any = error.normalized_messages()
    place: list[str] = []
    while isinstance(said, dict):
        name, said = next(iter(said.items()))
        place.append(str(name))
    first = str(said[0]) if isinstance(said, list) and said else "Invalid."
    named = ".".join(name for name in place if name != "_schema")
    return f"{first.rstrip('.')} ({named})." if named else first


def _details(error: Exception) -> dict[str, Any]:
    return {"errors": error.normalized_messages()} if isinstance(error, ValidationError) else {}


def _challenge(error: service.TokenRefused) -> str:
    """What the client should send (RFC 6750, 3); one that sent no token is told no error."""
    if error.reason == service.NO_TOKEN:
        return "Bearer"
    log.info("request %s has no good token: %s", request_id(), error.reason)
    return 'Bearer error="invalid_token"'


def _wants_a_page() -> bool:
    """Whether a person's browser asks for a page, not a script for data."""
    if request.path.startswith("/api/"):
        return False
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _page(found: Answer) -> Response:
    sentence, identity = found.sentence, request_id()
    return make_response(render_template("error.html", sentence=sentence, request_id=identity))


def _body(found: Answer, **details: Any) -> Response:
    return jsonify(error=found.sentence, code=found.code, request_id=request_id(), **details)


def _is_told(error: Exception) -> bool:
    """Whether the operator knows: an engine's failures are told once, by its breaker."""
    return isinstance(error, store.StoreUnavailable | service.AuthenticationNotConfigured)
