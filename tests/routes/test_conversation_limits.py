"""A conversation that has grown as far as it may: refused with a way on, and kept as it is."""

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from tests.support.application import create_app
from tests.support.talk import API, UNIFIED_CHAT, conversation, respond, start, start_analyzed

TURNS, QUESTIONS = 12, 3


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application with conversations that may not grow far."""
    bounded = dataclasses.replace(
        settings, conversation_max_turns=TURNS, conversation_max_questions=QUESTIONS
    )
    application = create_app(bounded)
    yield application
    application.extensions["session_store"].close()


def assert_full(response: Any) -> None:
    """The refusal says what to do."""
    assert response.status_code == 413
    told = response.get_json()
    assert told["code"] == "session_too_large"
    assert "please start a new one" in told["error"]


def ask(client: FlaskClient, session_id: str, **more: Any) -> Any:
    """Ask about the results."""
    body = {"session_id": session_id, "question": "What comes next?", **more}
    return client.post(f"{API}/ask-analysis", json=body)


def test_turns_are_bounded_on_every_way(client: FlaskClient) -> None:
    """Messages, corrections, and the endpoint for everything; nothing is changed."""
    session_id = start(client)["session_id"]
    for _ in range(TURNS - 1):
        respond(client, session_id, "no")
    before = conversation(client, session_id)
    to = {"session_id": session_id}
    assert_full(client.post(f"{API}/respond", json={**to, "message": "no"}))
    assert_full(client.post(f"{API}/correct", json={**to, "facts": {"radio": True}}))
    assert_full(client.post(UNIFIED_CHAT, json={**to, "message": "It has Wi-Fi"}))
    assert conversation(client, session_id) == before
    assert start(client)["session_id"] != session_id


def test_questions_are_bounded_on_both_ways(client: FlaskClient) -> None:
    """The results stay, and a turn is still taken."""
    session_id = start_analyzed(client)
    for _ in range(QUESTIONS):
        assert ask(client, session_id).status_code == 200
    before = conversation(client, session_id)
    assert_full(ask(client, session_id))
    body = {"session_id": session_id, "message": "What comes next?"}
    assert_full(client.post(UNIFIED_CHAT, json=body))
    assert conversation(client, session_id) == before
    assert client.post(UNIFIED_CHAT, json={**body, "message": "It has Wi-Fi"}).status_code == 200


def test_the_last_message_may_be_sent_again(client: FlaskClient) -> None:
    """Whoever did not get the answer gets it, though nothing more fits in."""
    session_id = start_analyzed(client)
    message_id = str(uuid.uuid4())
    for _ in range(QUESTIONS - 1):
        ask(client, session_id)
    first = ask(client, session_id, client_message_id=message_id)
    again = ask(client, session_id, client_message_id=message_id)
    assert (first.status_code, again.get_json()) == (200, first.get_json())


def test_a_longer_one_of_an_earlier_release_is_read(client: FlaskClient, app: Flask) -> None:
    """It is over the bound already: it is shown and deleted as ever, and only grows no more."""
    session_id = start(client)["session_id"]
    sessions = app.extensions["sessions"].sessions_of("chat:session")

    def grow(session: Any) -> None:
        session["history"] = session["history"] * (2 * TURNS)

    sessions.update(session_id, grow)
    assert len(conversation(client, session_id)["history"]) == 4 * TURNS
    assert_full(client.post(f"{API}/respond", json={"session_id": session_id, "message": "no"}))
    assert client.delete(f"{API}/session/{session_id}").status_code == 200
