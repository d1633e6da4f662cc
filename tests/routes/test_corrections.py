"""Facts over HTTP: told with the conversation, corrected one by one, and what to say next."""

import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import ValidationError

from config import Settings
from routes import errors, schemas
from services.errors import CorrectionRefused
from services.sessions import update_session
from services.teaser_chat import TeaserChat
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.talk import (
    API,
    chat_until_analyzed,
    conversation,
    finish,
    respond,
    say,
    start,
    start_analyzed,
)

LAMP = "USB-powered LED desk lamp, no adapter"
ASK = f"{API}/ask-analysis"


def correct(client: FlaskClient, session_id: str, facts: dict[str, Any], **more: Any) -> Any:
    """Correct facts; answers the body."""
    response = post(client, session_id, facts, **more)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def post(client: FlaskClient, session_id: str, facts: Any, **more: Any) -> Any:
    """Send a correction; answers the response."""
    return client.post(f"{API}/correct", json={"session_id": session_id, "facts": facts, **more})


def shown(client: FlaskClient, session_id: str) -> dict[str, dict[str, Any]]:
    """The facts of a conversation by their names."""
    return {entry["name"]: entry for entry in conversation(client, session_id)["facts"]}


def named(id_: str) -> dict[str, str]:
    """A body's id."""
    return {"client_message_id": id_}


def ask(client: FlaskClient, session_id: str, question: str) -> Any:
    """Ask about the analysis; answers the body."""
    response = client.post(ASK, json={"session_id": session_id, "question": question})
    assert response.status_code == 200
    return response.get_json()


def test_the_facts_come_with_the_conversation(client: FlaskClient) -> None:
    """What is understood, with whence it is known; a date is an ISO date."""
    found = shown(client, start(client, LAMP)["session_id"])
    assert found["v_dc"] == {
        "name": "v_dc",
        "label": "the highest rated DC voltage",
        "kind": "number",
        "value": 5,
        "words": "5 V DC",
        "unit": "V DC",
        "source": "said",
    }
    assert found["battery"]["value"] is None
    assert found["battery"]["source"] == "open"
    assert found["market_date"]["value"].endswith("-01-01")


def test_a_correction_is_a_turn(client: FlaskClient) -> None:
    """It stands in the history in words, may answer the question, and the next one comes."""
    session_id = start(client, LAMP)["session_id"]
    answer = correct(client, session_id, {"battery": False})
    assert answer["correction"] == "Correction: no battery."
    assert answer["complete"] is False
    assert answer["message"].startswith("I noted: no battery.")
    assert answer["missing"]
    page = conversation(client, session_id)
    said, replied = page["history"][-2:]
    assert (said["role"], said["content"]) == ("user", "Correction: no battery.")
    assert said["correction"] == {"battery": False}
    assert (replied["role"], replied["content"]) == ("assistant", answer["message"])
    assert replied["reply_to"] == said["id"]
    found = {entry["name"]: entry for entry in page["facts"]}
    assert (found["battery"]["value"], found["battery"]["source"]) == (False, "said")


def test_a_correction_after_the_analysis_drops_it(client: FlaskClient) -> None:
    """The reply says so, questions may come up again, and the next analysis differs."""
    session_id = start_analyzed(client, LAMP)
    before = {norm["norm_id"] for norm in conversation(client, session_id)["matched_norms"]}
    answer = correct(client, session_id, {"band_2g4": True, "market_date": "2028-03-01"})
    assert answer["correction"] == (
        "Correction: uses the 2.4 GHz band, placed on the market 2028-03-01."
    )
    assert "checked again" in answer["message"]
    page = conversation(client, session_id)
    assert page["analyzed"] is False
    assert page["complete"] is answer["complete"]
    if not answer["complete"]:
        finish(client, session_id)
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    after = {norm["norm_id"] for norm in response.get_json()["norms"]}
    assert "2014/53/EU" in after - before
    assert shown(client, session_id)["market_date"]["value"] == "2028-03-01"


def test_a_correction_that_changes_nothing_keeps_the_analysis(client: FlaskClient) -> None:
    """Confirming is no reason to check everything again."""
    session_id = start_analyzed(client, LAMP)
    answer = correct(client, session_id, {"packaged": True})
    assert "checked again" not in answer["message"]
    assert answer["complete"] is True
    assert answer["reasoning"]
    assert conversation(client, session_id)["analyzed"] is True
    assert shown(client, session_id)["packaged"]["source"] == "said"


def test_what_is_not_known_must_be_checked(client: FlaskClient) -> None:
    """Null takes a fact back, and norms that hang on it are not decided any more."""
    session_id = start_analyzed(client, LAMP)
    correct(client, session_id, {"consumer": None, "market_date": None})
    found = shown(client, session_id)
    assert found["consumer"]["source"] == found["market_date"]["source"] == "open"
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    assert response.status_code == 200
    assert "to_be_checked" in {norm["status"] for norm in response.get_json()["all_norm_results"]}
    for question in ("Which deadlines count?", "What if it ran on 230 V?", "What comes next?"):
        assert "unclear date" not in ask(client, session_id, question)["answer"]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"wings": True}, "wings"),
        ({"battery": 1}, "battery"),
        ({"battery": "no"}, "battery"),
        ({"v_ac": -1}, "v_ac"),
        ({"v_ac": 2e6}, "v_ac"),
        ({"v_ac": "230"}, "v_ac"),
        ({"market_date": 20270101}, "market_date"),
        ({"market_date": "2027-02-30"}, "market_date"),
        ({"electrical": False, "data_conn": True}, "data_conn"),
        ({"battery": False, "wings": None}, "wings"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    client: FlaskClient, facts: dict[str, Any], name: str
) -> None:
    """At the edge and in the service with the same words, and nothing changes."""
    session_id = start(client, LAMP)["session_id"]
    before = conversation(client, session_id)
    response = post(client, session_id, facts)
    body = response.get_json()
    assert (response.status_code, body["code"]) == (422, "validation_failed")
    assert body["error"].endswith(f"(facts.{name}).")
    assert list(body["errors"]["facts"]) == [name]
    chat: TeaserChat = client.application.extensions["teaser_chat"]
    with pytest.raises(CorrectionRefused) as refused:
        chat.correct_facts(session_id, facts)
    assert name in refused.value.faults
    assert conversation(client, session_id) == before


def test_the_edge_refuses_by_itself() -> None:
    """Before any conversation is looked at."""
    body = {"session_id": str(uuid.uuid4()), "facts": {"mains": True, "v_ac": 0}}
    with pytest.raises(ValidationError) as refused:
        schemas.CorrectBody().load(body)
    assert list(refused.value.normalized_messages()["facts"]) == ["mains"]


@pytest.mark.parametrize("facts", [{}, [], None, "battery", 1])
def test_what_is_no_correction_is_refused(client: FlaskClient, facts: Any) -> None:
    """There must be something to correct."""
    session_id = start(client, LAMP)["session_id"]
    response = post(client, session_id, facts)
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")
    assert "facts" in response.get_json()["errors"]


def test_the_services_own_refusal_names_the_member_as_well(app: Flask) -> None:
    """Whoever calls the service from another view need not check anything."""
    with app.test_request_context("/api/develope/correct"):
        response = errors.handle_error(CorrectionRefused({"battery": "Please send true."}))
        nothing = errors.handle_error(CorrectionRefused({}))
    assert response.status_code == nothing.status_code == 422
    assert response.get_json()["error"] == "Please send true (facts.battery)."
    assert response.get_json()["errors"] == {"facts": {"battery": ["Please send true."]}}
    assert nothing.get_json()["error"] == "Please name at least one fact (facts)."


class TestIdempotency:
    """The same client_message_id has the effect of one request."""

    def test_twice_counts_once(self, client: FlaskClient) -> None:
        """The same answer, also when something else was said in between."""
        session_id = start(client, LAMP)["session_id"]
        again = named(str(uuid.uuid4()))
        first = correct(client, session_id, {"battery": True}, **again)
        correct(client, session_id, {"battery": False})
        before = conversation(client, session_id)
        assert correct(client, session_id, {"battery": True}, **again) == first
        assert conversation(client, session_id) == before

    @pytest.mark.parametrize(
        "other", [{"v_dc": 12.0002}, {"v_dc": None}, {"v_dc": 12.0001, "battery": True}]
    )
    def test_other_facts_are_refused(self, client: FlaskClient, other: dict[str, Any]) -> None:
        """Also where they read alike in words."""
        session_id = start(client, LAMP)["session_id"]
        again = named(str(uuid.uuid4()))
        correct(client, session_id, {"v_dc": 12.0001}, **again)
        before = conversation(client, session_id)
        response = post(client, session_id, other, **again)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")
        assert conversation(client, session_id) == before

    def test_an_id_of_a_message_is_no_id_for_a_correction(self, client: FlaskClient) -> None:
        """Nor the other way round, though the words are the same."""
        session_id = start(client, LAMP)["session_id"]
        spoken, corrected = (named(str(uuid.uuid4())) for _ in range(2))
        words = "Correction: no battery."
        respond(client, session_id, words, **spoken)
        response = post(client, session_id, {"battery": False}, **spoken)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")
        assert correct(client, session_id, {"battery": False}, **corrected)["correction"] == words
        body = {"session_id": session_id, "message": words, **corrected}
        response = client.post(f"{API}/respond", json=body)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")

    def test_an_id_of_a_question_is_no_id_for_a_correction(self, client: FlaskClient) -> None:
        """Ids are the conversation's."""
        session_id = start_analyzed(client, LAMP)
        again = named(str(uuid.uuid4()))
        client.post(ASK, json={"session_id": session_id, "question": "Why?", **again})
        response = post(client, session_id, {"battery": False}, **again)
        assert (response.status_code, response.get_json()["code"]) == (409, "message_id_reused")


class Counted(CutOff):
    """An engine that counts what is read and what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def get(self, key: str) -> bytes | None:
        """Note it and do it."""
        self.calls.append("get")
        return super().get(key)

    def put(self, record: Any, condition: Any) -> Any:
        """Note it and do it."""
        self.calls.append("put")
        return super().put(record, condition)


def test_a_correction_costs_one_read_and_one_write(settings: Settings) -> None:
    """As every turn does."""
    engine = Counted()
    client = create_app(settings, engine=engine).test_client(use_cookies=False)
    session_id = start(client, LAMP)["session_id"]
    engine.calls.clear()
    correct(client, session_id, {"battery": False})
    assert engine.calls == ["get", "put"]
    engine.calls.clear()
    respond(client, session_id, "no radio")
    assert engine.calls == ["get", "put"]


def test_a_conversation_of_an_earlier_release_goes_on(client: FlaskClient) -> None:
    """What it stored has no suggestions; its facts are told and corrected all the same."""
    again = named(str(uuid.uuid4()))
    session_id = start_analyzed(client, LAMP)
    respond(client, session_id, "sold without packaging", **again)

    def age(session: Any) -> bool:
        for entry in (*session["history"], *session["qa_history"]):
            entry.pop("suggestions", None)
        return True

    update_session(session_id, age)
    page = conversation(client, session_id)
    assert page["facts"]
    answer = respond(client, session_id, "sold without packaging", **again)
    assert answer["suggestions"] == []
    assert correct(client, session_id, {"battery": True})["suggestions"]


def test_a_conversation_at_the_one_door_can_be_corrected(client: FlaskClient) -> None:
    """And is told the new results there."""
    session_id = chat_until_analyzed(client)
    correct(client, session_id, {"band_2g4": True, "band_5g": False, "internet": False})
    answer = say(client, "no", session_id)
    while answer["intent"] == "interview":
        answer = say(client, "no", session_id)
    assert "2014/53/EU" in say(client, "which norms apply?", session_id)["response"]


class TestSuggestions:
    """What may be said next, with every answer."""

    def test_they_come_with_every_answer_of_an_interview(self, client: FlaskClient) -> None:
        """And on reading again those of the last one."""
        first = start(client, LAMP)
        session_id = first["session_id"]
        assert first["suggestions"][0] == "No battery"
        second = respond(client, session_id, first["suggestions"][0])
        assert second["suggestions"][0] == "No radio"
        third = correct(client, session_id, {"radio": False})
        assert third["suggestions"][-1] == "I don't know"
        assert conversation(client, session_id)["suggestions"] == third["suggestions"]

    def test_who_always_clicks_comes_to_the_end(self, client: FlaskClient) -> None:
        """An interview, an analysis, and questions of which none comes twice."""
        answer = start(client, "lamp")
        session_id = answer["session_id"]
        while not answer["complete"]:
            answer = respond(client, session_id, answer["suggestions"][0])
            assert "I could not read" not in answer["message"]
        assert answer["suggestions"] == []
        client.post(f"{API}/analyze", json={"session_id": session_id})
        offered = conversation(client, session_id)["suggestions"]
        assert len(offered) == 5
        asked: list[str] = []
        for _ in range(8):
            asked.append(offered[0])
            answer = ask(client, session_id, offered[0])
            assert answer["confidence"] > 0
            offered = answer["suggestions"]
            assert not set(offered) & set(asked)
            assert conversation(client, session_id)["suggestions"] == offered

    def test_the_one_door_has_them_as_well(self, client: FlaskClient) -> None:
        """Each is taken for what it is: an answer, then a question."""
        answer = say(client, "lamp")
        while answer["intent"] == "interview":
            assert "I could not read" not in answer["response"]
            answer = say(client, answer["suggestions"][0], answer["session_id"])
        seen: list[str] = []
        while answer["suggestions"] and len(seen) < 8:
            seen.append(answer["suggestions"][0])
            answer = say(client, seen[-1], answer["session_id"])
            assert answer["intent"] == "question"
        assert len(set(seen)) == 8

    def test_a_repeated_question_has_the_same(self, client: FlaskClient) -> None:
        """As the whole of its answer."""
        session_id = start_analyzed(client, LAMP)
        body = {"session_id": session_id, "question": "Why?", **named(str(uuid.uuid4()))}
        first = client.post(ASK, json=body).get_json()
        ask(client, session_id, first["suggestions"][0])
        assert client.post(ASK, json=body).get_json() == first
