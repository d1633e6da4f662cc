"""The teaser chat over HTTP: every field of the contract, from the opener to the questions."""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.sessions import count_sessions
from services.sessions.migration.stages import Stage
from services.sessions.stores import RedisStore
from services.static_files import parse_address
from tests.support.application import create_app
from tests.support.servers import RedisServer
from tests.support.talk import (
    API,
    conversation,
    events,
    finish,
    get_current,
    respond,
    start,
    start_analyzed,
)

OPENERS = {
    "USB-powered LED desk lamp": ([], {"2011/65/EU", "2014/30/EU", "(EU) 2019/2020"}, "2014/53/EU"),
    "Bluetooth wireless earbuds": (
        ["Rechargeable lithium battery, USB charging 5 V"],
        {"2014/53/EU", "(EU) 2023/1542"},
        "2014/35/EU",
    ),
    "Electric standing desk": (["It plugs into the mains, 230 V AC"], {"2011/65/EU"}, "2014/53/EU"),
    "Portable power bank": (
        ["Rechargeable lithium battery, charged by USB 5 V"],
        {"(EU) 2023/1542", "UN 38.3"},
        "2009/48/EC",
    ),
    "WiFi smart light bulb with RGB LEDs": (
        ["Yes, 230V AC"],
        {"2014/53/EU", "(EU) 2024/2847", "EN 300 328"},
        "2014/35/EU",
    ),
}


@pytest.fixture(params=["sqlite", "redis", "memory"])
def any_app(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Flask]:
    """The application over each kind of engine."""
    engine = None
    if request.param == "redis":
        engine = RedisStore.from_url(request.getfixturevalue("redis_url"))
    if request.param == "memory":
        settings = replace(settings, stage=Stage.OFF)
    application = create_app(settings, engine=engine)
    yield application
    application.extensions["session_store"].close()


@pytest.mark.parametrize("opener", OPENERS)
def test_a_whole_conversation(any_app: Flask, opener: str) -> None:
    """Describe, answer, analyse, ask, come back, delete: on every engine."""
    client = any_app.test_client(use_cookies=False)
    answers, expected, excluded = OPENERS[opener]
    first = start(client, opener)
    session_id = first["session_id"]
    assert uuid.UUID(session_id).version == 4
    assert first["complete"] is False
    assert isinstance(first["message"], str)
    assert all(isinstance(name, str) for name in first["missing"])
    assert first["missing"]

    last = finish(client, session_id, answers)
    assert last["complete"] is True
    assert last["message"]
    assert last["reasoning"]

    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    result = response.get_json()
    assert response.status_code == 200
    assert result["total_norms"] == len(result["norms"])
    assert result["databases_checked"]
    found = {norm["norm_id"] for norm in result["norms"]}
    assert expected <= found
    assert excluded not in found
    for norm in result["norms"]:
        assert norm["applies"] is True
        assert 0 <= norm["confidence"] <= 100
        assert norm["norm_name"]
        assert norm["reasoning"]
        assert norm["url"].startswith("https://")

    asked = client.post(
        f"{API}/ask-analysis",
        json={"session_id": session_id, "question": f"Why not {excluded}?"},
    )
    assert asked.status_code == 200
    assert excluded in asked.get_json()["relevant_norms"]
    assert asked.get_json()["answer"]
    assert isinstance(asked.get_json()["confidence"], int)

    page = conversation(client, session_id)
    assert page["session_id"] == session_id
    assert page["started"] is True
    assert page["complete"] is True
    assert page["analyzed"] is True
    assert page["history"][0]["content"] == opener
    assert [entry["role"] for entry in page["history"][:2]] == ["user", "assistant"]
    assert page["matched_norms"] == result["norms"]
    assert page["product_description"] == result["product_description"]
    checked = {norm["norm_id"]: norm for norm in page["all_norm_results"]}
    assert len(checked) == 80
    assert found <= set(checked)
    assert page["qa_history"][0]["question"] == f"Why not {excluded}?"
    assert {"question", "answer", "timestamp"} <= set(page["qa_history"][0])

    for _ in range(2):
        gone = client.delete(f"{API}/session/{session_id}")
        assert (gone.status_code, gone.get_json()) == (200, {"status": "deleted"})
    assert client.get(f"{API}/session/{session_id}").status_code == 404


def test_what_is_not_known_must_be_checked(client: FlaskClient) -> None:
    """A maker who does not know gets norms to be checked, with the open fact named."""
    answer = start(client, "electric thing")
    session_id = answer["session_id"]
    while not answer["complete"]:
        answer = respond(client, session_id, "I don't know")
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    open_norms = [
        norm
        for norm in response.get_json()["all_norm_results"]
        if norm["status"] == "to_be_checked"
    ]
    assert open_norms
    assert all(norm["applies"] is False for norm in open_norms)
    assert all(norm["reasoning"].startswith("To be checked") for norm in open_norms)


def test_before_the_analysis_the_session_shows_only_the_conversation(client: FlaskClient) -> None:
    """Results are not there before they are."""
    session_id = start(client)["session_id"]
    page = conversation(client, session_id)
    assert page["complete"] is False
    assert not {"matched_norms", "all_norm_results", "product_description"} & set(page)
    assert page["qa_history"] == []


def test_a_correction_replaces_what_was_said(client: FlaskClient) -> None:
    """Also after the analysis, which then has to be run again."""
    session_id = start_analyzed(client, "USB-powered LED desk lamp")
    answer = respond(client, session_id, "Actually it has Bluetooth")
    assert "checked again" in answer["message"]
    assert conversation(client, session_id)["analyzed"] is False
    if not answer["complete"]:
        finish(client, session_id)
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    assert "2014/53/EU" in {norm["norm_id"] for norm in response.get_json()["norms"]}


def test_a_correction_takes_no_time_and_no_question_away(
    settings: Settings, redis_url: str, redis_server: RedisServer
) -> None:
    """The day that an analysed conversation lives, and what was asked, outlast the results."""
    store = RedisStore.from_url(redis_url)
    client = create_app(settings, engine=store).test_client(use_cookies=False)
    session_id = start_analyzed(client)
    client.post(
        f"{API}/ask-analysis", json={"session_id": session_id, "question": "Why the EMC Directive?"}
    )
    respond(client, session_id, "Actually it has Bluetooth")
    assert redis_server.client().ttl(f"chat:session:{session_id}") > 86_000
    assert len(conversation(client, session_id)["qa_history"]) == 1
    store.close()


def test_an_analysis_is_done_once(client: FlaskClient) -> None:
    """The second time it comes from the session."""
    session_id = start_analyzed(client)
    first = client.post(f"{API}/analyze", json={"session_id": session_id}).get_json()
    second = client.post(f"{API}/analyze", json={"session_id": session_id}).get_json()
    assert first == second


def test_a_browser_finds_the_conversation_it_was_in(browser: FlaskClient) -> None:
    """A reload finds it; another browser does not; once deleted it is not told any more."""
    session_id = start(browser)["session_id"]
    assert get_current(browser) == session_id
    stranger = browser.application.test_client()
    stranger.get("/develope")
    assert get_current(stranger) is None
    browser.delete(f"{API}/session/{session_id}")
    assert get_current(browser) is None


def test_deleting_another_conversation_changes_nothing_of_that(browser: FlaskClient) -> None:
    """The browser stays in the one it was in."""
    first = start(browser)["session_id"]
    second = start(browser)["session_id"]
    browser.delete(f"{API}/session/{first}")
    assert get_current(browser) == second


@pytest.mark.parametrize(
    ("wanted", "language", "title"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Welche EU-Normen gelten für Ihr Produkt?"),
        ("fr,en;q=0.5", "en", "Which EU norms apply to your product?"),
        ("fr", "en", "Which EU norms apply to your product?"),
    ],
)
def test_the_page_speaks_the_browser_s_language(
    client: FlaskClient, wanted: str, language: str, title: str
) -> None:
    """German or English, and English to all others."""
    page = client.get("/develope", headers={"Accept-Language": wanted}).text
    assert f'<html lang="{language}">' in page
    assert f"<title>{title}</title>" in page
    assert f'<teaser-chat lang="{language}">' in page


def test_the_page_asks_for_its_scripts_at_once(client: FlaskClient) -> None:
    """Each module is named in the page, so that none waits for another; all of them are there."""
    page = client.get("/develope").text
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)"', page)
    names = {parse_address(path.removeprefix("/static/")).name for path in named}
    assert {"chat/teaser-chat.js", "chat/state.js", "api.js"} <= names
    assert len(named) == len(set(named))
    for path in named:
        with client.get(path) as response:
            assert (response.status_code, response.mimetype) == (200, "text/javascript")


def test_the_root_leads_to_the_page(client: FlaskClient) -> None:
    """Whoever types the bare address gets there."""
    response = client.get("/")
    assert response.headers["Location"] == "/develope"


class TestIdempotency:
    """The same client_message_id has the effect of one request."""

    def test_start_twice_opens_one(self, client: FlaskClient) -> None:
        """The same answer, the same session, one message."""
        message_id = str(uuid.uuid4())
        first = start(client, client_message_id=message_id)
        respond(client, first["session_id"], "no radio")
        assert start(client, client_message_id=message_id) == first
        history = conversation(client, first["session_id"])["history"]
        assert [entry["id"] for entry in history].count(message_id) == 1

    def test_a_late_repetition_brings_no_deleted_conversation_back(
        self, client: FlaskClient
    ) -> None:
        """What was opened and deleted stays deleted; another id opens another one."""
        message_id = str(uuid.uuid4())
        session_id = start(client, client_message_id=message_id)["session_id"]
        client.delete(f"{API}/session/{session_id}")
        body = {"initial_input": "USB-powered LED desk lamp", "client_message_id": message_id}
        again = client.post(f"{API}/start", json=body)
        assert (again.status_code, again.get_json()["code"]) == (404, "session_not_found")
        assert client.get(f"{API}/session/{session_id}").status_code == 404
        assert start(client)["session_id"] != session_id

    def test_two_starts_at_once_open_one(self, client: FlaskClient) -> None:
        """Whichever is first; the other one leaves nothing behind."""
        message_id = str(uuid.uuid4())
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _: start(client, client_message_id=message_id), range(8)))
        assert len({answer["session_id"] for answer in opened}) == 1
        assert count_sessions() == 1

    def test_the_id_of_a_reply_is_no_id_for_a_message(self, client: FlaskClient) -> None:
        """Ids are readable in the history; none of them leads anywhere else."""
        session_id = start(client)["session_id"]
        reply = conversation(client, session_id)["history"][1]
        body = {
            "session_id": session_id,
            "message": reply["content"],
            "client_message_id": reply["id"],
        }
        response = client.post(f"{API}/respond", json=body)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")

    def test_start_with_another_text_is_refused(self, client: FlaskClient) -> None:
        """An id stands for one message."""
        message_id = str(uuid.uuid4())
        start(client, client_message_id=message_id)
        body = {"initial_input": "A kettle", "client_message_id": message_id}
        response = client.post(f"{API}/start", json=body)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")

    def test_two_browsers_with_one_id_have_two_conversations(self, app: Flask) -> None:
        """Nobody reaches a conversation by guessing the id that opened it."""
        message_id = str(uuid.uuid4())
        clients = [app.test_client() for _ in range(2)]
        for client in clients:
            client.get("/develope")
        ids = {start(client, client_message_id=message_id)["session_id"] for client in clients}
        assert len(ids) == 2

    def test_respond_twice_counts_once(self, client: FlaskClient) -> None:
        """Also when others have spoken in between."""
        session_id = start(client)["session_id"]
        message_id = str(uuid.uuid4())
        first = respond(client, session_id, "no radio", client_message_id=message_id)
        respond(client, session_id, "for adults at home")
        assert respond(client, session_id, "no radio", client_message_id=message_id) == first
        history = conversation(client, session_id)["history"]
        assert [entry["content"] for entry in history].count("no radio") == 1

    def test_respond_with_another_text_is_refused(self, client: FlaskClient) -> None:
        """And the first text stays."""
        session_id = start(client)["session_id"]
        message_id = str(uuid.uuid4())
        respond(client, session_id, "no radio", client_message_id=message_id)
        before = conversation(client, session_id)
        body = {"session_id": session_id, "message": "Wi-Fi", "client_message_id": message_id}
        response = client.post(f"{API}/respond", json=body)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")
        assert conversation(client, session_id) == before

    def test_ask_twice_answers_once(self, client: FlaskClient) -> None:
        """The question stands once in the history; another text under its id is refused."""
        session_id = start_analyzed(client)
        body = {
            "session_id": session_id,
            "question": "Which are the most important?",
            "client_message_id": str(uuid.uuid4()),
        }
        first = client.post(f"{API}/ask-analysis", json=body)
        second = client.post(f"{API}/ask-analysis", json=body)
        assert first.get_json() == second.get_json()
        assert len(conversation(client, session_id)["qa_history"]) == 1
        other = client.post(f"{API}/ask-analysis", json={**body, "question": "Why?"})
        assert (other.status_code, other.get_json()["code"]) == (409, "message_id_reused")

    def test_an_id_of_a_message_is_no_id_for_a_question(self, client: FlaskClient) -> None:
        """Ids are the conversation's, not the route's."""
        message_id = str(uuid.uuid4())
        session_id = start(client, client_message_id=message_id)["session_id"]
        finish(client, session_id)
        client.post(f"{API}/analyze", json={"session_id": session_id})
        body = {"session_id": session_id, "question": "Why?", "client_message_id": message_id}
        response = client.post(f"{API}/ask-analysis", json=body)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")


class TestStream:
    """The analysis as server-sent events."""

    def ready(self, client: FlaskClient) -> str:
        """A conversation that can be analysed."""
        session_id: str = start(client)["session_id"]
        finish(client, session_id)
        return session_id

    def test_phases_come_in_order_with_ids(self, client: FlaskClient) -> None:
        """Each once, the checking once for every norm, the results last and stored."""
        session_id = self.ready(client)
        response = client.get(f"{API}/analyze-stream?session_id={session_id}")
        assert response.content_type.startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Accel-Buffering"] == "no"
        found = events(response.data)
        phases = [data["phase"] for _, data in found]
        assert phases == ["summary", "databases", *["analyzing"] * 80, "finalizing", "complete"]
        assert all(data["status"] for _, data in found[:-1])
        steps = [data for _, data in found if data["phase"] == "analyzing"]
        assert [step["progress"] for step in steps] == list(range(1, 81))
        assert {step["total"] for step in steps} == {80}
        assert len({event_id for event_id, _ in found}) == len(found)
        last = found[-1][1]
        assert {"product_description", "norms", "total_norms"} <= set(last)
        page = conversation(client, session_id)
        assert page["matched_norms"] == last["norms"]

    def test_a_lost_stream_is_resumed_after_the_last_event(self, client: FlaskClient) -> None:
        """What was seen is not sent again, and the end is the same."""
        session_id = self.ready(client)
        address = f"{API}/analyze-stream?session_id={session_id}"
        found = events(client.get(address).data)
        for seen in (found[0][0], found[40][0]):
            rest = events(client.get(address, headers={"Last-Event-ID": seen}).data)
            assert seen not in [event_id for event_id, _ in rest]
            assert rest[-1] == found[-1]
        over = client.get(address, headers={"Last-Event-ID": found[-1][0]})
        assert over.status_code == 204

    def test_an_unknown_event_id_starts_at_the_beginning(self, client: FlaskClient) -> None:
        """Also one of an earlier analysis, or nonsense."""
        session_id = self.ready(client)
        address = f"{API}/analyze-stream?session_id={session_id}"
        revision = len(conversation(client, session_id)["history"])
        for seen in ("x", "1-5", "-", "9" * 50, f"{revision}-999", f"{revision}-{'9' * 5000}"):
            found = events(client.get(address, headers={"Last-Event-ID": seen}).data)
            assert found[0][1]["phase"] == "summary"

    def test_facts_that_change_while_it_runs_are_what_is_stored(self, client: FlaskClient) -> None:
        """The results that are kept belong to the facts that are kept."""
        session_id = self.ready(client)
        run = client.application.extensions["teaser_chat"].open_analysis(session_id)
        steps = run.run_steps()
        assert next(steps)[1]["phase"] == "summary"
        respond(client, session_id, "Actually it is a kettle for 230 V AC mains")
        finish(client, session_id)
        assert list(steps)[-1][1]["phase"] == "complete"
        found = {norm["norm_id"] for norm in conversation(client, session_id)["matched_norms"]}
        assert "2014/35/EU" in found

    def test_a_finished_analysis_is_answered_from_the_session(self, client: FlaskClient) -> None:
        """All phases, but the checking in one step."""
        session_id = start_analyzed(client)
        found = events(client.get(f"{API}/analyze-stream?session_id={session_id}").data)
        phases = [data["phase"] for _, data in found]
        assert phases == ["summary", "databases", "analyzing", "finalizing", "complete"]
        assert found[-1][1]["norms"] == conversation(client, session_id)["matched_norms"]

    def test_what_breaks_on_the_way_is_the_last_event(self, client: FlaskClient) -> None:
        """Deleted while it was watched: an error event, and no session comes back."""
        session_id = self.ready(client)
        response = client.get(f"{API}/analyze-stream?session_id={session_id}", buffered=False)
        chunks = cast("Iterator[bytes]", iter(response.response))
        assert next(chunks)
        client.delete(f"{API}/session/{session_id}")
        rest = b"".join(chunks)
        last = events(rest)[-1][1]
        if last["phase"] != "complete":
            assert last["phase"] == "error"
            assert "start a new one" in last["error"]
        assert client.get(f"{API}/session/{session_id}").status_code == 404
