"""A site of somebody else that shows the chat in a page of its own, and a visit to it."""

import contextlib
import http.client
import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Request, Route

from tests.browser.chat_visit import ChatVisit
from tests.browser.visit import Address, Visit
from tests.support.servers import ROOT, RedisServer
from tests.support.sites import Site

CHAT = "https://chat.example.com"
"""The chat's server in what docs/embedding.md says; a test puts a real one in its place."""
PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
BY_SCRIPT, BY_ELEMENT = (
    block for block in re.findall(r"```html\n(.*?)```", PAGE, re.DOTALL) if CHAT in block
)
"""What the page tells a shop to put where the chat is to stand in its page."""
ALLOWED = f"script-src {CHAT}; connect-src {CHAT}"
"""What it tells a shop to allow, if that has a content security policy."""
OWN_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'"
)
"""That of a shop that allows itself as little as can be."""
TOLD = """async (url) => (await fetch(url, { credentials: "include" })).json()"""


class HostSite:
    """A web server at http://localhost, which to a browser is another site than 127.0.0.1.

    Attributes:
        url: its origin.
        chat: the origin of the chat's server, which its pages and its policy name.
    """

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._files: dict[str, tuple[str, str]] = {}
        self.url = f"http://localhost:{self._server.server_port}"
        self.chat = CHAT
        self.has("/favicon.ico", "", "image/svg+xml")
        self.shows("/script", BY_SCRIPT)
        self.shows("/element", BY_ELEMENT.replace('lang="de"', 'lang="en"'))
        self.shows("/german", BY_ELEMENT)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def has(self, path: str, content: str, kind: str) -> None:
        """Serve a file of a media type."""
        self._files[path] = (content, kind)

    def shows(self, path: str, body: str, style: str = "") -> None:
        """Serve a page with this in its body, and with a style sheet of its own."""
        self.has(f"{path}.css", style, "text/css")
        head = f'<meta charset="utf-8"><title>Shop</title><link rel="stylesheet" href="{path}.css">'
        page = f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'
        self.has(path, page, "text/html; charset=utf-8")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content, kind = host._files.get(self.path, (None, ""))
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Type", kind or "text/plain")
                policy = f"{OWN_POLICY}; {ALLOWED}".replace(CHAT, host.chat)
                self.send_header("Content-Security-Policy", policy)
                body = (content or "").replace(CHAT, host.chat).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class Embedding(NamedTuple):
    """A chat over TLS and two other sites that show it.

    Attributes:
        site: the chat's server.
        host: the site that may.
        stranger: the one that may not; a browser keeps both in the same partition.
    """

    site: Site
    host: HostSite
    stranger: HostSite

    @classmethod
    @contextlib.contextmanager
    def of(cls, redis: RedisServer) -> Iterator[Self]:
        """All three of them, started."""
        with (
            HostSite() as host,
            HostSite() as stranger,
            Site(redis, tls=True, EMBED_ORIGINS=host.url) as site,
        ):
            host.chat = stranger.chat = site.url
            yield cls(site, host, stranger)


class EmbeddedVisit(ChatVisit):
    """A visit to the chat in a page of another site.

    Args:
        chromium: the browser that gets a new, empty context.
        site: the chat's server.
        host: the site that shows it.
        path: the page there.
        beside: as for any visit.

    Attributes:
        asked: every host that was asked for something.
    """

    def __init__(
        self,
        chromium: Browser,
        site: Address,
        host: HostSite,
        path: str = "/script",
        *,
        width: int = 900,
        beside: Visit | None = None,
    ) -> None:
        super().__init__(chromium, site, width=width, beside=beside)
        self.host, self.path = host, path
        self.asked: set[str] = set()
        self.page.on("request", self._count)

    @property
    def address(self) -> str:
        """Where the page is: with the host."""
        return self.host.url + self.path

    @property
    def idle(self) -> Locator:
        """As for any visit; of the first chat, where a page has two."""
        return super().idle.first

    @property
    def origins(self) -> tuple[str, ...]:
        """Whom the page may ask: the host and the chat's server, and nobody else."""
        return (self.host.url, self.site.url)

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """The chat's cookies in this browser."""
        return [dict(cookie) for cookie in self._context.cookies(self.site.url)]

    def stored(self) -> dict[str, Any]:
        """The conversation as a script of the host page is told it by the server."""
        found: dict[str, Any] = self.page.evaluate(
            TOLD, f"{self.site.url}/api/develope/session/{self.session_id}"
        )
        return found

    def _count(self, request: Request) -> None:
        self.asked.add("{0.scheme}://{0.netloc}".format(urlsplit(request.url)))


class CookielessVisit(EmbeddedVisit):
    """The same in a browser that takes no cookie from the chat's server and sends none.

    Browsers that block third-party cookies let partitioned ones pass or not; this one does not.
    What it asks the server is asked without a cookie, and what is answered arrives without one.
    """

    def _new_context(self, chromium: Browser) -> BrowserContext:
        context = super()._new_context(chromium)
        context.route(f"{self.site.url}/api/**", answer_without_cookies)
        return context


def answer_without_cookies(route: Route) -> None:
    """Ask the server in the browser's place, and keep its cookies from the browser."""
    request, address = route.request, urlsplit(route.request.url)
    trust_anybody = ssl.create_default_context()
    trust_anybody.check_hostname = False
    trust_anybody.verify_mode = ssl.CERT_NONE
    server = http.client.HTTPSConnection(address.netloc, context=trust_anybody)
    sent = {name: value for name, value in request.headers.items() if name != "cookie"}
    target = f"{address.path}?{address.query}" if address.query else address.path
    with contextlib.closing(server):
        server.request(request.method, target, request.post_data_buffer, sent)
        answer = server.getresponse()
        given = [(name, value) for name, value in answer.getheaders() if name != "Set-Cookie"]
        route.fulfill(status=answer.status, headers=dict(given), body=answer.read())
