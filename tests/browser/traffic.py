"""What a page costs on the wire, as the browser itself counts it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import CDPSession, Page


@dataclass
class Exchange:
    """A request and what came back.

    Attributes:
        url: what was asked for.
        size: bytes that came over the wire, headers included; 0 until all of them have come.
        head: bytes of these that had come when the status was told: over HTTP/1.1 the headers, over
            HTTP/2 often some of the content as well.
        status: that of HTTP; 0 until an answer comes.
        kind: the media type of the answer.
        encoding: how its body was compressed, if it was.
        protocol: as HTTP calls it, such as "h2".
    """

    url: str
    size: int = 0
    head: int = 0
    status: int = 0
    kind: str = ""
    encoding: str = ""
    protocol: str = ""

    @property
    def body(self) -> int:
        """Bytes of the content, as it was compressed; over HTTP/1.1."""
        return self.size - self.head

    @property
    def path(self) -> str:
        """The path of its URL."""
        return urlsplit(self.url).path

    @property
    def is_text(self) -> bool:
        """Whether its answer can be compressed."""
        return any(word in self.kind for word in ("text", "json", "script", "svg"))


class Traffic:
    """Everything a page asks for over the network from now on, checks of CORS included.

    Args:
        page: the page, which has not been opened yet.
    """

    def __init__(self, page: Page) -> None:
        self.session: CDPSession = page.context.new_cdp_session(page)
        self._exchanges: dict[str, Exchange] = {}
        self._page = page
        self.session.on("Network.requestWillBeSent", self._sent)
        self.session.on("Network.responseReceived", self._answered)
        self.session.on("Network.responseReceivedExtraInfo", self._note_status)
        self.session.on("Network.loadingFinished", self._finished)
        self.session.send("Network.enable")

    def so_far(self) -> list[Exchange]:
        """What was asked for until now, once all of it has come."""
        asked = list(self._exchanges.values())
        self._page.wait_for_load_state("networkidle")
        return asked

    def _sent(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if url.startswith("http"):
            self._exchanges[event["requestId"]] = Exchange(url)

    def _answered(self, event: dict[str, Any]) -> None:
        exchange, response = self._exchanges.get(event["requestId"]), event["response"]
        if exchange:
            exchange.status = exchange.status or response["status"]
            exchange.kind = response["mimeType"]
            exchange.head = int(response["encodedDataLength"])
            exchange.protocol = response["protocol"]
            headers = {name.lower(): value for name, value in response["headers"].items()}
            exchange.encoding = headers.get("content-encoding", "")

    def _note_status(self, event: dict[str, Any]) -> None:
        exchange = self._exchanges.get(event["requestId"])
        if exchange:  # of a file that is still the same, the page itself is told 200
            exchange.status = event["statusCode"]

    def _finished(self, event: dict[str, Any]) -> None:
        exchange = self._exchanges.get(event["requestId"])
        if exchange:
            exchange.size = int(event["encodedDataLength"])


def weight(exchanges: Iterable[Exchange]) -> int:
    """Bytes of content of all of them together, as compressed."""
    return sum(exchange.body for exchange in exchanges)
