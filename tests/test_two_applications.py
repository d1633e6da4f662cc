"""Two applications in one process, each with a store of its own, at once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from config import Settings
from services.keyspaces import build_keyspaces
from services.sessions import close_session_store, count_sessions, set_session_store
from services.sessions.stores import MemoryStore
from tests.support.signing import signed

STATE = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def both(settings: Settings, tmp_path: Path) -> Iterator[tuple[Flask, Flask]]:
    """Two applications; the one that was made last has done so after the first was made."""
    urls = (f"sqlite:///{tmp_path / 'one.db'}", "memory://")
    one, two = (create_app(replace(settings, store_url=url)) for url in urls)
    yield one, two
    for application in (one, two):
        application.extensions["session_store"].close()


def start(client: FlaskClient) -> str:
    """The id of a conversation that begins here."""
    answer = client.post("/api/develope/start", json={"initial_input": "USB desk lamp"})
    return str(answer.json["session_id"]) if answer.json else ""


def counts(application: Flask) -> dict[str, int]:
    """How many sessions the application's own store holds, by kind."""
    found: dict[str, int] = application.extensions["sessions"].count_by_keyspace()
    return found


def test_each_keeps_its_conversations(both: tuple[Flask, Flask]) -> None:
    """What began in one is there and nowhere else, by every way to reach it."""
    one, two = (application.test_client(use_cookies=False) for application in both)
    here, there = start(one), start(two)
    for client, mine, foreign in ((one, here, there), (two, there, here)):
        assert client.get(f"/api/develope/session/{mine}").status_code == 200
        assert client.get(f"/api/develope/session/{foreign}").status_code == 404
        said = {"message": "no battery"}
        assert client.post("/api/v1/chat", json={**said, "session_id": mine}).status_code == 200
        assert client.post("/api/v1/chat", json={**said, "session_id": foreign}).status_code == 404
        client.delete(f"/api/develope/session/{foreign}")
    assert [counts(application)["chat:session"] for application in both] == [1, 1]


def test_each_keeps_its_states_browsers_and_contexts(both: tuple[Flask, Flask]) -> None:
    """Everything that is stored goes into the application's own store."""
    one, two = both
    client = one.test_client()
    client.get("/develope")
    start(client)
    assert client.post("/api/session", json=_state()).status_code == 200
    bearer = {"Authorization": f"Bearer {signed()}"}
    put = client.put("/api/v1/context/s", json={"user_preferences": {"a": 1}}, headers=bearer)
    assert put.status_code == 200
    listed = client.get("/api/develope/conversations").json
    assert listed is not None
    assert len(listed["conversations"]) == 1
    assert counts(one) == {"chat:session": 1, "state": 1, "context": 1, "tenant": 1}
    assert counts(two) == dict.fromkeys(counts(one), 0)
    stranger = two.test_client(use_cookies=False)
    assert stranger.get(f"/api/session/{STATE}").status_code == 404
    assert stranger.get("/api/v1/context/s", headers=bearer).status_code == 404


def test_an_application_does_not_choose_for_the_process(settings: Settings) -> None:
    """The library's functions go on working on what the process chose."""
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())
    application = create_app(settings)
    start(application.test_client(use_cookies=False))
    assert counts(application)["chat:session"] == 1
    assert count_sessions() == 0
    application.extensions["session_store"].close()
    close_session_store()


def _state() -> dict[str, Any]:
    return {"session_id": STATE, "data": {"messages": []}}
