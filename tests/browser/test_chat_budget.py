"""What the chat may cost a visitor: bytes, requests and hosts, as nginx sends them."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from services.static_files import SCRIPT, parse_address
from tests.browser.chat_visit import DECIDED_LAMP, ChatVisit
from tests.browser.printing import PRINTER, sheets
from tests.browser.traffic import Exchange, Traffic, weight
from tests.support.servers import ROOT
from tests.support.sites import Site

FIRST_BYTES = 30_000
"""What comes until one can write, compressed, headers not counted."""
ALL_BYTES = 50_000
"""The same with everything that the chat ever asks for besides its conversations."""
SHORTEST_COMPRESSED = 256
"""Bytes below which nginx leaves a file as it is."""


class WatchedVisit(ChatVisit):
    """A visit whose traffic is kept from its first request on."""

    def __init__(self, chromium: Browser, site: Site) -> None:
        super().__init__(chromium, site)
        self.traffic = Traffic(self.page)
        self.log = site.nginx.folder / "access.log"

    def named(self) -> set[str]:
        """Every address that the page itself names, and those of what its element needs."""
        links = self.page.locator("head :is(link, script)").evaluate_all(
            "(all) => all.map((one) => one.href || one.src)"
        )
        element = self.page.locator("script[type=module]").get_attribute("src")
        chat = urljoin(self.site.url, element)
        needed = ("texts/en.json", "teaser-chat.css")
        told = f"{self.site.url}/api/develope/current"
        return {self.page.url, told, *links, *(urljoin(chat, name) for name in needed)}


@pytest.fixture(scope="module")
def visit(chromium: Browser, started_site: Site) -> Iterator[WatchedVisit]:
    """A first visit, whose traffic the tests look at; whoever says something has one of his own."""
    with WatchedVisit(chromium, started_site) as visit:
        yield visit


@pytest.fixture(scope="module")
def came(visit: WatchedVisit) -> list[Exchange]:
    """What came until one could write."""
    return visit.traffic.so_far()


def files(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that are not about a conversation."""
    return [one for one in exchanges if not one.path.startswith("/api/")]


def element(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those of the element, which every page needs that shows it."""
    return [one for one in exchanges if re.search(r"^/static/(?!.*(page\.css|icon))", one.path)]


def test_what_is_needed_first_is_small(came: list[Exchange]) -> None:
    """Until one can write so much comes and no more."""
    assert weight(element(came)) <= FIRST_BYTES


def test_all_of_it_is_small(chromium: Browser, site: Site) -> None:
    """A visitor who uses everything gets so much and no more, each file once."""
    with WatchedVisit(chromium, site) as visit:
        visit.page.evaluate(PRINTER)
        visit.page.add_init_script(PRINTER)  # for the frame that is printed
        use_everything(visit)
        came = element(visit.traffic.so_far())
    assert weight(came) <= ALL_BYTES
    names = [parse_address(one.path.removeprefix("/static/")).name for one in came]
    scripts = [name for name in names if name.endswith(".js")]
    assert len(scripts) == len(set(scripts))
    there = {f"chat/{path.name}" for path in (ROOT / "static" / "chat").glob("*.js")}
    assert there - set(scripts) == {SCRIPT}


def use_everything(visit: WatchedVisit) -> None:
    """Come to results, open what can be opened, and take along what can be taken."""
    visit.converse(DECIDED_LAMP)
    visit.page.locator("teaser-chat .facts > summary").click()
    visit.page.get_by_role("button", name=re.compile("^Correct")).first.click()
    visit.button("Cancel").click()
    for label in ("Markdown", "CSV"):
        with visit.page.expect_download():
            visit.button(label).click()
    visit.button("Print").click()
    sheets(visit.page)
    visit.button("Conversations").click()
    expect(visit.page.locator("teaser-chat .conversation")).to_have_count(1)


def test_nothing_else_is_asked_for(visit: WatchedVisit, came: list[Exchange]) -> None:
    """Neither of another host nor what the page does not name; nothing is missing or twice."""
    asked = [one.url for one in came]
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(visit.site.url).netloc}
    assert set(asked) <= visit.named()
    assert len(asked) == len(set(asked))
    assert {one.status for one in came} == {200}


def test_every_text_comes_compressed(came: list[Exchange]) -> None:
    """All but the shortest, which would not become shorter."""
    texts = [one for one in files(came) if one.is_text]
    assert len(texts) > 10
    plain = [one for one in texts if one.encoding != "gzip"]
    assert [one.path for one in plain if one.body >= SHORTEST_COMPRESSED] == []


def test_a_second_visit_asks_for_no_file(visit: WatchedVisit, came: list[Exchange]) -> None:
    """The browser has them all, and they never change."""
    first, before = len(came), visit.log.read_text().count("/static/")
    visit.page.goto(visit.address)
    visit.idle.wait_for()
    again = visit.traffic.so_far()[first:]
    assert [one for one in again if one.path.startswith("/static/")]
    assert visit.log.read_text().count("/static/") == before
