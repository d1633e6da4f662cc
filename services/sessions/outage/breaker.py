"""A circuit breaker: when an engine fails again and again, callers learn so at once.

Closed, every call goes through. Open, none does. After a pause with jitter it is half open: one
call goes through as the probe, and its outcome closes the breaker or opens it for longer. The
lock guards a few assignments and is never held during a call.

A failure that may concern one thing alone, such as one document, counts once for each thing: while
others succeed, one that always fails opens nothing.
"""

import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

from .. import metrics
from ..errors import StoreUnavailable

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 3
"""Failures, one after the other, that open it."""
WINDOW = 20
"""Calls that are looked back on; it also opens when half of them failed (a flapping engine)."""
FIRST_PAUSE = 0.5
"""Seconds at most until the first probe; the pause doubles with each probe that fails."""
LONGEST_PAUSE = 2.0
"""Seconds at most between two probes."""
QUIET_SECONDS = 10.0
"""Seconds in which a single failure is not logged again."""
MOST_SUSPECTS = 1000
"""Things that failed by themselves that are remembered; beyond that the first are forgotten."""


class State(StrEnum):
    """What the breaker does with a call."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Breaker:
    """The breaker of one process for one direction of one engine.

    Args:
        direction: what it guards, "read" or "write", for logs and metrics.
        clock: seconds, monotonic.

    Attributes:
        direction: as given.
    """

    def __init__(self, direction: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.direction = direction
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self._reason = ""
        self._pause = FIRST_PAUSE
        self._probe_at = 0.0
        self._opened_at = 0.0
        self._quiet_until = -math.inf
        self._suspects: dict[str, None] = {}
        metrics.set_breaker_state(direction, self._state)

    @property
    def state(self) -> State:
        """What it does now."""
        return self._state

    @property
    def reason(self) -> str:
        """Why the last call failed that still counts; empty when none does."""
        return self._reason

    def enter(self, *, grace: float = 0.0) -> bool:
        """Ask for permission to call; record the outcome with one of the `record_` methods.

        Args:
            grace: seconds for which this caller leaves a probe that is due to others.

        Returns:
            Whether this call is the probe.

        Raises:
            StoreUnavailable: it is open, or another call is the probe.
        """
        if self._state is State.CLOSED:
            return False
        with self._lock:
            if not self._is_open():
                return False
            wait = self._probe_at - self._clock()
            if self._state is State.OPEN and wait <= -grace:
                self._set_state(State.HALF_OPEN)
                return True
            raise StoreUnavailable(self._reason, retry_after=max(1, math.ceil(wait)))

    def record_success(self, *, probe: bool, subject: str = "") -> None:
        """The engine answered, and did what it was asked about the subject, if that is named."""
        if not self._reason and not self._suspects:
            return  # nothing failed lately, so there is nothing to outweigh
        with self._lock:
            self._suspects.pop(subject, None)
            if probe:
                self._close()
            elif not self._is_open():
                self._in_a_row = 0
                self._recent.append(True)
                if all(self._recent):
                    self._forget()

    def record_abandoned(self, *, probe: bool) -> None:
        """The caller had no more time, which says nothing of the engine; another one may probe."""
        if probe:
            with self._lock:
                self._set_state(State.OPEN)

    def record_failure(self, error: StoreUnavailable, *, probe: bool, subject: str = "") -> None:
        """The engine could not be asked or would not.

        Args:
            error: why.
            probe: whether this call was the probe.
            subject: what alone it may concern; empty where it concerns the engine.
        """
        with self._lock:
            if subject and not self._suspect(subject):
                if probe:
                    self._set_state(State.OPEN)  # another one may probe
                return
            self._reason = error.reason
            if probe:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._open()
            elif not self._is_open():
                self._recent.append(False)
                self._in_a_row += 1
                failures = self._recent.count(False)
                if self._in_a_row >= FAILURES_IN_A_ROW or failures * 2 >= WINDOW:
                    self._opened_at = self._clock()
                    self._open()
                    log.error("no %s until the engine answers: %s", self.direction, error.reason)
                else:
                    self._log_failure(error.reason)

    def _open(self) -> None:
        # With jitter, so that the processes of all hosts do not ask at the same moment.
        self._probe_at = self._clock() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._set_state(State.OPEN)

    def _close(self) -> None:
        log.warning(
            "the engine takes each %s again after %.1f s",
            self.direction,
            self._clock() - self._opened_at,
        )
        self._forget()
        self._suspects.clear()
        self._pause = FIRST_PAUSE
        self._set_state(State.CLOSED)

    def _forget(self) -> None:
        """Nothing that failed counts any more."""
        self._recent.clear()
        self._in_a_row, self._reason = 0, ""

    def _suspect(self, subject: str) -> bool:
        """Remember that something failed by itself; whether that is new."""
        if subject in self._suspects:
            return False
        if len(self._suspects) >= MOST_SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
        self._suspects[subject] = None
        return True

    def _is_open(self) -> bool:
        return self._state is not State.CLOSED

    def _set_state(self, state: State) -> None:
        self._state = state
        metrics.set_breaker_state(self.direction, state)

    def _log_failure(self, reason: str) -> None:
        """Log a failure that opened nothing, unless one was logged a moment ago."""
        now = self._clock()
        if now >= self._quiet_until:
            log.warning("a %s of the engine failed: %s", self.direction, reason)
            self._quiet_until = now + QUIET_SECONDS
