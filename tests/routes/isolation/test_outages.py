"""A real Redis that goes and comes back: what a stranger took meanwhile is its owner's again."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.keyspaces import STATES as STATES_KIND
from services.sessions import codec, sessions_of
from tests.support.application import create_app
from tests.support.owned_routes import STATES
from tests.support.servers import RedisServer, eventually

SAVE, LOAD, DELETE = STATES.values()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, which keeps what it has over a restart."""
    with RedisServer("--appendonly", "yes", "--dir", str(tmp_path)) as server:
        yield server


@pytest.fixture
def app(settings: Settings, redis: RedisServer, tmp_path: Path) -> Iterator[Flask]:
    """The application over it, with a spill."""
    spill = f"sqlite:///{tmp_path / 'spill.db'}"
    application = create_app(replace(settings, store_url=redis.url, spill_url=spill))
    yield application
    application.extensions["session_store"].close()


def stored(redis: RedisServer, session_id: str) -> bytes:
    """The document in Redis itself."""
    value = redis.client().get(f"session:{session_id}")
    assert isinstance(value, bytes)
    return value


def test_what_a_stranger_took_while_redis_was_away_is_the_owner_s(
    app: Flask, browser: FlaskClient, client: FlaskClient, redis: RedisServer
) -> None:
    """Saved or deleted by a stranger, with a cookie or without: nothing of the owner's changes."""
    stranger = app.test_client()
    stranger.get("/develope")
    ids = [str(uuid.uuid4()) for _ in range(3)]
    everyones = str(uuid.uuid4())
    for session_id in ids:
        assert SAVE.send(browser, session_id).status_code == 200
    assert SAVE.send(client, everyones).status_code == 200
    before = [stored(redis, session_id) for session_id in ids]

    redis.stop()
    saved, deleted, taken = ids
    for who, session_id in ((stranger, saved), (stranger, deleted), (client, taken)):
        answer = SAVE.send(who, session_id)
        assert (answer.status_code, answer.headers["X-Session-Store"]) == (200, "degraded")
    assert DELETE.send(stranger, deleted).get_json()["message"] == "The session is deleted."
    assert SAVE.send(stranger, everyones).status_code == 200
    for session_id in (*ids, str(uuid.uuid4())):
        for call in (LOAD, SAVE if session_id in ids else LOAD):
            answer = call.send(browser, session_id)
            assert (answer.status_code, answer.get_json()["code"]) == (503, "store_unavailable")

    redis.start()
    app.extensions["migration"].outage.start()
    assert eventually(lambda: not app.extensions["spill"].is_occupied)
    app.extensions["migration"].outage.finish()
    assert [stored(redis, session_id) for session_id in ids] == before
    for session_id in ids:
        assert LOAD.send(browser, session_id).status_code == 200
        for call in (LOAD, SAVE):
            assert call.send(stranger, session_id).status_code == 404
            assert call.send(client, session_id).status_code == 404
    assert codec.decode(stored(redis, everyones)).owner is None
    assert sessions_of(STATES_KIND).get(everyones)["data"]["n"] == "changed"
    for anyone in (browser, client, stranger):
        assert LOAD.send(anyone, everyones).status_code == 200
