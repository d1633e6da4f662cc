"""A serving process as a member of the migration: it follows the stored stage and reports.

Its threads are started after gunicorn has forked, because threads do not survive a fork, and
end with `finish`, which sends what is left.
"""

import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..background import Background
from ..errors import SessionError, StoreUnavailable
from ..outage import Outage
from ..stores.base import Clock
from .control import Control, ControlRoom, Report, StageUnknown
from .flusher import FINISH_SECONDS, Flusher
from .last_stage import LastStage
from .metrics import MigrationMetrics
from .stages import Plan, Stage
from .store import MigratingStore

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 0.3
"""Seconds between two looks at the stage; a change is to arrive within one second."""
HEARTBEAT_SECONDS = 1.0
"""Seconds between two reports while nothing changes."""


class Worker:
    """The migration's part of one serving process.

    Args:
        store: the two engines.
        room: the migration's records.
        outage: what stands around the engine.
        last: where this host remembers the stage.
        pinned: whether SESSION_STAGE decides, so that the stored stage is not followed.
        release: the application's release, for its reports.
        find_warnings: what else to warn operators of.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        store: MigratingStore,
        room: ControlRoom,
        outage: Outage,
        last: LastStage,
        *,
        pinned: bool = False,
        release: str = "",
        find_warnings: Callable[[], Sequence[str]] = tuple,
        clock: Clock = time.time,
    ) -> None:
        self.store = store
        self.room = room
        self.outage = outage
        self.last = last
        self.pinned = pinned
        self.release = release
        self.flusher = Flusher(store)
        self.migration_metrics = MigrationMetrics(store)
        self._find_warnings = find_warnings
        self._clock = clock
        self._id = secrets.token_hex(8)
        self._background = Background()
        self._fault = ""
        self._control: Control | None = None
        self._reported: Plan | None = None
        self._reported_at = 0.0

    def start(self) -> None:
        """Take up the stored stage and begin to follow it; to be called after the fork."""
        try:
            self.follow()
        except StoreUnavailable as error:
            log.warning("the stage cannot be read yet: %s", error.reason)
            self._resume_last_stage()
        self.outage.start()
        self._background.repeat("migration-follow", self.follow, FOLLOW_SECONDS)
        self.flusher.start()

    def drain(self) -> None:
        """Begin to send everything, because the process ends soon; safe in a signal handler."""
        self.flusher.drain()

    def finish(self, seconds: float = FINISH_SECONDS) -> int:
        """Send what is left, stop, and take this worker off the list.

        Returns:
            How many copies could not be sent in so many seconds.
        """
        left = self.flusher.finish(seconds)
        self.outage.finish()
        self._background.stop()
        with contextlib.suppress(SessionError):  # a heartbeat ends by itself, too
            self.room.forget(self._id)
        return left

    def follow(self) -> None:
        """Look at the stored stage, serve by it, take up what is asked for, and report.

        Raises:
            StoreUnavailable: the engine could not be asked; the stage is the last one known.
        """
        self.migration_metrics.report()
        control, fault = None, ""
        try:
            control = self.room.read()
        except StageUnknown as error:
            fault = str(error)
        self._note_fault(fault)
        if fault:
            return self._send_report()
        if control is None and self._control and not self.pinned:
            control = self._restore_engine(self._control)
        self._control = control
        self.last.keep(control.plan if control else None)
        plan = control.plan if control else Plan(Stage.COMPLETE)
        if self.pinned:  # others may be in another stage, and have copies
            plan = self.store.plan._replace(stepped=control is not None)
        if plan != self.store.plan:
            log.info("serving by stage %s, cohort %d", plan.stage, plan.cohort)
            self.store.switch(plan)
        if control:
            self._start_tasks(control)
        return self._send_report()

    def build_report(self) -> Report:
        """What this worker says of itself."""
        stats, plan = self.store.copies.stats, self.store.plan
        return Report(
            worker=self._id,
            host=socket.gethostname(),
            pid=os.getpid(),
            stage=plan.stage.value,
            cohort=plan.cohort,
            pinned=self.pinned,
            sessions=len(self.store.old.list_keys()),
            unsent=self.flusher.unsent,
            spilled=self.outage.spill_backlog,
            mismatches=stats.count_mismatches(self._clock()),
            compared=stats.compared,
            lag=stats.lag,
            backfill=self.flusher.backfill,
            comparison=self.flusher.comparison,
            fault=self._fault,
            at=int(self._clock() * 1000),
            release=self.release,
        )

    def describe_state(self) -> dict[str, Any]:
        """What readiness tells of the migration: stage, engine, backlog and what is amiss."""
        plan = self.store.plan
        warnings = [*self.outage.find_warnings(), *self._find_warnings()]
        warnings += [self._fault] if self._fault else []
        outage = self.outage.describe_state()
        unsent = self.flusher.unsent if plan.stage is not Stage.OFF else 0
        if plan.stage.is_dict_first and (others := self._count_others()):
            warnings.append(f"{others} more processes serve while the dict is first")
        return {
            "release": self.release,
            "stage": plan.stage.value,
            "cohort": plan.cohort,
            "pinned": self.pinned,
            "engine": self.store.name,
            "backlog": unsent + (outage["spill"] or {}).get("backlog", 0),
            "warnings": warnings,
            **outage,
        }

    def _resume_last_stage(self) -> None:
        """Take up the stage that was known last on this host."""
        plan = self.last.read()
        if plan and not self.pinned:
            log.info("serving by the last stage known, %s", plan.stage)
            with contextlib.suppress(StoreUnavailable):
                self.store.switch(plan)

    def _count_others(self) -> int:
        """How many other workers report; 0 where that cannot be asked."""
        try:
            return sum(report.worker != self._id for report in self.room.list_workers())
        except SessionError:
            return 0

    def _restore_engine(self, control: Control) -> Control:
        """Give an engine that was emptied its stage back, and everything this process has.

        Without a stage it would be taken for one where nothing was ever migrated.
        """
        log.error("the engine has lost the stage, and sessions with it; it gets back what is here")
        self.room.restore(control)
        if control.stage is not Stage.COMPLETE:
            self.flusher.start_backfill(self.flusher.backfill.number)
        return control

    def _start_tasks(self, control: Control) -> None:
        """Begin with what was asked for and not begun yet."""
        if control.backfill > self.flusher.backfill.number and control.stage is not Stage.OFF:
            self.flusher.start_backfill(control.backfill)
        if control.compare > self.flusher.comparison.number:
            self.flusher.start_comparison(control.compare)

    def _send_report(self) -> None:
        now, plan = time.monotonic(), self.store.plan
        if plan != self._reported or now - self._reported_at >= HEARTBEAT_SECONDS:
            self.room.report(self.build_report())
            self._reported, self._reported_at = plan, now

    def _note_fault(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.error("the last stage is kept: %s", fault)
        self._fault = fault
