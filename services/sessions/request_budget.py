"""How long one request may wait for the engine, in all its calls together.

The budget is the request's own: `begin` starts it, every call to an engine takes from it, and
when nothing is left the engine counts as unavailable for this request. A driver bounds every
single wait; a call is many of them, and `time_left` bounds their sum. Threads that serve no
request have no budget; their calls wait as long as the engine's own settings say.
"""

import math
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from .errors import StoreUnavailable

REQUEST_SECONDS = 1.0
"""What a request may wait for the engine in total."""
SHORTEST = 0.005
"""Seconds below which asking is pointless."""
SPENT = "budget"
"""Why a request that has waited long enough finds the engine unavailable."""


@dataclass(slots=True)
class Budget:
    """What one request has left.

    Attributes:
        seconds: how long it may still wait.
        spilled: the keys of what was read from the spill, or given to it.
    """

    seconds: float = REQUEST_SECONDS
    spilled: set[str] = field(default_factory=set)


_present: ContextVar[Budget | None] = ContextVar("budget", default=None)


class _Call(threading.local):
    """The instant by which this thread's call to an engine has to be over; see time.monotonic."""

    ends_at = math.inf


_call = _Call()


def begin() -> None:
    """Start a request's budget; the one before it in this thread ends."""
    _present.set(Budget())


def end() -> None:
    """Leave the request: what follows in this thread waits by its own measure."""
    _present.set(None)
    _call.ends_at = math.inf


def in_request() -> bool:
    """Whether this thread serves a request."""
    return _present.get() is not None


def limit_wait(most: float) -> float:
    """How many seconds something may wait now, `most` at most.

    Raises:
        StoreUnavailable: the request has waited long enough.
    """
    budget = _present.get()
    if budget is None:
        return most
    if budget.seconds < SHORTEST:
        raise StoreUnavailable(SPENT)
    return min(most, budget.seconds)


def begin_call(seconds: float) -> None:
    """Begin a call to an engine: what this thread waits for in it takes so long at most."""
    _call.ends_at = time.monotonic() + seconds


def end_call(seconds: float) -> None:
    """End a call to an engine, and take what it took from the request's budget."""
    _call.ends_at = math.inf
    spend(seconds)


def has_time(seconds: float) -> bool:
    """Whether a wait of so many seconds fits into the call."""
    return _call.ends_at - time.monotonic() >= seconds


def time_left(most: float) -> float:
    """Seconds that the next wait within a call may take, `most` at most.

    Raises:
        TimeoutError: no time is left.
    """
    seconds = _call.ends_at - time.monotonic()
    if seconds < SHORTEST:
        raise TimeoutError("the call took too long")
    return min(most, seconds)


def spend(seconds: float) -> None:
    """Take what a call took from the request's budget."""
    budget = _present.get()
    if budget is not None:
        budget.seconds -= seconds


def mark_spilled(key: str) -> None:
    """Remember that this request had this session from the spill, or gave it there."""
    budget = _present.get()
    if budget is not None:
        budget.spilled.add(key)


def was_spilled(key: str) -> bool:
    """Whether this request had this session from the spill, or gave it there."""
    budget = _present.get()
    return budget is not None and key in budget.spilled


def is_degraded() -> bool:
    """Whether this request was served by way of the spill."""
    budget = _present.get()
    return budget is not None and bool(budget.spilled)
