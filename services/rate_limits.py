"""How often somebody asked within a window: counted by the engine, or here while it cannot.

`limits` knows the expressions and the strategy. What it would count with is replaced: its Redis
client waits long, its fallback tries again inside of requests, and its memory grows without bound.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from limits import RateLimitItem, parse_many
from limits.storage import Storage

from services.sessions.errors import SessionError
from services.sessions.stores.base import COUNTER_PREFIX, Clock, Count, Counters

SCHEME = "counters"
"""By this name `limits` finds the storage below."""
MOST_COUNTERS = 100_000
"""Counters kept in the process; beyond that the oldest are forgotten."""
LONGEST_WINDOW = 86_400 * 366
"""Seconds."""


def parse_limit(expression: str) -> list[RateLimitItem]:
    """The limits of an expression such as `60 per minute` or `5/second; 100/hour`.

    Raises:
        ValueError: it is none, allows nothing, or has a window of more than a year.
    """
    found = parse_many(expression)
    for limit in found:
        if limit.amount < 1 or not 0 < limit.get_expiry() <= LONGEST_WINDOW:
            raise ValueError("a limit allows once or more in at most a year")
    return found


class MemoryCounters(Counters):
    """Counters of this process, bounded.

    Args:
        most: how many are kept; the one that was begun first makes room.
        clock: seconds, monotonic.
    """

    def __init__(
        self, *, most: int = MOST_COUNTERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    def increment(self, key: str, seconds: int) -> Count:
        """As every counter."""
        now = self._clock()
        with self._lock:
            number, ends_at = self._counts.get(key, (0, 0.0))
            if ends_at <= now:
                # A dict keeps its order, so that the one begun first is the first.
                self._counts.pop(key, None)
                number, ends_at = 0, now + seconds
                while len(self._counts) >= self._most:
                    del self._counts[next(iter(self._counts))]
            self._counts[key] = number + 1, ends_at
        return Count(number + 1, ends_at - now)


class SteadyCounters(Counters):
    """The engine's counters, which all processes share, and this process's while they fail.

    Args:
        shared: the engine's, guarded; None where the engine counts nothing.
        local: of this process.
    """

    def __init__(self, shared: Counters | None, local: Counters) -> None:
        self._shared = shared
        self._local = local

    def increment(self, key: str, seconds: int) -> Count:
        """As every counter; it never fails."""
        if self._shared:
            try:
                return self._shared.increment(key, seconds)
            except SessionError:
                pass  # the breaker logs it, and once
        return self._local.increment(key, seconds)


class CounterStorage(Storage):
    """Counters as `limits` wants them, for its fixed window and nothing else.

    Args:
        counters: what counts.
        clock: seconds since 1970.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - of the base class

    def __init__(
        self, _uri: str | None = None, *, counters: Counters, clock: Clock = time.time
    ) -> None:
        super().__init__()
        self._counters = counters
        self._clock = clock
        self._last = threading.local()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What its methods may raise."""
        return SessionError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count once more, and remember in this thread what is asked for next."""
        if amount != 1:
            raise NotImplementedError("every request counts once")
        number, rest = self._counters.increment(f"{COUNTER_PREFIX}{key}", int(expiry))
        self._last.key, self._last.number = key, number
        self._last.ends_at = self._clock() + rest
        return number

    def get(self, key: str) -> int:
        """The number that this thread has just counted to; asking again would cost a trip."""
        return int(self._just_counted(key).number)

    def get_expiry(self, key: str) -> float:
        """When the window of the counter ends in which this thread has just counted."""
        return float(self._just_counted(key).ends_at)

    def check(self) -> bool:
        """It always counts, one way or the other."""
        return True

    def reset(self) -> int | None:
        """Not offered: counters end by themselves."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Not offered: counters end by themselves."""
        raise NotImplementedError

    def _just_counted(self, key: str) -> Any:
        if getattr(self._last, "key", None) != key:
            raise NotImplementedError("a counter is asked for right after counting only")
        return self._last
