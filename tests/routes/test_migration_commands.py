"""The operator's commands over a real engine, with workers that report what a test says."""

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from config import Settings
from routes.commands.migration import changes, commands, watch
from routes.commands.migration.tables import format_workers
from routes.commands.migration.tasks import count_compared
from services.keyspaces import START_SESSIONS
from services.sessions.migration.control import CONTROL, ControlRoom, Report, Task
from services.sessions.migration.stages import Stage
from services.sessions.migration.worker import Worker
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore
from tests.support.application import create_app
from tests.support.servers import RedisServer, free_port

STAGES = [stage.value for stage in Stage]


class Operator:
    """Someone at a terminal, and the engine the commands look into."""

    def __init__(self, app: Flask) -> None:
        self._runner = app.test_cli_runner()
        worker: Worker = app.extensions["migration"]
        self.room: ControlRoom = worker.room

    def run(self, *words: str) -> Result:
        """`flask migration` and these words."""
        result = self._runner.invoke(args=["migration", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *words: str) -> dict[str, Any]:
        """The one JSON object these words print with --json, with the exit code as `exit`."""
        result = self.run(*words, "--json")
        found: dict[str, Any] = json.loads(result.stdout)
        assert "\n" not in result.stdout.strip()
        assert found["done"] == (result.exit_code == 0)
        return found | {"exit": result.exit_code}

    def worker(self, stage: str, pid: int = 100, **more: Any) -> str:
        """A worker that has just reported; answers its id."""
        name = f"{pid:016x}"
        self.room.report(Report(name, "host-a", pid, stage, **more))
        return name


@pytest.fixture(autouse=True)
def _do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that only exist as reports will not follow; nobody waits for them."""
    monkeypatch.setattr(changes, "FOLLOW_SECONDS", 0.0)
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)


@pytest.fixture
def operator(settings: Settings) -> Iterator[Operator]:
    """An operator of a service with SQLite whose stage nobody pins."""
    app = create_app(dataclasses.replace(settings, stage=None))
    yield Operator(app)
    app.extensions["session_store"].close()


@pytest.fixture
def serving(settings: Settings) -> Iterator[Worker]:
    """A real worker on the operator's engine, with its threads."""
    app = create_app(dataclasses.replace(settings, stage=None))
    worker: Worker = app.extensions["migration"]
    worker.start()
    yield worker
    worker.finish()
    app.extensions["session_store"].close()


def at(operator: Operator, stage: str, **more: Any) -> None:
    """Be in some stage, with one worker that serves it."""
    operator.room.begin()
    operator.room.change(Stage(stage))
    operator.worker(stage, **more)


def test_a_migration_begins_in_off(operator: Operator) -> None:
    """Begin writes the stage and says that the service is to be started."""
    found = operator.json("begin")
    assert (found["exit"], found["stage"], found["overridden"]) == (0, "off", [])
    assert "Start the service now" in found["notes"][0]
    control = operator.room.read()
    assert control is not None
    assert control.stage is Stage.OFF
    assert control.salt


def test_a_migration_is_begun_once(operator: Operator) -> None:
    """A second begin changes nothing unless it is forced."""
    at(operator, "live")
    refused = operator.json("begin")
    assert refused["exit"] == 1
    assert refused["refused"] == ["a migration was begun before and is at live"]
    assert operator.json("status")["stage"] == "live"
    forced = operator.run("begin", "--force")
    assert forced.exit_code == 0
    assert "overridden: a migration was begun before and is at live" in forced.stdout
    assert operator.json("status")["stage"] == "off"


def test_several_dicts_are_no_way_to_begin(operator: Operator) -> None:
    """Two workers that would follow are refused; pinned ones stay as they are."""
    operator.worker("complete", 1)
    operator.worker("complete", 2)
    assert operator.json("begin")["refused"] == [
        "2 workers would each go on with a dict of their own"
    ]
    assert operator.room.read() is None
    operator.worker("complete", 2, pinned=True)
    begun = operator.run("begin")
    assert begun.exit_code == 0
    assert "without SESSION_STAGE" in begun.stdout


def test_status_before_a_migration_says_how_to_begin(operator: Operator) -> None:
    """Every worker serves complete then."""
    assert operator.run("status").exit_code == 1
    operator.worker("complete")
    shown = operator.run("status")
    assert shown.exit_code == 0
    assert "every worker serves complete" in shown.stdout
    assert "flask migration begin" in shown.stdout
    found = operator.json("status")
    assert (found["begun"], found["stage"], found["changed_at"]) == (False, "complete", None)


def test_status_is_a_table(operator: Operator) -> None:
    """Stage, engine and backfill, then one row for each worker, then the next step."""
    at(
        operator,
        "dualwrite",
        sessions=7,
        unsent=3,
        spilled=2,
        compared=5,
        lag=1,
        backfill=Task(1, 4, 7),
    )
    operator.room.request_task("backfill")
    operator.worker("shadow", 200, cohort=10, pinned=True, mismatches=2)
    shown = operator.run("status")
    assert shown.exit_code == 1
    head, table, following = shown.stdout.strip().split("\n\n")
    assert "stage     dualwrite" in head
    assert "UTC" in head
    assert "engine    sqlite" in head
    assert "backfill  number 1, 4 of 7 sessions" in head
    rows = [row.split() for row in table.splitlines()]
    assert rows[1] == ["host-a", "100", "dualwrite", "7", "3", "2", "0", "5", "1", "4/7"]
    second = ["host-a", "200", "shadow", "10", "%", "pinned", "0", "0", "0", "2", "0", "0", "-"]
    assert rows[2] == second
    assert following.startswith("Not ready for shadow:")
    for reason in operator.json("status")["hindrances"]:
        assert f"- {reason}" in following


def test_status_of_a_settled_stage(operator: Operator) -> None:
    """Exit 0, with the next step named; the JSON has every worker's report."""
    at(operator, "live")
    found = operator.json("status")
    assert (found["exit"], found["settled"], found["next"]) == (0, True, "rampdown")
    assert found["hindrances"] == []
    assert found["changed_at"].endswith("+00:00")
    assert found["workers"][0]["backfill"] == {"number": 0, "done": 0, "total": 0}
    assert "Ready for rampdown" in operator.run("status").stdout


def test_no_worker_is_not_settled(operator: Operator) -> None:
    """Nobody serves what is wanted; the table says so in a sentence."""
    operator.run("begin")
    shown = operator.run("status")
    assert shown.exit_code == 1
    assert "No worker reports" in shown.stdout
    assert format_workers([]) in shown.stdout


def test_status_waits_for_a_worker(operator: Operator, serving: Worker) -> None:
    """With --wait it looks until the worker has followed."""
    operator.room.change(Stage.DUALWRITE)
    found = operator.json("status", "--wait", "10")
    assert (found["exit"], found["stage"]) == (0, "dualwrite")


BLOCKERS = [
    ("off", {"stage": "live"}, "serves live, not off"),
    ("off", {"stage": "live", "pinned": True}, "serves live, pinned by SESSION_STAGE, not off"),
    ("shadow", {"cohort": 5}, "serves cohort 5, not 0"),
    ("live", {"fault": "it is unknown"}, "does not follow: it is unknown"),
    ("dualwrite", {"unsent": 3}, "has 3 copies that were not sent; run backfill"),
    ("dualwrite", {"backfill": Task(1, 2, 9)}, "has not finished the backfill"),
    ("shadow", {"mismatches": 4}, "found 4 mismatches in the last minute"),
]


@pytest.mark.parametrize(("stage", "said", "reason"), BLOCKERS)
def test_advance_refuses_and_says_why(
    operator: Operator, stage: str, said: dict[str, Any], reason: str
) -> None:
    """Each blocker is a reason; forced, each is printed as overridden."""
    at(operator, stage)
    operator.worker(**{"stage": stage, **said})
    refused = operator.json("advance", "--wait", "0")
    assert refused["exit"] == 1
    assert refused["refused"] == [f"the worker 100 on host-a {reason}"]
    text = operator.run("advance", "--wait", "0").stdout
    assert f"refused: the worker 100 on host-a {reason}\n" in text
    assert operator.json("status")["stage"] == stage
    forced = operator.run("advance", "--wait", "0", "--force").stdout
    assert f"overridden: the worker 100 on host-a {reason}\n" in forced
    assert operator.json("status")["stage"] == STAGES[STAGES.index(stage) + 1]


def test_advance_refuses_without_a_worker_and_with_two(operator: Operator) -> None:
    """Nobody reports, or more than one while the dict is first."""
    operator.run("begin")
    nobody = operator.json("advance", "--wait", "0")
    assert nobody["refused"] == ["no worker reports; start the service first"]
    operator.worker("off", 1)
    operator.worker("off", 2)
    two = operator.json("advance", "--wait", "0")
    assert two["refused"] == ["2 workers serve while the dict is first; only one may"]


def test_advance_waits_for_a_blocker_to_go(operator: Operator, serving: Worker) -> None:
    """A worker that has not reported yet holds it up for a moment only."""
    operator.run("begin")
    migrated = operator.json("advance", "--wait", "10")
    assert migrated["exit"] in (0, 1)  # whether the worker followed at once is another matter
    assert migrated["stage"] == "dualwrite"


def test_the_whole_way_and_back_with_a_worker(
    operator: Operator, serving: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is followed, and the notes come where processes may change."""
    monkeypatch.setattr(changes, "FOLLOW_SECONDS", 10.0)
    operator.run("begin")
    notes = {}
    for stage in STAGES[1:]:
        found = operator.json("advance")
        assert (found["exit"], found["stage"], found["behind"]) == (0, stage, [])
        assert serving.store.plan.stage == stage
        notes[stage] = found["notes"]
    assert "WEB_CONCURRENCY" in notes["live"][0]
    assert [stage for stage, said in notes.items() if said] == ["live"]
    last = operator.json("advance")
    assert last["refused"] == ["complete is the last stage"]
    for stage in reversed(STAGES[:-1]):
        found = operator.json("rollback")
        assert (found["exit"], found["stage"]) == (0, stage)
        assert serving.store.plan.stage == stage
        notes[stage] = found["notes"]
    assert "One process must serve" in notes["shadow"][0]
    assert "kill -HUP" in notes["shadow"][0]
    assert notes["off"] == ["In off the engine is written only when the process ends."]
    first = operator.json("rollback")
    assert first["refused"] == ["off is the first stage"]


def test_who_is_behind_is_named_and_the_change_stands(operator: Operator) -> None:
    """A worker that does not follow in time makes it exit 1."""
    at(operator, "dualwrite")
    found = operator.json("advance", "--wait", "0")
    assert found["exit"] == 1
    assert found["behind"] == ["the worker 100 on host-a still serves dualwrite"]
    assert operator.json("status")["stage"] == "shadow"


def test_a_rollback_is_not_held_up_by_workers(operator: Operator) -> None:
    """Whatever they report; a pinned one is named, and is not waited for."""
    at(operator, "live", pinned=True, unsent=9, mismatches=9, fault="something")
    operator.worker("live", 200, pinned=True)
    back = operator.json("rollback")
    assert (back["exit"], back["from"], back["stage"]) == (0, "live", "shadow")
    assert sum("without SESSION_STAGE" in note for note in back["notes"]) == 2


def test_advance_and_rollback_need_a_migration(operator: Operator) -> None:
    """Without one they say how to begin."""
    for word in ("advance", "rollback", "backfill", "compare"):
        refused = operator.run(word)
        assert refused.exit_code == 1
        assert "flask migration begin" in refused.stdout


def test_set_skips_stages_by_force_only(operator: Operator) -> None:
    """One step back or another cohort is always allowed; anything further needs --force."""
    at(operator, "shadow")
    skipped = operator.json("set", "complete")
    assert skipped["refused"] == ["complete is 3 steps from shadow"]
    operator.worker("shadow", unsent=1)
    step = operator.json("set", "live")
    assert step["refused"] == [
        "the worker 100 on host-a has 1 copies that were not sent; run backfill"
    ]
    operator.run("set", "shadow", "--cohort", "30")
    control = operator.room.read()
    assert control is not None
    assert (control.stage, control.cohort) == (Stage.SHADOW, 30)
    operator.worker("shadow", cohort=30)
    assert operator.json("status")["cohort"] == 30
    operator.run("set", "dualwrite")
    assert operator.json("status")["stage"] == "dualwrite"
    forced = operator.run("set", "complete", "--force")
    assert "overridden: complete is 4 steps from dualwrite" in forced.stdout
    assert operator.json("status")["stage"] == "complete"


def test_set_to_what_it_is_changes_nothing(operator: Operator) -> None:
    """Exit 0 with the same stage and cohort, also before any migration."""
    same = operator.json("set", "complete")
    assert (same["exit"], operator.room.read()) == (0, None)
    at(operator, "shadow")
    before = operator.room.read()
    assert operator.run("set", "shadow").exit_code == 0
    assert operator.room.read() == before


@pytest.mark.parametrize(
    "words", [("set", "on"), ("set", "live", "--cohort", "5"), ("set", "shadow", "--cohort", "101")]
)
def test_wrong_usage_is_exit_2(operator: Operator, words: tuple[str, ...]) -> None:
    """A stage there is not, a cohort where there is none, and no percentage."""
    assert operator.run(*words).exit_code == 2
    assert operator.room.read() is None


def test_a_stage_of_another_release_is_refused_until_one_is_set(operator: Operator) -> None:
    """Each command says how to set a stage; setting one by force is possible."""
    Sessions(operator.room.engine, CONTROL).save("control", {"stage": "sideways"})
    for words in (("begin",), ("status",), ("advance",), ("rollback",), ("backfill",)):
        refused = operator.json(*words)
        assert refused["exit"] == 1
        assert "'sideways' is no stage" in refused["refused"][0]
        assert "flask migration set STAGE --force" in refused["hint"]
    assert operator.json("set", "live")["exit"] == 1
    assert operator.run("set", "live", "--force").exit_code == 0
    assert operator.json("status")["stage"] == "live"


def test_an_unreadable_stage_stays_until_one_is_set(
    redis_url: str, redis_server: RedisServer, settings: Settings
) -> None:
    """It is not taken for none at the second look, so that no worker leaves its stage."""
    app = create_app(dataclasses.replace(settings, stage=None, store_url=redis_url))
    operator = Operator(app)
    redis_server.client().set("migration:control", "shadow")
    for _ in range(2):
        assert operator.json("status")["refused"] == [
            "the stored stage is unknown here: the stored stage is unreadable"
        ]
    assert operator.run("set", "live", "--force").exit_code == 0
    assert operator.json("status")["stage"] == "live"
    operator.room.engine.close()


def test_a_backfill_needs_two_copies_and_a_worker(operator: Operator) -> None:
    """In off, in complete, without a worker and with one pinned to off it is refused."""
    operator.room.begin()
    assert operator.json("backfill")["refused"] == ["nothing is copied in off"]
    assert operator.json("compare")["refused"] == ["there is nothing to compare with in off"]
    operator.room.change(Stage.COMPLETE)
    assert operator.json("backfill")["exit"] == 1
    operator.room.change(Stage.SHADOW)
    assert operator.json("backfill")["refused"] == ["no worker reports"]
    operator.worker("off", pinned=True)
    assert "pinned to off" in operator.json("backfill")["refused"][0]
    control = operator.room.read()
    assert control is not None
    assert (control.backfill, control.compare) == (0, 0)


@pytest.mark.parametrize("task", ["backfill", "compare"])
def test_a_task_that_is_not_done_in_time_goes_on(operator: Operator, task: str) -> None:
    """It says how to watch it again, which asks for no new one."""
    at(operator, "shadow")
    assert operator.json(task, "--resume")["refused"] == [f"no {task} was requested"]
    late = operator.json(task, "--timeout", "0")
    assert (late["exit"], late["number"], late["running"]) == (1, 1, True)
    assert (
        f"flask migration {task} --resume"
        in operator.run(task, "--resume", "--timeout", "0").stdout
    )
    operator.worker("shadow", backfill=Task(1, 4, 4), comparison=Task(1, 4, 4), compared=4)
    resumed = operator.json(task, "--resume")
    assert (resumed["exit"], resumed["number"]) == (0, 1)
    assert operator.json(task, "--no-wait")["number"] == 2


def test_a_task_whose_workers_are_gone_ends(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the last worker ends meanwhile, nobody is left to wait for."""
    at(operator, "shadow")
    name = operator.worker("shadow")
    ask = operator.room.request_task

    def ask_and_end(task: str) -> int:
        operator.room.forget(name)
        return ask(task)

    monkeypatch.setattr(operator.room, "request_task", ask_and_end)
    assert operator.json("backfill")["refused"] == ["no worker reports any more"]


def test_an_interrupted_task_says_that_it_goes_on(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the watching only."""
    at(operator, "shadow")

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    shown = operator.run("backfill")
    assert shown.exit_code == 1
    assert "was interrupted; it goes on in the workers" in shown.stdout


def test_a_backfill_and_a_comparison_with_a_worker(operator: Operator, serving: Worker) -> None:
    """What is in the dict is sent and compared, with lines of progress on stderr."""
    operator.run("begin")
    assert operator.json("status", "--wait", "10")["exit"] == 0
    Sessions(serving.store, START_SESSIONS).save("a" * 64, {"conversation": "one"})
    operator.run("set", "dualwrite", "--force")
    shown = operator.run("backfill")
    assert shown.exit_code == 0, shown.output
    assert "Backfill 1 is done: 1 sessions, about" in shown.stdout
    assert "backfill: 1 of 1" in shown.stderr
    found = operator.json("backfill")
    assert (found["number"], found["sessions"]) == (2, 1)
    assert found["per_second"] >= 0
    operator.run("set", "shadow", "--force")
    found = operator.json("compare")
    assert (found["exit"], found["compared"], found["lag"], found["mismatches"]) == (0, 1, 0, 0)


def test_mismatches_make_a_comparison_fail() -> None:
    """What counts is the difference since it began, and mismatches of the last minute."""
    before = {"a": Report("a", "h", 1, "shadow", compared=10, lag=2)}
    after = {
        "a": Report("a", "h", 1, "shadow", compared=17, lag=3, mismatches=1),
        "b": Report("b", "h", 2, "shadow", compared=5, lag=0, mismatches=2),
    }
    assert count_compared(before, after) == {"compared": 12, "lag": 1, "mismatches": 3}


def test_a_comparison_with_mismatches_is_exit_1(operator: Operator) -> None:
    """It says how many, and that they are repaired."""
    at(operator, "shadow", mismatches=2, comparison=Task(9, 3, 3))
    shown = operator.run("compare")
    assert shown.exit_code == 1
    assert "2 mismatches in the last minute" in shown.stdout
    assert operator.json("compare")["mismatches"] == 2


@pytest.mark.parametrize(
    "words", [("begin",), ("status",), ("advance",), ("rollback",), ("set", "live"), ("backfill",)]
)
def test_an_engine_that_is_down_is_exit_3(settings: Settings, words: tuple[str, ...]) -> None:
    """One sentence on stderr says what to do, and JSON stays JSON."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    operator = Operator(create_app(dataclasses.replace(settings, stage=None, store_url=url)))
    shown = operator.run(*words)
    assert (shown.exit_code, shown.stdout) == (3, "")
    assert shown.stderr.startswith("redis could not be reached (connection); start it")
    assert len(shown.stderr.strip().splitlines()) == 1
    found = operator.json(*words)
    assert (found["exit"], found["reason"]) == (3, "connection")


def test_a_dict_is_no_engine_to_command(settings: Settings) -> None:
    """With memory:// the commands could reach no worker, and say so."""
    app = create_app(dataclasses.replace(settings, stage=None), engine=MemoryStore())
    refused = Operator(app).json("begin")
    assert refused["exit"] == 1
    assert "memory://" in refused["refused"][0]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "Redis keeps nothing over a restart: set appendonly to yes"),
        (
            ("--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"),
            "Redis may evict sessions: set maxmemory-policy allkeys-lru to noeviction",
        ),
    ],
)
def test_a_redis_that_could_lose_sessions_blocks(
    settings: Settings, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    """Persistence that is off, and eviction, are reasons not to go on."""
    with RedisServer(*options, "--dir", str(tmp_path)) as redis:
        app = create_app(dataclasses.replace(settings, stage=None, store_url=redis.url))
        operator = Operator(app)
        at(operator, "off")
        assert operator.json("advance", "--wait", "0")["refused"] == [reason]
        operator.room.engine.close()


def test_the_help_names_the_exit_codes(operator: Operator) -> None:
    """Group and commands describe themselves."""
    shown = operator.run("--help").stdout
    for word in ("3  the engine could not be reached", *commands.group.commands):
        assert word in shown
    assert set(commands.group.commands) == {
        "begin", "status", "advance", "rollback", "set", "backfill", "compare",
    }  # fmt: skip
