"""What a serving process does beside its requests: follow the stage, report, send and compare.

Two threads of one process. They are started after gunicorn has forked, because threads do not
survive a fork, and end with `finish`, which sends what is left.
"""

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from services.errors import SessionError, StoreUnavailable
from services.sessions.control import Control, ControlRoom, Report, StageUnknown, Task
from services.sessions.migration import MigratingStore, Plan, Stage
from services.sessions.stores.base import Clock

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 0.3
"""Seconds between two looks at the stage; a change is to arrive within one second."""
HEARTBEAT_SECONDS = 1.0
"""The longest time between two reports."""
COMPARE_BATCH = 20
"""Copies compared in one turn; with IDLE_SECONDS this bounds the rate to some hundreds a second."""
IDLE_SECONDS = 0.05
"""Seconds between two looks for something to send or compare."""
SEND_PAUSE = 0.002
"""Seconds between two batches, so that requests come in between."""
FINISH_SECONDS = 10.0
"""Seconds that sending what is left may take when the process ends."""


class Worker:
    """The background of one serving process.

    Args:
        store: the two engines.
        room: the migration's records.
        pinned: whether SESSION_STAGE decides, so that the stored stage is not followed.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        store: MigratingStore,
        room: ControlRoom,
        *,
        pinned: bool = False,
        clock: Clock = time.time,
    ) -> None:
        self.store = store
        self.room = room
        self.pinned = pinned
        self._clock = clock
        self._id = secrets.token_hex(8)
        self._stopped = threading.Event()
        self._draining = False
        self._threads: list[threading.Thread] = []
        self._backfill = Task()
        self._comparison = Task()
        self._fault = ""
        self._reported_at = 0.0
        self._reported: Plan | None = None

    def start(self) -> None:
        """Take up the stored stage and begin to follow it; to be called after the fork."""
        try:
            self.follow()
        except StoreUnavailable as error:
            log.warning("the stage cannot be read yet: %s", error.reason)
        for name, work, pause in (
            ("migration-follow", self.follow, FOLLOW_SECONDS),
            ("migration-copy", self.copy, IDLE_SECONDS),
        ):
            thread = threading.Thread(target=self._loop, args=(work, pause), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def drain(self) -> None:
        """Begin to send everything, because the process ends soon; safe in a signal handler."""
        self._draining = True

    def finish(self, seconds: float = FINISH_SECONDS) -> int:
        """Send what is left and stop.

        Returns:
            How many copies could not be sent in so many seconds.
        """
        self.drain()
        deadline = time.monotonic() + seconds
        if not self._threads:
            self.copy()
        while self._unsent() and time.monotonic() < deadline:
            time.sleep(IDLE_SECONDS)
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=2)
        left = self._unsent()
        if left:
            log.error("%d sessions could not be sent before the end", left)
        with contextlib.suppress(SessionError):  # a heartbeat ends by itself, too
            self.room.forget(self._id)
        return left

    def follow(self) -> None:
        """Look at the stored stage, serve by it, and report."""
        try:
            control = self.room.read()
            self._told_fault("")
        except StageUnknown as error:
            self._told_fault(str(error))
            return self._report()
        if not self.pinned:
            self._serve_by(control.plan if control else Plan(Stage.COMPLETE))
        if control:
            self._take_up(control)
        return self._report()

    def copy(self) -> None:
        """Send what was not sent, compare what was read, until nothing is left to do."""
        copies = self.store.copies
        if self._draining:
            self.store.write_through()
        if self._draining or self.store.plan.stage is not Stage.OFF:
            copies.send_all(pause=0 if self._draining else SEND_PAUSE, told=self._sent)
            self._sent(0)
        keys = copies.uncompared.take(COMPARE_BATCH)
        try:
            for key in keys:
                copies.compare(key)
        finally:
            copies.uncompared.done()
        self._comparison = _advanced(self._comparison, len(keys), len(copies.uncompared))

    def report(self) -> Report:
        """What this worker says of itself."""
        copies, plan = self.store.copies, self.store.plan
        return Report(
            worker=self._id,
            host=socket.gethostname(),
            pid=os.getpid(),
            stage=plan.stage.value,
            cohort=plan.cohort,
            pinned=self.pinned,
            sessions=len(self.store.old.stored_keys()),
            unsent=len(copies.unsent),
            mismatches=copies.tallies.mismatches(self._clock()),
            compared=copies.tallies.compared,
            lag=copies.tallies.lag,
            backfill=self._backfill,
            comparison=self._comparison,
            fault=self._fault,
            at=int(self._clock() * 1000),
        )

    def state(self) -> dict[str, Any]:
        """What readiness tells of the migration: stage, engine, backlog and what is amiss."""
        copies, plan = self.store.copies, self.store.plan
        warnings = [self._fault] if self._fault else []
        if plan.stage.dict_first and (others := self._others()):
            warnings.append(f"{others} more processes serve while the dict is first")
        return {
            "stage": plan.stage.value,
            "cohort": plan.cohort,
            "pinned": self.pinned,
            "engine": self.store.name,
            "degraded": copies.troubled,
            "backlog": len(copies.unsent) if plan.stage is not Stage.OFF else 0,
            "warnings": warnings,
        }

    def _others(self) -> int:
        """How many other workers report; 0 where that cannot be asked."""
        try:
            return sum(report.worker != self._id for report in self.room.workers())
        except SessionError:
            return 0

    def _sent(self, count: int) -> None:
        self._backfill = _advanced(self._backfill, count, self._unsent())

    def _unsent(self) -> int:
        return len(self.store.copies.unsent)

    def _serve_by(self, plan: Plan) -> None:
        if plan == self.store.plan:
            return
        log.info("serving by stage %s, cohort %d", plan.stage, plan.cohort)
        self.store.switch(plan)

    def _take_up(self, control: Control) -> None:
        """Begin with what was asked for and not begun yet."""
        copies = self.store.copies
        if control.backfill > self._backfill.number and control.stage is not Stage.OFF:
            keys = self.store.old.stored_keys()
            self._backfill = Task(control.backfill, 0, len(keys))
            copies.unsent.add(*keys)
        if control.compare > self._comparison.number:
            keys = self.store.old.stored_keys()
            self._comparison = Task(control.compare, 0, len(keys))
            copies.uncompared.add(*keys)

    def _report(self) -> None:
        now, plan = time.monotonic(), self.store.plan
        if plan != self._reported or now - self._reported_at > HEARTBEAT_SECONDS * 0.9:
            self.room.report(self.report())
            self._reported, self._reported_at = plan, now

    def _told_fault(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.error("the last stage is kept: %s", fault)
        self._fault = fault

    def _loop(self, work: Callable[[], None], pause: float) -> None:
        failing = False
        while not self._stopped.is_set():
            try:
                work()
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    log.warning("the engine cannot be asked: %s", error.reason)
                failing = True
            except Exception:
                log.exception("a background task of the migration failed")
            self._stopped.wait(pause)


def _advanced(task: Task, by: int, left: int) -> Task:
    """A task after so many more sessions; done when nothing at all is left."""
    done = task.total if not left else min(task.done + by, task.total)
    return Task(task.number, done, task.total)
