"""The page at /develope in a real browser: a conversation, its results, and coming back to it."""

import json
import re
import signal
import uuid

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.visit import Visit
from tests.support.servers import Gunicorn, RedisServer

LAMP = "USB-powered LED desk lamp"
LAMP_ANSWERS = (
    "5 V DC, at most 1 A, no battery, no power adapter",
    "no wireless, no data",
    "consumers use it at home",
    "none of these",
)
DECIDED_LAMP = (
    f"{LAMP}, 5 V DC, 1 A, no battery, no charger in the box, no radio, no data, consumers use it"
    " at home, no medical purpose, no laser, no AI, not antibacterial, no explosive atmospheres"
)
MARKUP = "<img src=x onerror=alert(1)> <b>bold</b> & 🦊 שלום"
STREAM = "**/analyze-stream*"
RECORD_STATUS = """() => {
  window.said = [];
  new MutationObserver((changes) => {
    changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => said.push(node.data)));
  }).observe(document.querySelector("[role=status]"), { childList: true });
}"""
AT_ONCE = signal.SIGQUIT  # gunicorn then waits for no idle connection of the browser
REFUSED = "ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET"


def test_a_whole_conversation(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A maker describes a lamp, answers, sees which norms apply and why, and asks about them."""
    with Visit(chromium, sqlite_site) as visit:
        expect(visit.page.locator("footer")).to_contain_text("no legal advice")
        visit.shot("1-empty")
        assert "lamp" in visit.say(LAMP)
        visit.shot("2-first-question")
        visit.converse(*LAMP_ANSWERS)
        visit.shot("3-complete")

        visit.analyze()

        applies = visit.page.locator(".group.applies .norm")
        expect(applies.filter(has_text="2011/65/EU")).to_have_count(1)
        first = applies.first
        expect(first).to_contain_text(re.compile(r"\d+ % confident"))
        expect(first.get_by_role("link")).to_have_attribute("href", re.compile("^https://"))
        expect(first.get_by_role("link")).to_have_attribute("rel", re.compile("noopener"))
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()
        expect(visit.page.locator("details.does_not_apply .norm").first).to_be_hidden()
        visit.page.locator("details.does_not_apply summary").click()
        expect(visit.page.locator("details.does_not_apply .norm").first).to_be_visible()
        doubt = applies.locator(".doubt").first
        expect(doubt).to_contain_text("Not certain: ")
        visit.shot("4-results")

        answer = visit.ask("Why does RoHS apply?")
        assert "RoHS" in answer
        visit.ask("What if it had Wi-Fi?")
        visit.shot("5-questions", "#questions")


def test_a_reload_restores_the_chat(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """In the middle of the questions a reload shows the same messages, and it goes on."""
    with Visit(chromium, sqlite_site) as visit:
        visit.say(LAMP)
        visit.say("It has no battery")
        before = visit.shown()
        visit.reload()
        expect(visit.messages).to_have_count(4)
        assert visit.shown() == before
        visit.say("no wireless")


def test_a_reload_restores_the_analysis(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """After the analysis a reload shows messages, results and the questions asked."""
    with Visit(chromium, sqlite_site) as visit:
        visit.converse(DECIDED_LAMP)
        visit.analyze()
        visit.ask("What comes next?")
        before = visit.shown()
        visit.reload()
        expect(visit.answers).to_have_count(1)
        assert visit.shown() == before
        expect(visit.button("Run the analysis")).to_be_hidden()
        visit.ask("Which are the most important?")


def test_a_correction_makes_the_analysis_void(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A corrected fact takes the results off the page until the analysis is run again."""
    with Visit(chromium, sqlite_site) as visit:
        visit.converse(DECIDED_LAMP)
        visit.analyze()
        visit.ask("What comes next?")
        visit.say("No, it has Bluetooth")
        expect(visit.norms).to_have_count(0)
        expect(visit.page.get_by_label("Your question")).to_be_hidden()
        visit.reload()
        expect(visit.messages.last).to_contain_text("Run the analysis again")
        visit.converse()
        visit.analyze()
        expect(visit.answers).to_have_count(1)


def test_a_restart_between_two_turns(chromium: Browser, redis_site: Gunicorn) -> None:
    """The server is restarted while the page is open: the conversation goes on, nothing is lost."""
    with Visit(chromium, redis_site) as visit:
        visit.say(LAMP)
        redis_site.stop(AT_ONCE)
        redis_site.start()
        visit.say("It has no battery")
        before = visit.shown()
        visit.reload()
        expect(visit.messages).to_have_count(4)
        assert visit.shown() == before


def test_markup_is_text(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Markup, emoji and other scripts appear as they were written, also after a reload."""
    with Visit(chromium, sqlite_site) as visit:
        visit.say(f"{LAMP}\n{MARKUP}")
        visit.say(MARKUP)
        visit.reload()
        expect(visit.messages).to_have_count(4)
        assert visit.messages.nth(0).text_content() == f"{LAMP}\n{MARKUP}"
        assert visit.messages.nth(2).text_content() == MARKUP
        expect(visit.page.locator("#log img, #log b")).to_have_count(0)
        visit.shot("6-markup")


def test_a_failed_send_can_be_tried_again(chromium: Browser, redis_site: Gunicorn) -> None:
    """With the server down the text stays; "Try again" delivers it, once."""
    with Visit(chromium, redis_site) as visit:
        visit.expect_complaints(REFUSED)
        visit.say(LAMP)
        redis_site.stop(AT_ONCE)
        visit.send("It has no battery")
        expect(visit.page.get_by_role("alert").first).to_contain_text("cannot be reached")
        expect(visit.chat_field).to_have_value("It has no battery")
        visit.shot("7-failed-send")
        redis_site.start()
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(4)
        expect(visit.button("Try again")).to_be_hidden()
        expect(visit.chat_field).to_have_value("")
        visit.reload()
        expect(visit.messages).to_have_count(4)


@pytest.mark.parametrize("turn", ["start", "respond", "ask-analysis"])
def test_a_lost_answer_is_not_a_second_message(
    chromium: Browser, sqlite_site: Gunicorn, turn: str
) -> None:
    """The server took the message but its answer was lost: the next try repeats the same id."""
    sent: list[str | None] = []

    def deliver_and_drop(route: Route) -> None:
        sent.append(route.request.post_data)
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    with Visit(chromium, sqlite_site) as visit:
        visit.expect_complaints("ERR_FAILED")
        if turn == "respond":
            visit.say(LAMP)
        if turn == "ask-analysis":
            visit.converse(DECIDED_LAMP)
            visit.analyze()
        visit.page.route(f"**/{turn}", deliver_and_drop)
        before = visit.messages.count()
        if turn == "ask-analysis":
            visit.page.get_by_label("Your question").fill("What comes next?")
            visit.button("Ask").click()
        else:
            visit.send(LAMP)
        visit.button("Try again").click()
        expect(visit.button("Try again")).to_be_hidden()
        assert len(sent) == 2
        assert sent[0] == sent[1]
        for _ in range(2):
            asked = int(turn == "ask-analysis")
            expect(visit.answers).to_have_count(asked)
            expect(visit.messages).to_have_count(before + 2 * (1 - asked))
            visit.reload()


def test_a_store_that_is_away(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A 503 says so in the server's words, keeps the text, and offers another try."""
    with Visit(chromium, sqlite_site) as visit:
        visit.expect_complaints("503")
        visit.say(LAMP)
        away = {"error": "Conversations cannot be reached.", "code": "store_unavailable"}
        visit.page.route("**/respond", lambda route: route.fulfill(status=503, json=away), times=1)
        visit.send("no battery")
        expect(visit.page.get_by_role("alert").first).to_contain_text(away["error"])
        expect(visit.chat_field).to_have_value("no battery")
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(4)

        visit.page.route(
            "**/session/*", lambda route: route.fulfill(status=503, json=away), times=1
        )
        visit.reload()
        expect(visit.messages).to_have_count(0)
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(4)
        expect(visit.button("Try again")).to_be_hidden()


def test_a_refused_text_can_be_changed(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A text that is too long is refused with the reason, kept, and can be shortened."""
    with Visit(chromium, sqlite_site) as visit:
        visit.expect_complaints("422")
        visit.send("long " * 1000)
        expect(visit.page.get_by_role("alert").first).to_contain_text("4000 characters")
        expect(visit.button("Try again")).to_be_hidden()
        visit.say(LAMP)
        expect(visit.messages).to_have_count(2)


def test_browsers_do_not_see_each_other(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A second browser starts empty, and the first one's conversation does not exist for it."""
    with Visit(chromium, sqlite_site) as one, Visit(chromium, sqlite_site) as other:
        one.say(LAMP)
        with one.page.expect_request("**/session/*") as asked:
            one.reload()
        other.reload()
        expect(other.messages).to_have_count(0)
        assert other.page.request.get(asked.value.url).status == 404
        other.say("Bluetooth wireless earbuds")
        one.reload()
        expect(one.messages).to_have_count(2)
        expect(one.messages.first).to_have_text(LAMP)


@pytest.mark.parametrize(
    ("reason", "moment"), [("expired", "reload"), ("expired", "send"), ("unreadable", "reload")]
)
def test_a_conversation_that_is_gone(
    chromium: Browser, redis_site: Gunicorn, redis_server: RedisServer, reason: str, moment: str
) -> None:
    """The page says that the conversation is gone and offers a new one, which works."""
    with Visit(chromium, redis_site) as visit:
        visit.expect_complaints("404", "410")
        visit.say(LAMP)
        (key,) = redis_server.client().scan_iter("chat:session:*-*-*-*-*")
        if reason == "expired":
            redis_server.client().delete(key)
        else:
            redis_server.client().set(key, "{")
        if moment == "reload":
            visit.page.reload()
        else:
            visit.send("Portable power bank")
        said = "expired" if reason == "expired" else "cannot be read"
        expect(visit.page.get_by_role("alert").first).to_contain_text(said)
        expect(visit.button("Start again")).to_be_hidden()
        visit.shot(f"8-{reason}-{moment}")

        visit.button("Start a new conversation").click()

        expect(visit.messages).to_have_count(0)
        if moment == "send":
            expect(visit.chat_field).to_have_value("Portable power bank")
        visit.say("Portable power bank")
        visit.reload()
        expect(visit.messages).to_have_count(2)


def test_start_again(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """After a confirmation the conversation is deleted and the page is as on the first visit."""
    with Visit(chromium, sqlite_site) as visit:
        visit.converse(DECIDED_LAMP)
        visit.analyze()
        visit.button("Start again").click()
        expect(visit.messages).to_have_count(0)
        expect(visit.norms).to_have_count(0)
        expect(visit.button("Start")).to_be_visible()
        expect(visit.chat_field).to_be_focused()
        visit.reload()
        expect(visit.messages).to_have_count(0)
        visit.say("Portable power bank")


def test_an_analysis_that_loses_its_connection(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """The progress stays on the page, and the stream resumes after the last step that came."""
    half = {"phase": "analyzing", "progress": 40, "total": 80, "status": "Checked half"}
    with Visit(chromium, sqlite_site) as visit:
        visit.converse(DECIDED_LAMP)
        last = f"{visit.messages.count()}-42"

        def break_off(route: Route, retry: int) -> None:
            body = f"retry: {retry}\n\nid: {last}\ndata: {json.dumps(half)}\n\n"
            route.fulfill(content_type="text/event-stream", body=body)

        visit.page.route(STREAM, lambda route: break_off(route, retry=600_000), times=1)
        visit.button("Run the analysis").click()
        expect(visit.page.get_by_role("status")).to_contain_text("being restored")
        progress = visit.page.get_by_role("progressbar")
        expect(progress).to_have_js_property("position", 0.5)
        expect(visit.chat_field).to_be_disabled()
        visit.shot("3-progress")

        visit.reload()
        visit.page.route(STREAM, lambda route: break_off(route, retry=10), times=1)
        visit.page.evaluate(RECORD_STATUS)
        visit.analyze()
        expect(progress).to_be_hidden()
        said = visit.page.evaluate("window.said")
        assert said[0].startswith("Checked half")
        assert any(status.startswith("Checked") for status in said[1:])
        assert not any(status.startswith("Summing up") for status in said)


def test_an_analysis_that_fails(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A refused or broken analysis says so and can be run again."""
    broken = f"retry: 1\ndata: {json.dumps({'phase': 'error', 'error': 'It broke.'})}\n\n"
    refused = {"error": "Not now.", "code": "store_unavailable"}
    with Visit(chromium, sqlite_site) as visit:
        visit.expect_complaints("503")
        notice = visit.page.locator("#analysis-notice")
        streams: list[str] = []
        visit.converse(DECIDED_LAMP)
        visit.page.on(
            "request",
            lambda request: streams.append(request.url) if "stream" in request.url else None,
        )
        visit.page.route(STREAM, lambda route: route.fulfill(status=503, json=refused), times=1)
        visit.button("Run the analysis").click()
        expect(notice).to_contain_text("could not be followed")
        visit.page.route(
            STREAM,
            lambda route: route.fulfill(content_type="text/event-stream", body=broken),
            times=1,
        )
        visit.button("Try again").click()
        expect(notice).to_contain_text("It broke.")
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()
        visit.button("Try again").click()
        expect(visit.norms).not_to_have_count(0)
        expect(visit.button("Try again")).to_be_hidden()
        assert len(streams) == 3  # a stream that told its end is not opened again by itself


def test_it_fits_a_narrow_screen(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """At 320 CSS pixels nothing is wider than the window, whatever was written."""
    with Visit(chromium, sqlite_site, width=320) as visit:
        visit.converse(f"{DECIDED_LAMP} {'M' * 100}")
        visit.analyze()
        visit.ask("What comes next?")
        visit.page.locator("details.group summary").click()
        visit.shot("9-narrow-light")
        visit.page.emulate_media(color_scheme="dark")
        visit.shot("9-narrow-dark")
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_keyboard_alone(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Enter sends, Shift and Enter begins a line, and the focus stays where one writes."""
    with Visit(chromium, sqlite_site) as visit:
        visit.chat_field.focus()
        keyboard = visit.page.keyboard
        keyboard.type("USB lamp")
        keyboard.press("Shift+Enter")
        keyboard.type("with LEDs")
        keyboard.press("Enter")
        expect(visit.messages).to_have_count(2)
        assert visit.messages.first.text_content() == "USB lamp\nwith LEDs"
        expect(visit.chat_field).to_be_focused()


def test_message_ids_without_a_secure_origin(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Where the browser offers no random UUIDs, the page makes them itself."""
    with Visit(chromium, sqlite_site) as visit:
        visit.page.add_init_script("delete Crypto.prototype.randomUUID")
        visit.reload()
        with visit.page.expect_request("**/start") as asked:
            visit.say(LAMP)
        sent = json.loads(asked.value.post_data or "{}")
        assert uuid.UUID(sent["client_message_id"]).version == 4
