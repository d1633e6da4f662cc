"""Where the focus is in the chat: never moved behind one's back, and never lost."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.chat_states import LONG, StatesVisit
from tests.browser.chat_visit import DECIDED_LAMP, LAMP, STREAM, ChatVisit
from tests.support.servers import RedisServer
from tests.support.sites import Site

SELECTION = """() => {
  const field = document.querySelector("teaser-chat").shadowRoot.activeElement;
  return [field.value, field.selectionStart, field.selectionEnd];
}"""
BELOW = """async (one) => {
  const drawn = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
  await drawn();
  await drawn();
  return one.scrollHeight - one.scrollTop - one.clientHeight;
}"""
SELECT = "(field, [from, to]) => field.setSelectionRange(from, to)"


def test_what_comes_leaves_writing_alone(chromium: Browser, site: Site) -> None:
    """Answers, results and notices move neither the focus nor the selection in the field."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        held = visit.hold("**/respond")
        visit.send(DECIDED_LAMP)
        visit.chat_field.fill("half written")
        visit.chat_field.evaluate(SELECT, [2, 5])
        before = ["half written", 2, 5]
        visit.page.context.set_offline(True)
        visit.page.context.set_offline(False)
        held[0].continue_()
        expect(visit.norms).not_to_have_count(0)
        visit.idle.wait_for()
        assert visit.page.evaluate(SELECTION) == before
        visit.page.context.set_offline(True)
        expect(visit.banner).to_contain_text("offline")
        assert visit.page.evaluate(SELECTION) == before


def test_what_is_given_back_leaves_writing_alone(chromium: Browser, site: Site) -> None:
    """A text that cannot be sent any more is put before what is written, as it is selected."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.send(LONG)
        expect(visit.button("Take back")).to_be_visible()
        visit.chat_field.fill("half written")
        visit.chat_field.evaluate(SELECT, [2, 5])
        with ChatVisit(chromium, site, beside=visit) as other:
            other.expect_complaints("422")  # it tries to send what is not sent
            other.button("Conversations").click()
            other.button("Delete all").click()
            other.button("Delete all").last.click()
            expect(visit.banner).to_contain_text("deleted in another tab")
        shift = len(LONG) + 1
        expected = [f"{LONG}\nhalf written", 2 + shift, 5 + shift]
        assert visit.page.evaluate(SELECTION) == expected


def test_what_stays_keeps_the_focus(chromium: Browser, site: Site) -> None:
    """An answer is told anew by the server, while somebody is at its button already."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        held = visit.hold("**/session/*")
        visit.send("no battery")
        expect(visit.messages).to_have_count(4)
        copy = visit.button("Copy").last
        copy.focus()
        time = visit.messages.last.locator("time")
        time.evaluate("(one) => { one.dateTime = ''; }")
        held[0].continue_()
        visit.idle.wait_for()
        expect(time).to_have_attribute("datetime", re.compile("^20"))
        expect(copy).to_be_focused()


def test_what_vanishes_hands_the_focus_on(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """Where a control with the focus goes away, one can write at once."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        answers = visit.hold("**/respond")
        visit.send("no battery")
        visit.button("Stop").focus()
        answers[0].continue_()
        visit.page.unroute("**/respond")
        expect(visit.button("Stop")).to_be_hidden()
        expect(visit.chat_field).to_be_focused()

        visit.hold(STREAM)
        visit.send(DECIDED_LAMP)
        expect(visit.page.get_by_role("progressbar")).to_be_visible()
        visit.button("Stop").click()
        visit.button("Check the norms").press("Enter")
        expect(visit.page.get_by_role("progressbar")).to_be_visible()
        expect(visit.chat_field).to_be_focused()
        visit.button("Stop").click()

        client = redis_server.client()
        client.delete(*client.scan_iter("chat:session:*-*-*-*-*"))
        visit.send("no radio")
        visit.button("Start a new conversation with your message").press("Enter")
        expect(visit.messages).to_have_count(2)
        expect(visit.chat_field).to_be_focused()


def test_a_finger_gets_no_keyboard_over_the_answer(chromium: Browser, site: Site) -> None:
    """On a screen that is touched, what vanishes hands the focus to the messages instead."""
    with StatesVisit(chromium, site, width=320, has_touch=True, is_mobile=True) as visit:
        visit.chips.first.tap()
        expect(visit.messages).to_have_count(2)
        expect(visit.page.locator("teaser-chat .log")).to_be_focused()


def test_the_newest_message_stays_in_sight(chromium: Browser, site: Site) -> None:
    """Also when the results take room from the messages; older ones that are read stay, too."""
    with StatesVisit(chromium, site, width=1400) as visit:
        visit.converse(DECIDED_LAMP, "Why does RoHS apply?")
        visit.say("Which deadlines count?")
        log = visit.page.locator("teaser-chat .log")
        for height in (800, 700):
            visit.page.set_viewport_size({"width": 1400, "height": height})
            assert log.evaluate(BELOW) < 2
        held = visit.hold("**/chat")
        visit.send("What comes next?")
        log.evaluate("(one) => { one.scrollTop = 0; }")
        held[0].continue_()
        visit.idle.wait_for()
        assert log.evaluate("(one) => one.scrollTop") == 0


def test_an_editor_goes_with_its_conversation(chromium: Browser, site: Site) -> None:
    """What was being corrected in one conversation is not to be applied in another."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.page.locator("teaser-chat .facts > summary").click()
        visit.page.get_by_role("button", name="Correct whether it is electrical").click()
        editor = visit.page.locator("teaser-chat .editor")
        expect(editor).to_have_count(1)
        visit.button("New conversation").click()
        visit.say("Portable power bank")
        expect(editor).to_have_count(0)
