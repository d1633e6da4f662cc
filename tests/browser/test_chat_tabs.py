"""Several tabs of one browser: they stay in step, and none does what another did already."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.agents_visit import SLEEP
from tests.browser.chat_faults import SENDING, SENT, STOPPED, WAITING, Held
from tests.browser.chat_visit import DECIDED_LAMP, LAMP, ChatVisit
from tests.support.servers import RedisServer
from tests.support.sites import Site

OFFLINE = "ERR_INTERNET_DISCONNECTED|ERR_FAILED"
LOOK = "document.dispatchEvent(new Event('visibilitychange'))"
"""What a tab hears when it comes to the front; without a window none ever goes to the back."""
LEAVE = f"Object.defineProperty(document, 'visibilityState', {{ value: 'hidden' }}); {LOOK}"


def conversations(redis_server: RedisServer) -> int:
    """How many conversations Redis has."""
    return len(list(redis_server.client().scan_iter("chat:session:*-*-*-*-*")))


def same(one: ChatVisit, other: ChatVisit) -> None:
    """Wait until both tabs show the same, with nothing under way."""
    one.idle.wait_for()
    expect(other.messages).to_have_count(one.messages.count())
    expect(other.words).to_have_text(one.words.all_text_contents())
    expect(other.norms).to_have_count(one.norms.count())
    other.idle.wait_for()


def test_tabs_stay_in_step(chromium: Browser, site: Site, redis_server: RedisServer) -> None:
    """A message, an answer, results, a correction and a deletion are seen in the other tab."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site, beside=one) as other:
        one.say(LAMP)  # the other one was new, and is drawn into it
        same(one, other)
        other.say("no battery")
        same(other, one)
        one.converse(DECIDED_LAMP)
        same(one, other)
        other.page.bring_to_front()
        other.correct("laser")
        applies = "teaser-chat .group.applies .card h4"
        laser = re.compile("laser", re.IGNORECASE)
        expect(other.page.locator(applies).filter(has_text=laser)).to_have_count(1)
        expect(one.page.locator(applies).filter(has_text=laser)).to_have_count(1)
        same(other, one)
        assert conversations(redis_server) == 1

        one.chat_field.fill("What comes")
        one.page.bring_to_front()
        one.button("Conversations").click()
        one.page.get_by_role("button", name=re.compile("Delete the conversation")).click()
        one.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).last.click()
        expect(one.page.get_by_role("dialog")).to_contain_text("There is none yet")
        one.button("Close").click()
        for tab in (one, other):
            expect(tab.messages).to_have_count(0)
            expect(tab.norms).to_have_count(0)
        expect(other.banner).to_contain_text("deleted in another tab")
        expect(one.chat_field).to_have_value("What comes")
        other.say(LAMP)
        same(other, one)


def test_history_is_cleared_in_another_tab(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """What was shown goes; a text that waited there, or opens a new conversation, is not lost."""
    with (
        ChatVisit(chromium, site) as one,
        ChatVisit(chromium, site, beside=one) as other,
        ChatVisit(chromium, site, beside=one) as third,
    ):
        for tab in (other, third):
            tab.expect_complaints(OFFLINE)
            tab.page.route("**/start", lambda route: route.abort())
            tab.page.route("**/respond", lambda route: route.abort())
        one.say(LAMP)
        same(one, other)
        other.send("no battery")
        expect(other.statuses.last).to_have_text(WAITING)
        third.page.bring_to_front()
        third.begin()
        third.send("Portable power bank")
        expect(third.statuses.last).to_have_text(WAITING)

        one.page.bring_to_front()
        one.button("Conversations").click()
        one.button("Delete all").first.click()
        one.button("Delete all").last.click()
        expect(one.page.get_by_role("dialog")).to_contain_text("There is none yet")
        expect(other.messages).to_have_count(0)
        expect(other.chat_field).to_have_value("no battery")
        expect(third.words).to_have_text(["Portable power bank"])
        for tab in (other, third):
            tab.page.unroute("**/start")
            tab.page.unroute("**/respond")
        third.page.reload()
        expect(third.statuses).to_have_text([SENT])
        third.idle.wait_for()
        assert third.stored_texts() == ["Portable power bank"]


def test_both_send_at_once(chromium: Browser, site: Site) -> None:
    """Both messages are there, and both tabs show them in the same order."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site, beside=one) as other:
        one.say(LAMP)
        same(one, other)
        held = [Held(tab.page, "**/respond") for tab in (one, other)]
        one.send("no battery")
        other.send("no wireless")
        routes = [each.first() for each in held]
        for route in routes:
            route.continue_()
        for tab in (one, other):
            expect(tab.statuses).to_have_text([SENT] * 3)
        same(one, other)
        assert sorted(one.stored_texts()) == sorted([LAMP, "no battery", "no wireless"])
        assert one.words.all_inner_texts()[::2] == one.stored_texts()


def test_a_first_visit_in_two_tabs(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """Each tab opens a conversation if both write at once; both are kept, and a third finds one."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site, beside=one) as other:
        held = [Held(tab.page, "**/start") for tab in (one, other)]
        one.send(LAMP)
        other.send("Portable power bank")
        routes = [each.first() for each in held]
        for route in routes:
            route.continue_()
        for tab, text in ((one, LAMP), (other, "Portable power bank")):
            expect(tab.statuses).to_have_text([SENT])
            expect(tab.words.first).to_have_text(text)
            tab.idle.wait_for()
        assert conversations(redis_server) == 2
        one.page.bring_to_front()
        one.button("Conversations").click()
        expect(one.page.locator("teaser-chat .conversation")).to_have_count(2)


@pytest.mark.parametrize("address", ["start", "respond"])
def test_a_third_tab_while_a_message_is_sent(
    chromium: Browser, site: Site, redis_server: RedisServer, address: str
) -> None:
    """A tab that is opened meanwhile sends the same message, which has the effect of one."""
    with ChatVisit(chromium, site) as one:
        texts = [LAMP] if address == "start" else [LAMP, "no battery"]
        for text in texts[:-1]:
            one.say(text)
        held = Held(one.page, f"**/{address}")
        one.send(texts[-1])
        expect(one.statuses.last).to_have_text(SENDING)
        route = held.first()
        with ChatVisit(chromium, site, beside=one) as third:
            expect(third.statuses).to_have_text([SENT] * len(texts))
            route.continue_()
            expect(one.statuses).to_have_text([SENT] * len(texts))
            same(one, third)
            assert one.stored_texts() == texts
            assert conversations(redis_server) == 1


def test_a_tab_that_slept(chromium: Browser, site: Site, redis_server: RedisServer) -> None:
    """A tab that heard nothing catches up when it is looked at, or when it sends."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site, beside=one) as asleep:
        asleep.expect_complaints("404")
        asleep.page.add_init_script(SLEEP)
        asleep.reload()
        one.say(LAMP)
        asleep.page.evaluate(LOOK)  # it was new, and finds what was begun
        same(one, asleep)
        one.say("no battery")
        expect(asleep.messages).to_have_count(2)
        asleep.page.evaluate(LOOK)
        same(one, asleep)
        one.say("no wireless")
        asleep.send("no laser")  # it did not hear of the last one
        expect(asleep.messages).to_have_count(8)
        asleep.idle.wait_for()
        assert asleep.stored_texts() == [LAMP, "no battery", "no wireless", "no laser"]
        assert asleep.words.all_inner_texts()[::2] == asleep.stored_texts()

        one.page.evaluate(LOOK)
        same(asleep, one)
        one.page.bring_to_front()
        one.button("Conversations").click()
        one.page.get_by_role("button", name=re.compile("Delete the conversation")).click()
        one.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).last.click()
        expect(one.page.get_by_role("dialog")).to_contain_text("There is none yet")
        asleep.send("no AI")
        expect(asleep.banner).to_contain_text("expired")
        expect(asleep.words.last).to_have_text("no AI")
        asleep.button("Start a new conversation with your message").click()
        expect(asleep.statuses).to_have_text([SENT])
        asleep.idle.wait_for()
        assert asleep.stored_texts() == ["no AI"]


def test_a_new_conversation_stays_apart(chromium: Browser, site: Site) -> None:
    """A tab that left for a new conversation is not drawn into the other's, nor that into its."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site, beside=one) as other:
        one.say(LAMP)
        same(one, other)
        other.page.bring_to_front()
        other.begin()
        one.say("no battery")
        other.page.evaluate(LOOK)
        other.idle.wait_for()
        expect(other.messages).to_have_count(0)
        other.say("Portable power bank")
        assert other.stored_texts() == ["Portable power bank"]
        one.say("no wireless")
        assert one.stored_texts() == [LAMP, "no battery", "no wireless"]
        expect(one.messages).to_have_count(6)
        expect(other.messages).to_have_count(2)


def test_what_a_closed_tab_left(chromium: Browser, site: Site) -> None:
    """What it did not send is sent by the tab that is looked at next, or opened next; once."""
    with ChatVisit(chromium, site) as one:
        one.say(LAMP)
        with ChatVisit(chromium, site, beside=one) as other:
            other.expect_complaints(OFFLINE)
            other.page.route("**/respond", lambda route: route.abort())
            other.send("no battery")
            expect(other.statuses.last).to_have_text(WAITING)
        one.page.evaluate(LOOK)
        expect(one.statuses).to_have_text([SENT] * 2)
        one.idle.wait_for()

        with ChatVisit(chromium, site, beside=one) as other:
            other.expect_complaints(OFFLINE)
            other.page.route("**/respond", lambda route: route.abort())
            other.send("no wireless")
            expect(other.statuses.last).to_have_text(WAITING)
            one.page.bring_to_front()
            one.begin()
        one.say("Portable power bank")
        with ChatVisit(chromium, site, beside=one) as third:
            expect(third.statuses).to_have_text([SENT] * 3)
            third.idle.wait_for()
            assert third.stored_texts() == [LAMP, "no battery", "no wireless"]


def test_taken_back_in_one_tab(chromium: Browser, site: Site) -> None:
    """A message that two tabs want to send is sent by neither when one stops and takes it back."""
    with ChatVisit(chromium, site) as one:
        one.expect_complaints(OFFLINE)
        one.say(LAMP)
        one.page.context.set_offline(True)
        one.send("no battery")
        one.send("no wireless")
        expect(one.statuses).to_have_text([SENT, WAITING, WAITING])
        one.page.context.route("**/respond", lambda route: route.abort())
        one.page.context.set_offline(False)
        with ChatVisit(chromium, site, beside=one) as other:
            other.expect_complaints(OFFLINE)
            expect(other.statuses.last).to_have_text(WAITING)
            expect(other.statuses).to_have_count(3)
            one.page.bring_to_front()
            one.button("Stop").click()
            expect(one.statuses).to_have_text([SENT, STOPPED, STOPPED])
            expect(other.statuses).to_have_text([SENT])
            one.button("Take back").first.click()
            expect(one.chat_field).to_have_value("no battery")
            one.page.context.unroute("**/respond")
            one.button("Try again").click()
            expect(one.statuses).to_have_text([SENT, SENT])
            same(one, other)
            assert other.stored_texts() == [LAMP, "no wireless"]


def test_drafts(chromium: Browser, site: Site) -> None:
    """Each tab keeps its own over a reload, and sending one does not touch the other's."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site, beside=one) as other:
        one.chat_field.fill("a lamp")
        other.chat_field.fill("a drill")
        for tab, draft in ((one, "a lamp"), (other, "a drill")):
            tab.reload()
            expect(tab.chat_field).to_have_value(draft)
        one.send(LAMP)
        expect(one.statuses).to_have_text([SENT])
        same(one, other)
        other.reload()
        expect(other.chat_field).to_have_value("a drill")
        one.reload()
        expect(one.chat_field).to_have_value("")
        other.page.evaluate(LEAVE)
        with ChatVisit(chromium, site, beside=one) as third:
            expect(third.chat_field).to_have_value("a drill")
