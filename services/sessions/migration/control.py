"""The migration's own records in the engine: the stage, and what each living worker reports.

Both are session documents in keyspaces of their own, so that every engine can hold them and
`redis-cli GET migration:control` shows the stage.
"""

import contextlib
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from .. import codec
from ..codec import Session
from ..errors import (
    SessionConflict,
    SessionError,
    SessionFormatUnknown,
    SessionNotFound,
    SessionUnreadable,
)
from ..keyspaces import KEPT, Keyspace
from ..repository import Change, Sessions
from ..stores.base import Clock, Store
from .stages import Plan, Stage, parse_stage

HEARTBEAT_TTL = 6
"""Seconds after its last report that a worker counts as gone."""
MOST_WORKERS = 1000
START_SECONDS = 2.0
"""Seconds that a start waits for an engine: how many processes there are depends on it."""
START_PAUSE = 0.2
"""Seconds between two tries."""

CONTROL = Keyspace("migration", "migration:", re.compile("control"), KEPT)
WORKERS = Keyspace(
    "migration:worker",
    "migration:worker:",
    re.compile(r"[0-9a-f]{16}"),
    HEARTBEAT_TTL,
    indexed=True,
)


class StageUnknown(Exception):
    """The stage that is stored is none this release knows."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the operator wants of every worker.

    Attributes:
        stage: the stage.
        cohort: in shadow, the percentage of sessions that are served as in live.
        salt: drawn when the migration began.
        backfill: number of the backfill asked for last; 0 when none was.
        compare: number of the comparison asked for last.
        changed_at: milliseconds since 1970 of the last change of stage or cohort.
    """

    stage: Stage
    cohort: int = 0
    salt: str = ""
    backfill: int = 0
    compare: int = 0
    changed_at: int = 0

    @property
    def plan(self) -> Plan:
        """How a worker serves that follows this."""
        return Plan(self.stage, self.cohort, self.salt, stepped=True)

    def task_number(self, task: str) -> int:
        """The number of the last request for a task, "backfill" or "compare"."""
        return self.backfill if task == "backfill" else self.compare


@dataclass(frozen=True, slots=True)
class Task:
    """How far a worker is with something it was asked for.

    Attributes:
        number: which request; 0 when none was taken up yet.
        done, total: sessions.
    """

    number: int = 0
    done: int = 0
    total: int = 0

    @property
    def is_finished(self) -> bool:
        """Whether nothing of it is left."""
        return self.done >= self.total


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself with each heartbeat.

    Attributes:
        worker: its id, drawn at its start.
        host, pid: where it runs.
        stage, cohort: what it serves by.
        pinned: whether SESSION_STAGE decides that.
        sessions: entries in its dict.
        unsent: of these, how many the engine is not known to have.
        spilled: sessions that wait in its host's spill.
        mismatches: copies of the same version and different content in the last minute.
        compared, lag: comparisons since its start, and different versions among them.
        backfill, comparison: what it was asked for.
        fault: why it does not follow the stored stage; empty when it does.
        at: milliseconds since 1970.
        release: what it runs; empty for one that does not say.
    """

    worker: str
    host: str
    pid: int
    stage: str
    cohort: int = 0
    pinned: bool = False
    sessions: int = 0
    unsent: int = 0
    spilled: int = 0
    mismatches: int = 0
    compared: int = 0
    lag: int = 0
    backfill: Task = Task()
    comparison: Task = Task()
    fault: str = ""
    at: int = 0
    release: str = ""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The report in stored data; members of a newer release are left out."""
        names = {one.name for one in fields(cls)}
        values = {name: value for name, value in data.items() if name in names}
        for name in ("backfill", "comparison"):
            values[name] = Task(**values[name])
        return cls(**values)


class ControlRoom:
    """Reads and writes the migration's records.

    Every method raises StoreUnavailable when the engine cannot be asked.

    Args:
        engine: the engine the sessions move to.
        clock: seconds since 1970.
    """

    def __init__(self, engine: Store, *, clock: Clock = time.time) -> None:
        self.engine = engine
        self._clock = clock
        self._control = Sessions(engine, CONTROL, clock=clock)
        self._workers = Sessions(engine, WORKERS, clock=clock)

    def read(self) -> Control | None:
        """What is wanted; None when no migration was begun.

        Raises:
            StageUnknown: what is stored names no stage.
        """
        # Not by way of Sessions: that would quarantine an unreadable stage, and the next look
        # would take it for none.
        value = self.engine.get(CONTROL.key("control"))
        if value is None:
            return None
        try:
            return _read_control(codec.decode(value))
        except (SessionUnreadable, SessionFormatUnknown) as error:
            raise StageUnknown("the stored stage is unreadable") from error

    def begin(self) -> Control:
        """Begin a migration, in stage off.

        Raises:
            SessionConflict: one was begun before.
        """
        control = Control(Stage.OFF, salt=secrets.token_hex(8), changed_at=self._now())
        self._control.save("control", _to_data(control))
        return control

    def restore(self, control: Control) -> None:
        """Store again what an engine has lost, unless there is something by now."""
        with contextlib.suppress(SessionConflict):
            self._control.save("control", _to_data(control))

    def change(self, stage: Stage, cohort: int = 0) -> Control:
        """Ask every worker to serve by this stage; begins a migration where there is none.

        Args:
            stage: the stage.
            cohort: percentage of the sessions, in shadow only.

        Raises:
            ValueError: a cohort in another stage, or no percentage.
        """
        if not 0 <= cohort <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError("a cohort is a percentage from 0 to 100")
        if cohort and stage is not Stage.SHADOW:
            raise ValueError("a cohort chooses between shadow and live; use it with shadow")

        def change(data: Session) -> None:
            data.update(stage=stage.value, cohort=cohort, changed_at=self._now())

        return self._change_control(change)

    def request_task(self, task: str) -> int:
        """Ask every worker for a backfill or a comparison; answers the number of the request."""

        def change(data: Session) -> None:
            data[task] = int(data.get(task, 0)) + 1

        return self._change_control(change).task_number(task)

    def report(self, report: Report) -> None:
        """Store a worker's heartbeat."""
        self._workers.replace(report.worker, asdict(report))

    def forget(self, worker: str) -> None:
        """Take a worker that ends out of the list."""
        self._workers.delete(worker)

    def list_workers(self) -> list[Report]:
        """The workers that live, by host and process."""
        names = self.engine.members(WORKERS.index(), limit=MOST_WORKERS)
        found = []
        for name in names:
            try:
                found.append(Report.from_data(self._workers.get(name)))
            except (
                SessionNotFound,
                SessionUnreadable,
                SessionFormatUnknown,
                KeyError,
                TypeError,
            ):
                continue
        return sorted(found, key=lambda report: (report.host, report.pid))

    def _change_control(self, change: Change) -> Control:
        try:
            return _read_control(self._control.update("control", change))
        except (SessionNotFound, SessionUnreadable):  # what was unreadable is in quarantine by now
            with contextlib.suppress(SessionConflict):  # someone else began it at this moment
                self.begin()
        return _read_control(self._control.update("control", change))

    def _now(self) -> int:
        return int(self._clock() * 1000)


def read_stage_at_start(
    engine: Store, last: Plan | None = None, *, seconds: float = START_SECONDS
) -> Stage:
    """The stored stage, for a process that starts; where it cannot be read, the last one known.

    Where none is known it is complete, which takes nothing for missing that it cannot look up.

    Args:
        engine: the engine the sessions move to.
        last: how this host was to serve when that was last known.
        seconds: how long to try an engine that cannot be asked.
    """
    give_up = time.monotonic() + seconds
    while True:
        try:
            control = ControlRoom(engine).read()
        except StageUnknown:
            return Stage.COMPLETE
        except SessionError:
            if time.monotonic() > give_up:
                return last.stage if last else Stage.COMPLETE
            time.sleep(START_PAUSE)
        else:
            return control.stage if control else Stage.COMPLETE


def find_blockers(control: Control, workers: list[Report], risks: Sequence[str]) -> list[str]:
    """Why the migration may not go one step further now, a sentence each; none if it may.

    Args:
        control: what is wanted now.
        workers: the workers that live.
        risks: what in the settings of the engine could lose sessions.
    """
    found = [] if workers else ["no worker reports; start the service first"]
    for report in workers:
        name = f"the worker {report.pid} on {report.host}"
        if report.stage != control.stage:
            pin = ", pinned by SESSION_STAGE" if report.pinned else ""
            found.append(f"{name} serves {report.stage}{pin}, not {control.stage}")
        elif report.cohort != control.cohort:
            found.append(f"{name} serves cohort {report.cohort}, not {control.cohort}")
        if report.fault:
            found.append(f"{name} does not follow: {report.fault}")
        if control.stage.has_two_copies and report.unsent:
            found.append(f"{name} has {report.unsent} copies that were not sent; run backfill")
        behind = report.backfill.number < control.backfill or not report.backfill.is_finished
        if behind and control.stage is not Stage.OFF:  # in off no worker takes one up
            found.append(f"{name} has not finished the backfill")
        if report.mismatches:
            found.append(f"{name} found {report.mismatches} mismatches in the last minute")
    spilled = {report.host: report.spilled for report in workers if report.spilled}
    found += [f"{count} sessions wait in the spill of {host}" for host, count in spilled.items()]
    if control.stage.is_dict_first and len(workers) > 1:
        found.append(f"{len(workers)} workers serve while the dict is first; only one may")
    return [*found, *risks]


def _read_control(data: Session) -> Control:
    try:
        stage = parse_stage(data["stage"])
        numbers = {
            name: int(data.get(name, 0)) for name in ("cohort", "backfill", "compare", "changed_at")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise StageUnknown(str(error)) from error
    return Control(stage, salt=str(data.get("salt", "")), **numbers)


def _to_data(control: Control) -> dict[str, Any]:
    return {**asdict(control), "stage": control.stage.value}
