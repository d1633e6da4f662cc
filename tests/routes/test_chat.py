"""The one-endpoint chat over HTTP: one door to interview, analysis and questions."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.keyspaces import UNIFIED_CHAT_TTL
from services.norms.catalogue import DISCLAIMER
from services.sessions import count_sessions
from services.sessions.migration.stages import Stage
from services.sessions.stores import RedisStore
from tests.support.application import create_app
from tests.support.servers import RedisServer
from tests.support.talk import (
    API,
    LAMP,
    MOST_TURNS,
    UNIFIED_CHAT,
    chat_until_analyzed,
    conversation,
    finish,
    respond,
    say,
    start,
    start_analyzed,
)

MUG = "ceramic mug without electricity for consumers, food contact, nothing else"


@pytest.fixture(params=["sqlite", "redis", "memory"])
def any_client(request: pytest.FixtureRequest, settings: Settings) -> Iterator[FlaskClient]:
    """A script talking to the application over each kind of engine."""
    engine = None
    if request.param == "redis":
        engine = RedisStore.from_url(request.getfixturevalue("redis_url"))
    if request.param == "memory":
        settings = replace(settings, stage=Stage.OFF)
    application = create_app(settings, engine=engine)
    yield application.test_client(use_cookies=False)
    application.extensions["session_store"].close()


def test_a_whole_conversation(any_client: FlaskClient) -> None:
    """From the first words over the analysis and questions to a correction and the end."""
    first = say(any_client, LAMP)
    session_id = first["session_id"]
    assert first.keys() == {"session_id", "intent", "response", "success", "suggestions"}
    assert uuid.UUID(session_id).version == 4
    assert (first["intent"], first["success"]) == ("interview", True)
    assert first["response"].endswith("?")

    said: list[str] = ["consumers at home"]
    for _ in range(MOST_TURNS):
        answer = say(any_client, said.pop() if said else "none", session_id)
        if answer["intent"] == "analysis":
            break
    assert "norms apply to your product, the most important first:\n- " in answer["response"]
    assert "Your product: “USB-powered LED desk lamp”. Understood: " in answer["response"]
    assert "Nothing is open" in answer["response"]
    assert answer["response"].endswith(DISCLAIMER)

    urgent = say(any_client, "which of these is the most urgent?", session_id)
    assert urgent["intent"] == "question"
    assert urgent["response"].startswith(
        "2014/30/EU Electromagnetic Compatibility Directive (EMC) "
    )
    why = say(any_client, "why does it apply?", session_id)["response"]
    assert why.startswith("2014/30/EU Electromagnetic Compatibility Directive (EMC): applies beca")
    assert "2011/65/EU" in say(any_client, "and the second one?", session_id)["response"]

    more = say(any_client, "it also has Bluetooth", session_id)
    while more["intent"] != "analysis":
        more = say(any_client, "none", session_id)
    assert "2014/53/EU Radio Equipment Directive (RED)" in more["response"]

    assert any_client.delete(f"{UNIFIED_CHAT}/session/{session_id}").status_code == 204
    gone = any_client.post(UNIFIED_CHAT, json={"message": "hello?", "session_id": session_id})
    assert (gone.status_code, gone.get_json()["code"]) == (404, "session_not_found")


def test_words_that_say_all_are_analysed_at_once(client: FlaskClient) -> None:
    """The turn that completes the interview runs the analysis, be it the first or a later one."""
    answer = say(client, "Electric standing desk")
    while answer["intent"] == "interview":
        page = conversation(client, answer["session_id"])
        assert (page["complete"], page["analyzed"]) == (False, False)
        answer = say(client, "none", answer["session_id"])
    page = conversation(client, answer["session_id"])
    assert (page["complete"], page["analyzed"]) == (True, True)
    listed = [norm["norm_id"] for norm in page["matched_norms"]]
    assert all(f"\n- {norm_id} " in answer["response"] for norm_id in listed)


class TestAfterTheAnalysis:
    """Questions are answered, statements change the product."""

    def test_a_question_is_kept_in_the_maker_s_own_words(self, client: FlaskClient) -> None:
        """Without the history that it was answered with."""
        session_id = chat_until_analyzed(client)
        say(client, "which are most important?", session_id)
        say(client, "and the second one?", session_id)
        asked = conversation(client, session_id)["qa_history"]
        assert [entry["question"] for entry in asked] == [
            "which are most important?",
            "and the second one?",
        ]
        assert asked[1]["relevant_norms"] == asked[0]["relevant_norms"][1:2]

    def test_a_statement_runs_the_analysis_again(self, client: FlaskClient) -> None:
        """The answer begins with what it changed, and the results are the new ones."""
        session_id = chat_until_analyzed(client)
        answer = say(client, "It is sold with a rechargeable lithium battery", session_id)
        assert answer["intent"] == "analysis"
        assert "Newly applies: (EU) 2023/1542 Batteries Regulation, " in answer["response"]
        page = conversation(client, session_id)
        assert "(EU) 2023/1542" in {norm["norm_id"] for norm in page["matched_norms"]}
        assert page["history"][-1]["content"] == answer["response"]
        assert "checked again" not in answer["response"]

    def test_the_latest_list_counts(self, client: FlaskClient) -> None:
        """Be it an answer's or that of the analysis that came after it."""
        session_id = chat_until_analyzed(client)
        say(client, "which are most important?", session_id)
        told_again = say(client, "it has a rechargeable lithium battery", session_id)["response"]
        number = told_again.partition(" norms apply")[0].rpartition("\n")[2]
        answer = say(client, "which of these is the most urgent?", session_id)
        assert f"of these {number} norms" in answer["response"]

    def test_a_statement_that_opens_questions(self, client: FlaskClient) -> None:
        """They are asked first; until they are answered there is no analysis."""
        session_id = chat_until_analyzed(client)
        answer = say(client, "It also has a battery. What changes?", session_id)
        assert answer["intent"] == "interview"
        assert answer["response"].endswith("as soon as these questions are answered.")
        assert conversation(client, session_id)["analyzed"] is False
        assert say(client, "rechargeable lithium", session_id)["intent"] == "analysis"

    def test_a_statement_that_changes_nothing(self, client: FlaskClient) -> None:
        """It is acknowledged, and the analysis stays."""
        session_id = chat_until_analyzed(client)
        before = conversation(client, session_id)["matched_norms"]
        answer = say(client, "it has no battery", session_id)
        assert answer["intent"] == "interview"
        assert "That changes nothing: 13 norms apply to your product" in answer["response"]
        assert conversation(client, session_id)["matched_norms"] == before

    def test_the_analysis_reported_once_more(self, client: FlaskClient) -> None:
        """On demand, unchanged."""
        session_id = chat_until_analyzed(client)
        first = conversation(client, session_id)["history"][-1]["content"]
        again = say(client, "run the analysis again", session_id)
        assert again["intent"] == "analysis"
        assert again["response"] in first

    def test_what_if_changes_nothing(self, client: FlaskClient) -> None:
        """It is a question."""
        session_id = chat_until_analyzed(client)
        assert say(client, "what if it had a battery?", session_id)["intent"] == "question"
        assert conversation(client, session_id)["analyzed"] is True


class TestBothDoors:
    """One conversation, whichever door it is spoken to through."""

    def test_begun_at_the_other(self, client: FlaskClient) -> None:
        """Answers given there are known here."""
        session_id = start(client, LAMP)["session_id"]
        respond(client, session_id, "no battery, no adapter")
        answer = say(client, "no radio", session_id)
        assert (answer["intent"], answer["session_id"]) == ("interview", session_id)
        assert len(conversation(client, session_id)["history"]) == 6

    def test_begun_here(self, client: FlaskClient) -> None:
        """And finished, analysed and asked about there."""
        session_id = say(client, LAMP)["session_id"]
        finish(client, session_id)
        body = {"session_id": session_id}
        assert client.post(f"{API}/analyze", json=body).status_code == 200
        ask = {**body, "question": "and the second one?"}
        answer = client.post(f"{API}/ask-analysis", json=ask).get_json()
        norms = conversation(client, session_id)["matched_norms"]
        assert answer["relevant_norms"] == [norms[1]["norm_id"]]

    def test_analysed_there(self, client: FlaskClient) -> None:
        """Questions go on here from those asked there, and the other way round."""
        session_id = start_analyzed(client, LAMP)
        ask = {"session_id": session_id, "question": "why does RoHS apply?"}
        client.post(f"{API}/ask-analysis", json=ask)
        here = say(client, "and the GPSR?", session_id)
        assert here["response"].startswith("(EU) 2023/988 General Product Safety Regulation (GPSR)")
        ask["question"] = "tell me more about that one"
        there = client.post(f"{API}/ask-analysis", json=ask).get_json()
        assert there["relevant_norms"] == ["(EU) 2023/988"]

    @pytest.mark.parametrize(
        ("message", "intent"),
        [
            ("go ahead", "analysis"),
            ("yes", "analysis"),
            ("start the analysis", "analysis"),
            ("no battery", "analysis"),
            ("which norms apply?", "question"),
            ("it is sold in 2029", "analysis"),
            ("it has a battery", "interview"),
        ],
    )
    def test_complete_and_not_analysed(
        self, client: FlaskClient, message: str, intent: str
    ) -> None:
        """The analysis is made up for, with or before what was wanted."""
        session_id = start(client, LAMP)["session_id"]
        finish(client, session_id)
        answer = say(client, message, session_id)
        assert answer["intent"] == intent
        assert conversation(client, session_id)["analyzed"] is (intent != "interview")

    def test_the_page_s_correction_still_asks_for_the_analysis(self, client: FlaskClient) -> None:
        """Nothing runs by itself where there is a button for it."""
        session_id = chat_until_analyzed(client)
        answer = respond(client, session_id, "Actually it has Bluetooth")
        assert "checked again" in answer["message"]


class TestIdempotency:
    """The same client_message_id has the effect of one message."""

    @pytest.mark.parametrize("opener", [LAMP, MUG])
    def test_the_first_message_opens_one(self, client: FlaskClient, opener: str) -> None:
        """Also when others have spoken in between."""
        message_id = str(uuid.uuid4())
        first = say(client, opener, client_message_id=message_id)
        say(client, "none", first["session_id"])
        before = conversation(client, first["session_id"])
        assert say(client, opener, client_message_id=message_id) == first
        again = say(client, opener, first["session_id"], client_message_id=message_id)
        assert again == first
        assert conversation(client, first["session_id"]) == before
        assert count_sessions() == 1

    @pytest.mark.parametrize(
        ("message", "intent"),
        [
            ("which of these is the most urgent?", "question"),
            ("it is sold in 2029", "analysis"),
            ("it also has a battery", "interview"),
            ("thanks", "interview"),
            ("run the analysis again", "analysis"),
        ],
    )
    def test_every_kind_of_turn(self, client: FlaskClient, message: str, intent: str) -> None:
        """The very same answer, and nothing changes; other words under the id are refused."""
        session_id = chat_until_analyzed(client)
        message_id = {"client_message_id": str(uuid.uuid4())}
        first = say(client, message, session_id, **message_id)
        assert first["intent"] == intent
        say(client, "it has a laser", session_id)
        before = conversation(client, session_id)
        assert say(client, message, session_id, **message_id) == first
        body = {"message": "something else", "session_id": session_id, **message_id}
        refused = client.post(UNIFIED_CHAT, json=body)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "message_id_reused")
        assert conversation(client, session_id) == before

    def test_other_words_for_the_first_message(self, client: FlaskClient) -> None:
        """No second conversation is opened for them."""
        message_id = str(uuid.uuid4())
        say(client, LAMP, client_message_id=message_id)
        body = {"message": "A kettle", "client_message_id": message_id}
        refused = client.post(UNIFIED_CHAT, json=body)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "message_id_reused")
        assert count_sessions() == 1

    def test_the_ids_of_both_doors_are_the_same(self, client: FlaskClient) -> None:
        """A start that is repeated here finds what it opened there, and a turn its answer."""
        first, second = ({"client_message_id": str(uuid.uuid4())} for _ in range(2))
        opened = start(client, LAMP, **first)
        assert say(client, LAMP, **first) == {
            "session_id": opened["session_id"],
            "intent": "interview",
            "response": opened["message"],
            "suggestions": opened["suggestions"],
            "success": True,
        }
        here = say(client, "no radio", opened["session_id"], **second)
        there = respond(client, opened["session_id"], "no radio", **second)
        assert there["message"] == here["response"]

    def test_a_late_repetition_brings_nothing_back(self, client: FlaskClient) -> None:
        """What was opened and deleted stays deleted."""
        body = {"message": LAMP, "client_message_id": str(uuid.uuid4())}
        session_id = client.post(UNIFIED_CHAT, json=body).get_json()["session_id"]
        client.delete(f"{UNIFIED_CHAT}/session/{session_id}")
        assert client.post(UNIFIED_CHAT, json=body).status_code == 404

    def test_many_at_once(self, any_client: FlaskClient) -> None:
        """The first message opens one conversation, and each later one is one turn of it."""
        ids = [str(uuid.uuid4()) for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            opened = list(
                pool.map(lambda _: say(any_client, LAMP, client_message_id=ids[0]), range(6))
            )
        assert all(answer == opened[0] for answer in opened)
        session_id = opened[0]["session_id"]
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda one: say(any_client, "no radio", session_id, client_message_id=one),
                    ids[1:] * 3,
                )
            )
        history = conversation(any_client, session_id)["history"]
        assert sorted(entry["id"] for entry in history[::2]) == sorted(ids)
        assert [entry["role"] for entry in history] == ["user", "assistant"] * len(ids)


class TestRefusals:
    """Bad input names its fault and changes nothing."""

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "message"),
            ({"message": " "}, "message"),
            ({"message": 7}, "message"),
            ({"message": "x" * 4001}, "message"),
            ({"message": "hi", "session_id": "7"}, "session_id"),
            ({"message": "hi", "client_message_id": "7"}, "client_message_id"),
            ({"message": "hi", "question": "why?"}, "question"),
        ],
    )
    def test_a_body_with_a_fault(
        self, client: FlaskClient, body: dict[str, Any], field: str
    ) -> None:
        """422 with the field."""
        response = client.post(UNIFIED_CHAT, json=body)
        assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")
        assert field in response.get_json()["errors"]
        assert count_sessions() == 0

    def test_no_session_id_may_be_said_by_null(self, client: FlaskClient) -> None:
        """As clients do that always send the member."""
        body = {"message": LAMP, "session_id": None}
        assert client.post(UNIFIED_CHAT, json=body).get_json()["intent"] == "interview"

    def test_an_unknown_conversation(self, client: FlaskClient) -> None:
        """404, and none is begun under an id of the client's choice."""
        body = {"message": LAMP, "session_id": str(uuid.uuid4())}
        assert client.post(UNIFIED_CHAT, json=body).status_code == 404
        assert count_sessions() == 0


class TestDelete:
    """Deleting is always done."""

    def test_known_or_not(self, client: FlaskClient) -> None:
        """204 without a body, as often as it is said."""
        session_id = say(client, LAMP)["session_id"]
        for name in (session_id, session_id, str(uuid.uuid4()), session_id.upper()):
            response = client.delete(f"{UNIFIED_CHAT}/session/{name}")
            assert (response.status_code, response.data) == (204, b"")
        assert client.get(f"{API}/session/{session_id}").status_code == 404

    def test_what_is_no_uuid(self, client: FlaskClient) -> None:
        """422, as everywhere."""
        assert client.delete(f"{UNIFIED_CHAT}/session/7").status_code == 422

    def test_someone_else_s_stays(self, app: Flask, browser: FlaskClient) -> None:
        """And whoever tries learns nothing."""
        session_id = say(browser, LAMP)["session_id"]
        other = app.test_client()
        other.get("/develope")
        assert other.delete(f"{UNIFIED_CHAT}/session/{session_id}").status_code == 204
        assert conversation(browser, session_id)["session_id"] == session_id


class TestExpiry:
    """Half an hour for a conversation begun here, seen in Redis itself."""

    @pytest.fixture
    def over_redis(self, settings: Settings, redis_url: str) -> Iterator[FlaskClient]:
        """A script talking to the application over a real Redis."""
        store = RedisStore.from_url(redis_url)
        yield create_app(settings, engine=store).test_client(use_cookies=False)
        store.close()

    def test_half_an_hour_from_every_turn(
        self, over_redis: FlaskClient, redis_server: RedisServer
    ) -> None:
        """Whichever door the turn comes through; a repeated message counts, too."""
        redis = redis_server.client()
        again = {"client_message_id": str(uuid.uuid4())}
        session_id = say(over_redis, LAMP, **again)["session_id"]
        key = f"chat:session:{session_id}"
        turns: tuple[Callable[[], Any], ...] = (
            lambda: say(over_redis, "no radio", session_id),
            lambda: say(over_redis, LAMP, session_id, **again),
            lambda: respond(over_redis, session_id, "for adults"),
            lambda: conversation(over_redis, session_id),
        )
        for turn in turns:
            assert UNIFIED_CHAT_TTL * 1000 - 60_000 < redis.pttl(key) <= UNIFIED_CHAT_TTL * 1000
            redis.pexpire(key, 100_000)
            turn()
        assert UNIFIED_CHAT_TTL * 1000 - 60_000 < redis.pttl(key) <= UNIFIED_CHAT_TTL * 1000

    def test_a_day_from_the_analysis_on(
        self, over_redis: FlaskClient, redis_server: RedisServer
    ) -> None:
        """Also when a correction makes it start over."""
        redis = redis_server.client()
        session_id = chat_until_analyzed(over_redis)
        assert redis.pttl(f"chat:session:{session_id}") > 86_000_000
        say(over_redis, "it also has a battery", session_id)
        assert redis.pttl(f"chat:session:{session_id}") > 86_000_000

    def test_one_begun_elsewhere_keeps_its_own(
        self, over_redis: FlaskClient, redis_server: RedisServer
    ) -> None:
        """An hour."""
        session_id = start(over_redis, LAMP)["session_id"]
        say(over_redis, "no radio", session_id)
        left = redis_server.client().pttl(f"chat:session:{session_id}")
        assert 3_540_000 < left <= 3_600_000
