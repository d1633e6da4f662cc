"""The chat in a page of another site, over TLS and under that site's own strict policy."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.browser.chat_visit import DECIDED_LAMP, LAMP, STREAM, ChatVisit
from tests.browser.embedding import BY_ELEMENT, BY_SCRIPT, EmbeddedVisit, Embedding
from tests.browser.printing import PRINTER, sheets
from tests.support.servers import RedisServer

SEEN = "2-2"
"""The second step of an analysis after two messages."""
BEGUN = f"""retry: 10

id: {SEEN}
data: {{"phase": "analyzing", "progress": 1, "total": 90, "status": "Checking"}}

"""


@pytest.fixture
def visit(chromium: Browser, embedding: Embedding) -> Iterator[EmbeddedVisit]:
    """A visitor of a page that shows the chat by its script tag."""
    with EmbeddedVisit(chromium, embedding.site, embedding.host) as visit:
        yield visit


@pytest.mark.parametrize("path", ["/script", "/element"])
def test_a_whole_conversation(chromium: Browser, embedding: Embedding, path: str) -> None:
    """Results, a correction and a reload, either way of embedding; nobody else is asked."""
    laser = re.compile("laser", re.IGNORECASE)
    with EmbeddedVisit(chromium, embedding.site, embedding.host, path, width=1200) as visit:
        assert "lamp" in visit.say(LAMP)
        visit.converse(DECIDED_LAMP)
        applies = visit.page.locator("teaser-chat .group.applies .card h4")
        expect(applies.filter(has_text=laser)).to_have_count(0)
        visit.correct("laser")
        expect(applies.filter(has_text=laser)).to_have_count(1)
        visit.idle.wait_for()
        visit.shot(f"embedded-1{path.replace('/', '-')}")
        before = visit.shown()
        visit.reload()
        expect(visit.messages).to_have_count(len(before[0]))
        assert visit.shown() == before
        assert visit.asked == {embedding.host.url, embedding.site.url}


def test_in_the_words_of_the_documents(chromium: Browser, embedding: Embedding) -> None:
    """It tells both ways, each in a line or two; the attributes there count."""
    assert BY_SCRIPT.count("\n") == 1
    assert BY_ELEMENT.count("\n") == 2
    with EmbeddedVisit(chromium, embedding.site, embedding.host, "/german") as visit:
        expect(visit.page.get_by_role("heading").first).to_have_text(re.compile("Normen"))


def test_the_cookie(visit: EmbeddedVisit) -> None:
    """It is kept apart for the site that embeds the chat, and no script can read it."""
    names = set()
    for cookie in visit.cookies:
        names.add(cookie["name"])
        assert cookie | {"partitionKey": "http://localhost", "sameSite": "None"} == cookie
        assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
    assert names == {"__Host-embedded", "embedded"}
    assert visit.page.evaluate("document.cookie") == ""


def test_the_host_keeps_the_id_and_the_draft_only(visit: EmbeddedVisit) -> None:
    """Nothing of what is said is left in the storage of the other site."""
    visit.say(LAMP)
    visit.chat_field.fill("It has no")
    assert visit.remembered == {"session": visit.session_id, "draft": "It has no"}
    assert visit.stored()["session_id"] == visit.session_id
    assert visit.page.evaluate("[localStorage.length, sessionStorage.length]") == [2, 1]
    visit.reload()
    expect(visit.chat_field).to_have_value("It has no")


def test_the_cookie_alone_finds_it_again(visit: EmbeddedVisit) -> None:
    """A browser that lost its storage is told which conversation it was in."""
    visit.say(LAMP)
    visit.page.evaluate("localStorage.clear()")
    visit.reload()
    expect(visit.words.first).to_have_text(LAMP)


def test_it_is_another_browser_on_the_own_page(chromium: Browser, visit: EmbeddedVisit) -> None:
    """Whoever talks in the shop is unknown at /develope, and the other way round."""
    visit.say(LAMP)
    with ChatVisit(chromium, visit.site, beside=visit) as own:
        expect(own.messages).to_have_count(0)
        own.button("Conversations").click()
        expect(own.page.get_by_role("dialog")).to_contain_text("There is none yet")
        own.button("Close").click()
        known = f"{visit.site.url}/api/develope/session/{visit.session_id}"
        assert own.page.evaluate("async (url) => (await fetch(url)).status", known) == 404
        own.expect_complaints("404")
        own.say("Portable power bank")
        assert {cookie["name"] for cookie in visit.cookies} == {
            *("__Host-browser", "browser", "__Host-embedded", "embedded"),
        }
        visit.reload()
        expect(visit.words.first).to_have_text(LAMP)


def test_progress_comes_across_and_is_resumed(visit: EmbeddedVisit) -> None:
    """A stream that breaks off goes on after the last step that was seen, with the cookie."""
    asked: list[Request] = []
    steps: list[str] = []
    allowed = {
        "Content-Type": "text/event-stream",
        "Access-Control-Allow-Origin": visit.host.url,
        "Access-Control-Allow-Credentials": "true",
    }
    visit.page.on("request", lambda one: asked.append(one) if "stream" in one.url else None)
    visit.page.route(STREAM, lambda one: one.fulfill(headers=allowed, body=BEGUN), times=1)
    session = visit.page.context.new_cdp_session(visit.page)
    session.on("Network.eventSourceMessageReceived", lambda event: steps.append(event["eventId"]))
    session.send("Network.enable")
    visit.send(DECIDED_LAMP)
    expect(visit.norms).not_to_have_count(0)
    visit.idle.wait_for()
    # Whoever comes without the cookie is told of no conversation, and without the step that was
    # seen of all of them.
    assert steps[:2] == [SEEN, "2-3"]
    assert len(asked) == 2


def test_conversations_to_come_back_to(visit: EmbeddedVisit, redis_server: RedisServer) -> None:
    """The list, the way back and the clearing of all are there as well."""
    visit.say(LAMP)
    visit.begin()
    visit.say("Portable power bank")
    visit.button("Conversations").click()
    listed = visit.page.locator("teaser-chat .conversation")
    expect(listed).to_have_count(2)
    listed.last.click()
    expect(visit.words.first).to_have_text(LAMP)
    visit.button("Conversations").click()
    visit.button("Delete all").first.click()
    visit.button("Delete all").last.click()
    expect(visit.page.get_by_role("dialog")).to_contain_text("There is none yet")
    visit.button("Close").click()
    expect(visit.messages).to_have_count(0)
    client = redis_server.client()
    kept = [str(client.get(key)) for key in client.scan_iter("chat:session:*-*-*-*-*")]
    assert ['"deleted":true' in one for one in kept] == [True, True]


def test_two_tabs(chromium: Browser, visit: EmbeddedVisit) -> None:
    """What is said in one is seen in the other, which goes on with it."""
    with EmbeddedVisit(chromium, visit.site, visit.host, beside=visit) as other:
        visit.say(LAMP)
        expect(other.messages).to_have_count(2)
        other.idle.wait_for()
        other.say("no battery")
        expect(visit.messages).to_have_count(4)
        assert visit.words.all_text_contents() == other.words.all_text_contents()


def test_results_are_taken_along(visit: EmbeddedVisit) -> None:
    """The page's policy forbids no file; paper has the results only, and is styled for all that."""
    visit.page.add_init_script(PRINTER)
    visit.converse(DECIDED_LAMP)
    for label in ("Markdown", "CSV"):
        with visit.page.expect_download() as saving:
            visit.button(label).click()
        assert "2011/65/EU" in saving.value.path().read_text(encoding="utf-8")
    visit.page.evaluate("document.body.prepend('Words of the shop')")
    visit.button("Print").click()
    (printed,) = sheets(visit.page)
    assert printed["framed"]
    assert all(printed["rules"])
    assert "2011/65/EU" in printed["words"]
    assert "Words of the shop" not in printed["words"]


def test_everything_comes_over_http_2(visit: EmbeddedVisit) -> None:
    """The many modules of the chat share one connection."""
    session = visit.page.context.new_cdp_session(visit.page)
    spoken: dict[str, str] = {}

    def hear(event: dict[str, dict[str, str]]) -> None:
        response = event["response"]
        if response["url"].startswith(visit.site.url):
            spoken[response["url"]] = response["protocol"]

    session.on("Network.responseReceived", hear)
    session.send("Network.enable")
    visit.reload()
    assert len([url for url in spoken if url.endswith(".js")]) > 10
    assert set(spoken.values()) == {"h2"}
