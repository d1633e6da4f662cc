"""Faults on the way between the chat and its server: no message is lost, none is doubled."""

import json
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.chat_faults import (
    AT_API,
    RECORD_PROGRESS,
    SENDING,
    SENT,
    STOPPED,
    WAITING,
    Held,
    lose_answers,
    refuse,
    refuse_as_proxies_do,
    stream,
)
from tests.browser.chat_visit import DECIDED_LAMP, LAMP, STREAM, ChatVisit
from tests.support.servers import RedisServer
from tests.support.sites import Site

AT_ONCE = signal.SIGQUIT  # gunicorn then waits for no idle connection of the browser
OFFLINE = "ERR_INTERNET_DISCONNECTED|ERR_FAILED"
BAD_GATEWAY = "502|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION"
HALF = {"phase": "analyzing", "progress": 40, "total": 80, "status": "Checked half"}
NOT_SENT = "Not sent"
FORBID_STORAGE = """["localStorage", "sessionStorage"].forEach((name) => {
  Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });
});"""


@pytest.fixture(scope="module")
def lasting_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that a test may stop and start, and that keeps what it has."""
    folder = tmp_path_factory.mktemp("redis")
    with RedisServer("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always") as one:
        yield one


@pytest.fixture(scope="module")
def spilling_site(lasting_redis: RedisServer) -> Iterator[Site]:
    """A deployment whose conversations go on while its Redis is away."""
    with Site(lasting_redis) as site:
        yield site


@pytest.fixture(scope="module")
def bare_site(lasting_redis: RedisServer) -> Iterator[Site]:
    """A deployment that has nothing to write to while its Redis is away."""
    with Site(lasting_redis, SESSION_SPILL_URL="") as site:
        yield site


def expire(redis_server: RedisServer) -> None:
    """Let the only conversation there is expire."""
    (key,) = redis_server.client().scan_iter("chat:session:*-*-*-*-*")
    redis_server.client().delete(key)


def lengthen(redis_server: RedisServer, turns: int) -> None:
    """Let the only conversation there is have said its first turn so many times."""
    (key,) = redis_server.client().scan_iter("chat:session:*-*-*-*-*")
    stored = redis_server.client().get(key)
    assert isinstance(stored, bytes)
    document = json.loads(stored)
    said, replied = document["history"]
    document["history"] += [
        entry
        for turn in range(turns - 1)
        for entry in (
            said | {"id": f"m{turn}"},
            replied | {"id": f"r{turn}", "reply_to": f"m{turn}"},
        )
    ]
    redis_server.client().set(key, json.dumps(document, separators=(",", ":")), keepttl=True)


def test_a_reload_while_a_message_is_sent(chromium: Browser, site: Site) -> None:
    """Whether or not the server took it before the reload, it is there once afterwards."""
    with ChatVisit(chromium, site) as visit:
        for address, before in (("**/start", []), ("**/respond", [LAMP])):
            for is_delivered in (False, True):
                for text in before:
                    visit.say(text)
                held = Held(visit.page, address)
                visit.send("Lamp, no battery")
                expect(visit.statuses.last).to_have_text(SENDING)
                route = held.first()
                if is_delivered:
                    route.fetch()
                visit.reload()
                expect(visit.statuses).to_have_text([SENT] * (len(before) + 1))
                assert visit.stored_texts() == [*before, "Lamp, no battery"]
                assert "unsent" not in str(visit.remembered)
                visit.begin()


@pytest.mark.parametrize("address", ["start", "respond", "correct", "chat"])
def test_a_lost_answer_is_no_second_message(chromium: Browser, site: Site, address: str) -> None:
    """The server took the message, its answer got lost: it is sent again as the same one."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("ERR_FAILED")
        if address == "respond":
            visit.say(LAMP)
        elif address != "start":
            visit.converse(DECIDED_LAMP)
        before = visit.statuses.count()
        sent = lose_answers(visit.page, f"**/{address}")
        if address == "correct":
            visit.correct("laser")
        else:
            visit.send("What comes next?")
        expect(visit.statuses).to_have_text([SENT] * (before + 1))
        visit.idle.wait_for()
        assert len(sent) == 2
        assert sent[0] == sent[1]
        assert len(visit.stored_texts()) == before + 1
        visit.reload()
        expect(visit.statuses).to_have_text([SENT] * (before + 1))


def test_written_while_offline(chromium: Browser, site: Site) -> None:
    """What is written waits, and is sent in order, into one conversation, when that is possible."""
    texts = [LAMP, "no battery", "no wireless"]
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints(OFFLINE)
        visit.page.context.set_offline(True)
        expect(visit.banner).to_contain_text("You are offline")
        expect(visit.spoken).to_contain_text("You are offline")
        for text in texts:
            visit.send(text)
        expect(visit.statuses).to_have_text([WAITING] * 3)
        expect(visit.banner).to_contain_text("sent by itself as soon as you are back")
        visit.page.context.set_offline(False)
        expect(visit.statuses).to_have_text([SENT] * 3)
        expect(visit.banner).to_be_empty()
        visit.idle.wait_for()
        assert visit.stored_texts() == texts
        expect(visit.messages).to_have_count(6)
        assert visit.words.all_inner_texts()[::2] == texts

        visit.page.route(AT_API, lambda route: route.abort("internetdisconnected"))
        for text in ("no laser", "no AI"):
            visit.send(text)
        expect(visit.banner).to_contain_text("Your message is kept")
        visit.page.reload()
        expect(visit.banner).to_contain_text("cannot be reached")
        expect(visit.statuses).to_have_text([WAITING] * 2)
        visit.page.unroute(AT_API)
        expect(visit.statuses).to_have_text([SENT] * 5)
        visit.idle.wait_for()
        assert visit.stored_texts() == [*texts, "no laser", "no AI"]


def test_stopped_messages(chromium: Browser, site: Site) -> None:
    """A message that is not waited for is sent again or taken back, also after a reload, once."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints(OFFLINE)
        held = Held(visit.page, "**/start")
        visit.send(LAMP)
        held.first().fetch()  # it is taken, and opens the conversation
        visit.button("Stop").click()
        expect(visit.statuses).to_have_text([SENT])
        expect(visit.messages).to_have_count(2)
        visit.idle.wait_for()

        held = Held(visit.page, "**/respond")
        visit.send("no battery")
        held.first().fetch()
        visit.button("Stop").click()
        expect(visit.statuses).to_have_text([SENT] * 2)  # as the server says
        visit.idle.wait_for()

        held = Held(visit.page, "**/respond")
        visit.send("no wireless")
        held.first()
        visit.button("Stop").click()
        expect(visit.statuses).to_have_text([SENT, SENT, STOPPED])
        visit.reload()
        expect(visit.statuses).to_have_text([SENT, SENT, STOPPED])
        visit.button("Try again").click()
        expect(visit.statuses).to_have_text([SENT] * 3)
        visit.idle.wait_for()

        visit.page.context.set_offline(True)
        visit.send("no laser")
        visit.send("no AI")
        expect(visit.statuses.last).to_have_text(WAITING)
        visit.button("Stop").click()
        expect(visit.statuses).to_have_text([SENT] * 3 + [STOPPED] * 2)
        visit.button("Take back").first.click()
        expect(visit.chat_field).to_have_value("no laser")
        visit.page.context.set_offline(False)
        expect(visit.banner).to_be_empty()
        visit.reload()
        expect(visit.chat_field).to_have_value("no laser")
        expect(visit.statuses).to_have_text([SENT] * 3 + [STOPPED])
        assert visit.stored_texts() == [LAMP, "no battery", "no wireless"]


def test_the_first_message_was_stopped_and_another_is_written(
    chromium: Browser, site: Site
) -> None:
    """The conversation that a stopped message opened is looked for before another is begun."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("ERR_FAILED")
        held = Held(visit.page, "**/start")
        current = Held(visit.page, "**/current")
        visit.send(LAMP)
        held.first().fetch()
        visit.button("Stop").click()
        looked_up = current.first()
        visit.send("no battery")
        looked_up.abort()  # and it is looked for until that can be told
        expect(visit.statuses).to_have_text([SENT] * 2)
        visit.idle.wait_for()
        assert visit.stored_texts() == [LAMP, "no battery"]


def test_a_refusal_is_told_and_can_be_tried_again(chromium: Browser, site: Site) -> None:
    """An internal error fails in sight, with its reason; what is written after it is sent."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("500")
        visit.say(LAMP)
        refuse(visit.page, "**/respond", 500, "internal_error")
        visit.send("no battery")
        expect(visit.statuses.last).to_have_text("This is the 500.")
        expect(visit.spoken).to_have_text("This is the 500.")
        visit.say("no wireless")
        expect(visit.statuses).to_have_text([SENT, SENT, "This is the 500."])
        visit.button("Try again").click()
        expect(visit.statuses).to_have_text([SENT] * 3)
        visit.idle.wait_for()
        assert visit.stored_texts() == [LAMP, "no wireless", "no battery"]

        def deliver_and_fail(route: Route) -> None:
            route.fetch()
            route.fulfill(status=500, body="<html>")

        visit.page.route("**/respond", deliver_and_fail, times=1)
        visit.send("no laser")
        expect(visit.statuses).to_have_text([SENT] * 4)  # it was taken in spite of the error
        visit.idle.wait_for()
        assert visit.stored_texts().count("no laser") == 1


def test_a_server_that_is_away_for_a_moment(chromium: Browser, site: Site) -> None:
    """The message is kept, that is said, and it is sent by itself."""
    texts = [LAMP, "no battery", "no wireless"]
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("50[234]")
        for text, status in zip(texts, (502, 503, 504), strict=True):
            refuse_as_proxies_do(visit.page, re.compile("/(start|respond)$"), status)
            visit.send(text)
            expect(visit.banner).to_contain_text("Your message is kept, and sent by itself")
            expect(visit.banner).to_be_empty()
            expect(visit.statuses.last).to_have_text(SENT)
            visit.idle.wait_for()
        assert visit.stored_texts() == texts


def test_the_server_says_when(chromium: Browser, site: Site) -> None:
    """Nothing is sent before the time that a limit asks for is over, and then it is by itself."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("429")
        visit.page.clock.install()
        visit.reload()
        asked: list[str] = []
        visit.page.on("request", lambda request: asked.append(request.url))
        refuse(visit.page, "**/start", 429, "rate_limited", **{"Retry-After": "3000"})
        visit.send(LAMP)
        expect(visit.banner).to_contain_text("This is the 429.")
        expect(visit.statuses).to_have_text([WAITING])
        visit.page.clock.fast_forward(2_000_000)
        visit.page.evaluate("0")
        assert [url for url in asked if url.endswith("/start")] == [
            f"{site.url}/api/develope/start"
        ]
        visit.page.clock.fast_forward(2_000_000)
        expect(visit.statuses).to_have_text([SENT])
        assert visit.stored_texts() == [LAMP]


def test_a_restart_of_the_server(chromium: Browser, site: Site) -> None:
    """Between two messages, while one is on its way, and after it was taken: nothing is lost."""
    texts = [LAMP, "no battery", "no wireless", "no laser"]
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints(BAD_GATEWAY, "ERR_FAILED")
        visit.say(texts[0])
        site.gunicorn.stop(AT_ONCE)
        site.gunicorn.start()
        visit.say(texts[1])

        held = Held(visit.page, "**/respond")
        visit.send(texts[2])
        route = held.first()
        site.gunicorn.stop(AT_ONCE)
        route.continue_()
        expect(visit.banner).to_contain_text("cannot be reached right now")
        expect(visit.banner).to_contain_text("sent by itself as soon as the server is back")
        site.gunicorn.start()
        expect(visit.statuses).to_have_text([SENT] * 3)

        held = Held(visit.page, "**/respond")
        visit.send(texts[3])
        route = held.first()
        route.fetch()
        site.gunicorn.stop(AT_ONCE)
        route.abort()
        expect(visit.banner).to_contain_text("Your message is kept")
        site.gunicorn.start()
        expect(visit.statuses).to_have_text([SENT] * 4)
        visit.idle.wait_for()
        assert visit.stored_texts() == texts
        visit.reload()
        expect(visit.statuses).to_have_text([SENT] * 4)


def test_redis_is_away_and_writes_are_spilled(
    chromium: Browser, spilling_site: Site, lasting_redis: RedisServer
) -> None:
    """What begins without Redis goes on without it; what only Redis has waits for it."""
    with ChatVisit(chromium, spilling_site) as early:
        early.expect_complaints("503")
        early.say("Portable power bank")
        lasting_redis.stop()
        try:
            early.send("no wireless")
            expect(early.banner).to_contain_text("sent by itself as soon as the server is back")
            with ChatVisit(chromium, spilling_site) as late:
                late.expect_complaints("503")
                late.say(LAMP)
                late.say("no battery")
                late.reload()
                expect(late.statuses).to_have_text([SENT] * 2)
                lasting_redis.start()
                late.say("no wireless")
                assert late.stored_texts() == [LAMP, "no battery", "no wireless"]
        finally:
            if not lasting_redis.answers():
                lasting_redis.start()
        expect(early.statuses).to_have_text([SENT] * 2)
        early.idle.wait_for()
        assert early.stored_texts() == ["Portable power bank", "no wireless"]


def test_redis_is_away_and_nothing_can_be_written(
    chromium: Browser, bare_site: Site, lasting_redis: RedisServer
) -> None:
    """Messages wait, over reloads, also in a browser that forgot all but its cookie meanwhile."""
    texts = [LAMP, "no battery", "no wireless"]
    with ChatVisit(chromium, bare_site) as visit, ChatVisit(chromium, bare_site) as other:
        visit.expect_complaints("503")
        other.expect_complaints("503")
        visit.say(texts[0])
        other.say("Portable power bank")
        lasting_redis.stop()
        try:
            visit.send(texts[1])
            visit.send(texts[2])
            expect(visit.statuses).to_have_text([SENT, WAITING, WAITING])
            expect(visit.banner).to_contain_text("sent by itself as soon as the server is back")
            visit.page.reload()
            expect(visit.statuses).to_have_text([WAITING, WAITING])

            other.page.evaluate("localStorage.clear()")
            other.page.reload()
            expect(other.banner).to_contain_text("Your earlier conversation is shown as soon as")
            expect(other.chips).to_have_count(0)
        finally:
            lasting_redis.start()
        expect(visit.statuses).to_have_text([SENT] * 3)
        expect(other.words.first).to_have_text("Portable power bank")
        visit.idle.wait_for()
        assert visit.stored_texts() == texts
        expect(visit.banner).to_be_empty()
        expect(other.banner).to_be_empty()


def test_an_analysis_that_loses_its_connection(chromium: Browser, site: Site) -> None:
    """The progress stays in sight, and the stream resumes after the last step that came."""
    with ChatVisit(chromium, site) as visit:
        stream(visit.page, STREAM, HALF, event_id="2-42", retry_ms=600_000)
        visit.send(DECIDED_LAMP)
        progress = visit.page.locator("teaser-chat .progress")
        expect(progress).to_contain_text("being restored")
        expect(visit.page.get_by_role("progressbar")).to_have_js_property("position", 0.5)
        expect(visit.spoken).to_contain_text("being restored")

        held = Held(visit.page, STREAM)  # as long as it is watched from the beginning
        visit.page.reload()
        held.first()
        expect(progress).to_be_visible()
        visit.page.evaluate(RECORD_PROGRESS)
        stream(visit.page, STREAM, HALF, event_id="2-42", retry_ms=10)
        visit.button("Stop").click()
        visit.button("Check the norms").click()
        expect(visit.norms).not_to_have_count(0)
        said = visit.page.evaluate("window.said")
        resumed = said.index("Checking the norms: 40 of 80 …")
        assert any(sentence.startswith("Checking") for sentence in said[resumed + 1 :])
        assert not any(sentence.startswith("Summing up") for sentence in said)
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()


def test_an_analysis_that_fails(chromium: Browser, site: Site) -> None:
    """A stream that is refused or breaks is tried otherwise; what helps no more is told."""
    broken = {"phase": "error", "error": "It broke."}
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("503", "500")
        refuse(visit.page, STREAM, 503, "store_unavailable")
        refuse(visit.page, "**/analyze", 503, "store_unavailable")
        visit.send(DECIDED_LAMP)  # both are refused, and the stream is fine then
        expect(visit.norms).not_to_have_count(0)
        visit.begin()

        streams: list[str] = []
        visit.page.on("request", lambda request: streams.append(request.url))
        stream(visit.page, STREAM, broken, event_id="2-1", retry_ms=1)
        refuse(visit.page, "**/analyze", 500, "internal_error")
        visit.send(DECIDED_LAMP)
        progress = visit.page.locator("teaser-chat .progress")
        expect(progress).to_contain_text("The analysis failed. This is the 500.")
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()
        expect(visit.spoken).to_contain_text("This is the 500.")
        assert len([url for url in streams if "stream" in url]) == 1  # it told its end

        stream(visit.page, STREAM, broken, event_id="2-1", retry_ms=1)
        visit.button("Check the norms").click()
        expect(visit.norms).not_to_have_count(0)  # an analysis without steps succeeded
        expect(visit.button("Check the norms")).to_be_hidden()


def test_an_analysis_is_stopped_left_and_resumed(chromium: Browser, site: Site) -> None:
    """It can be stopped and run again, and a reload in the middle of it goes on by itself."""
    with ChatVisit(chromium, site) as visit:
        held = Held(visit.page, STREAM)
        visit.send(DECIDED_LAMP)
        held.first()
        visit.button("Stop").click()
        expect(visit.page.locator("teaser-chat .progress")).to_contain_text("was stopped")
        expect(visit.button("Stop")).to_be_hidden()
        held = Held(visit.page, STREAM)
        visit.button("Check the norms").click()
        held.first()
        visit.page.reload()
        expect(visit.norms).not_to_have_count(0)
        visit.idle.wait_for()
        assert visit.stored_texts() == [DECIDED_LAMP]


def test_the_server_restarts_while_it_analyses(chromium: Browser, site: Site) -> None:
    """The analysis is taken up again when the server is back."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints(BAD_GATEWAY)
        held = Held(visit.page, STREAM)
        visit.send(DECIDED_LAMP)
        route = held.first()
        # Once it is there, the server has sent all parts of the page.
        expect(visit.page.get_by_role("progressbar")).to_be_visible()
        site.gunicorn.stop(AT_ONCE)
        route.continue_()
        expect(visit.page.locator("teaser-chat .progress")).to_contain_text("being restored")
        site.gunicorn.start()
        expect(visit.norms).not_to_have_count(0)
        visit.idle.wait_for()
        assert visit.stored_texts() == [DECIDED_LAMP]


def test_it_expires_while_it_is_analysed(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """That the conversation is gone is explained, with its words still in sight."""
    gone = {"phase": "error", "error": "It has expired."}
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("404")
        held = Held(visit.page, STREAM)
        visit.send(DECIDED_LAMP)
        route = held.first()
        expire(redis_server)
        route.fulfill(content_type="text/event-stream", body=f"data: {json.dumps(gone)}\n\n")
        expect(visit.banner).to_contain_text("expired")
        expect(visit.words.first).to_have_text(DECIDED_LAMP)
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()
        visit.button("Start a new conversation").click()
        expect(visit.messages).to_have_count(0)


def test_it_expires_with_texts_that_were_not_sent(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """All of them are kept, also over a reload, and begin a new conversation together."""
    texts = ["no battery", "no wireless", "no laser"]
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints(OFFLINE, "404")
        visit.say(LAMP)
        visit.page.context.set_offline(True)
        for text in texts:
            visit.send(text)
        expect(visit.statuses).to_have_text([SENT, *[WAITING] * 3])
        expire(redis_server)
        visit.page.context.set_offline(False)
        expect(visit.banner).to_contain_text("expired")
        expect(visit.words).to_have_text([LAMP, re.compile("."), *texts])
        visit.reload()
        expect(visit.banner).to_contain_text("expired")
        expect(visit.words).to_have_text(texts)
        visit.button("Start a new conversation with your message").click()
        expect(visit.statuses).to_have_text([SENT])
        visit.idle.wait_for()
        assert visit.stored_texts() == ["\n".join(texts)]
        assert "unsent" not in str(visit.remembered)


def test_corrections_that_cannot_be_sent(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """A correction waits for its conversation, and is never taken for a product of its own."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints(OFFLINE, "404")
        visit.converse(DECIDED_LAMP)
        before = visit.session_id

        visit.page.context.set_offline(True)
        visit.correct("has radio")
        expect(visit.statuses.last).to_have_text(WAITING)
        visit.button("New conversation").click()
        expect(visit.messages).to_have_count(0)
        expect(visit.chat_field).to_have_value("")
        visit.page.context.set_offline(False)
        expect(visit.banner).to_be_empty()
        visit.say("Portable power bank")
        visit.button("Conversations").click()
        visit.page.locator("teaser-chat .conversation").last.click()
        expect(visit.statuses).to_have_text([SENT] * 2)
        visit.idle.wait_for()
        assert visit.session_id == before
        assert len(visit.stored_texts()) == 2

        visit.page.context.set_offline(True)
        visit.correct("laser")
        expect(visit.statuses.last).to_have_text(WAITING)
        (key,) = redis_server.client().scan_iter(f"chat:session:{before}")
        redis_server.client().delete(key)
        visit.page.context.set_offline(False)
        expect(visit.banner).to_contain_text("expired")
        visit.correct("medical")
        expect(visit.statuses).to_have_text([SENT, SENT, NOT_SENT, NOT_SENT])
        visit.reload()
        expect(visit.banner).to_contain_text("expired")
        expect(visit.statuses).to_have_text([NOT_SENT])
        visit.button("Take back").click()
        expect(visit.chat_field).to_have_value("")
        visit.send("no battery")
        expect(visit.statuses).to_have_text([SENT])
        visit.idle.wait_for()
        assert visit.stored_texts() == ["no battery"]
        assert "unsent" not in str(visit.remembered)


def test_a_conversation_that_was_left_is_gone(chromium: Browser, site: Site) -> None:
    """What is learned too late of one conversation is not taken for what is shown by then."""
    gone = {"error": "It has expired.", "code": "session_not_found", "request_id": "r"}
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("404")
        visit.say(LAMP)
        visit.begin()
        visit.say("Portable power bank")
        listed = visit.page.locator("teaser-chat .conversation")
        held = Held(visit.page, "**/session/*")
        visit.button("Conversations").click()
        listed.last.click()
        late = held.first()
        visit.button("Conversations").click()
        listed.first.click()
        late.fulfill(status=404, json=gone)
        expect(visit.words.first).to_have_text("Portable power bank")
        visit.idle.wait_for()
        expect(visit.banner).to_be_empty()


def test_a_very_long_conversation(chromium: Browser, site: Site, redis_server: RedisServer) -> None:
    """After a hundred turns it is restored, its end is in sight, and it goes on."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        lengthen(redis_server, 100)
        visit.reload()
        expect(visit.messages).to_have_count(200)
        expect(visit.messages.last).to_be_in_viewport()
        visit.say("no battery")
        expect(visit.messages).to_have_count(202)
        expect(visit.messages.last).to_be_in_viewport()
        assert len(visit.stored_texts()) == 101


def test_storage_is_forbidden(chromium: Browser, site: Site) -> None:
    """The chat works, and finds its conversation by the cookie after a reload."""
    with ChatVisit(chromium, site) as visit:
        visit.page.add_init_script(FORBID_STORAGE)
        visit.reload()
        visit.say(LAMP)
        visit.say("no battery")
        before = visit.shown()
        visit.reload()
        expect(visit.messages).to_have_count(4)
        assert visit.shown() == before
        visit.say("no wireless")
        visit.begin()
        visit.reload()
        expect(visit.messages).to_have_count(0)


def test_cookies_are_cleared(chromium: Browser, site: Site) -> None:
    """The conversation is out of reach, and that is said; the next one is the browser's own."""
    with ChatVisit(chromium, site) as visit:
        visit.expect_complaints("404")
        visit.say(LAMP)
        visit.page.context.clear_cookies()
        visit.send("no battery")
        expect(visit.banner).to_contain_text("expired")
        expect(visit.words).to_have_text([LAMP, re.compile("."), "no battery"])
        visit.button("Start a new conversation with your message").click()
        expect(visit.statuses).to_have_text([SENT])
        visit.idle.wait_for()
        visit.button("Conversations").click()
        expect(visit.page.locator("teaser-chat .conversation")).to_have_count(1)
        visit.button("Close").click()
        visit.page.evaluate("localStorage.clear()")
        visit.reload()
        expect(visit.words.first).to_have_text("no battery")
