"""The page at /agents in a real browser: what is said and done there is found again."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Route, expect

from tests.browser.agents_visit import SAVED, SLEEP, AgentsVisit
from tests.support.servers import Gunicorn, RedisServer

LAMP = "USB-powered LED desk lamp"
DECIDED_LAMP = (
    f"{LAMP}, 5 V DC, 1 A, no battery, no charger in the box, no radio, no data, consumers use it"
    " at home, no medical purpose, no laser, no AI, not antibacterial, no explosive atmospheres"
)
MARKUP = "<img src=x onerror=alert(1)> <b>bold</b> & 🦊 שלום"
NOT_SAVED = "Not saved yet; will be saved when the server is back."
AWAY = {"error": "Sessions cannot be reached.", "code": "store_unavailable"}
CHAT = "**/api/v1/chat"
STATE = "**/api/session"
MOVING = "element => element.getAnimations().length"


def hold(held: list[Route]) -> Callable[[Route], None]:
    """A handler that lets a request wait until the test goes on with it."""

    def handle(route: Route) -> None:
        held.append(route)

    return handle


def documents(sent: list[Any]) -> list[Any]:
    """What was saved, by the requests."""
    return [json.loads(request.post_data)["data"] for request in sent]


def test_a_reload_restores_all_of_it(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Each agent has worked; then messages, cards and log are the same on a page loaded anew."""
    with AgentsVisit(chromium, sqlite_site, width=1200) as visit:
        visit.shot("agents-1-empty")
        visit.say(LAMP)
        visit.say(DECIDED_LAMP)
        visit.say("Why does RoHS apply?")
        spoke = visit.page.locator("#log .assistant .who")
        expect(spoke).to_have_text(["Interviewer:", "Analyst:", "Question answerer:"])
        for name in ("Interviewer", "Analyst", "Question answerer"):
            card = visit.card(name)
            expect(card.locator(".status")).to_have_text("idle")
            expect(card.locator(".model")).to_have_text("rules")
            expect(card.locator(".cost")).to_have_text("0")
            expect(card.locator(".latency")).to_have_text(re.compile(r"^\d+ ms$"))
            expect(card.locator(".tokens")).to_have_text(re.compile(r"^\d+ \([1-9]\d* in, \d+ out"))
        expect(visit.events).to_have_count(6)
        before = visit.shown()
        visit.shot("agents-2-talked")

        visit.reload()

        expect(visit.messages).to_have_count(6)
        assert visit.shown() == before
        expect(visit.saving).to_have_text(SAVED)
        assert "RoHS" in visit.say("Why does RoHS apply?")
        expect(visit.events).to_have_count(8)


def test_a_working_agent_is_seen(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """While an answer is awaited its agent works; a page loaded meanwhile asks whether to go on."""
    held: list[Route] = []
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.page.route(CHAT, hold(held), times=1)
        with visit.page.expect_request(CHAT) as asked:
            visit.send(LAMP)
        status = visit.card("Interviewer").locator(".status")
        expect(status).to_have_text("working")
        assert status.evaluate(MOVING) == 1
        visit.page.emulate_media(reduced_motion="reduce")
        assert status.evaluate(MOVING) == 0
        expect(visit.chat_field).to_be_disabled()
        visit.shot("agents-3-working")

        visit.reload()

        expect(status).to_have_text("idle")
        expect(visit.page.get_by_role("log", name="Messages")).to_have_attribute(
            "aria-busy", "false"
        )
        expect(visit.trouble).to_contain_text("has no answer yet")
        with visit.page.expect_request(CHAT) as again:
            visit.button("Try again").click()
        assert again.value.post_data == asked.value.post_data
        expect(visit.messages).to_have_count(2)
        expect(visit.trouble).to_be_empty()


def test_clear_history(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Asked twice, it is gone here and on the server, with the conversation it came from."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        with visit.page.expect_request(STATE):
            visit.say(LAMP)
        with visit.page.expect_response(CHAT) as answered:
            visit.say("no battery")
        conversation = f"/api/develope/session/{answered.value.json()['session_id']}"
        saved = f"/api/session/{visit.history_id}"
        assert (visit.status_of(conversation), visit.status_of(saved)) == (200, 200)

        visit.button("Clear history").click()
        visit.shot("agents-4-clear", "#clear-dialog")
        visit.button("Keep it").click()
        expect(visit.messages).to_have_count(4)

        visit.clear()
        assert visit.history_id is None
        assert (visit.status_of(conversation), visit.status_of(saved)) == (404, 404)
        for _ in range(2):
            expect(visit.messages).to_have_count(0)
            expect(visit.events).to_have_count(0)
            expect(visit.card("Interviewer").locator(".tokens")).to_have_text("0 (0 in, 0 out)")
            expect(visit.button("Clear history")).to_be_hidden()
            visit.reload()
        visit.say(LAMP)
        assert saved != f"/api/session/{visit.history_id}"


def test_what_cannot_be_cleared_stays(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """With the server away nothing is hidden that is still there, and it can be tried again."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("503")
        visit.say(LAMP)
        visit.page.route(f"{STATE}/*", lambda route: route.fulfill(status=503, json=AWAY), times=1)
        visit.button("Clear history").click()
        visit.button("Clear it").click()
        expect(visit.news).to_contain_text(f"could not be cleared. {AWAY['error']}")
        expect(visit.messages).to_have_count(2)
        visit.button("Clear it now").click()
        expect(visit.messages).to_have_count(0)
        expect(visit.news).to_have_text("The history is cleared.")


def test_tabs_follow_each_other(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """What is said or cleared in one tab is seen in the other, also in one opened before."""
    with (
        AgentsVisit(chromium, sqlite_site) as one,
        AgentsVisit(chromium, sqlite_site, beside=one) as other,
    ):
        other.expect_complaints("404")
        one.say(LAMP)
        expect(other.messages).to_have_count(2)
        being_read = one.messages.first.element_handle()
        other.say("no battery")
        expect(one.messages).to_have_count(4)
        assert being_read.evaluate("element => element.isConnected")
        expect(one.events).to_have_count(4)
        assert one.shown() == other.shown()
        one.clear()
        expect(other.messages).to_have_count(0)
        expect(other.news).to_contain_text("not there any more")
        other.say(LAMP)
        expect(one.messages).to_have_count(2)
        assert one.history_id == other.history_id


def test_tabs_do_not_overwrite_each_other(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A tab that slept has an old version: both are joined, each message once, in one talk."""
    with AgentsVisit(chromium, sqlite_site) as one:
        asleep = AgentsVisit(chromium, sqlite_site, beside=one)
        asleep.page.add_init_script(SLEEP)
        asleep.expect_complaints("412")
        with asleep as other:
            one.say(LAMP)
            expect(other.messages).to_have_count(0)
            other.send("no battery")
            expect(other.messages).to_have_count(4)
            other.idle.wait_for()
            assert any("412" in said for said in other.complaints)
            one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            expect(one.messages).to_have_count(4)
            one.say("no radio")
            other.send("consumers use it")
            expect(other.messages).to_have_count(8)
            expect(other.saving).to_have_text(SAVED)
            other.idle.wait_for()
            for visit in (one, other):
                visit.reload()
                said = ("USB-powered", "no battery", "no radio", "consumers")
                expect(visit.page.locator("#log .user .words")).to_contain_text(said)
                expect(visit.events).to_have_count(8)
            talk = one.page.request.get(f"{sqlite_site.url}/api/session/{one.history_id}").json()
            assert talk["data"]["chat"]["others"] == []
            assert one.shown() == other.shown()


def test_what_was_cleared_does_not_come_back(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A tab that slept still shows it; with its next message it begins anew, and keeps that."""
    with AgentsVisit(chromium, sqlite_site) as one:
        one.say(LAMP)
        asleep = AgentsVisit(chromium, sqlite_site, beside=one)
        asleep.page.add_init_script(SLEEP)
        asleep.expect_complaints("412", "404")
        with asleep as other:
            expect(other.messages).to_have_count(2)
            one.clear()
            other.send("Portable power bank")
            expect(other.news).to_contain_text("not there any more")
            expect(other.messages).to_have_count(2)
            expect(other.messages.first).to_have_text("Portable power bank")
            other.idle.wait_for()
            expect(other.saving).to_have_text(SAVED)
            one.reload()
            expect(one.messages).to_have_count(2)
            assert one.shown() == other.shown()


def test_an_answer_that_got_lost_is_not_kept_twice(
    chromium: Browser, sqlite_site: Gunicorn
) -> None:
    """The server saved it and the page does not know: it looks, and goes on from there."""

    def deliver_and_drop(route: Route) -> None:
        route.fetch()
        route.abort()

    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("ERR_FAILED", "412")
        visit.page.route(STATE, deliver_and_drop, times=1)
        visit.say(LAMP)
        visit.reload()
        expect(visit.messages).to_have_count(2)
        expect(visit.events).to_have_count(2)


def test_redis_goes_away_and_comes_back(chromium: Browser, tmp_path: Path) -> None:
    """Nothing is lost: it is not saved yet, the page says so, and then it is, by itself."""
    keeps = ("--appendonly", "yes", "--dir", str(tmp_path))
    settings = {"WEB_CONCURRENCY": "1", "SESSION_STAGE": "complete"}
    with (
        RedisServer(*keeps) as redis,
        Gunicorn(REDIS_URL=redis.url, **settings) as site,
        AgentsVisit(chromium, site) as visit,
    ):
        visit.expect_complaints("503")
        visit.say(LAMP)
        redis.stop()
        visit.send("no battery")
        expect(visit.saving).to_have_text(NOT_SAVED)
        expect(visit.card("Interviewer").locator(".status")).to_have_text("failed")
        expect(visit.trouble).to_contain_text("cannot be reached")
        expect(visit.messages).to_have_count(3)
        visit.shot("agents-5-not-saved")
        redis.start()
        expect(visit.saving).to_have_text(SAVED)
        visit.reload()
        expect(visit.messages).to_have_count(3)
        expect(visit.trouble).to_contain_text("cannot be reached")
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(4)
        expect(visit.events).to_have_count(5)
        expect(visit.saving).to_have_text(SAVED)


def test_a_page_opened_during_an_outage(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Back on line, the earlier history is shown at once, with what was said meanwhile."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("503", "412")
        visit.say(LAMP)
        visit.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))  # no pause ends by itself
        visit.page.route(
            re.compile("/api/session"), lambda route: route.fulfill(status=503, json=AWAY)
        )
        visit.reload()
        expect(visit.saving).to_contain_text("cannot be reached right now")
        expect(visit.messages).to_have_count(0)
        visit.send("Portable power bank")
        expect(visit.messages).to_have_count(2)
        expect(visit.saving).to_have_text(NOT_SAVED)
        visit.page.unroute_all()
        visit.page.evaluate("dispatchEvent(new Event('online'))")
        expect(visit.messages).to_have_count(4)
        expect(visit.messages.first).to_have_text(LAMP)
        expect(visit.saving).to_have_text(SAVED)


def test_it_waits_as_long_as_the_server_says(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Not before Retry-After, whatever is said meanwhile, and then the latest document alone."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("429")
        busy = {"error": "Too many requests.", "code": "rate_limited"}
        saves: list[Any] = []
        visit.page.clock.install()
        visit.page.on(
            "request",
            lambda request: saves.append(request) if request.url.endswith("session") else None,
        )
        visit.page.route(
            STATE,
            lambda route: route.fulfill(status=429, json=busy, headers={"Retry-After": "40"}),
            times=1,
        )
        visit.send(LAMP)
        expect(visit.saving).to_have_text(NOT_SAVED)
        expect(visit.messages).to_have_count(2)
        visit.page.clock.run_for(39_000)
        visit.idle.wait_for()
        assert len(saves) == 1
        visit.page.clock.run_for(12_000)
        expect(visit.saving).to_have_text(SAVED)
        assert [len(saved["messages"]) for saved in documents(saves)] == [1, 2]


def test_leaving_with_something_unsaved(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """The browser asks first; with everything saved it does not."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("503", "beforeunload")
        visit.say(LAMP)
        visit.reload()
        assert not any("beforeunload" in said for said in visit.complaints)
        visit.page.route(STATE, lambda route: route.fulfill(status=503, json=AWAY))
        visit.send("no battery")
        expect(visit.saving).to_have_text(NOT_SAVED)
        visit.page.close(run_before_unload=True)
        visit.page.wait_for_event("dialog")


def test_a_history_that_is_too_large(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """It says what to do, what is said still appears, and after that it is saved again."""
    large = {"error": "Too long.", "code": "session_too_large"}
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("413")
        visit.page.route(STATE, lambda route: route.fulfill(status=413, json=large))
        visit.send(LAMP)
        expect(visit.messages).to_have_count(2)
        expect(visit.saving).to_contain_text("Clear it to go on saving")
        visit.idle.wait_for()
        visit.page.unroute_all()
        visit.clear()
        visit.say(LAMP)


def test_messages_that_get_no_answer(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A refused one is told why, and not to try again; a forgotten talk is begun anew by another.

    The history outlives the conversation with the agents.
    """
    refused = {"error": "This text cannot be stored.", "code": "validation_failed"}
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.expect_complaints("404", "422")
        visit.page.route(CHAT, lambda route: route.fulfill(status=422, json=refused), times=1)
        visit.send("unheard")
        expect(visit.trouble).to_have_text(refused["error"])
        expect(visit.button("Try again")).to_be_hidden()
        with visit.page.expect_response(CHAT) as answered:
            visit.say(LAMP)
        expect(visit.trouble).to_be_empty()

        chat = f"{sqlite_site.url}/api/v1/chat/session/{answered.value.json()['session_id']}"
        assert visit.page.request.delete(chat).status == 204
        visit.send("Portable power bank")
        expect(visit.trouble).to_contain_text("do not remember the conversation")
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(5)
        visit.say("It has USB-C")


def test_markup_is_text(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Whether it was said, answered, or saved by somebody else under the id of this history."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.say(MARKUP)
        foreign = {
            "messages": [{"id": "1", "role": MARKUP, "content": MARKUP, "timestamp": 5}],
            "agents": {MARKUP: {"status": MARKUP, "model": MARKUP}},
            "logs": [{"agent": MARKUP, "event": MARKUP, "details": {"more": MARKUP}}],
        }
        visit.reload()
        expect(visit.messages.first).to_have_text(MARKUP)
        expect(visit.page.locator("main img, main b")).to_have_count(0)
        body = {"session_id": visit.history_id, "data": foreign}
        visit.page.request.post(f"{sqlite_site.url}/api/session", data=body)
        visit.reload()
        expect(visit.page.locator("#log .who").first).to_have_text(f"{MARKUP}:")
        expect(visit.page.locator("main img, main b")).to_have_count(0)
        visit.shot("agents-6-markup")
        expect(visit.page.locator(".agent h3").last).to_have_text(MARKUP)
        visit.say(LAMP)


def test_another_browser_cannot_load_it(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Who knows the id is told that there is nothing, and begins a history of their own."""
    with AgentsVisit(chromium, sqlite_site) as one:
        one.say(LAMP)
        known = one.history_id
        stranger = AgentsVisit(chromium, sqlite_site)
        stranger.page.add_init_script(f"localStorage['agents.session_id'] ??= '{known}'")
        stranger.expect_complaints("404")
        with stranger as other:
            expect(other.news).to_contain_text("not there any more")
            expect(other.messages).to_have_count(0)
            other.say("Portable power bank")
            assert other.history_id not in (None, known)
        one.reload()
        expect(one.messages.first).to_have_text(LAMP)


def test_only_an_id_stays_in_the_browser(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A random UUID, also where the browser offers none, and nothing before there is a history."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.page.add_init_script("delete Crypto.prototype.randomUUID")
        visit.reload()
        kept = "Object.entries(localStorage)"
        assert visit.page.evaluate(kept) == []
        visit.say(LAMP)
        ((_, value),) = visit.page.evaluate(kept)
        assert uuid.UUID(value).version == 4


def test_a_browser_that_keeps_nothing(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Where storage is forbidden one can talk all the same, as long as the page is open."""
    forbid = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    visit = AgentsVisit(chromium, sqlite_site)
    visit.page.add_init_script(forbid)
    with visit:
        visit.say(LAMP)
        visit.say("no battery")
        visit.clear()


def test_the_keyboard_alone(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """One can talk, look at the log and clear the history, and always sees where one is."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        keyboard = visit.page.keyboard
        focused = visit.page.locator(":focus")
        keyboard.press("Tab")
        expect(visit.chat_field).to_be_focused()
        assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
        keyboard.type("USB lamp")
        keyboard.press("Shift+Enter")
        keyboard.type("with LEDs")
        keyboard.press("Enter")
        expect(visit.messages).to_have_count(2)
        assert visit.messages.first.text_content() == "USB lamp\nwith LEDs"
        expect(visit.chat_field).to_be_focused()
        keyboard.press("Shift+Tab")
        expect(visit.button("Clear history")).to_be_focused()
        keyboard.press("Enter")
        expect(visit.button("Keep it")).to_be_focused()
        keyboard.press("Escape")
        expect(visit.button("Clear history")).to_be_focused()
        expect(visit.messages).to_have_count(2)
        for key in ("Enter", "Tab", "Enter"):
            keyboard.press(key)
        expect(visit.messages).to_have_count(0)
        expect(visit.chat_field).to_be_focused()


def test_it_fits_a_narrow_screen(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """At 320 CSS pixels nothing is wider than the window, whatever was written."""
    with AgentsVisit(chromium, sqlite_site, width=320) as visit:
        visit.say(f"{DECIDED_LAMP} {'M' * 100}")
        visit.shot("agents-7-narrow-light")
        visit.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        visit.shot("agents-7-narrow-dark")
        visit.button("Clear history").click()
        visit.shot("agents-7-narrow-dialog", "#clear-dialog")
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
