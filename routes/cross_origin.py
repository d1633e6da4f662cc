"""Pages of other sites that embed the chat: what they may read, and whose cookie counts for them.

EMBED_ORIGINS lists their origins. A page of one of them may read the answers of the teaser chat's
interface and the static files that its widget is made of; to any other page a browser shows
nothing.

Its visitors are known by a cookie of their own, which a browser sends from other sites as well.
What keeps a site that is not listed from using it (CSRF) is that it counts only in a request whose
Origin is listed: no script can choose that header, and a browser sends it with every request that
changes something or whose answer a script of another site may read. In such a request in turn the
cookie of the site itself does not count. So a listed page cannot act for a visitor of the site, and
any other page can act for nobody.
"""

from typing import NamedTuple

from flask import Flask, Request, Response, current_app, request

API = ("/api/develope/", "/api/v1/chat/session/")
DOOR = "/api/v1/chat"
API_METHODS = "GET, POST, DELETE"
STATIC_METHODS = "GET"
TAKEN = "Content-Type, Last-Event-ID"
"""Headers that a page may send beside those that any page may."""
EXPOSED = "Retry-After, X-Request-ID, X-Session-Store"
"""Headers that it may read beside those that any page may."""
PREFLIGHT_SECONDS = 7200
"""How long a browser may remember what it may send; none remembers it for much longer."""


class Embedding(NamedTuple):
    """The sites that may embed the chat.

    Attributes:
        origins: theirs, each exactly as a browser sends it.
    """

    origins: frozenset[str]

    def origin_of(self, asked: Request) -> str | None:
        """The origin of the embedding page that a request comes from; None if it does not."""
        origin = asked.headers.get("Origin", "")
        if origin not in self.origins or _is_own(origin, asked):
            return None
        return origin

    def is_embedded(self, asked: Request) -> bool:
        """Whether a request comes from a page of another site that may embed the chat."""
        return self.origin_of(asked) is not None

    def init_app(self, app: Flask) -> None:
        """Let these sites read what is theirs to read; without any, nothing changes."""
        if self.origins:
            app.before_request(self._answer_preflight)
            app.after_request(self._let_read)

    def _answer_preflight(self) -> Response | None:
        """Answer what a browser asks before it sends a page's request; any other goes on."""
        methods = _methods()
        if request.method != "OPTIONS" or not methods or not self.is_embedded(request):
            return None
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] = TAKEN
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    def _let_read(self, response: Response) -> Response:
        if not _methods():
            return response
        response.vary.add("Origin")
        origin = self.origin_of(request)
        if origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response


def _methods() -> str | None:
    """What an embedding page may do at this address; None if it is not for such pages.

    It is decided by the address, as what is not there has to be told as well.
    """
    if request.path == DOOR or request.path.startswith(API):
        return API_METHODS
    is_static = request.path.startswith(f"{current_app.static_url_path}/")
    return STATIC_METHODS if is_static else None


def _is_own(origin: str, asked: Request) -> bool:
    """Whether this is the origin of the site itself.

    Only hosts are compared: behind a proxy that ends TLS nobody here knows the scheme. A page that
    differs in nothing else is then treated as any page that is not listed.
    """
    return origin.partition("://")[2] == asked.headers.get("Host", "").lower()
