"""The chat in a real browser: a conversation, its results, and coming back to it."""

import json
import re
import uuid

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chat_faults import Held
from tests.browser.chat_visit import DECIDED_LAMP, LAMP, MARKUP, ChatVisit
from tests.support.servers import RedisServer
from tests.support.sites import Site

LAMP_ANSWERS = (
    "5 V DC, at most 1 A, no battery, no power adapter",
    "no wireless, no data",
    "consumers use it at home",
    "none of these",
)


def conversations(redis_server: RedisServer) -> list[str]:
    """What Redis keeps of all conversations."""
    client = redis_server.client()
    return [str(client.get(key)) for key in client.scan_iter("chat:session:*-*-*-*-*")]


def test_a_whole_conversation(chromium: Browser, site: Site) -> None:
    """A maker describes a lamp, answers, sees which norms apply and why, and asks about them."""
    with ChatVisit(chromium, site, width=1200) as visit:
        expect(visit.page.locator("teaser-chat footer")).to_contain_text("no legal advice")
        visit.shot("chat-1-empty")
        assert "lamp" in visit.say(LAMP)
        visit.shot("chat-2-first-question")
        visit.converse(*LAMP_ANSWERS)

        applies = visit.page.locator("teaser-chat .group.applies .card")
        rohs = applies.filter(has_text="2011/65/EU")
        expect(rohs).to_have_count(1)
        expect(rohs).to_contain_text(re.compile(r"\d+ %"))
        expect(rohs).to_contain_text("electrical")
        link = rohs.get_by_role("link")
        expect(link).to_have_attribute("href", re.compile("^https://"))
        expect(link).to_have_attribute("rel", re.compile("noopener"))
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()
        visit.shot("chat-3-results")

        assert "RoHS" in visit.say("Why does RoHS apply?")
        visit.say("What if it had Wi-Fi?")
        expect(visit.messages.last).to_contain_text("would be described as")
        assert set(visit.statuses.all_text_contents()) == {"Sent"}
        visit.shot("chat-4-questions")


def test_suggestions(chromium: Browser, site: Site) -> None:
    """Examples to begin with, likely answers to a question, and questions about the results."""
    with ChatVisit(chromium, site) as visit:
        expect(visit.chips).to_have_count(4)
        visit.chips.filter(has_text=LAMP).click()
        expect(visit.messages).to_have_count(2)
        expect(visit.words.first).to_have_text(LAMP)
        expect(visit.chat_field).to_be_focused()
        expect(visit.chips.filter(has_text="I don't know")).to_have_count(1)
        visit.chips.first.click()
        expect(visit.messages).to_have_count(4)
        visit.converse(DECIDED_LAMP)
        asked = visit.chips.first.inner_text()
        assert asked.endswith("?")
        visit.chips.first.click()
        expect(visit.words.nth(-2)).to_have_text(asked)
        visit.idle.wait_for()
        assert asked not in visit.chips.all_text_contents()


def test_a_reload_restores_it(chromium: Browser, site: Site) -> None:
    """In the middle and after the results a reload shows the same, and it goes on."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.say("It has no battery")
        for more in ("no wireless", DECIDED_LAMP, "What comes next?"):
            before = visit.shown()
            visit.reload()
            expect(visit.messages).to_have_count(len(before[0]))
            assert visit.shown() == before
            visit.say(more)


def test_an_empty_storage_finds_it_again(chromium: Browser, site: Site) -> None:
    """A browser that kept nothing but its cookie is told which conversation it was in."""
    with ChatVisit(chromium, site) as visit:
        visit.converse(DECIDED_LAMP)
        before = visit.shown()
        visit.page.evaluate("localStorage.clear()")
        visit.reload()
        expect(visit.messages).to_have_count(len(before[0]))
        assert visit.shown() == before
        visit.begin()
        visit.page.evaluate("localStorage.clear()")
        visit.reload()
        expect(visit.messages).to_have_count(0)


def test_the_browser_keeps_the_id_and_the_draft_only(chromium: Browser, site: Site) -> None:
    """What is being written survives a reload; of the conversation nothing is kept but its id."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.chat_field.fill("It has no")
        kept = {"session": visit.stored()["session_id"], "draft": "It has no"}
        assert visit.remembered == kept
        visit.reload()
        expect(visit.chat_field).to_have_value("It has no")
        assert visit.remembered == kept
        assert visit.page.evaluate("Object.values(sessionStorage)") == ['"It has no"']


def test_a_correction_is_analysed_again(chromium: Browser, site: Site) -> None:
    """A fact that is corrected in its list, or in a message, changes the results by itself."""
    laser = re.compile("laser", re.IGNORECASE)
    with ChatVisit(chromium, site) as visit:
        visit.converse(DECIDED_LAMP)
        applies = visit.page.locator("teaser-chat .group.applies .card h4")
        expect(applies.filter(has_text=laser)).to_have_count(0)
        visit.correct("laser")
        expect(applies.filter(has_text=laser)).to_have_count(1)
        expect(visit.words.nth(-2)).to_contain_text("Correction")
        visit.idle.wait_for()
        visit.shot("chat-5-corrected")
        before = visit.shown()
        visit.reload()
        expect(visit.messages).to_have_count(len(before[0]))
        assert visit.shown() == before

        visit.say("No, it has no laser")
        expect(applies.filter(has_text=laser)).to_have_count(0)


def test_a_correction_may_raise_questions(chromium: Browser, site: Site) -> None:
    """Radio after all: there are no results until its questions are answered."""
    with ChatVisit(chromium, site) as visit:
        visit.converse(DECIDED_LAMP)
        visit.correct("has radio")
        expect(visit.norms).to_have_count(0)
        expect(visit.words.last).to_contain_text("?")
        visit.converse("Bluetooth")
        applies = visit.page.locator("teaser-chat .group.applies .card h4")
        expect(applies.filter(has_text="Radio Equipment Directive")).to_have_count(1)


def test_markup_is_text(chromium: Browser, site: Site) -> None:
    """Markup, emoji and other scripts appear as they were written, also after a reload."""
    with ChatVisit(chromium, site) as visit:
        visit.say(f"{LAMP}\n{MARKUP}")
        visit.say(MARKUP)
        visit.reload()
        expect(visit.messages).to_have_count(4)
        assert visit.words.nth(0).text_content() == f"{LAMP}\n{MARKUP}"
        assert visit.words.nth(2).text_content() == MARKUP
        expect(visit.page.locator("teaser-chat :is(img, b)")).to_have_count(0)
        visit.shot("chat-6-markup")


def test_a_refused_text_can_be_changed(chromium: Browser, site: Site) -> None:
    """A text that is too long is refused with the reason, and can be taken back and shortened."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("422")
        visit.chat_field.fill("and more")
        visit.send("long " * 1000)
        expect(visit.statuses.last).to_contain_text("4000 characters")
        expect(visit.spoken).to_contain_text("4000 characters")
        visit.shot("chat-7-refused")
        visit.button("Take back").click()
        expect(visit.messages).to_have_count(0)
        expect(visit.chat_field).to_be_focused()
        assert visit.chat_field.input_value().startswith("long long")
        visit.say(LAMP)
        expect(visit.messages).to_have_count(2)


def test_browsers_do_not_see_each_other(chromium: Browser, site: Site) -> None:
    """A second browser starts empty, and the first one's conversation does not exist for it."""
    with ChatVisit(chromium, site) as one, ChatVisit(chromium, site) as other:
        one.say(LAMP)
        known = f"{site.url}/api/develope/session/{one.session_id}"
        other.reload()
        expect(other.messages).to_have_count(0)
        assert one.page.request.get(known).status == 200
        assert other.page.request.get(known).status == 404
        other.button("Conversations").click()
        expect(other.page.get_by_role("dialog")).to_contain_text("There is none yet")
        other.button("Close").click()
        other.say("Bluetooth wireless earbuds")
        one.reload()
        expect(one.words).to_have_count(2)
        expect(one.words.first).to_have_text(LAMP)


@pytest.mark.parametrize(
    ("reason", "moment"), [("expired", "reload"), ("expired", "send"), ("unreadable", "reload")]
)
def test_a_conversation_that_is_gone(
    chromium: Browser, site: Site, redis_server: RedisServer, reason: str, moment: str
) -> None:
    """That it is gone is explained, and a new one is begun with the text that was meant for it."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("404", "410")
        visit.say(LAMP)
        (key,) = redis_server.client().scan_iter("chat:session:*-*-*-*-*")
        if reason == "expired":
            redis_server.client().delete(key)
        else:
            redis_server.client().set(key, "{")
        if moment == "reload":
            visit.chat_field.fill("Portable power bank")
            visit.reload()
            expect(visit.chat_field).to_have_value("Portable power bank")
        else:
            visit.send("Portable power bank")
        said = "expired" if reason == "expired" else "cannot be read"
        expect(visit.banner).to_contain_text(said)
        expect(visit.spoken).to_contain_text(said)
        visit.shot(f"chat-8-{reason}-{moment}")
        if moment == "send":
            expect(visit.words.first).to_have_text(LAMP)  # in sight until it is left
            visit.button("Start a new conversation with your message").click()
        else:
            visit.button("Start a new conversation").click()
            visit.button("Send").click()

        expect(visit.words.first).to_have_text("Portable power bank")
        expect(visit.messages).to_have_count(2)
        expect(visit.banner).to_be_empty()
        visit.reload()
        expect(visit.messages).to_have_count(2)


def test_conversations_to_come_back_to(chromium: Browser, site: Site) -> None:
    """A new conversation leaves the other in the list, to be opened again or deleted."""
    with ChatVisit(chromium, site) as visit:
        visit.converse(DECIDED_LAMP)
        lamp = visit.shown()
        visit.begin()
        visit.say("Bluetooth wireless earbuds")
        visit.button("Conversations").click()
        listed = visit.page.locator("teaser-chat .conversation")
        expect(listed).to_have_count(2)
        expect(listed.first).to_contain_text("Bluetooth")
        expect(listed.first).to_have_attribute("aria-current", "true")
        expect(listed.last).to_contain_text("analysed")
        visit.shot("chat-9-conversations", "teaser-chat dialog[open]")
        listed.last.click()
        expect(visit.messages).to_have_count(len(lamp[0]))
        assert visit.shown() == lamp
        visit.reload()
        expect(visit.messages).to_have_count(len(lamp[0]))

        visit.button("Conversations").click()
        visit.page.get_by_role("button", name=re.compile("Delete the conversation “USB")).click()
        visit.shot("chat-10-confirm", "teaser-chat dialog[open] >> nth=1")
        visit.button("Keep it").click()
        expect(listed).to_have_count(2)
        visit.page.get_by_role("button", name=re.compile("Delete the conversation “USB")).click()
        visit.page.get_by_role("dialog").get_by_role(
            "button", name="Delete", exact=True
        ).last.click()
        expect(listed).to_have_count(1)
        visit.button("Close").click()
        expect(visit.messages).to_have_count(0)
        expect(visit.norms).to_have_count(0)
        expect(visit.banner).to_contain_text("is deleted")


def test_clear_history(chromium: Browser, site: Site, redis_server: RedisServer) -> None:
    """Asked twice, nothing of the browser's conversations is left, here and on the server."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.begin()
        visit.say("Portable power bank")
        assert sorted("lamp" in value for value in conversations(redis_server)) == [False, True]
        visit.button("Conversations").click()
        visit.button("Delete all").first.click()
        visit.button("Keep it").click()
        expect(visit.page.locator("teaser-chat .conversation")).to_have_count(2)
        visit.button("Delete all").first.click()
        visit.button("Delete all").last.click()
        expect(visit.page.get_by_role("dialog")).to_contain_text("There is none yet")
        visit.button("Close").click()
        expect(visit.messages).to_have_count(0)
        expect(visit.banner).to_contain_text("All conversations are deleted")
        assert all('"deleted":true' in value for value in conversations(redis_server))
        visit.reload()
        expect(visit.messages).to_have_count(0)
        visit.say(LAMP)


def test_everything_is_exported_and_erased(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """As a file one can keep; then nothing is left, and the chat goes on as for a new browser."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.chat_field.fill("a draft")
        visit.button("Conversations").click()
        with visit.page.expect_download() as download:
            visit.button("Export my data").click()
        assert download.value.suggested_filename == "teaser-chat.json"
        exported = json.loads(download.value.path().read_text(encoding="utf-8"))
        (found,) = exported["conversations"]
        assert found["data"]["history"][0]["content"] == LAMP
        before = {one["name"]: one["value"] for one in visit.page.context.cookies()}
        visit.button("Erase all my data").click()
        visit.button("Keep it").click()
        expect(visit.page.locator("teaser-chat .conversation")).to_have_count(1)
        visit.button("Erase all my data").click()
        visit.button("Erase everything").click()
        expect(visit.page.get_by_role("dialog")).to_contain_text("is erased")
        visit.button("Close").click()
        expect(visit.messages).to_have_count(0)
        assert all('"deleted":true' in value for value in conversations(redis_server))
        assert not [value for name, value in visit.remembered.items() if name == "draft"]
        visit.idle.wait_for()
        visit.say("Portable power bank")
        after = {one["name"]: one["value"] for one in visit.page.context.cookies()}
        assert len(before) == len(after) == 1
        assert before != after
        visit.reload()
        expect(visit.words.first).to_have_text("Portable power bank")


def test_answers_can_be_copied(chromium: Browser, site: Site) -> None:
    """The text of an answer gets into the clipboard, and that is told."""
    with ChatVisit(chromium, site) as visit:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        answer = visit.say(LAMP)
        visit.button("Copy").click()
        expect(visit.spoken).to_have_text("Copied.")
        assert visit.page.evaluate("navigator.clipboard.readText()") == answer


def test_stop(chromium: Browser, site: Site) -> None:
    """An answer that takes long need not be waited for; the message can be sent again, once."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        Held(visit.page, "**/respond")
        visit.send("no battery")
        expect(visit.statuses.last).to_have_text("Sending …")
        expect(visit.page.locator("teaser-chat .typing")).to_be_visible()
        visit.shot("chat-11-sending")
        visit.button("Stop").click()
        expect(visit.statuses.last).to_have_text("Stopped before an answer came")
        expect(visit.page.locator("teaser-chat .typing")).to_be_hidden()
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(4)
        expect(visit.statuses.last).to_have_text("Sent")


def test_times(chromium: Browser, site: Site) -> None:
    """Each message that the server has tells when it was said."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        times = visit.messages.locator("time")
        expect(times).to_have_count(2)
        stored = [message["timestamp"] for message in visit.stored()["history"]]
        expect(times.first).to_have_attribute("datetime", stored[0])


def test_message_ids_without_a_secure_origin(chromium: Browser, site: Site) -> None:
    """Where the browser offers no random UUIDs, the page makes them itself."""
    with ChatVisit(chromium, site) as visit:
        visit.page.add_init_script("delete Crypto.prototype.randomUUID")
        visit.reload()
        with visit.page.expect_request("**/start") as asked:
            visit.say(LAMP)
        sent = json.loads(asked.value.post_data or "{}")
        assert uuid.UUID(sent["client_message_id"]).version == 4


def test_what_was_filtered_is_meant_for_one_conversation(chromium: Browser, site: Site) -> None:
    """A filter stays while its conversation is shown, and is not carried into another."""
    with ChatVisit(chromium, site) as visit:
        visit.converse(DECIDED_LAMP)
        everything = visit.norms.count()
        visit.page.get_by_label("Find a norm").fill("luminaires")
        expect(visit.norms).not_to_have_count(everything)
        found = visit.norms.count()
        visit.say("What comes next?")
        expect(visit.norms).to_have_count(found)
        visit.begin()
        visit.converse(DECIDED_LAMP)
        expect(visit.norms).to_have_count(everything)
        expect(visit.page.get_by_label("Find a norm")).to_have_value("")


def test_parts_that_come_later_are_asked_for_again(chromium: Browser, site: Site) -> None:
    """Results that could not be loaded are loaded when that is possible, and it says so."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("ERR_FAILED")
        visit.page.route("**/en.details.json", lambda route: route.abort())
        visit.send(DECIDED_LAMP)
        expect(visit.banner).to_contain_text("could not be loaded")
        expect(visit.norms).to_have_count(0)
        visit.page.unroute("**/en.details.json")
        expect(visit.norms).not_to_have_count(0)
        expect(visit.banner).to_be_empty()


def test_the_list_cannot_be_loaded(chromium: Browser, site: Site) -> None:
    """It says so; the next try opens it."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("ERR_FAILED")
        visit.say(LAMP)
        visit.page.route("**/dialogs.js", lambda route: route.abort(), times=1)
        visit.button("Conversations").click()
        expect(visit.banner).to_contain_text("could not be loaded")
        expect(visit.spoken).to_contain_text("could not be loaded")
        visit.say("no battery")
        expect(visit.banner).to_be_empty()


def test_a_failed_message_leaves_the_suggestions(chromium: Browser, site: Site) -> None:
    """What was refused waits to be taken back; the conversation can go on meanwhile."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("422")
        visit.say(LAMP)
        before = visit.chips.all_text_contents()
        visit.send("long " * 1000)
        expect(visit.statuses.last).to_contain_text("4000 characters")
        expect(visit.chips).to_have_text(before)


@pytest.mark.parametrize(("width", "height"), [(390, 700), (1366, 657), (900, 800)])
def test_where_one_writes_is_in_sight(
    chromium: Browser, site: Site, width: int, height: int
) -> None:
    """Without scrolling the page: in the middle of a conversation, and on a desk with results."""
    with ChatVisit(chromium, site, viewport={"width": width, "height": height}) as visit:
        visit.say(LAMP)
        visit.say("5 V DC, at most 1 A, no battery, no power adapter")
        visit.reload()
        expect(visit.chat_field).to_be_in_viewport(ratio=1)
        visit.converse(DECIDED_LAMP)
        visit.reload()
        visit.shot(f"chat-in-sight-{width}")
        if width > height:
            expect(visit.chat_field).to_be_in_viewport(ratio=1)
