"""Pages of other sites that embed the chat: what they may read, and how visitors are identified.

EMBED_ORIGINS lists their origins. Their pages may read the responses of the teaser chat's API and
the static files of its widget; a browser shows nothing to any other page.

Visitors of those pages are known by a cookie of their own, which browsers also send from other
sites. Against CSRF, it counts only in a request whose Origin is listed: no script can choose that
header, and a browser sends it with every request that changes something or whose response a script
of another site may read. In such a request the cookie of this site itself does not count. So a
listed page cannot act for a visitor of this site, and any other page cannot act for anyone.
"""

from typing import NamedTuple

from flask import Flask, Request, Response, current_app, request

API = ("/api/develope/", "/api/v1/chat/session/")
UNIFIED_CHAT_PATH = "/api/v1/chat"
API_METHODS = "GET, POST, DELETE"
STATIC_METHODS = "GET"
ALLOWED_HEADERS = "Content-Type, Last-Event-ID"
"""Request headers that a page may send besides those that are always allowed."""
EXPOSED_HEADERS = "Retry-After, X-Request-ID, X-Session-Store"
"""Response headers that a page may read besides those that are always allowed."""
PREFLIGHT_SECONDS = 7200
"""How long a browser may cache this; no browser caches it for much longer."""


class Embedding(NamedTuple):
    """The sites that may embed the chat.

    Attributes:
        origins: theirs, each exactly as a browser sends it.
    """

    origins: frozenset[str]

    def find_origin(self, incoming: Request) -> str | None:
        """The origin of the embedding page that sent a request; None for any other request."""
        origin = incoming.headers.get("Origin", "")
        if origin not in self.origins or _is_own(origin, incoming):
            return None
        return origin

    def is_embedded(self, incoming: Request) -> bool:
        """Whether a request comes from a page of another site that may embed the chat."""
        return self.find_origin(incoming) is not None

    def init_app(self, app: Flask) -> None:
        """Let the listed sites read responses; with an empty list nothing changes."""
        if self.origins:
            app.before_request(self._answer_preflight)
            app.after_request(self._allow_reading)

    def _answer_preflight(self) -> Response | None:
        """Answer a preflight request; any other request goes on."""
        methods = _list_methods()
        if request.method != "OPTIONS" or not methods or not self.is_embedded(request):
            return None
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    def _allow_reading(self, response: Response) -> Response:
        if not _list_methods():
            return response
        response.vary.add("Origin")
        origin = self.find_origin(request)
        if origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return response


def _list_methods() -> str | None:
    """The methods an embedding page may use at this address; None if it may use none.

    The address decides, not the route, so that a page can read a 404 as well.
    """
    if request.path == UNIFIED_CHAT_PATH or request.path.startswith(API):
        return API_METHODS
    is_static = request.path.startswith(f"{current_app.static_url_path}/")
    return STATIC_METHODS if is_static else None


def _is_own(origin: str, incoming: Request) -> bool:
    """Whether this is the origin of the site itself.

    Only hosts are compared: behind a proxy that ends TLS the scheme is unknown. A page that differs
    in the scheme alone is treated as a page that is not listed.
    """
    return origin.partition("://")[2] == incoming.headers.get("Host", "").lower()
