"""`flask tenants` and `flask sessions cleanup` over a real engine, as an operator types them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from config import Settings
from services.contexts import Contexts
from services.sessions.lease import Lease
from services.sessions.migration.control import ControlRoom
from services.sessions.migration.stages import Stage
from services.sessions.migration.worker import Worker
from services.sessions.stores import RedisStore, Store
from services.tokens import Identity, Tokens
from tests.support.application import create_app
from tests.support.servers import ROOT, RedisServer, eventually, free_port


@pytest.fixture(params=["sqlite", "redis"])
def app(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Flask]:
    """An application over an engine that a command's own process can reach."""
    if request.param == "redis":
        settings = replace(settings, store_url=request.getfixturevalue("redis_url"))
    application = create_app(settings)
    yield application
    store: Store = application.extensions["session_store"]
    store.close()


@pytest.fixture
def contexts(app: Flask) -> Contexts:
    """The contexts of the application."""
    found: Contexts = app.extensions["contexts"]
    return found


def run(app: Flask, *words: str) -> Result:
    """`flask` and these words."""
    result = app.test_cli_runner().invoke(args=words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(app: Flask, *words: str) -> Any:
    """The JSON that these words print."""
    return json.loads(run(app, *words, "--json").stdout)


def test_nothing_is_set_at_first(app: Flask) -> None:
    """And nobody is there."""
    assert run(app, "tenants", "list").stdout == "There are no tenants yet.\n"
    missing = run(app, "tenants", "show", "acme")
    assert missing.exit_code == 1
    assert "no tenant 'acme' yet" in missing.stdout


def test_what_is_set_is_shown_and_followed(app: Flask, contexts: Contexts) -> None:
    """Beside what was set before."""
    run(app, "tenants", "set", "acme", "--ttl", "3600")
    table = run(app, "tenants", "set", "acme", "--orphan-after", "7200", "--cleanup-every", "600")
    assert table.stdout.splitlines() == [
        "tenant  ttl   orphan after  cleanup every",
        "acme    3600  7200          600",
    ]
    assert run(app, "tenants", "show", "acme").stdout == table.stdout
    assert run(app, "tenants", "list").stdout == table.stdout
    assert contexts.store_session_context("acme", "anna", "s", {}).ttl == 3600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["acme"], "Name --ttl"),
        (["acme", "--ttl", "0"], "0 is not in the range"),
        (["acme", "--ttl", "2592001"], "not in the range"),
        (["acme", "--orphan-after", "soon"], "not a valid integer"),
        (["x" * 65, "--ttl", "5"], "1 to 64 characters"),
        (["", "--ttl", "5"], "1 to 64 characters"),
        (["a\x1b[31m", "--ttl", "5"], "control character"),
    ],
)
def test_what_cannot_be_set_is_refused(app: Flask, words: list[str], said: str) -> None:
    """With the exit code for wrong usage, and nothing changed."""
    result = run(app, "tenants", "set", *words)
    assert result.exit_code == 2
    assert said in result.output
    assert run_json(app, "tenants", "list")["tenants"] == []


def test_a_token_is_good_for_trying_out(app: Flask) -> None:
    """Of this tenant's user, for as long as is said."""
    token = run(app, "tenants", "token", "acme", "--user", "anna", "--for", "60").stdout.strip()
    tokens: Tokens = app.extensions["tokens"]
    assert tokens.verify(token) == Identity("acme", "anna")
    assert run(app, "tenants", "token", "acme", "--user", " ").exit_code == 1
    assert run(app, "tenants", "token", "acme").exit_code == 2


def test_without_a_secret_no_token_is_made(settings: Settings) -> None:
    """The sentence says what to set."""
    app = create_app(replace(settings, auth_secret=None))
    result = run(app, "tenants", "token", "acme", "--user", "anna")
    assert result.exit_code == 1
    assert "AUTH_SECRET" in result.stdout


def test_a_named_tenant_is_cleaned_up_now(app: Flask, contexts: Contexts) -> None:
    """The report says what went; what is used stays."""
    contexts.store_session_context("acme", "anna", "s", {})
    assert run_json(app, "sessions", "cleanup", "acme")["tenants"] == [
        {
            "tenant_id": "acme",
            "cleanup_threshold_seconds": 172_800,
            "cleaned_count": 0,
            "expired_count": 0,
        }
    ]
    run(app, "tenants", "set", "acme", "--orphan-after", "1")
    time.sleep(1.1)  # the engine's own clock decides
    result = run(app, "sessions", "cleanup", "acme")
    assert "acme    1             1        0" in result.stdout
    assert contexts.list_session_contexts("acme", "anna", start=0, limit=1).contexts == []


def test_without_a_name_those_are_cleaned_whose_time_has_come(
    app: Flask, contexts: Contexts
) -> None:
    """Once a day unless something else is set."""
    for tenant_id in ("acme", "other"):
        contexts.store_session_context(tenant_id, "anna", "s", {})
    first = run_json(app, "sessions", "cleanup")
    assert [one["tenant_id"] for one in first["tenants"]] == ["acme", "other"]
    assert first["expired"] == {"chat:session": 0, "state": 0, "context": 0, "tenant": 0}
    again = run(app, "sessions", "cleanup")
    assert "No tenant was due." in again.stdout


def test_one_process_at_a_time(app: Flask) -> None:
    """Another one is told who does it; a named tenant is cleaned up all the same."""
    worker: Worker = app.extensions["migration"]
    lease = Lease(worker.room.engine, "cleanup", {"host": "host-a", "pid": 42})
    assert lease.take()
    refused = run(app, "sessions", "cleanup")
    assert refused.exit_code == 1
    assert "process 42 on host-a is cleaning up" in refused.stdout
    assert run(app, "sessions", "cleanup", "acme").exit_code == 0
    lease.release()
    assert run(app, "sessions", "cleanup").exit_code == 0


def test_in_off_the_sessions_are_elsewhere(app: Flask) -> None:
    """What the serving process has, no command can clean up."""
    room: ControlRoom = app.extensions["migration"].room
    room.begin()
    result = run(app, "sessions", "cleanup")
    assert result.exit_code == 1
    assert "in stage off" in result.stdout
    for words in (["list"], ["set", "acme", "--ttl", "60"]):
        assert "in stage off" in run(app, "tenants", *words).stdout
    room.change(Stage.DUALWRITE)
    assert run(app, "sessions", "cleanup").exit_code == 0
    assert run(app, "tenants", "set", "acme", "--ttl", "60").exit_code == 0


def test_usage_is_checked(app: Flask) -> None:
    """Names and --every do not go together, and no pause is longer than the lease bears."""
    assert run(app, "sessions", "cleanup", "acme", "--every", "5").exit_code == 2
    assert run(app, "sessions", "cleanup", "--every", "61").exit_code == 2


def test_a_dict_of_the_process_is_refused(settings: Settings) -> None:
    """No command can reach it."""
    app = create_app(replace(settings, store_url="memory://"))
    for words in (["sessions", "cleanup"], ["tenants", "list"]):
        result = run(app, *words)
        assert result.exit_code == 1
        assert "memory://" in result.stdout


def test_an_engine_that_is_away_is_reported(settings: Settings) -> None:
    """With an exit code of its own."""
    away = replace(settings, store_url=f"redis://127.0.0.1:{free_port()}/0")
    result = run(create_app(away), "sessions", "cleanup")
    assert result.exit_code == 3
    assert "could not be reached (connection)" in result.stderr


class CleanupProcess:
    """`flask sessions cleanup --every 1` as a process of its own."""

    def __init__(self, redis_url: str, log: Path) -> None:
        self.log = log
        environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "a secret for the tests only",
            "SESSION_SPILL_URL": "memory://",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "sessions", "cleanup"]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--every", "1"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )

    def says(self, text: str, seconds: float = 20) -> bool:
        """Whether it prints this in time."""
        return eventually(lambda: text in self.log.read_text(), seconds)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it, and answer its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=15)


def test_of_two_processes_one_works_and_the_other_takes_over(tmp_path: Path) -> None:
    """With Redis away in between; and each ends when it is told to."""
    with RedisServer() as server:
        store = RedisStore.from_url(server.url, timeout=5)
        first = CleanupProcess(server.url, tmp_path / "first.log")
        try:
            assert first.says("No tenant was due.")
            second = CleanupProcess(server.url, tmp_path / "second.log")
            try:
                assert second.says("this one stands by")
                server.signal(signal.SIGSTOP)
                assert first.says("could not be reached")
                server.signal(signal.SIGCONT)
                assert first.end() == 0
                assert first.says("Ended.")
                assert second.says("No tenant was due.")
            finally:
                assert second.end() == 0
        finally:
            first.process.kill()
        assert store.get("lease:cleanup") is None
        store.close()


def test_what_cannot_be_read_is_an_answer_and_no_traceback(
    settings: Settings, redis_server: RedisServer, redis_url: str
) -> None:
    """A record that somebody broke, and a name that is none."""
    app = create_app(replace(settings, store_url=redis_url))
    redis_server.client().set("tenant-settings:acme", "junk")
    result = run(app, "tenants", "set", "acme", "--ttl", "60")
    assert (result.exit_code, "cannot be read" in result.stdout) == (1, True)
    assert run(app, "tenants", "set", "acme", "--ttl", "60").exit_code == 0
    redis_server.client().set("lease:cleanup", "junk")
    assert run(app, "sessions", "cleanup").exit_code == 1
    assert run(app, "sessions", "cleanup").exit_code == 0
    assert run(app, "sessions", "cleanup", "").exit_code == 1
