"""What the chat costs a visitor: bytes, requests, time until it is usable, blocked time, memory.

Behind the deployed nginx, over plain HTTP/1.1 and over TLS with HTTP/2, on the chat's own page and
in a page of another site; unthrottled and at the speed of a mobile network.
"""

import statistics
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext

from benchmarks.report import print_table, to_millis
from deploy.machine import find_program
from tests.browser import chromium
from tests.browser.embedding import HostSite
from tests.browser.traffic import Exchange, Traffic, weight
from tests.support.servers import RedisServer
from tests.support.sites import Site

FIRST_BYTES = 30_000
ROUNDS = 5
TIMEOUT_MS = 60_000
NETWORKS: dict[str, tuple[float, float] | None] = {
    "unthrottled": None,
    "slow 4G: 1.6 Mbit/s, 150 ms": (1_600, 150),
    "slow 3G: 400 kbit/s, 400 ms": (400, 400),
}
"""Kilobits a second and milliseconds of latency."""
OBSERVER = """(() => {
  const seen = globalThis.seen = { blocked: 0, shifted: 0 };
  const each = (type, add) => new PerformanceObserver((list) => list.getEntries().forEach(add))
    .observe({ type, buffered: true });
  each("longtask", ({ duration }) => { seen.blocked += Math.max(0, duration - 50); });
  each("layout-shift", ({ value }) => { seen.shifted += value; });
  seen.usable = new Promise((done) => {
    const look = () => {
      const chat = document.querySelector("teaser-chat")?.shadowRoot?.querySelector(".chat");
      if (chat?.dataset.state === "idle" && chat.querySelector(".field")) {
        done(performance.now());
      } else {
        setTimeout(look, 5);
      }
    };
    look();
  });
})()"""
FIRST_SCRIPT = """() => Math.min(...performance.getEntriesByType("resource")
  .filter(({ name }) => /(embed|teaser-chat)\\.js$/.test(name)).map((one) => one.startTime))"""


class Address(NamedTuple):
    """A page that shows the chat, and the hosts it may send requests to."""

    url: str
    hosts: frozenset[str]


class VisitCost(NamedTuple):
    """The cost of one visit.

    Attributes:
        traffic: the requests until the chat was usable.
        seconds: from the request for its first script until it was usable.
        blocked: of these, the seconds in which tasks of more than 50 ms blocked the page.
        shifted: the cumulative layout shift.
    """

    traffic: list[Exchange]
    seconds: float
    blocked: float
    shifted: float


def run() -> None:
    """Print every table of the widget."""
    with _serve_pages() as (browser, pages):
        first = pages["own page, HTTP/1.1"]
        _print_files(browser, first)
        _print_weights(browser, pages)
        for name, network in NETWORKS.items():
            _print_times(browser, pages, name, network)
        _print_memory(browser, first)


@contextmanager
def _serve_pages() -> Iterator[tuple[Browser, dict[str, Address]]]:
    """Serve the pages; yield a browser that trusts the certificate, as else it would not cache."""
    with (
        RedisServer() as redis,
        HostSite() as host,
        Site(redis, EMBED_ORIGINS=host.url) as plain,
        Site(redis, tls=True, EMBED_ORIGINS=host.url) as tls,
    ):
        host.chat = tls.url
        own = {"own page, HTTP/1.1": plain.url, "own page, TLS and HTTP/2": tls.url}
        pages = {
            name: Address(f"{url}/develope", frozenset([urlsplit(url).netloc]))
            for name, url in own.items()
        }
        hosts = frozenset(urlsplit(url).netloc for url in (host.url, tls.url))
        for name, path in (("script tag", "/script"), ("element", "/element")):
            pages[f"other site by {name}, HTTP/2"] = Address(host.url + path, hosts)
        trusted = _compute_fingerprint(tls.nginx.folder / "tls" / "fullchain.pem")
        with chromium.started(f"--ignore-certificate-errors-spki-list={trusted}") as started:
            yield started.browser(), pages


def _compute_fingerprint(certificate: Path) -> str:
    """Compute the fingerprint by which Chromium identifies the key of a certificate."""
    openssl = find_program("openssl")
    pem = subprocess.run(
        [openssl, "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True
    )
    der = subprocess.run(
        [openssl, "pkey", "-pubin", "-outform", "der"],
        input=pem.stdout, check=True, capture_output=True,
    )  # fmt: skip
    return b64encode(sha256(der.stdout).digest()).decode()


def _print_files(browser: Browser, address: Address) -> None:
    with _open_context(browser) as context:
        exchanges = _visit(context, address, None).traffic
    rows = [
        (one.path, f"{one.body:,} B", f"{one.head:,} B", one.encoding or "-")
        for one in sorted(exchanges, key=lambda one: -one.body)
    ]
    header = ("file", "content", "headers", "")
    print_table("Files until the chat is usable, over HTTP/1.1", header, rows)


def _print_weights(browser: Browser, pages: dict[str, Address]) -> None:
    rows = []
    for name, address in pages.items():
        with _open_context(browser) as context:
            visits = [_visit(context, address, None).traffic for _ in range(2)]
        for which, exchanges in zip(("first", "repeated"), visits, strict=True):
            foreign = [one for one in exchanges if urlsplit(one.url).netloc not in address.hosts]
            unchanged = [one for one in exchanges if one.status == 304]
            content = weight(exchanges) if _has_content_sizes(exchanges) else None
            rows.append(
                (name, which, f"{sum(one.size for one in exchanges):,} B", str(len(exchanges)),
                 str(len(unchanged)), str(len(foreign)), *_format_aim(content))
            )  # fmt: skip
    print_table(
        "Bytes until the chat is usable, compressed; only over HTTP/1.1 do browsers report content"
        " and headers separately",
        ("page", "visit", "in all", "requests", "of these 304", "third parties", "content", "aim"),
        rows,
    )


def _has_content_sizes(exchanges: list[Exchange]) -> bool:
    return {one.protocol for one in exchanges} == {"http/1.1"}


def _format_aim(content: int | None) -> tuple[str, str]:
    if content is None:
        return "", ""
    met = "met" if content < FIRST_BYTES else "MISSED"
    return f"{content:,} B", f"< {FIRST_BYTES:,} B: {met}"


def _print_times(
    browser: Browser, pages: dict[str, Address], name: str, network: tuple[float, float] | None
) -> None:
    """Time first and repeated visits of all pages in turn, under the same conditions."""
    seen: dict[str, list[tuple[VisitCost, VisitCost]]] = {page: [] for page in pages}
    for _ in range(ROUNDS):
        for page, address in pages.items():
            with _open_context(browser) as context:
                first = _visit(context, address, network)
                seen[page].append((first, _visit(context, address, network)))
    base = statistics.median(first.seconds for first, _ in next(iter(seen.values())))
    rows = []
    for page, visits in seen.items():
        first, again = (
            statistics.median(one.seconds for one in column) for column in zip(*visits, strict=True)
        )
        blocked = statistics.median(one.blocked for one, _ in visits)
        shifted = max(one.shifted for pair in visits for one in pair)
        rows.append(
            (page, to_millis(first, 0), f"{first / base:.2f}", to_millis(again, 0),
             f"{again / first:.2f}", to_millis(blocked, 0), f"{shifted:.3f}")
        )  # fmt: skip
    print_table(
        f"From the first script until the chat is usable, {name}, {ROUNDS} visits each",
        ("page", "first", "to HTTP/1.1", "repeated", "to the first", "blocked", "layout shift"),
        rows,
    )


def _print_memory(browser: Browser, address: Address) -> None:
    rows = []
    for name, url in (("an empty page", "about:blank"), ("the chat", address.url)):
        with _open_context(browser) as context:
            page = context.new_page()
            page.goto(url)
            if url != "about:blank":
                page.evaluate("seen.usable")
            session = context.new_cdp_session(page)
            session.send("HeapProfiler.collectGarbage")
            used = session.send("Runtime.getHeapUsage")["usedSize"]
            nodes = session.send("Memory.getDOMCounters")["nodes"]
            rows.append((name, f"{used / 1e6:.2f} MB", str(nodes)))
    print_table("Memory in the browser", ("page", "JavaScript", "DOM nodes"), rows)


@contextmanager
def _open_context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a browser context without cache or cookies."""
    context = browser.new_context(viewport={"width": 412, "height": 915})
    context.add_init_script(OBSERVER)
    yield context
    context.close()


def _visit(
    context: BrowserContext, address: Address, network: tuple[float, float] | None
) -> VisitCost:
    """Visit the page in its own tab, so that only the cache is shared with earlier visits."""
    page = context.new_page()
    traffic = Traffic(page)
    if network:
        bits, latency = network
        speed = bits * 1000 / 8
        traffic.session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": latency, "downloadThroughput": speed,
             "uploadThroughput": speed},
        )  # fmt: skip
    page.goto(address.url, wait_until="commit", timeout=TIMEOUT_MS)
    usable: float = page.evaluate("seen.usable")
    exchanges = traffic.so_far()
    started: float = page.evaluate(FIRST_SCRIPT)
    blocked, shifted = page.evaluate("[seen.blocked, seen.shifted]")
    page.close()
    return VisitCost(exchanges, (usable - started) / 1e3, blocked / 1e3, shifted)
