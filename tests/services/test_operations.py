"""What an operator is told: of the migration, the engine and the counts, and never more."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.core import Sample

from services import metrics as application
from services import sessions
from services.keyspaces import build_keyspaces
from services.operations import build_overview, summarise_samples
from services.sessions import get_registry, metrics
from services.sessions.migration.control import CONTROL, ControlRoom, Report
from services.sessions.migration.last_stage import LastStage
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.migration.worker import Worker
from services.sessions.outage import Outage, open_spill
from services.sessions.outage.breaker import FAILURES_IN_A_ROW
from services.sessions.stores import MemoryStore
from services.sessions.stores.base import Condition
from tests.support.engines import CutOff, document_record

BEGUN = Plan(Stage.OFF, stepped=True)


class Deployment:
    """A process over an engine that can be cut off, with a spill in memory."""

    def __init__(self) -> None:
        self.engine = CutOff()
        outage = Outage(self.engine, build_keyspaces(), open_spill("memory://"))
        store = MigratingStore(MemoryStore(), outage.store, build_keyspaces(), BEGUN)
        sessions.set_session_store(store, keyspaces=build_keyspaces())
        self.room = ControlRoom(outage.engine)
        self.worker = Worker(store, self.room, outage, LastStage(None))

    def look(self, stage: Stage | None = None) -> dict[str, Any]:
        """What is told, in this stage if one is named."""
        if stage:
            self.room.change(stage)
            self.worker.follow()
        return build_overview(self.worker, get_registry())


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """One that the session functions work on as well."""
    yield Deployment()
    sessions.close_session_store()
    for direction in ("read", "write"):
        metrics.set_breaker_state(direction, "closed")
    metrics.set_migration("complete", 0)


@pytest.mark.parametrize(
    ("stage", "engine", "reads", "writes"),
    [
        (Stage.OFF, "memory", ["memory", "redis"], ["memory"]),
        (Stage.DUALWRITE, "memory", ["memory", "redis"], ["memory", "redis"]),
        (Stage.SHADOW, "memory", ["memory", "redis"], ["memory", "redis"]),
        (Stage.LIVE, "redis", ["redis", "memory"], ["redis", "memory"]),
        (Stage.RAMPDOWN, "redis", ["redis"], ["redis", "memory"]),
        (Stage.COMPLETE, "redis", ["redis"], ["redis"]),
    ],
)
def test_who_reads_and_writes_first(
    deployment: Deployment, stage: Stage, engine: str, reads: list[str], writes: list[str]
) -> None:
    """As MIGRATION.md has it for each stage."""
    deployment.worker.store.new.name = "redis"
    found = deployment.look(stage)
    assert (found["stage"], found["engine"]) == (stage, engine)
    assert (found["reads"], found["writes"]) == (reads, writes)


def test_the_next_step_is_judged_as_by_the_command(deployment: Deployment) -> None:
    """With the same reasons; hosts are numbers in them too."""
    found = deployment.look(Stage.DUALWRITE)["migration"]
    assert (found["begun"], found["stage"], found["next"]) == (True, "dualwrite", "shadow")
    assert (found["settled"], found["hindrances"]) == (True, [])
    deployment.room.report(Report("7" * 16, "zzz-a-host", 7, "off", at=int(time.time() * 1000)))
    found = deployment.look()["migration"]
    assert not found["settled"]
    assert "the worker 7 on host 2 serves off, not dualwrite" in found["hindrances"]
    assert [one["follows"] for one in found["workers"]] == [True, False]


def test_workers_are_reported_with_their_age(deployment: Deployment) -> None:
    """A host whose clock is ahead is no younger than now."""
    for number, ago in ((1, 4), (2, -60)):
        at = int((time.time() - ago) * 1000)
        deployment.room.report(Report(f"{number:016x}", "a", number, "off", unsent=3, at=at))
    first, second = deployment.look()["migration"]["workers"]
    assert first["age_seconds"] == pytest.approx(4, abs=1)
    assert second["age_seconds"] == 0
    assert (first["unsent"], first["host"], first["pid"]) == (3, "host 1", 1)


def test_before_a_migration_there_is_nothing_to_follow(deployment: Deployment) -> None:
    """It says so, rather than that something is unknown."""
    found = deployment.look()
    assert (found["migration"]["begun"], found["migration"]["next"]) == (False, None)
    assert found["unasked"] == []


def test_a_stage_that_is_unknown_here_is_reported(deployment: Deployment) -> None:
    """With what is wrong, and who lives all the same."""
    deployment.look(Stage.LIVE)
    deployment.engine.put(document_record(CONTROL.key("control"), 9, "no stage"), Condition.ANY)
    found = deployment.look()["migration"]
    assert (found["stage"], found["begun"], len(found["workers"])) == (None, False, 1)
    assert found["hindrances"][0].startswith("the stored stage is unknown here: ")


def test_without_the_engine_it_reports_what_the_process_knows(deployment: Deployment) -> None:
    """And what is unknown; the breaker that opens is seen."""
    deployment.look(Stage.LIVE)
    sessions.save_session("123e4567-e89b-42d3-a456-426614174000", {"history": []})
    assert deployment.look()["sessions"]["chat:session"] == 1
    deployment.engine.down = True
    for _ in range(FAILURES_IN_A_ROW):
        found = deployment.look()
    sessions.save_session("123e4567-e89b-42d3-a456-426614174001", {"history": []})
    found = deployment.look()
    assert (found["migration"], found["sessions"]) == (None, None)
    assert found["unasked"] == ["migration", "sessions"]
    assert (found["stage"], found["degraded"]) == ("live", True)
    assert found["breaker"]["read"] == "open"
    assert found["spill"]["backlog"] == 1


def test_counts_come_from_the_metrics(deployment: Deployment) -> None:
    """They only grow, and say how soon answers began."""
    before = deployment.look()
    application.count_answer("200", 0.003)
    application.count_answer("503", 7.0)
    metrics.count_copies("mismatched", 2)
    after = deployment.look()
    assert after["answers"]["200"] == before["answers"].get("200", 0) + 1
    assert after["answers"]["503"] == before["answers"].get("503", 0) + 1
    assert after["copies"]["mismatched"] == before["copies"]["mismatched"] + 2
    assert tuple(after["seconds"]["bounds"]) == application.ANSWER_SECONDS
    rose = [
        new - old
        for old, new in zip(before["seconds"]["counts"], after["seconds"]["counts"], strict=True)
    ]
    assert rose == [0, 0, *[1] * 9, 2]


def test_the_worst_breaker_of_all_processes_is_reported() -> None:
    """In whatever order they come."""
    states = {"11": 0, "12": 2, "13": 1}
    found = summarise_samples(
        Sample("teaser_breaker_state", {"direction": "read", "pid": pid}, state)
        for pid, state in states.items()
    )
    assert found["breaker"] == {"read": "open", "write": "closed"}


def test_a_breaker_that_is_not_closed_degrades(deployment: Deployment) -> None:
    """That of the counters for rate limits is none of an operator's sessions."""
    metrics.set_breaker_state("write", "half_open")
    metrics.set_breaker_state("count", "open")
    found = deployment.look()
    assert found["breaker"] == {"read": "closed", "write": "half_open"}
    assert found["degraded"]


def test_nothing_of_a_session_or_a_host_is_revealed(deployment: Deployment) -> None:
    """No id, no text, no owner, no name of a machine, no id of a worker."""
    deployment.look(Stage.DUALWRITE)
    session_id = "123e4567-e89b-42d3-a456-426614174000"
    sessions.save_session(session_id, {"history": ["a secret lamp"]}, owner="anna")
    text = json.dumps(deployment.look())
    worker_id = deployment.worker.build_report().worker
    for word in (session_id, "lamp", "anna", socket.gethostname(), worker_id, "memory://"):
        assert word not in text
