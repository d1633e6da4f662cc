"""An engine behind its breakers and the request's budget; what it answers is measured.

Reads and writes have a breaker each: a server that is full, read-only or paused for writing goes
on answering reads.
"""

import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from services.sessions import metrics, request_budget
from services.sessions.errors import StoreFull, StoreUnavailable
from services.sessions.outage.breaker import Breaker, State
from services.sessions.stores.base import (
    COUNTER_PREFIX,
    Condition,
    Count,
    Counters,
    Put,
    Record,
    Store,
)

PROBE_GRACE_SECONDS = 3.0
"""Seconds for which requests leave a probe to the background threads, where there are any."""
PROBE_SECONDS = 60
"""Seconds that the counter of a probe lives."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class GuardedStore(Store):
    """Any engine; what it cannot do now is known without asking it again.

    Args:
        engine: the engine.
        reads, writes: their breakers.

    Attributes:
        probed: whether background threads ask an engine that was away whether it is back, so that
            no visitor has to wait for that.
    """

    def __init__(
        self, engine: Store, *, reads: Breaker | None = None, writes: Breaker | None = None
    ) -> None:
        self.engine = engine
        self.probed = False
        self.name = engine.name
        self.reads = reads or Breaker("read")
        self.writes = writes or Breaker("write")

    @property
    def bare(self) -> Store:
        """The engine inside."""
        return self.engine.bare

    @property
    def is_degraded(self) -> bool:
        """Whether anything is kept from the engine now."""
        return not (self.reads.state is self.writes.state is State.CLOSED)

    def get(self, key: str) -> bytes | None:
        """As the engine."""
        return self.call(self.reads, self.engine.get, key)

    def head(self, key: str) -> bytes | None:
        """As the engine."""
        return self.call(self.reads, self.engine.head, key)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """As the engine."""
        return self.call(self.reads, self.engine.get_many, keys)

    def heads(self, keys: Sequence[str]) -> list[bytes | None]:
        """As the engine."""
        return self.call(self.reads, self.engine.heads, keys)

    def put(self, record: Record, condition: Condition) -> Put:
        """As the engine."""
        return self.call(self.writes, self.engine.put, record, condition)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        """As the engine."""
        return self.call(self.writes, self.engine.put_many, records, condition)

    def delete(self, record: Record) -> bool:
        """As the engine."""
        return self.call(self.writes, self.engine.delete, record)

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        """As the engine."""
        return self.call(self.writes, self.engine.delete_many, records)

    def touch(self, record: Record) -> bool:
        """As the engine."""
        return self.call(self.writes, self.engine.touch, record)

    def expires_at(self, key: str) -> int | None:
        """As the engine."""
        return self.call(self.reads, self.engine.expires_at, key)

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        """As the engine."""
        return self.call(
            self.writes, self.engine.quarantine, key, value, keep_until, member, indexes
        )

    def count(self, index: str) -> int:
        """As the engine."""
        return self.call(self.reads, self.engine.count, index)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        """As the engine."""
        return self.call(self.reads, self.engine.members, index, start=start, limit=limit)

    def trim(self, index: str) -> int:
        """As the engine."""
        return self.call(self.writes, self.engine.trim, index)

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        """As the engine."""
        return self.call(self.reads, self.engine.idle, index, before, limit=limit)

    def ping(self) -> None:
        """As the engine."""
        self.call(self.reads, self.engine.ping)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def _probe_grace(self) -> float:
        return PROBE_GRACE_SECONDS if self.probed and request_budget.in_request() else 0.0

    def call(
        self, breaker: Breaker, method: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """Call the engine if a breaker and the request's budget allow it.

        Raises:
            StoreUnavailable: they do not, or the engine could not be asked.
        """
        request_budget.limit_wait(request_budget.REQUEST_SECONDS)
        direction = breaker.direction
        try:
            probe = breaker.enter(patience=self._probe_grace())
        except StoreUnavailable:
            metrics.count_unavailable(self.name, direction, "breaker_open")
            raise
        begun = time.perf_counter()
        try:
            result = method(*args, **kwargs)
        except StoreFull as error:
            breaker.record_success(probe=probe)
            metrics.count_unavailable(self.name, direction, error.reason)
            raise
        except StoreUnavailable as error:
            if error.reason == request_budget.SPENT:
                breaker.record_abandoned(probe=probe)
            else:
                breaker.record_failure(error, probe=probe)
            metrics.count_unavailable(self.name, direction, error.reason)
            raise
        except BaseException:
            # A value that is no document, or a fault of ours: the engine did answer.
            breaker.record_success(probe=probe)
            raise
        breaker.record_success(probe=probe)
        metrics.observe_engine_call(self.name, direction, time.perf_counter() - begun)
        return result


class GuardedCounters(Counters):
    """The engine's counters behind a breaker of their own, so that they never cost a session.

    That a server does not count, for want of a permission perhaps, is no reason to keep sessions
    from it.

    Args:
        counters: the engine's.
        guard: the same engine for sessions.
        breaker: of the counters.
    """

    def __init__(
        self, counters: Counters, guard: GuardedStore, *, breaker: Breaker | None = None
    ) -> None:
        self.breaker = breaker or Breaker("count")
        self._counters = counters
        self._guard = guard

    def increment(self, key: str, seconds: int) -> Count:
        """As the engine."""
        return self._guard.call(self.breaker, self._counters.increment, key, seconds)

    def probe(self) -> None:
        """Find out whether the engine counts again, with a counter that is nobody's."""
        if self.breaker.state is not State.CLOSED:
            self.increment(f"{COUNTER_PREFIX}probe", PROBE_SECONDS)
