"""Request counts within a window: kept by the engine, or by this process while the engine is down.

`limits` supplies the expressions and the strategy. Its counters are replaced: its Redis client
waits too long, its fallback retries inside requests, and its memory grows without bound.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from limits import RateLimitItem, parse_many
from limits.storage import Storage

from services.sessions.errors import SessionError
from services.sessions.stores.base import COUNTER_PREFIX, SPEND_STEPS, Clock, Count, Counters

SCHEME = "counters"
"""The URL scheme by which `limits` finds the storage below."""
MOST_COUNTERS = 100_000
"""The most counters kept in the process; beyond that the oldest are dropped."""
LONGEST_WINDOW = 86_400 * 366
"""Seconds."""


def parse_limit(expression: str) -> list[RateLimitItem]:
    """Parse an expression such as `60 per minute` or `5/second; 100/hour`.

    Raises:
        ValueError: it is not one, allows nothing, or has a window of more than a year.
    """
    found = parse_many(expression)
    for limit in found:
        if limit.amount < 1 or not 0 < limit.get_expiry() <= LONGEST_WINDOW:
            raise ValueError("a limit allows at least one request in at most a year")
    return found


def find_wait(counters: Counters, expression: str, client: str, name: str) -> float:
    """Seconds until a client that has used up a limit may go on; 0 if it has not.

    Args:
        counters: what counts.
        expression: what the limit allows.
        client: the client's name.
        name: the limit's name.
    """
    waits = [0.0]
    for limit in parse_limit(expression):
        number, left = counters.read_count(f"{COUNTER_PREFIX}{limit.key_for(client, name)}")
        if number >= limit.amount:
            waits.append(left)
    return max(waits)


class MemoryCounters(Counters):
    """Counters of this process, bounded.

    Args:
        most: how many are kept; the oldest one makes room for a new one.
        clock: seconds, monotonic.
    """

    def __init__(
        self, *, most: int = MOST_COUNTERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}
        self._spent: dict[str, dict[int, int]] = {}

    def increment(self, key: str, seconds: int) -> Count:
        """Count once; see Counters."""
        now = self._clock()
        with self._lock:
            number, ends_at = self._counts.get(key, (0, 0.0))
            if ends_at <= now:
                # A dict keeps insertion order, so its first entry is the oldest counter.
                self._counts.pop(key, None)
                number, ends_at = 0, now + seconds
                while len(self._counts) >= self._most:
                    del self._counts[next(iter(self._counts))]
            self._counts[key] = number + 1, ends_at
        return Count(number + 1, ends_at - now)

    def read_count(self, key: str) -> Count:
        """How often was counted; see Counters."""
        number, ends_at = self._counts.get(key, (0, 0.0))
        left = ends_at - self._clock()
        return Count(number, left) if left > 0 else Count(0, 0.0)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:
        """Spend from several budgets; see Counters."""
        now, step = self._clock(), seconds / SPEND_STEPS
        present = int(now // step)
        with self._lock:
            wait = 0.0
            for key, allowed in budgets.items():
                spent = self._read_spent(key, present)
                if sum(spent.values()) + amount > allowed:
                    end = _find_end(spent, allowed - amount)
                    wait = max(wait, seconds if end is None else end * step - now)
            if not wait:
                for key in budgets:
                    self._add_spent(key, present, amount)
            return wait

    def _read_spent(self, key: str, present: int) -> dict[int, int]:
        """What a key has spent in each step of the window that ends with the present one."""
        spent = self._spent.get(key, {})
        return {at: amount for at, amount in spent.items() if at >= present - SPEND_STEPS}

    def _add_spent(self, key: str, present: int, amount: int) -> None:
        spent = self._read_spent(key, present)
        spent[present] = spent.get(present, 0) + amount
        self._spent.pop(key, None)  # moves it to the end, as the newest
        while len(self._spent) >= self._most:
            del self._spent[next(iter(self._spent))]
        self._spent[key] = spent


def _find_end(spent: Mapping[int, int], most: int) -> int | None:
    """The step with which no more than `most` of what was spent is left; None for never."""
    total = sum(spent.values())
    for at in sorted(spent):
        total -= spent[at]
        if total <= most:
            return at + SPEND_STEPS + 1
    return None


class SteadyCounters(Counters):
    """The engine's counters, which all processes share, or this process's own while those fail.

    Args:
        shared: the engine's, behind its guard; None if the engine has none.
        local: this process's own.
    """

    def __init__(self, shared: Counters | None, local: Counters) -> None:
        self._shared = shared
        self._local = local

    def increment(self, key: str, seconds: int) -> Count:
        """Count once; it never fails."""
        if self._shared:
            try:
                return self._shared.increment(key, seconds)
            except SessionError:
                pass  # the breaker logs an outage once
        return self._local.increment(key, seconds)

    def read_count(self, key: str) -> Count:
        """How often was counted by what would count now; it never fails."""
        if self._shared:
            try:
                return self._shared.read_count(key)
            except SessionError:
                pass  # as above
        return self._local.read_count(key)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:
        """Spend from several budgets; it never fails."""
        if self._shared:
            try:
                return self._shared.spend(budgets, amount, seconds)
            except SessionError:
                pass  # as above
        return self._local.spend(budgets, amount, seconds)


class CounterStorage(Storage):
    """Counters with the interface of `limits`, for its fixed-window strategy only.

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
        self._last = threading.local()  # `limits` reads the count in a call of its own

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the methods may raise."""
        return SessionError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count once, and keep the result for this thread's `get` and `get_expiry`."""
        if amount != 1:
            raise NotImplementedError("every request counts as one")
        number, rest = self._counters.increment(f"{COUNTER_PREFIX}{key}", int(expiry))
        self._last.key, self._last.number = key, number
        self._last.ends_at = self._clock() + rest
        return number

    def get(self, key: str) -> int:
        """The count after this thread's last `incr`; reading it again would cost a round trip."""
        return int(self._get_last_count(key).number)

    def get_expiry(self, key: str) -> float:
        """The end of the window in which this thread has just counted."""
        return float(self._get_last_count(key).ends_at)

    def check(self) -> bool:
        """Always healthy: one of the two counters works."""
        return True

    def reset(self) -> int | None:
        """Not supported: counters expire by themselves."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Not supported: counters expire by themselves."""
        raise NotImplementedError

    def _get_last_count(self, key: str) -> Any:
        if getattr(self._last, "key", None) != key:
            raise NotImplementedError("a counter can be read right after counting only")
        return self._last
