"""The thread of a process that keeps two copies alike: it sends, backfills, compares and drains."""

import logging
import time

from ..background import Background
from ..errors import StoreReplyUnknown, StoreUnavailable
from .control import Task
from .stages import Stage
from .store import MigratingStore

log = logging.getLogger(__name__)

COMPARE_BATCH = 20
"""Copies compared in one turn; with IDLE_SECONDS this bounds the rate to some hundreds a second."""
IDLE_SECONDS = 0.05
"""Seconds between two looks for something to send or compare."""
SEND_PAUSE = 0.002
"""Seconds between two batches, so that requests come in between."""
FINISH_SECONDS = 25.0
"""Seconds that sending what is left may take when the process ends; gunicorn gives it 30."""


class Flusher:
    """Sends to the engine what it lacks, and compares what was read.

    Args:
        store: the two engines.

    Attributes:
        backfill, comparison: how far it is with what it was asked for last.
    """

    def __init__(self, store: MigratingStore) -> None:
        self.backfill = Task()
        self.comparison = Task()
        self._store = store
        self._copies = store.copies
        self._draining = False
        self._background = Background()

    @property
    def unsent(self) -> int:
        """How many copies the engine is not known to have."""
        return len(self._copies.unsent)

    def start(self) -> None:
        """Begin to work; to be called after the fork."""
        self._background.repeat("session-flusher", self.work, IDLE_SECONDS)

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
        while self.unsent and self._background.is_running and time.monotonic() < deadline:
            time.sleep(IDLE_SECONDS)
        self._background.stop()
        if self.unsent:
            log.error("%d sessions could not be sent before the end", self.unsent)
        return self.unsent

    def work(self) -> None:
        """Send what was not sent, compare some of what was read."""
        if self._draining:
            self._store.write_through()
        if self._draining or self._store.plan.stage is not Stage.OFF:
            self._copies.send_all(
                pause=0 if self._draining else SEND_PAUSE, on_batch=self._note_sent
            )
            self._note_sent(0)
        self._compare_some()

    def start_backfill(self, number: int) -> None:
        """Begin backfill `number`: send everything in the dict, also what was sent before."""
        keys = self._store.old.list_keys()
        self._copies.unsent.add(*keys)
        self.backfill = Task(number, 0, len(keys))

    def start_comparison(self, number: int) -> None:
        """Begin comparison `number` of everything in the dict."""
        keys = self._store.old.list_keys()
        self._copies.uncompared.add(*keys)
        self.comparison = Task(number, 0, len(keys))

    def _compare_some(self) -> None:
        waiting = self._copies.uncompared
        for key in waiting.some(COMPARE_BATCH):
            try:
                self._copies.compare(key)
            except StoreReplyUnknown as error:
                log.warning("a session's copies could not be compared: %s", error.reason)
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("two copies of a session could not be compared")
            waiting.discard(key)
            self.comparison = _advance(self.comparison, 1, len(waiting))
        self.comparison = _advance(self.comparison, 0, len(waiting))

    def _note_sent(self, count: int) -> None:
        self.backfill = _advance(self.backfill, count, self.unsent)


def _advance(task: Task, by: int, left: int) -> Task:
    """A task after so many more sessions; done when nothing at all is left."""
    done = task.total if not left else min(task.done + by, task.total)
    return Task(task.number, done, task.total)
