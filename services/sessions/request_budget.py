"""How long one request may wait for the engine, in all its calls together.

The budget is the request's own: `begin` starts it, every call to an engine takes from it, and
when nothing is left the engine counts as unavailable for this request. Threads that serve no
request have no budget; their calls wait as long as the engine's own settings say.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from services.sessions.errors import StoreUnavailable

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


def begin() -> None:
    """Start a request's budget; the one before it in this thread ends."""
    _present.set(Budget())


def end() -> None:
    """Leave the request: what follows in this thread waits by its own measure."""
    _present.set(None)


def in_request() -> bool:
    """Whether this thread serves a request."""
    return _present.get() is not None


def limit_wait(most: float) -> float:
    """How many seconds a call may wait now, `most` at most.

    Raises:
        StoreUnavailable: the request has waited long enough.
    """
    budget = _present.get()
    if budget is None:
        return most
    if budget.seconds < SHORTEST:
        raise StoreUnavailable(SPENT)
    return min(most, budget.seconds)


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
