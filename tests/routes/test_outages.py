"""When the engine cannot be asked or a value cannot be read: honest answers, never a 500."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.sessions import sessions_of
from services.sessions.errors import StoreUnavailable
from services.sessions.migration.stages import Stage
from services.sessions.stores import RedisStore
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.servers import RedisServer, eventually, free_port
from tests.support.talk import API, get_current, respond, start


@pytest.fixture
def dead(settings: Settings) -> Flask:
    """The application with a Redis that nobody answers for."""
    return create_app(replace(settings, store_url=f"redis://127.0.0.1:{free_port()}/0"))


@pytest.fixture
def on_redis(settings: Settings, redis_url: str) -> Iterator[Flask]:
    """The application over a real Redis."""
    store = RedisStore.from_url(redis_url)
    yield create_app(settings, engine=store)
    store.close()


def test_unavailable_is_503_on_every_route_and_never_404(dead: Flask) -> None:
    """With Retry-After, and without a word about where the engine is."""
    client = dead.test_client(use_cookies=False)
    session_id = str(uuid.uuid4())
    responses = [
        client.post(f"{API}/start", json={"initial_input": "A lamp"}),
        client.post(f"{API}/respond", json={"session_id": session_id, "message": "no"}),
        client.post(f"{API}/analyze", json={"session_id": session_id}),
        client.get(f"{API}/analyze-stream?session_id={session_id}"),
        client.post(f"{API}/ask-analysis", json={"session_id": session_id, "question": "Why?"}),
        client.get(f"{API}/session/{session_id}"),
        client.delete(f"{API}/session/{session_id}"),
    ]
    for response in responses:
        assert response.status_code == 503
        assert response.get_json()["code"] == "store_unavailable"
        assert int(response.headers["Retry-After"]) >= 1
        assert "127.0.0.1" not in response.text
        assert "redis" not in response.text.lower()


def test_health_does_not_depend_on_the_engine_and_readiness_does(dead: Flask, app: Flask) -> None:
    """The process lives; whether it can serve is another question."""
    assert dead.test_client().get("/healthz").get_json() == {"status": "ok"}
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.get_json()["engine"]) == (200, "sqlite")
    assert ready.get_json()["stage"] == "complete"
    assert ready.get_json()["degraded"] is False
    not_ready = dead.test_client().get("/readyz")
    assert (not_ready.status_code, not_ready.get_json()["reason"]) == (503, "connection")


@pytest.fixture
def spilling(settings: Settings, tmp_path: Path) -> Iterator[tuple[Flask, CutOff]]:
    """The application over an engine that can be cut off, with a spill."""
    engine = CutOff()
    app = create_app(
        replace(settings, spill_url=f"sqlite:///{tmp_path / 'spill.db'}"), engine=engine
    )
    yield app, engine
    app.extensions["session_store"].close()


def test_with_a_spill_conversations_begin_and_go_on(spilling: tuple[Flask, CutOff]) -> None:
    """To the analysis and beyond it, and every answer says how it came about."""
    app, engine = spilling
    client = app.test_client(use_cookies=False)
    engine.down = True
    again = {"client_message_id": str(uuid.uuid4())}
    begun = client.post(f"{API}/start", json={"initial_input": "Ceramic mug", **again})
    assert (begun.status_code, begun.headers["X-Session-Store"]) == (200, "degraded")
    session_id = begun.get_json()["session_id"]
    assert start(client, "Ceramic mug", **again)["session_id"] == session_id
    for _ in range(12):
        if respond(client, session_id, "no")["complete"]:
            break
    analysis = client.post(f"{API}/analyze", json={"session_id": session_id})
    assert analysis.status_code == 200
    asked = client.post(f"{API}/ask-analysis", json={"session_id": session_id, "question": "Why?"})
    assert (asked.status_code, asked.headers["X-Session-Store"]) == (200, "degraded")
    read = client.get(f"{API}/session/{session_id}")
    assert len(read.get_json()["qa_history"]) == 1
    assert client.delete(f"{API}/session/{session_id}").status_code == 200
    assert client.get(f"{API}/session/{session_id}").status_code == 404


def test_with_a_spill_a_conversation_only_the_engine_has_is_503(
    spilling: tuple[Flask, CutOff],
) -> None:
    """Never 404, and its answer is no degraded one but none at all."""
    app, engine = spilling
    client = app.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    engine.down = True
    for _ in range(5):
        response = client.get(f"{API}/session/{session_id}")
        assert (response.status_code, response.get_json()["code"]) == (503, "store_unavailable")
        assert int(response.headers["Retry-After"]) >= 1
    engine.down = False
    assert eventually(lambda: client.get(f"{API}/session/{session_id}").status_code == 200)
    assert "X-Session-Store" not in client.get(f"{API}/session/{session_id}").headers


def test_with_a_spill_the_page_shows_the_conversation_begun_meanwhile(
    spilling: tuple[Flask, CutOff],
) -> None:
    """A browser's own session goes the same way, and is no error page before or after."""
    app, engine = spilling
    browser = app.test_client()
    browser.get("/develope")
    before = start(browser)["session_id"]
    engine.down = True
    assert browser.get("/develope").status_code == 200
    assert browser.get(f"{API}/current").status_code == 503
    session_id = start(browser)["session_id"]
    told = browser.get(f"{API}/current")
    assert (told.status_code, told.headers["X-Session-Store"]) == (200, "degraded")
    assert told.get_json() == {"current": session_id}
    engine.down = False
    app.extensions["migration"].outage.start()
    assert eventually(lambda: not app.extensions["spill"].is_occupied)
    app.extensions["migration"].outage.finish()
    assert eventually(lambda: "X-Session-Store" not in browser.get(f"{API}/current").headers)
    assert eventually(lambda: get_current(browser) == session_id)
    assert browser.get(f"{API}/session/{before}").status_code == 200


def test_an_answer_is_marked_when_only_the_browser_s_session_was_spilled(
    spilling: tuple[Flask, CutOff], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is saved after the view, and counts all the same."""
    app, engine = spilling
    browser = app.test_client()
    browser.get("/develope")
    started = app.extensions["teaser_chat"].start_conversation

    def start_and_lose_the_engine(*words: object, **more: object) -> object:
        answer = started(*words, **more)
        engine.down = True
        return answer

    monkeypatch.setattr(
        app.extensions["teaser_chat"], "start_conversation", start_and_lose_the_engine
    )
    answer = browser.post(f"{API}/start", json={"initial_input": "A lamp"})
    assert (answer.status_code, answer.headers["X-Session-Store"]) == (200, "degraded")
    assert app.extensions["spill"].backlog().count == 1


def test_a_spill_with_room_again_is_ready_again(
    spilling: tuple[Flask, CutOff], tmp_path: Path
) -> None:
    """Also when nobody sends a write because it was not ready."""
    app, engine = spilling
    client = app.test_client(use_cookies=False)
    engine.down = True
    start(client)
    folder = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-away"))
    tmp_path.write_text("this is no folder")
    assert client.post(f"{API}/start", json={"initial_input": "A lamp"}).status_code == 503
    assert client.get("/readyz").status_code == 503
    tmp_path.unlink()
    folder.rename(tmp_path)
    assert client.get("/readyz").status_code == 200


def test_a_spill_that_cannot_be_written_is_reported_before_it_is_needed(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its place, in the log at the start and in readiness; it hinders nothing yet."""
    (tmp_path / "file").write_text("this is no folder")
    place = tmp_path / "file" / "spill.db"
    app = create_app(replace(settings, spill_url=f"sqlite:///{place}"), engine=CutOff())
    outage = app.extensions["migration"].outage
    outage.start()
    outage.finish()
    assert any(str(place) in record.message for record in caplog.records)
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, len(ready.get_json()["warnings"])) == (200, 1)


def test_what_people_said_is_readable_for_the_service_alone(
    spilling: tuple[Flask, CutOff], tmp_path: Path
) -> None:
    """Of all files that hold it."""
    app, engine = spilling
    engine.down = True
    start(app.test_client())
    files = list(tmp_path.glob("spill.db*"))
    assert len(files) >= 3
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_readiness_with_a_spill(spilling: tuple[Flask, CutOff]) -> None:
    """It serves, it is degraded, and it tells what waits and since when."""
    app, engine = spilling
    client = app.test_client(use_cookies=False)
    ready = client.get("/readyz").get_json()
    assert ready["breaker"] == {"read": "closed", "write": "closed"}
    assert ready["spill"] == {"backlog": 0, "age_seconds": 0}
    engine.down = True
    start(client)
    state = client.get("/readyz")
    assert (state.status_code, state.get_json()["status"]) == (200, "ready")
    assert state.get_json()["degraded"] is True
    assert state.get_json()["spill"]["backlog"] == 1


def test_where_the_spill_cannot_be_written_nothing_is_accepted(
    settings: Settings, tmp_path: Path
) -> None:
    """503 and not ready, instead of a yes that nobody remembers."""
    (tmp_path / "file").write_text("this is no folder")
    engine = CutOff()
    app = create_app(
        replace(settings, spill_url=f"sqlite:///{tmp_path / 'file' / 'spill.db'}"), engine=engine
    )
    client = app.test_client(use_cookies=False)
    assert client.post(f"{API}/start", json={"initial_input": "A lamp"}).status_code == 200
    engine.down = True
    refused = client.post(f"{API}/start", json={"initial_input": "A lamp"})
    assert (refused.status_code, refused.get_json()["code"]) == (503, "store_unavailable")
    assert int(refused.headers["Retry-After"]) > 1
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (503, "unavailable")


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    spilling: tuple[Flask, CutOff], caplog: pytest.LogCaptureFixture
) -> None:
    """Not once for every request."""
    app, engine = spilling
    client = app.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    engine.down = True
    for _ in range(30):
        assert client.get(f"{API}/session/{session_id}").status_code == 503
    for _ in range(3):
        start(client)
    said = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    words = ["a read of the engine failed: connection", "no read until", "a write of the engine"]
    words += ["the spill takes what the engine cannot", "no write until"]
    assert len(said) == len(words)
    assert all(word in record.message for word, record in zip(words, said, strict=True))


def test_the_page_opens_for_a_new_visitor(dead: Flask) -> None:
    """There is nothing to look up yet; the page can say itself what does not work."""
    client = dead.test_client()
    assert client.get("/develope").status_code == 200


def test_the_page_opens_for_a_returning_visitor(dead: Flask) -> None:
    """It is not told that it was in no conversation, which nobody can know now."""
    client = dead.test_client()
    client.get("/develope")
    assert client.get("/develope").status_code == 200
    refused = client.get(f"{API}/current")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "store_unavailable")


def test_the_dict_serves_browsers_while_the_engine_is_down(settings: Settings) -> None:
    """A step back to off needs no engine: conversations begin, go on, are repeated and end."""
    down = f"redis://127.0.0.1:{free_port()}/0"
    client = create_app(replace(settings, store_url=down, stage=Stage.OFF)).test_client()
    client.get("/develope")
    again = {"client_message_id": str(uuid.uuid4())}
    session_id = start(client, **again)["session_id"]
    assert start(client, **again)["session_id"] == session_id
    respond(client, session_id, "no radio")
    assert get_current(client) == session_id
    assert client.delete(f"{API}/session/{session_id}").status_code == 200
    assert client.get(f"{API}/session/{session_id}").status_code == 404
    assert get_current(client) is None


def test_a_person_gets_a_page_where_a_script_gets_json(dead: Flask) -> None:
    """The same sentence for both, each in its form."""

    def fail() -> str:
        raise StoreUnavailable("connection")

    dead.add_url_rule("/page", view_func=fail)
    client = dead.test_client()
    page = client.get("/page", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "try again in a moment" in page.text
    assert page.headers["Retry-After"]
    data = client.get("/page", headers={"Accept": "*/*"})
    assert data.get_json()["error"] in page.text


def test_static_files_need_no_engine(dead: Flask) -> None:
    """Also for a browser with a cookie."""
    client = dead.test_client()
    client.set_cookie("browser", "anything")
    with client.get("/static/pages.css") as response:
        assert response.status_code == 200


@pytest.mark.parametrize("value", ["not json", '{"version":1', "[]", '{"history":[]}'])
def test_an_unreadable_conversation_is_reported_as_such(
    on_redis: Flask, redis_server: RedisServer, value: str
) -> None:
    """410 with what to do; the value is quarantined; afterwards it is not found."""
    client = on_redis.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    redis = redis_server.client()
    redis.set(f"chat:session:{session_id}", value)
    response = client.post(f"{API}/respond", json={"session_id": session_id, "message": "no"})
    assert (response.status_code, response.get_json()["code"]) == (410, "session_unreadable")
    assert "cannot be read" in response.get_json()["error"]
    assert redis.get(f"chat:session:{session_id}:corrupt") == value.encode()
    assert client.get(f"{API}/session/{session_id}").status_code == 404


def test_a_conversation_whose_members_are_wrong_is_unreadable_too(on_redis: Flask) -> None:
    """A document of the right form with nothing of a conversation in it."""
    client = on_redis.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    sessions_of("chat:session").replace(session_id, {"history": "gone"})
    body = {"session_id": session_id, "message": "no"}
    for response in (
        client.get(f"{API}/session/{session_id}"),
        client.post(f"{API}/respond", json=body),
        client.post(f"{API}/analyze", json={"session_id": session_id}),
    ):
        assert (response.status_code, response.get_json()["code"]) == (410, "session_unreadable")


def test_an_expired_conversation_is_not_found(settings: Settings, redis_url: str) -> None:
    """With an expiry of a second, on a real server."""
    store = RedisStore.from_url(redis_url)
    app = create_app(replace(settings, session_ttl=1), engine=store)
    client = app.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    assert client.get(f"{API}/session/{session_id}").status_code == 200
    time.sleep(1.1)
    response = client.get(f"{API}/session/{session_id}")
    assert (response.status_code, response.get_json()["code"]) == (404, "session_not_found")
    store.close()


def test_a_conversation_that_grew_too_large_is_refused(settings: Settings) -> None:
    """413, and what was there stays."""
    app = create_app(replace(settings, session_max_bytes=6000))
    client = app.test_client(use_cookies=False)
    session_id = start(client)["session_id"]
    before = client.get(f"{API}/session/{session_id}").get_json()
    body = {"session_id": session_id, "message": "x" * 3900}
    for _ in range(3):
        response = client.post(f"{API}/respond", json=body)
    assert (response.status_code, response.get_json()["code"]) == (413, "session_too_large")
    after = client.get(f"{API}/session/{session_id}").get_json()
    assert after["history"][: len(before["history"])] == before["history"]


def test_a_fault_of_ours_is_500_without_details(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No trace leaves the house; the log has it under the request's id."""

    def fail(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(app.extensions["teaser_chat"]), "get_conversation", fail)
    response = client.get(f"{API}/session/{uuid.uuid4()}")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text
