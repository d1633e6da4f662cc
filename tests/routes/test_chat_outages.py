"""The one-endpoint chat when a value cannot be read or the engine cannot be asked."""

import json
import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.sessions import count_sessions, get_session, list_sessions, save_session, sessions_of
from services.sessions.stores import RedisStore
from services.teaser_chat.unified_chat import STARTED_OVER
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.servers import RedisServer, eventually, free_port
from tests.support.talk import (
    API,
    LAMP,
    UNIFIED_CHAT,
    chat_until_analyzed,
    conversation,
    say,
    start,
)

SECRET = "a lamp nobody must hear of"
NO_CONVERSATIONS: list[dict[str, Any]] = [
    {"history": 7},
    {"history": [7]},
    {"history": []},
    {"history": [{"role": "user"}]},
    {"qa_history": [{"question": "why?"}]},
    {"complete": "yes"},
    {"interview": {}},
    {"interview": {"facts": 7}},
]
"""Members in which a readable document differs from a conversation."""


@pytest.fixture
def on_redis(settings: Settings, redis_url: str) -> Iterator[Flask]:
    """The application over a real Redis."""
    store = RedisStore.from_url(redis_url)
    yield create_app(settings, engine=store)
    store.close()


@pytest.fixture
def script(on_redis: Flask) -> FlaskClient:
    """A script talking to it."""
    return on_redis.test_client(use_cookies=False)


def spoil(session_id: str, members: dict[str, Any]) -> None:
    """Put other members into a stored conversation, in a document that can be read."""
    session = get_session(session_id)
    members = dict(members)
    state = members.pop("interview", None)
    if state is not None:
        session["interview"] = {**session["interview"], **state} if state else {}
    session.update(members)
    save_session(session_id, session)


class TestWhatCannotBeRead:
    """It is quarantined, and the message begins another conversation under the same id."""

    @pytest.mark.parametrize("value", [SECRET, '{"version":1', "[]", '{"history":[]}'])
    def test_no_document(
        self,
        script: FlaskClient,
        redis_server: RedisServer,
        caplog: pytest.LogCaptureFixture,
        value: str,
    ) -> None:
        """The answer has a notice, the value is kept, and the log tells nothing of it."""
        redis, session_id = redis_server.client(), say(script, SECRET)["session_id"]
        redis.set(f"chat:session:{session_id}", value)
        with caplog.at_level(logging.WARNING):
            answer = say(script, LAMP, session_id)
        assert answer["session_id"] == session_id
        assert (answer["intent"], answer["notice"]) == ("interview", STARTED_OVER)
        assert redis.get(f"chat:session:{session_id}:corrupt") == value.encode()
        history = conversation(script, session_id)["history"]
        assert [entry["content"] for entry in history[::2]] == [LAMP]
        assert any("quarantined" in record.getMessage() for record in caplog.records)
        assert not any(word in caplog.text for word in (SECRET, LAMP, session_id))

    @pytest.mark.parametrize("members", NO_CONVERSATIONS)
    def test_a_document_that_is_no_conversation(
        self,
        script: FlaskClient,
        redis_server: RedisServer,
        caplog: pytest.LogCaptureFixture,
        members: dict[str, Any],
    ) -> None:
        """As well, whatever it holds in place of a conversation."""
        redis, session_id = redis_server.client(), chat_until_analyzed(script)
        spoil(session_id, members)
        spoilt = redis.get(f"chat:session:{session_id}")
        with caplog.at_level(logging.WARNING):
            answer = say(script, SECRET, session_id)
        assert (answer["session_id"], answer["notice"]) == (session_id, STARTED_OVER)
        assert redis.get(f"chat:session:{session_id}:corrupt") == spoilt
        assert "quarantined" in caplog.text
        assert SECRET not in caplog.text
        assert count_sessions() == 1
        assert "notice" not in say(script, "no battery", session_id)

    def test_it_is_repeated_with_its_notice(
        self, script: FlaskClient, redis_server: RedisServer
    ) -> None:
        """The same id, the same answer, one conversation."""
        session_id = say(script, LAMP)["session_id"]
        redis_server.client().set(f"chat:session:{session_id}", "{")
        message_id = {"client_message_id": str(uuid.uuid4())}
        first = say(script, LAMP, session_id, **message_id)
        before = conversation(script, session_id)
        assert say(script, LAMP, session_id, **message_id) == first
        assert first["notice"] == STARTED_OVER
        assert conversation(script, session_id) == before

    def test_the_first_message_repeated(
        self, script: FlaskClient, redis_server: RedisServer
    ) -> None:
        """What it had opened cannot be read: it begins anew under the same id."""
        message_id = {"client_message_id": str(uuid.uuid4())}
        session_id = say(script, LAMP, **message_id)["session_id"]
        redis_server.client().set(f"chat:session:{session_id}", "{")
        answer = say(script, LAMP, **message_id)
        assert (answer["session_id"], answer["notice"]) == (session_id, STARTED_OVER)

    def test_several_messages_at_once_begin_one(
        self, script: FlaskClient, redis_server: RedisServer
    ) -> None:
        """All of them are in it."""
        session_id = say(script, LAMP)["session_id"]
        redis_server.client().set(f"chat:session:{session_id}", "{")
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: say(script, "no radio", session_id), range(6)))
        assert sum("notice" in answer for answer in answers) == 1
        assert len(conversation(script, session_id)["history"]) == 12

    def test_it_begins_anew_whoever_found_it_unreadable(
        self, script: FlaskClient, redis_server: RedisServer
    ) -> None:
        """Also when a reload of the page, which is told so, had set it aside before."""
        session_id = say(script, LAMP)["session_id"]
        redis_server.client().set(f"chat:session:{session_id}", "{")
        assert script.get(f"{API}/session/{session_id}").status_code == 410
        assert script.get(f"{API}/session/{session_id}").status_code == 404
        assert say(script, LAMP, session_id)["notice"] == STARTED_OVER
        assert "notice" not in say(script, "no radio", session_id)

    def test_a_deletion_leaves_nothing_to_begin_from(
        self, script: FlaskClient, redis_server: RedisServer
    ) -> None:
        """Neither of one that began anew, nor of one that was only quarantined."""
        begun, aside = (say(script, LAMP)["session_id"] for _ in range(2))
        for session_id in (begun, aside):
            redis_server.client().set(f"chat:session:{session_id}", "{")
        assert "notice" in say(script, LAMP, begun)
        assert script.get(f"{API}/session/{aside}").status_code == 410
        for session_id in (begun, aside):
            assert script.delete(f"{UNIFIED_CHAT}/session/{session_id}").status_code == 204
            assert redis_server.client().get(f"chat:session:{session_id}:corrupt") is None
            body = {"message": LAMP, "session_id": session_id}
            assert script.post(UNIFIED_CHAT, json=body).status_code == 404

    def test_it_goes_to_whoever_asks_and_leaves_the_owner_s_list(self, on_redis: Flask) -> None:
        """The browser's list names no conversation that is not there."""
        browser = on_redis.test_client()
        browser.get("/develope")
        session_id = say(browser, LAMP)["session_id"]
        owner = get_session_owner(on_redis, session_id)
        assert list_sessions(owner) == [session_id]
        replaced = {"history": 7}
        sessions_of("chat:session").replace(session_id, replaced, owner=owner)
        stranger = on_redis.test_client(use_cookies=False)
        body = {"message": LAMP, "session_id": session_id}
        assert stranger.post(UNIFIED_CHAT, json=body).status_code == 404
        assert say(browser, LAMP, session_id)["notice"] == STARTED_OVER
        assert list_sessions(owner) == [session_id]
        assert stranger.post(UNIFIED_CHAT, json=body).status_code == 404

    def test_what_a_newer_release_wrote_is_left_alone(
        self, script: FlaskClient, redis_server: RedisServer
    ) -> None:
        """It can be read again by that release; nothing begins in its place."""
        redis, session_id = redis_server.client(), say(script, LAMP)["session_id"]
        key = f"chat:session:{session_id}"
        newer = json.loads(redis.get(key) or b"") | {"format": 99}
        redis.set(key, json.dumps(newer, separators=(",", ":")))
        response = script.post(UNIFIED_CHAT, json={"message": LAMP, "session_id": session_id})
        assert (response.status_code, response.get_json()["code"]) == (410, "session_unreadable")
        assert json.loads(redis.get(key) or b"") == newer

    def test_the_other_door_says_so(self, script: FlaskClient) -> None:
        """There it is 410, and nothing is begun."""
        session_id = say(script, LAMP)["session_id"]
        spoil(session_id, {"history": 7})
        body = {"session_id": session_id, "message": "no"}
        assert script.post(f"{API}/respond", json=body).status_code == 410


def get_session_owner(app: Flask, session_id: str) -> str:
    """Whose a stored conversation is."""
    store = app.extensions["session_store"]
    return str(json.loads(store.get(f"chat:session:{session_id}"))["owner"])


class TestOutage:
    """Could not look is never no conversation."""

    @pytest.fixture
    def spilling(self, settings: Settings, tmp_path: Path) -> Iterator[tuple[Flask, CutOff]]:
        """The application over an engine that can be cut off, with a spill."""
        engine = CutOff()
        spill = f"sqlite:///{tmp_path / 'spill.db'}"
        app = create_app(replace(settings, spill_url=spill), engine=engine)
        yield app, engine
        app.extensions["session_store"].close()

    def test_without_a_spill_everything_is_503(self, settings: Settings) -> None:
        """With Retry-After, and without a word about where the engine is."""
        url = f"redis://127.0.0.1:{free_port()}/0"
        client = create_app(replace(settings, store_url=url)).test_client(use_cookies=False)
        known = {"session_id": str(uuid.uuid4())}
        for response in (
            client.post(UNIFIED_CHAT, json={"message": LAMP}),
            client.post(
                UNIFIED_CHAT, json={"message": LAMP, "client_message_id": str(uuid.uuid4())}
            ),
            client.post(UNIFIED_CHAT, json={"message": LAMP, **known}),
            client.delete(f"{UNIFIED_CHAT}/session/{known['session_id']}"),
        ):
            assert (response.status_code, response.get_json()["code"]) == (
                503,
                "store_unavailable",
            )
            assert int(response.headers["Retry-After"]) >= 1
            assert "127.0.0.1" not in response.text

    def test_with_a_spill_conversations_begin_and_go_on(
        self, spilling: tuple[Flask, CutOff]
    ) -> None:
        """To the analysis, its questions, its repetitions and the end."""
        app, engine = spilling
        client = app.test_client(use_cookies=False)
        engine.down = True
        message_id = {"client_message_id": str(uuid.uuid4())}
        first = say(client, LAMP, **message_id)
        assert say(client, LAMP, **message_id) == first
        session_id = chat_until_analyzed(client)
        asked = client.post(UNIFIED_CHAT, json={"message": "why RoHS?", "session_id": session_id})
        assert (asked.get_json()["intent"], asked.headers["X-Session-Store"]) == (
            "question",
            "degraded",
        )
        again = say(client, "and the GPSR?", session_id, **message_id)
        assert say(client, "and the GPSR?", session_id, **message_id) == again
        assert say(client, "it is sold in 2029", session_id)["intent"] == "analysis"
        assert client.delete(f"{UNIFIED_CHAT}/session/{session_id}").status_code == 204
        gone = client.post(UNIFIED_CHAT, json={"message": "why?", "session_id": session_id})
        assert gone.status_code == 404

    def test_what_only_the_engine_has_is_never_begun_anew(
        self, spilling: tuple[Flask, CutOff]
    ) -> None:
        """503 while it cannot be read; afterwards it goes on where it was."""
        app, engine = spilling
        client = app.test_client(use_cookies=False)
        session_id = start(client, LAMP)["session_id"]
        before = conversation(client, session_id)["history"]
        body = {"message": "no radio", "session_id": session_id}
        engine.down = True
        for _ in range(5):
            response = client.post(UNIFIED_CHAT, json=body)
            assert (response.status_code, response.get_json()["code"]) == (
                503,
                "store_unavailable",
            )
        engine.down = False
        assert eventually(lambda: client.post(UNIFIED_CHAT, json=body).status_code == 200)
        after = conversation(client, session_id)["history"]
        assert after[:2] == before
        assert len(after) == 4

    def test_an_unreadable_one_is_not_begun_anew_while_it_cannot_be_set_aside(
        self, settings: Settings
    ) -> None:
        """The engine goes away just then: 503, and the value is still there afterwards."""
        engine = ReadsOnly()
        client = create_app(settings, engine=engine).test_client(use_cookies=False)
        session_id = say(client, LAMP)["session_id"]
        spoil(session_id, {"history": 7})
        body = {"message": LAMP, "session_id": session_id}
        engine.writable = False
        assert client.post(UNIFIED_CHAT, json=body).status_code == 503
        engine.writable = True
        assert eventually(lambda: client.post(UNIFIED_CHAT, json=body).status_code == 200)
        assert conversation(client, session_id)["history"][1]["notice"] == STARTED_OVER


class ReadsOnly(CutOff):
    """A memory engine that can be made to refuse every write."""

    def __init__(self) -> None:
        super().__init__()
        self.writable = True

    def put(self, *args: Any, **kwargs: Any) -> Any:
        self.down = not self.writable
        try:
            return super().put(*args, **kwargs)
        finally:
            self.down = False

    def quarantine(self, *args: Any, **kwargs: Any) -> bool:
        self.down = not self.writable
        try:
            self._ask()
        finally:
            self.down = False
        return super().quarantine(*args, **kwargs)
