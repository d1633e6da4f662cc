"""`flask migration` beside a real gunicorn and a real Redis: the whole way, and back."""

import signal
from collections.abc import Mapping
from typing import Any

from services.sessions.migration.stages import Stage
from tests.support.http import Http
from tests.support.operator import flask_migration, migrate
from tests.support.servers import Gunicorn, RedisServer, eventually
from tests.support.talk import API

STAGES = tuple(Stage)


def stage_of(http: Http) -> str:
    """The stage the one serving worker is in."""
    stage: str = http.get("/readyz").body["stage"]
    return stage


def test_the_whole_way_and_back(lasting_redis: RedisServer) -> None:
    """Every stage up and down; each is followed, and every conversation stays as it was."""
    settings = {"REDIS_URL": lasting_redis.url, "WEB_CONCURRENCY": "1"}
    gunicorn = Gunicorn(**settings)
    environment = gunicorn.environment
    assert flask_migration(environment, "begin")["exit"] == 0
    held: dict[str, Any] = {}
    with gunicorn, Http(gunicorn.url) as http:

        def readable() -> bool:
            return all(http.get(f"{API}/session/{one}").body == was for one, was in held.items())

        def talk() -> None:
            answer = http.post(f"{API}/start", {"initial_input": "USB-powered LED desk lamp"})
            assert answer.status == 200, answer.body
            session_id = answer.body["session_id"]
            turn = {"session_id": session_id, "message": "no radio"}
            assert http.post(f"{API}/respond", turn).status == 200
            held[session_id] = http.get(f"{API}/session/{session_id}").body

        def arrived(command: str, stage: str) -> None:
            found = migrate(environment, command)
            assert (found["exit"], found["stage"], found["behind"]) == (0, stage, []), found
            assert eventually(lambda: stage_of(http) == stage)
            talk()
            assert readable()

        assert migrate(environment, "status", "--wait", "20")["exit"] == 0
        assert stage_of(http) == "off"
        talk()
        for stage in STAGES[1:]:
            arrived("advance", stage)
            if stage in ("dualwrite", "shadow"):
                copied = migrate(environment, "backfill", "--timeout", "30")
                assert (copied["exit"], copied["sessions"] > 0) == (0, True)
                compared = migrate(environment, "compare", "--timeout", "30")
                assert (compared["exit"], compared["mismatches"]) == (0, 0)
        assert migrate(environment, "advance")["exit"] == 1
        for stage in reversed(STAGES[:-1]):
            arrived("rollback", stage)
        assert migrate(environment, "rollback")["exit"] == 1
        assert len(held) == 2 * len(STAGES) - 1


def test_workers_are_added_in_live(lasting_redis: RedisServer) -> None:
    """One process in off; each of those that HUP starts in live is seen and asked."""
    gunicorn = Gunicorn(REDIS_URL=lasting_redis.url, WEB_CONCURRENCY="2")
    environment = gunicorn.environment
    migrate(environment, "begin")
    with gunicorn:
        status = migrate(environment, "status", "--wait", "20")
        assert (status["exit"], len(status["workers"])) == (0, 1)
        for _ in range(3):
            assert migrate(environment, "advance")["exit"] == 0
        assert gunicorn.process is not None
        gunicorn.process.send_signal(signal.SIGHUP)

        def both() -> bool:
            return len(migrate(environment, "status")["workers"]) == 2

        assert eventually(both, 30)
        moved = migrate(environment, "advance")
        assert (moved["exit"], moved["stage"], moved["behind"]) == (0, "rampdown", [])


def test_a_redis_without_persistence_holds_the_migration_up() -> None:
    """The worker serves and advance is refused all the same; force goes on."""
    with RedisServer() as redis:
        gunicorn = Gunicorn(REDIS_URL=redis.url)
        environment = gunicorn.environment
        migrate(environment, "begin")
        with gunicorn:
            refuse_and_force(environment)


def refuse_and_force(environment: Mapping[str, str]) -> None:
    """Try to go on, then go on all the same."""
    assert migrate(environment, "status", "--wait", "20")["exit"] == 0
    refused = migrate(environment, "advance", "--wait", "2")
    assert refused["exit"] == 1
    assert refused["refused"] == ["Redis keeps nothing over a restart: set appendonly to yes"]
    forced = migrate(environment, "advance", "--wait", "0", "--force")
    assert (forced["exit"], forced["overridden"]) == (0, refused["refused"])
