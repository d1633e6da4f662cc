"""What every request and response gets: JSON by msgspec, a request id, security headers."""

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec
from flask import Flask, Response, request
from flask.json.provider import JSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from routes import counting
from services.addresses import parse_address
from services.sessions import request_budget

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ENVIRON_KEY = "teaser_chat.request_id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class MsgspecJson(JSONProvider):
    """JSON for requests and responses; it refuses invalid Unicode and numbers."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """Encode a response."""
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """Decode a body.

        Raises:
            ValueError: it is not JSON (msgspec's own errors are ValueErrors).
        """
        try:
            return msgspec.json.decode(s)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """A response with this JSON as its body."""
        body = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        return cast(Flask, self._app).response_class(body, mimetype="application/json")


def init_app(app: Flask, *, trusted_proxies: int = 0) -> None:
    """Give the application its JSON, request ids and headers.

    Args:
        app: the application.
        trusted_proxies: how many proxies stand in front, each adding to X-Forwarded-For; what a
            client wrote there itself is further to the left and is never used.
    """
    app.json = MsgspecJson(app)
    app.after_request(_add_headers)
    counting.init_app(app)
    # Outside of Flask, because the browser's session is saved after the last hook.
    app.wsgi_app = normalize_address(limit_waiting(app.wsgi_app))  # type: ignore[assignment]
    if trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted_proxies)  # type: ignore[method-assign]


def limit_waiting(application: counting.Application) -> counting.Application:
    """Wrap a WSGI application in a time budget, from its call to the last byte of its response.

    It also marks responses that were served by way of the spill, which is known only after Flask
    has saved the browser's session.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if request_budget.is_degraded():
                headers.append(("X-Session-Store", "degraded"))
            return start_response(status, headers, *more)

        request_budget.begin()
        return ClosingIterator(application(environ, start), request_budget.end)

    return call


def normalize_address(application: counting.Application) -> counting.Application:
    """Wrap a WSGI application so that a client's address has one form; empty if it has none."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = str(parse_address(environ.get("REMOTE_ADDR") or "") or "")
        return application(environ, start_response)

    return call


def get_request_id() -> str:
    """The id of this request: the proxy's if it sent a valid one, else a new one."""
    environ = request.environ
    known = environ.get(_ENVIRON_KEY)
    if known is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        environ[_ENVIRON_KEY] = known
    return str(known)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = get_request_id()
    headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")  # answers are personal
    if headers["Content-Type"].startswith("text/html"):
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers["Referrer-Policy"] = "same-origin"
    return response
