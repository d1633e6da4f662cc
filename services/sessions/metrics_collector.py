"""Metrics that are read when Prometheus asks: stored sessions, memory, the spill, the breakers."""

import contextlib
from collections.abc import Iterator

from .errors import SessionError
from .metrics import Reading
from .outage import Outage, Spill
from .registry import SessionRegistry
from .stores.base import Store


def collect_readings(outage: Outage, sessions: SessionRegistry) -> Iterator[Reading]:
    """What is to be had at this moment; what cannot be asked is left out.

    Args:
        outage: the engine with everything around it.
        sessions: the kinds of session to be counted.
    """
    yield from _unless_away(_read_engine(outage.engine, sessions))
    if outage.spill:
        yield from _unless_away(_read_spill(outage.spill))


def _unless_away(found: Iterator[Reading]) -> Iterator[Reading]:
    """What was found until something could not be asked."""
    with contextlib.suppress(SessionError):
        yield from found


def _read_engine(engine: Store, sessions: SessionRegistry) -> Iterator[Reading]:
    yield Reading(
        "teaser_sessions",
        "Sessions that have not expired.",
        {(name,): count for name, count in sessions.count_by_keyspace().items()},
        ("keyspace",),
    )
    if memory := engine.memory():
        yield _single("teaser_redis_memory_used_bytes", "Memory Redis uses.", memory["used"])
        yield _single(
            "teaser_redis_memory_max_bytes",
            "The most memory Redis may use; 0 without a limit.",
            memory["maximum"],
        )
        yield _single(
            "teaser_redis_may_evict",
            "Whether Redis forgets sessions when it is full: 1 with any policy but noeviction.",
            memory.get("evicts", 0),
        )


def _read_spill(spill: Spill) -> Iterator[Reading]:
    backlog = spill.backlog()
    yield _single("teaser_spill_backlog", "Entries of this host's spill to be sent.", backlog.count)
    yield _single(
        "teaser_spill_age_seconds",
        "How long the first of them has been waiting.",
        backlog.age_seconds,
    )


def _single(name: str, meaning: str, value: float) -> Reading:
    return Reading(name, meaning, {(): value})
