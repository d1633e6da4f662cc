"""The application under gunicorn: restarts, several workers, streams, and no needless cookies."""

import concurrent.futures
import contextlib
import os
import shutil
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.release import VERSION
from tests.support.http import Http
from tests.support.servers import ROOT, Gunicorn, RedisServer, children, eventually
from tests.support.talk import API, events


def open_conversation(http: Http) -> str:
    """Start a conversation and answer its id."""
    answer = http.post(f"{API}/start", {"initial_input": "USB-powered LED desk lamp"})
    assert answer.status == 200, answer.body
    session_id: str = answer.body["session_id"]
    return session_id


def say(http: Http, session_id: str, message: str) -> Any:
    """One turn."""
    answer = http.post(f"{API}/respond", {"session_id": session_id, "message": message})
    assert answer.status == 200, answer.body
    return answer.body


def complete(http: Http, session_id: str) -> None:
    """Answer "no" until nothing is asked any more."""
    for _ in range(20):
        if say(http, session_id, "no")["complete"]:
            return
    raise AssertionError("the interview does not end")


@pytest.fixture(params=["redis", "sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings that choose an engine that outlives the process."""
    if request.param == "redis":
        return {"REDIS_URL": request.getfixturevalue("redis_url")}
    return {"SESSION_STORE_URL": f"sqlite:///{tmp_path / 'sessions.db'}"}


def test_a_restart_between_two_turns_goes_unnoticed(engine: dict[str, str]) -> None:
    """TERM and start again: the browser goes on where it was, and its analysis too."""
    gunicorn = Gunicorn(**engine, WEB_CONCURRENCY="2")
    with gunicorn, Http(gunicorn.url, cookies=True) as http:
        http.get("/develope")
        analyzed, current = open_conversation(http), open_conversation(http)
        complete(http, analyzed)
        assert http.post(f"{API}/analyze", {"session_id": analyzed}).status == 200
        say(http, current, "no radio")
        before = [http.get(f"{API}/session/{one}").body for one in (analyzed, current)]
        http.close()
        gunicorn.stop()
        gunicorn.start()
        assert [http.get(f"{API}/session/{one}").body for one in (analyzed, current)] == before
        assert http.get(f"{API}/current").body == {"current": current}
        question = {"session_id": analyzed, "question": "Which are the most important?"}
        assert http.post(f"{API}/ask-analysis", question).status == 200
        complete(http, current)


@pytest.fixture(scope="module")
def gunicorn(redis_server: RedisServer) -> Iterator[Gunicorn]:
    """Three workers over one Redis, for the tests that do not stop all of it."""
    settings = {"WEB_CONCURRENCY": "3", "GUNICORN_THREADS": "4"}
    with Gunicorn(REDIS_URL=redis_server.url, **settings) as server:
        yield server


def test_every_worker_sees_every_turn(gunicorn: Gunicorn) -> None:
    """Turns of one conversation through three processes at once: all kept, once, in order."""
    ids = [str(uuid.uuid4()) for _ in range(24)]
    with Http(gunicorn.url) as http:
        session_id = open_conversation(http)

        def turn(message_id: str) -> None:
            body = {
                "session_id": session_id,
                "message": f"note {message_id}",
                "client_message_id": message_id,
            }
            with Http(gunicorn.url) as client:
                first, second = (client.post(f"{API}/respond", body) for _ in range(2))
            assert (first.status, second.status) == (200, 200)
            assert first.body == second.body

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(turn, ids))
        history = http.get(f"{API}/session/{session_id}").body["history"]
    said = [entry["id"] for entry in history if entry["role"] == "user"][1:]
    assert sorted(said) == sorted(ids)
    for question, reply in zip(history[::2], history[1::2], strict=True):
        assert reply["reply_to"] == question["id"]


@pytest.mark.parametrize(
    "chosen", [{"SESSION_STAGE": "off"}, {"SESSION_STORE_URL": "memory://"}], ids=["off", "memory"]
)
def test_sessions_in_the_process_are_served_by_one(chosen: dict[str, str]) -> None:
    """Whatever WEB_CONCURRENCY says, there is one dict."""
    with Gunicorn(**chosen, WEB_CONCURRENCY="4") as gunicorn, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Http(gunicorn.url)) for _ in range(6)]
        session_id = open_conversation(clients[0])
        for http in clients:
            assert http.get(f"{API}/session/{session_id}").status == 200
        ready = clients[0].get("/readyz").body
        assert ready["engine"] == "memory"
        assert gunicorn.output().count("Booting worker") == 1


def test_the_first_lines_say_what_starts() -> None:
    """Release, engine without its password, stage, spill and workers; again after a reload."""
    with RedisServer("--requirepass", "s3cret") as redis:
        url = redis.url.replace("//", "//:s3cret@")
        settings = {"REDIS_URL": url, "WEB_CONCURRENCY": "2", "BUILD_COMMIT": "4f2c1ab"}
        with Gunicorn(**settings, GUNICORN_THREADS="3") as gunicorn, Http(gunicorn.url) as http:
            line = (
                f"teaser chat {VERSION}+4f2c1ab: engine {redis.url}, stage complete,"
                f" spill sqlite:///{gunicorn.spill}, workers 2 x 3 threads"
            )
            assert line in "".join(gunicorn.output().splitlines(keepends=True)[:2])
            assert http.get("/readyz").body["release"] == f"{VERSION}+4f2c1ab"
            gunicorn.signal(signal.SIGHUP)
            assert eventually(lambda: gunicorn.output().count(line) == 2)
            assert "s3cret" not in gunicorn.output()


def test_an_unknown_stage_keeps_it_from_starting() -> None:
    """With a message that says what to use, and without a stack of frames."""
    refused = pytest.raises(RuntimeError, match="'sometimes' is no stage; use off, dualwrite")
    with refused, Gunicorn(SESSION_STAGE="sometimes"):
        pass


def test_a_stream_arrives_in_pieces_and_ends_on_its_own(gunicorn: Gunicorn) -> None:
    """Every event of the analysis, through a real connection."""
    with Http(gunicorn.url) as http:
        session_id = open_conversation(http)
        complete(http, session_id)
        stream = http.get(f"{API}/analyze-stream?session_id={session_id}")
        found = events(stream.body.encode())
        assert found[-1][1]["phase"] == "complete"
        assert len(found) == 84


def test_a_killed_worker_loses_nothing(gunicorn: Gunicorn) -> None:
    """SIGKILL of every worker: the master starts others, the turns are there."""
    with Http(gunicorn.url) as http:
        session_id = open_conversation(http)
        say(http, session_id, "no radio")
        before = http.get(f"{API}/session/{session_id}").body
        assert gunicorn.process is not None
        for child in children(gunicorn.process.pid):
            child_is_gone(child)
        assert eventually(gunicorn.answers)
        assert http.get(f"{API}/session/{session_id}").body == before


def child_is_gone(pid: int) -> None:
    """Kill one of our own gunicorn's workers."""
    os.kill(pid, signal.SIGKILL)


def test_gunicorn_tells_when_it_serves(tmp_path: Path) -> None:
    """What systemd waits for, with Type=notify."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(10)
        settings = {"SESSION_STORE_URL": "memory://", "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with Gunicorn(**settings):
            assert told.recv(1024).startswith(b"READY=1")


def test_a_reload_serves_the_code_of_a_new_release(tmp_path: Path) -> None:
    """All of it: no module of the release before is left in a worker."""
    for name in ("routes", "services", "static", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("app.py", "config.py", "gunicorn.conf.py", "wsgi.py"):
        shutil.copy2(ROOT / name, tmp_path)
    gunicorn = Gunicorn(SESSION_STORE_URL=f"sqlite:///{tmp_path / 'sessions.db'}")
    gunicorn.command += ["--chdir", str(tmp_path), "--config", str(tmp_path / "gunicorn.conf.py")]
    with gunicorn, Http(gunicorn.url) as http:
        assert http.get("/readyz").body["release"].startswith(VERSION)
        release = tmp_path / "services" / "release.py"
        source = release.read_text(encoding="utf-8")
        release.write_text(source.replace(f'"{VERSION}"', '"99.0.0"'), encoding="utf-8")
        http.close()
        gunicorn.signal(signal.SIGHUP)

        def is_new() -> bool:
            with Http(gunicorn.url) as new:
                release: str = new.get("/readyz").body["release"]
            return release.startswith("99.0.0")

        assert eventually(is_new)
        assert "teaser chat 99.0.0" in gunicorn.output()
