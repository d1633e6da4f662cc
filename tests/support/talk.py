"""Holding a conversation over HTTP, as a maker at the page would."""

import json
from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient

API = "/api/develope"
UNIFIED_CHAT = "/api/v1/chat"
LAMP = "USB-powered LED desk lamp"
MOST_TURNS = 20


def start(client: FlaskClient, text: str = "USB-powered LED desk lamp", **more: Any) -> Any:
    """Open a conversation; answers the body."""
    response = client.post(f"{API}/start", json={"initial_input": text, **more})
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def get_current(client: FlaskClient) -> str | None:
    """Which conversation the browser shows, by its id."""
    response = client.get(f"{API}/current")
    assert response.status_code == 200, response.get_json()
    found: str | None = response.get_json()["current"]
    return found


def respond(client: FlaskClient, session_id: str, message: str, **more: Any) -> Any:
    """Say something; answers the body."""
    body = {"session_id": session_id, "message": message, **more}
    response = client.post(f"{API}/respond", json=body)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def finish(client: FlaskClient, session_id: str, answers: Sequence[str] = ()) -> Any:
    """Answer until nothing is asked any more: the given answers first, then "no"."""
    said = list(answers)
    for _ in range(MOST_TURNS):
        answer = respond(client, session_id, said.pop(0) if said else "no")
        if answer["complete"] and not said:
            return answer
    raise AssertionError("the interview does not end")


def start_analyzed(client: FlaskClient, text: str = "USB-powered LED desk lamp") -> str:
    """The id of a conversation whose analysis is done."""
    answer = start(client, text)
    session_id: str = answer["session_id"]
    if not answer["complete"]:
        finish(client, session_id)
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    assert response.status_code == 200, response.get_json()
    return session_id


def say(client: FlaskClient, message: str, session_id: str | None = None, **more: Any) -> Any:
    """Send a message to the one-endpoint chat; answers the body."""
    to = {} if session_id is None else {"session_id": session_id}
    response = client.post(UNIFIED_CHAT, json={"message": message, **to, **more})
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def chat_until_analyzed(client: FlaskClient, opener: str = LAMP) -> str:
    """The id of a conversation that was begun at the one-endpoint chat and came to its analysis."""
    answer = say(client, opener)
    for _ in range(MOST_TURNS):
        if answer["intent"] == "analysis":
            return str(answer["session_id"])
        answer = say(client, "no", answer["session_id"])
    raise AssertionError("the interview does not end")


def conversation(client: FlaskClient, session_id: str) -> Any:
    """The conversation as a reloaded page gets it."""
    response = client.get(f"{API}/session/{session_id}")
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream: id and data of each."""
    found = []
    for block in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in lines:
            found.append((lines["id"], json.loads(lines["data"])))
    return found
