"""What every request and answer gets: JSON by msgspec, a request id, security headers."""

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
from services.sessions import request_budget

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_KEPT = "teaser_chat.request_id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class MsgspecJson(JSONProvider):
    """JSON for requests and answers; it refuses what is no valid Unicode text or number."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """Encode an answer."""
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
        """An answer with this JSON as its body."""
        body = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        return cast(Flask, self._app).response_class(body, mimetype="application/json")


def init_app(app: Flask, *, trusted_proxies: int = 0) -> None:
    """Give the application its JSON, request ids and headers.

    Args:
        app: the application.
        trusted_proxies: how many proxies stand in front, each adding to X-Forwarded-For; what a
            client has written there itself is further to the left and never believed.
    """
    app.json = MsgspecJson(app)
    app.after_request(_finish)
    counting.init_app(app)
    app.wsgi_app = budgeted(app.wsgi_app)  # type: ignore[assignment]
    if trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted_proxies)  # type: ignore[method-assign]


def budgeted(application: counting.Application) -> counting.Application:
    """The same WSGI application; from its call to its answer's last byte it waits only so long.

    It tells as well when an answer came by way of the spill, which is known only when Flask has
    saved the browser's session.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if request_budget.is_degraded():
                headers.append(("X-Session-Store", "degraded"))
            return start_response(status, headers, *more)

        request_budget.begin()
        return ClosingIterator(application(environ, start), request_budget.end)

    return call


def request_id() -> str:
    """The id of this request: the proxy's, if it sent a sound one, else a fresh one."""
    environ = request.environ
    known = environ.get(_KEPT)
    if known is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        environ[_KEPT] = known
    return str(known)


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = request_id()
    headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    if headers["Content-Type"].startswith("text/html"):
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers["Referrer-Policy"] = "same-origin"
    return response
