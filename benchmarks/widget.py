"""What the chat costs a visitor: bytes, requests, time until one can write, and what it keeps busy.

Behind the deployed nginx, over plain HTTP/1.1 and over TLS with HTTP/2, on the chat's own page and
in a page of another site; unthrottled and as slow as a telephone.
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

from benchmarks.report import millis, table
from deploy.machine import program
from tests.browser import chromium
from tests.browser.embedding import HostSite
from tests.browser.traffic import Exchange, Traffic, weight
from tests.support.servers import RedisServer
from tests.support.sites import Site

FIRST_BYTES = 30_000
ROUNDS = 5
PATIENCE_MS = 60_000
NETWORKS: dict[str, tuple[float, float] | None] = {
    "as fast as it goes": None,
    "slow 4G: 1.6 Mbit/s, 150 ms": (1_600, 150),
    "slow 3G: 400 kbit/s, 400 ms": (400, 400),
}
"""Kilobits a second and milliseconds of latency."""
WATCH = """(() => {
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
BEGUN = """() => Math.min(...performance.getEntriesByType("resource")
  .filter(({ name }) => /(embed|teaser-chat)\\.js$/.test(name)).map((one) => one.startTime))"""


class Address(NamedTuple):
    """A page that shows the chat, and whom it may ask."""

    url: str
    hosts: frozenset[str]


class Seen(NamedTuple):
    """What one visit cost.

    Attributes:
        traffic: what was asked for until the chat could be used.
        seconds: from when its first script was asked for until one could write.
        blocked: of these, how long tasks of more than 50 ms kept the page from answering.
        shifted: how far things moved about, as CLS counts it.
    """

    traffic: list[Exchange]
    seconds: float
    blocked: float
    shifted: float


def run() -> None:
    """Print every table about the widget."""
    with _pages() as (browser, pages):
        first = pages["own page, HTTP/1.1"]
        _by_file(browser, first)
        _weights(browser, pages)
        for name, network in NETWORKS.items():
            _times(browser, pages, name, network)
        _memory(browser, first)


@contextmanager
def _pages() -> Iterator[tuple[Browser, dict[str, Address]]]:
    """The pages by name, and a browser that trusts the certificate, else it would cache nothing."""
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
        trusted = _fingerprint(tls.nginx.folder / "tls" / "fullchain.pem")
        with chromium.started(f"--ignore-certificate-errors-spki-list={trusted}") as started:
            yield started.browser(), pages


def _fingerprint(certificate: Path) -> str:
    """How Chromium calls the key of a certificate."""
    openssl = program("openssl")
    pem = subprocess.run(
        [openssl, "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True
    )
    der = subprocess.run(
        [openssl, "pkey", "-pubin", "-outform", "der"],
        input=pem.stdout, check=True, capture_output=True,
    )  # fmt: skip
    return b64encode(sha256(der.stdout).digest()).decode()


def _by_file(browser: Browser, address: Address) -> None:
    with _context(browser) as context:
        came = _visited(context, address, None).traffic
    rows = [
        (one.path, f"{one.body:,} B", f"{one.head:,} B", one.encoding or "-")
        for one in sorted(came, key=lambda one: -one.body)
    ]
    table("What comes until one can write, over HTTP/1.1", ("file", "content", "headers", ""), rows)


def _weights(browser: Browser, pages: dict[str, Address]) -> None:
    rows = []
    for name, address in pages.items():
        with _context(browser) as context:
            visits = [_visited(context, address, None).traffic for _ in range(2)]
        for which, came in zip(("first", "repeated"), visits, strict=True):
            strange = [one for one in came if urlsplit(one.url).netloc not in address.hosts]
            old = [one for one in came if one.status == 304]
            content = weight(came) if _is_told(came) else None
            rows.append(
                (name, which, f"{sum(one.size for one in came):,} B", str(len(came)),
                 str(len(old)), str(len(strange)), *_aim(content))
            )  # fmt: skip
    table(
        "What comes until one can write, compressed; browsers tell content from headers over"
        " HTTP/1.1 only",
        ("page", "visit", "in all", "requests", "of these 304", "third parties", "content", "aim"),
        rows,
    )


def _is_told(came: list[Exchange]) -> bool:
    return {one.protocol for one in came} == {"http/1.1"}


def _aim(content: int | None) -> tuple[str, str]:
    if content is None:
        return "", ""
    met = "met" if content < FIRST_BYTES else "MISSED"
    return f"{content:,} B", f"< {FIRST_BYTES:,} B: {met}"


def _times(
    browser: Browser, pages: dict[str, Address], name: str, network: tuple[float, float] | None
) -> None:
    """First and repeated visits of all pages in turn, so that all of them meet the same weather."""
    seen: dict[str, list[tuple[Seen, Seen]]] = {page: [] for page in pages}
    for _ in range(ROUNDS):
        for page, address in pages.items():
            with _context(browser) as context:
                first = _visited(context, address, network)
                seen[page].append((first, _visited(context, address, network)))
    base = statistics.median(first.seconds for first, _ in next(iter(seen.values())))
    rows = []
    for page, visits in seen.items():
        first, again = (
            statistics.median(one.seconds for one in column) for column in zip(*visits, strict=True)
        )
        blocked = statistics.median(one.blocked for one, _ in visits)
        shifted = max(one.shifted for pair in visits for one in pair)
        rows.append(
            (page, millis(first, 0), f"{first / base:.2f}", millis(again, 0),
             f"{again / first:.2f}", millis(blocked, 0), f"{shifted:.3f}")
        )  # fmt: skip
    table(
        f"From the script to where one can write, {name}, {ROUNDS} visits each",
        ("page", "first", "to HTTP/1.1", "repeated", "to the first", "blocked", "layout shift"),
        rows,
    )


def _memory(browser: Browser, address: Address) -> None:
    rows = []
    for name, url in (("an empty page", "about:blank"), ("the chat", address.url)):
        with _context(browser) as context:
            page = context.new_page()
            page.goto(url)
            if url != "about:blank":
                page.evaluate("seen.usable")
            session = context.new_cdp_session(page)
            session.send("HeapProfiler.collectGarbage")
            used = session.send("Runtime.getHeapUsage")["usedSize"]
            nodes = session.send("Memory.getDOMCounters")["nodes"]
            rows.append((name, f"{used / 1e6:.2f} MB", str(nodes)))
    table("What stays in the browser's memory", ("page", "JavaScript", "DOM nodes"), rows)


@contextmanager
def _context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has never been there."""
    context = browser.new_context(viewport={"width": 412, "height": 915})
    context.add_init_script(WATCH)
    yield context
    context.close()


def _visited(
    context: BrowserContext, address: Address, network: tuple[float, float] | None
) -> Seen:
    """One visit in a tab of its own, so that only the cache knows of an earlier one."""
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
    page.goto(address.url, wait_until="commit", timeout=PATIENCE_MS)
    usable: float = page.evaluate("seen.usable")
    came = traffic.so_far()
    begun: float = page.evaluate(BEGUN)
    blocked, shifted = page.evaluate("[seen.blocked, seen.shifted]")
    page.close()
    return Seen(came, (usable - begun) / 1e3, blocked / 1e3, shifted)
