"""An engine behind its breakers and the request's budget; what it answers is measured.

Reads and writes have a breaker each: a server that is full, read-only or paused for writing goes
on answering reads.
"""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import ParamSpec, TypeVar, cast

from .. import metrics, request_budget
from ..errors import StoreFull, StoreReplyUnknown, StoreUnavailable
from ..stores.base import COUNTER_PREFIX, Count, Counters, Record, Store
from ..stores.wrapper import Caller, StoreWrapper
from .breaker import Breaker, State

PROBE_GRACE_SECONDS = 3.0
"""Seconds for which requests leave a probe to the background threads, where there are any."""
WAITED = ("timeout", "pool_exhausted")
"""Reasons that say how long somebody waited."""
PROBE_SECONDS = 60
"""Seconds that the counter of a probe lives."""
NOT_PERMITTED = "no_permission"
"""The reason of a user who may not give one command, which says nothing of the others."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class GuardedStore(StoreWrapper):
    """Any engine; what it cannot do now is known without asking it again.

    Here the time budget of a request is checked and spent, whichever network engine it is.

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
        self.reads = reads or Breaker("read")
        self.writes = writes or Breaker("write")
        super().__init__(
            engine,
            read=cast(Caller, partial(self.call, self.reads)),
            write=cast(Caller, partial(self.call, self.writes)),
        )
        self.probed = False

    @property
    def is_degraded(self) -> bool:
        """Whether anything is kept from the engine now."""
        return not (self.reads.state is self.writes.state is State.CLOSED)

    def call(
        self, breaker: Breaker, method: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """Call the engine if a breaker and the request's budget allow it.

        Raises:
            StoreUnavailable: they do not, or the engine could not be asked.
        """
        allowed = request_budget.limit_wait(math.inf)
        try:
            probe = breaker.enter(grace=self._probe_grace())
        except StoreUnavailable:
            metrics.count_unavailable(self.name, breaker.direction, "breaker_open")
            raise
        begun = time.perf_counter()
        request_budget.begin_call(allowed)
        try:
            result = method(*args, **kwargs)
        except StoreUnavailable as error:
            reason = error.reason
            if reason in WAITED and allowed < self.timeout / 2:
                # It was the request that had hardly any time, which says nothing of the engine.
                reason = request_budget.SPENT
            subject = self._name_subject(breaker, error, method, args)
            self._record_failure(breaker, error, reason, probe=probe, subject=subject)
            if reason != error.reason:
                raise StoreUnavailable(reason) from error
            raise
        except BaseException:
            # A value that is no document, or a fault of ours: the engine did answer.
            breaker.record_success(probe=probe)
            raise
        finally:
            self._end_call(begun)
        breaker.record_success(probe=probe, subject=_name_key(args))
        metrics.observe_engine_call(self.name, breaker.direction, time.perf_counter() - begun)
        return result

    def risks(self) -> list[str]:
        """As the engine; see `_ask_for_operators`."""
        return self._ask_for_operators(self.engine.risks)

    def memory(self) -> Mapping[str, int]:
        """As the engine; see `_ask_for_operators`."""
        return self._ask_for_operators(self.engine.memory)

    def _ask_for_operators(self, method: Callable[[], _R]) -> _R:
        """Call the engine past breakers and metrics, within the request's budget.

        That it does not tell operators something, for want of a permission perhaps, is no reason
        to keep sessions from it.
        """
        begun = time.perf_counter()
        request_budget.begin_call(request_budget.limit_wait(math.inf))
        try:
            return method()
        finally:
            self._end_call(begun)

    def _end_call(self, begun: float) -> None:
        """Spend what a call took, unless the engine waits for no network.

        A local file has a lock to wait for, as long as a request may wait for everything.
        """
        request_budget.end_call(time.perf_counter() - begun if self.timeout else 0.0)

    def _name_subject(
        self,
        breaker: Breaker,
        error: StoreUnavailable,
        method: Callable[..., object],
        args: tuple[object, ...],
    ) -> str:
        """What alone a failure may concern: one document, or one command; empty for the engine."""
        if isinstance(error, StoreReplyUnknown):
            return error.key or _name_key(args)
        # The counters give one command only, and their breaker guards nothing else.
        if error.reason == NOT_PERMITTED and breaker in (self.reads, self.writes):
            return method.__name__
        return ""

    def _record_failure(
        self, breaker: Breaker, error: StoreUnavailable, reason: str, *, probe: bool, subject: str
    ) -> None:
        """Tell the breaker and the metrics of a call that failed, by what it says of the engine."""
        if isinstance(error, StoreFull):
            breaker.record_success(probe=probe)
        elif reason == request_budget.SPENT:
            breaker.record_abandoned(probe=probe)
        else:
            breaker.record_failure(error, probe=probe, subject=subject)
        metrics.count_unavailable(self.name, breaker.direction, reason)

    def _probe_grace(self) -> float:
        return PROBE_GRACE_SECONDS if self.probed and request_budget.in_request() else 0.0


def _name_key(args: tuple[object, ...]) -> str:
    """The key of the document or index that a call is about; empty for several or none."""
    first = args[0] if args else ""
    if isinstance(first, Record):
        return first.key
    return first if isinstance(first, str) else ""


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

    def read_count(self, key: str) -> Count:
        """As the engine."""
        return self._guard.call(self.breaker, self._counters.read_count, key)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:
        """As the engine."""
        return self._guard.call(self.breaker, self._counters.spend, budgets, amount, seconds)

    def probe(self) -> None:
        """Find out whether the engine counts again, with a counter that is nobody's."""
        if self.breaker.state is not State.CLOSED:
            self.increment(f"{COUNTER_PREFIX}probe", PROBE_SECONDS)
