"""The chat in a page of another site, where something is refused, blocked or away."""

import signal

import pytest
from playwright.sync_api import Browser, Locator, Request, expect

from tests.browser.chat_visit import DECIDED_LAMP, LAMP
from tests.browser.embedding import CookielessVisit, EmbeddedVisit, Embedding, HostSite
from tests.support.servers import RedisServer
from tests.support.sites import Site

REFUSED = ("blocked by CORS policy", "ERR_FAILED")
ACROSS = """async ([url, method, type]) => {
  const body = JSON.stringify({ session_id: null });
  try {
    const headers = { "Content-Type": type };
    const mode = type === "text/plain" ? "no-cors" : "cors";
    await fetch(url, { method, body, headers, mode, credentials: "include" });
    return "sent";
  } catch {
    return "refused";
  }
}"""


class RefusedVisit(EmbeddedVisit):
    """A visit to a page that shows the chat and may not."""

    @property
    def idle(self) -> Locator:
        """There once the page shows what it shows instead."""
        return self.page.locator("teaser-chat a")


def test_a_site_that_is_not_listed(chromium: Browser, embedding: Embedding) -> None:
    """It says where the chat is to be found instead, in the visitor's language."""
    site, stranger = embedding.site, embedding.stranger
    with RefusedVisit(chromium, site, stranger) as visit:
        visit.expect_complaints(*REFUSED)
        sentence = f"The chat cannot be shown here; you find it at {site.url}/develope."
        expect(visit.page.locator("teaser-chat")).to_have_text(sentence)
        expect(visit.idle).to_have_attribute("href", f"{site.url}/develope")
        assert visit.cookies == []
        visit.shot("embedded-refused")
    stranger.shows(
        "/german", f'<script src="{site.url}/static/chat/embed.js" data-lang="de"></script>'
    )
    with RefusedVisit(chromium, site, stranger, "/german") as visit:
        visit.expect_complaints(*REFUSED)
        expect(visit.page.locator("teaser-chat")).to_contain_text("Sie finden ihn unter")


def test_no_cookie_counts_for_a_site_that_is_not_listed(
    chromium: Browser, embedding: Embedding
) -> None:
    """The browser sends along what it keeps for both; nothing is read or changed with it."""
    with EmbeddedVisit(chromium, embedding.site, embedding.host) as visit:
        visit.say(LAMP)
        with RefusedVisit(chromium, embedding.site, embedding.stranger, beside=visit) as other:
            other.expect_complaints(*REFUSED, "40[0-9]")
            sent: list[str] = []
            session = other.page.context.new_cdp_session(other.page)
            session.on(
                "Network.requestWillBeSentExtraInfo",
                lambda event: sent.append(event["headers"].get("cookie", "")),
            )
            session.send("Network.enable")
            api = f"{embedding.site.url}/api/develope"
            for path, method in (("/current", "POST"), ("/conversations", "DELETE")):
                asked = [api + path, method, "application/json"]
                assert other.page.evaluate(ACROSS, asked) == "refused"
            asked = [f"{api}/current", "POST", "text/plain"]
            assert other.page.evaluate(ACROSS, asked) == "sent"
            assert any("embedded=" in one for one in sent)
        visit.reload()
        expect(visit.words.first).to_have_text(LAMP)
        visit.page.evaluate("localStorage.clear()")
        visit.reload()
        expect(visit.words.first).to_have_text(LAMP)


def test_without_any_cookie(chromium: Browser, embedding: Embedding) -> None:
    """A browser that keeps none has the chat all the same, also after a reload."""
    site, host = embedding.site, embedding.host
    with CookielessVisit(chromium, site, host) as visit:
        sent: list[Request] = []

        def keep(request: Request) -> None:
            sent.append(request)

        visit.page.on("request", keep)
        visit.say(LAMP)
        visit.converse(DECIDED_LAMP)
        before = visit.shown()
        visit.reload()
        expect(visit.messages).to_have_count(len(before[0]))
        assert visit.shown() == before
        visit.say("Why does RoHS apply?")
        assert visit.cookies == []
        assert not [one.url for one in sent if "cookie" in one.all_headers()]


def test_a_conversation_that_is_gone(
    chromium: Browser, embedding: Embedding, redis_server: RedisServer
) -> None:
    """The 404 is read across sites, and says that it has expired."""
    with EmbeddedVisit(chromium, embedding.site, embedding.host) as visit:
        visit.expect_complaints("404")
        visit.say(LAMP)
        redis_server.client().delete(f"chat:session:{visit.session_id}")
        visit.reload()
        expect(visit.banner).to_contain_text("expired")
        visit.button("Start a new conversation").click()
        visit.say(LAMP)


def test_what_is_refused_as_wrong(chromium: Browser, embedding: Embedding) -> None:
    """The 422 is read across sites, and names the fault."""
    with EmbeddedVisit(chromium, embedding.site, embedding.host) as visit:
        visit.expect_complaints("422")
        visit.send("long " * 1000)
        expect(visit.statuses.last).to_contain_text("4000 characters")


def test_too_many_conversations(
    chromium: Browser, redis_url: str, redis_server: RedisServer
) -> None:
    """The 429 is read across sites; the message is kept."""
    with (
        HostSite() as host,
        Site(
            redis_server, tls=True, EMBED_ORIGINS=host.url, RATE_LIMIT_CONVERSATIONS="1 per hour"
        ) as site,
    ):
        host.chat = site.url
        with EmbeddedVisit(chromium, site, host) as visit:
            visit.expect_complaints("429")
            visit.say(LAMP)
            visit.begin()
            visit.send("Portable power bank")
            expect(visit.banner).to_contain_text("Too many")
            kept = [one for key, one in visit.remembered.items() if key.startswith("unsent ")]
            assert [one["text"] for one in kept] == ["Portable power bank"]


def test_the_store_is_away(
    chromium: Browser, embedding: Embedding, redis_server: RedisServer
) -> None:
    """The application's 503 is read across sites, and it goes on by itself."""
    with EmbeddedVisit(chromium, embedding.site, embedding.host) as visit:
        visit.expect_complaints("503")
        visit.say(LAMP)
        redis_server.signal(signal.SIGSTOP)
        try:
            visit.page.reload()
            expect(visit.banner).to_contain_text("Conversations cannot be reached right now")
        finally:
            redis_server.signal(signal.SIGCONT)
        expect(visit.words.first).to_have_text(LAMP)


def test_the_server_is_away(chromium: Browser, embedding: Embedding) -> None:
    """What nginx says itself is read across sites; the message is sent when it is back, once."""
    with EmbeddedVisit(chromium, embedding.site, embedding.host) as visit:
        visit.expect_complaints("502")
        visit.say(LAMP)
        visit.say("no battery")
        embedding.site.gunicorn.stop()
        visit.send("no wireless")
        expect(visit.banner).to_contain_text("The service cannot be reached right now")
        embedding.site.gunicorn.start()
        expect(visit.words).to_have_count(6)
        expect(visit.banner).to_be_empty()


def test_the_server_goes_away_while_it_loads(chromium: Browser, embedding: Embedding) -> None:
    """Where the words do not come with the modules they are asked for again."""
    visit = EmbeddedVisit(chromium, embedding.site, embedding.host)
    visit.expect_complaints("ERR_FAILED")
    visit.page.clock.install()
    visit.page.route("**/texts/*.json", lambda route: route.abort(), times=1)
    with visit.page.expect_event("requestfailed"):
        visit.page.goto(visit.address)
    expect(visit.chat_field).to_have_count(0)
    visit.page.unroute_all()
    visit.page.clock.run_for(6_000)
    with visit:
        visit.say(LAMP)


@pytest.mark.parametrize("name", ["teaser-chat.css", "results.css"])
def test_without_a_style_sheet(chromium: Browser, embedding: Embedding, name: str) -> None:
    """It is no beauty then, and works."""
    visit = EmbeddedVisit(chromium, embedding.site, embedding.host)
    visit.expect_complaints("ERR_FAILED")
    visit.page.route(f"**/{name}", lambda route: route.abort())
    with visit:
        visit.say(LAMP)
