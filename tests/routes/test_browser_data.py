"""Everything of a browser at once: what is exported, and what is left after it is erased."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.keyspaces import STATES, TEASER_CHAT
from services.sessions import codec, sessions_of
from services.sessions.flask.browser import BROWSER
from services.sessions.stores.base import Condition, Record
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.servers import RedisServer, eventually
from tests.support.talk import API, conversation, get_current, start, start_analyzed

URL = f"{API}/browser"
LIST = f"{API}/conversations"
PRIVATE = "Zanzibar"
"""A word that only the visitor says."""


@pytest.fixture
def app(app_on_each_engine: Flask) -> Flask:
    """The application over every engine."""
    return app_on_each_engine


@pytest.fixture(autouse=True)
def _nothing_of_other_tests(redis_url: str) -> None:
    """Redis is empty, whether the engine of a test uses it or not."""


@pytest.fixture
def other(app: Flask) -> FlaskClient:
    """Another browser."""
    client = app.test_client()
    client.get("/develope")
    return client


def export(client: FlaskClient) -> Any:
    """What is exported."""
    response = client.get(URL)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["Cache-Control"] == "no-store"
    return response.get_json()


def save_state(client: FlaskClient, text: str) -> str:
    """The id of a new state with a text."""
    session_id = str(uuid.uuid4())
    body = {"session_id": session_id, "data": {"text": text}}
    assert client.post("/api/session", json=body).status_code == 200
    return session_id


def break_document(kind: str, session_id: str) -> None:
    """Make a stored document unreadable, with a private word in it."""
    sessions = sessions_of(kind)
    key, until = sessions.keyspace.key(session_id), int(time.time() + 3600) * 1000
    body = f',"text":"{PRIVATE}'.encode()
    indexes = sessions.keyspace.indexes(codec.owner_of(sessions.store.get(key) or b""))
    sessions.store.put(Record(key, 1, body, until, session_id, indexes), Condition.ANY)


def test_everything_is_exported_as_it_is_stored(browser: FlaskClient, other: FlaskClient) -> None:
    """Conversations with results, states, and which one is shown; nothing of another browser."""
    lamp, mug = start_analyzed(browser), start(browser, "A mug")["session_id"]
    states = [save_state(browser, f"one {at}") for at in range(12)]
    start(other)
    save_state(other, "somebody else's")
    found = export(browser)
    assert found["current"] == mug
    by_id = {one["session_id"]: one["data"] for one in found["conversations"]}
    assert set(by_id) == {lamp, mug}
    assert by_id[lamp]["history"] == conversation(browser, lamp)["history"]
    assert by_id[lamp]["all_norm_results"]
    assert {one["session_id"] for one in found["states"]} == set(states)
    assert {one["data"]["data"]["text"] for one in found["states"]} == {
        f"one {at}" for at in range(12)
    }
    assert found["unreadable"] == []


def test_who_has_no_cookie_has_nothing(app: Flask) -> None:
    """And what was started without one belongs to nobody."""
    client = app.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    found = export(client)
    assert found["conversations"] == found["states"] == []
    assert client.delete(URL).get_json() == {"status": "deleted", "deleted": 0}
    assert conversation(client, session_id)["started"]


def test_what_cannot_be_read_is_named(browser: FlaskClient) -> None:
    """The rest is exported all the same."""
    broken, whole = (save_state(browser, "x") for _ in range(2))
    break_document(STATES, broken)
    found = export(browser)
    assert found["unreadable"] == [broken]
    assert [one["session_id"] for one in found["states"]] == [whole]


def read_everything(folder: Path, redis: RedisServer) -> Iterator[bytes]:
    """All that files and Redis have."""
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.read_bytes()
    client = redis.client()
    for key in client.keys("*"):
        is_text = client.type(key) == b"string"
        yield str(client.get(key) if is_text else client.zrange(key, 0, -1)).encode()


@pytest.mark.parametrize("url", [URL, LIST])
def test_nothing_is_left_of_what_is_deleted(
    browser: FlaskClient, other: FlaskClient, tmp_path: Path, redis_server: RedisServer, url: str
) -> None:
    """Neither texts nor unreadable copies nor starts, in no file, log or key."""
    first = str(uuid.uuid4())
    started = start(browser, f"A lamp in {PRIVATE}", client_message_id=first)["session_id"]
    start_analyzed(browser, f"USB-powered LED desk lamp, {PRIVATE}")
    states = [save_state(browser, PRIVATE * 1000) for _ in range(3)]
    for session_id in states[:2]:
        break_document(STATES, session_id)
        assert browser.get(f"/api/session/{session_id}").status_code == 410
    start(browser, "A mug", client_message_id=str(uuid.uuid4()))
    theirs = save_state(other, "theirs")
    response = browser.delete(url)
    assert response.get_json()["status"] == "deleted"
    found = export(browser)
    assert found["conversations"] == found["states"] == []
    for content in read_everything(tmp_path, redis_server):
        assert PRIVATE.encode() not in content
        assert b'"conversation":"' + started.encode() not in content
    assert other.get(f"/api/session/{theirs}").status_code == 200


@pytest.mark.parametrize("is_read_first", [True, False])
def test_a_deleted_state_leaves_no_unreadable_copy(
    browser: FlaskClient, tmp_path: Path, redis_server: RedisServer, *, is_read_first: bool
) -> None:
    """Whether it was found unreadable before, or is by the deletion."""
    session_id = save_state(browser, "x")
    break_document(STATES, session_id)
    if is_read_first:
        assert browser.get(f"/api/session/{session_id}").status_code == 410
        again = {"session_id": session_id, "data": {"text": PRIVATE}}
        assert browser.post("/api/session", json=again).status_code == 200
    assert browser.delete(f"/api/session/{session_id}").status_code == 200
    for content in read_everything(tmp_path, redis_server):
        assert PRIVATE.encode() not in content


def test_an_unreadable_copy_is_deleted_by_its_id_alone(browser: FlaskClient) -> None:
    """After the state itself was moved away, and nothing else took its place."""
    session_id = save_state(browser, "x")
    break_document(STATES, session_id)
    assert browser.get(f"/api/session/{session_id}").status_code == 410
    states = sessions_of(STATES)
    assert states.is_quarantined(session_id)
    assert browser.delete(f"/api/session/{session_id}").status_code == 200
    assert not states.is_quarantined(session_id)


def test_an_erased_browser_is_another_one(browser: FlaskClient) -> None:
    """Its own session and its cookie go; a copy of the cookie opens nothing of what comes later."""
    session_id = start(browser)["session_id"]
    cookie = browser.get_cookie("browser")
    assert cookie is not None
    assert browser.delete(URL).get_json() == {"status": "deleted", "deleted": 1}
    assert browser.get_cookie("browser") is None
    browsers = sessions_of(BROWSER)
    assert not browsers.exists(cookie.value.partition(".")[0])
    assert browser.get(f"{API}/session/{session_id}").status_code == 404
    assert get_current(browser) is None
    later = start(browser)["session_id"]
    thief = browser.application.test_client()
    thief.set_cookie("browser", cookie.value)
    assert thief.get(f"{API}/session/{later}").status_code == 404
    assert browser.delete(URL).get_json()["deleted"] == 1


def test_a_start_is_kept_when_one_conversation_is_deleted(browser: FlaskClient) -> None:
    """A late repetition finds it deleted; only erasing everything forgets it."""
    again = {"initial_input": "A lamp", "client_message_id": str(uuid.uuid4())}
    session_id = browser.post(f"{API}/start", json=again).get_json()["session_id"]
    assert browser.delete(f"{API}/session/{session_id}").status_code == 200
    assert browser.post(f"{API}/start", json=again).status_code == 404


def test_nothing_is_said_to_be_erased_that_is_not(settings: Any) -> None:
    """While the engine is away it is refused, the cookie stays, and repeating it works."""
    engine = CutOff()
    browser = create_app(settings, engine=engine).test_client()
    browser.get("/develope")
    session_id = start(browser)["session_id"]
    engine.down = True
    for response in (browser.delete(URL), browser.get(URL)):
        assert response.status_code == 503
        assert response.get_json()["code"] == "store_unavailable"
    engine.down = False
    assert browser.get_cookie("browser") is not None
    assert engine.get(sessions_of(TEASER_CHAT).keyspace.key(session_id)) is not None
    assert eventually(lambda: browser.delete(URL).status_code == 200)
