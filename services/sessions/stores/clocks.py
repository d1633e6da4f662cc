"""A clock that is never set back: what has expired does not come back to life."""

import functools
import time

from .base import Clock


class Steady:
    """A clock that goes on at its true rate when the one below it is set back.

    It follows that one forward, also where somebody corrects it, and does not return from there
    until the process ends.

    Args:
        clock: seconds since 1970.
        meter: seconds that pass at their true rate, whatever the clock shows.
    """

    def __init__(self, clock: Clock, *, meter: Clock = time.monotonic) -> None:
        self._clock = clock
        self._meter = meter
        self._state = (0.0, clock(), meter())

    def __call__(self) -> float:
        """Seconds since 1970."""
        # The state is read before the clock and replaced as a whole. So a thread that is slower
        # than another takes its own older reading for nothing worse than a smaller step.
        ahead, last, at = self._state
        shown, measured = self._clock(), self._meter()
        now = shown + ahead
        if now < last:
            now = last + (measured - at)
            ahead = now - shown
        self._state = (ahead, now, measured)
        return now


@functools.lru_cache(maxsize=16)
def make_steady(clock: Clock) -> Clock:
    """The steady form of a clock, one for all who ask, so that they agree on what time it is."""
    return clock if isinstance(clock, Steady) else Steady(clock)
