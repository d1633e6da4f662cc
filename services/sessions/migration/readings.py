"""What the metrics tell of sessions besides what is counted on the way.

`Progress` is the migration in this process, `readings` what is looked up when somebody asks.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

from services import sessions
from services.sessions import metrics
from services.sessions.errors import SessionError
from services.sessions.metrics import Reading
from services.sessions.migration.stages import Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import Outage, Spill
from services.sessions.stores.base import Store


@runtime_checkable
class Measured(Protocol):
    """An engine that can tell how full it is."""

    def memory(self) -> Mapping[str, int]:
        """Bytes in use as `used`, and the most there may be as `maximum`; 0 is no limit."""


class Progress:
    """Tells the metrics how far the migration is in this process.

    Args:
        store: the two engines.
    """

    def __init__(self, store: MigratingStore) -> None:
        self._store = store
        self._told: dict[str, int] = {}
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Tell the stage, what is to be sent, and what became of copies since the last time."""
        stage, copies = self._store.plan.stage, self._store.copies
        # In off nothing is meant to be sent.
        metrics.migration(stage, 0 if stage is Stage.OFF else len(copies.unsent))
        tallies = {
            "compared": copies.tallies.compared,
            "lag": copies.tallies.lag,
            "mismatched": copies.tallies.mismatched,
            "adopted": copies.tallies.adopted,
            "sent": copies.tallies.sent,
            "merged": copies.tallies.merged,
            "unmirrored": copies.tallies.unmirrored,
        }
        with self._lock:
            for event, tally in tallies.items():
                metrics.copies(event, tally - self._told.get(event, 0))
            self._told = tallies


def readings(outage: Outage) -> Iterator[Reading]:
    """What is to be had at this moment; what cannot be asked is left out.

    Args:
        outage: the engine with everything around it.
    """
    yield from _unless_away(_of_engine(outage.engine.bare))
    if outage.spill:
        yield from _unless_away(_of_spill(outage.spill))


def _unless_away(found: Iterator[Reading]) -> Iterator[Reading]:
    """What was found until something could not be asked."""
    with contextlib.suppress(SessionError):
        yield from found


def _of_engine(engine: Store) -> Iterator[Reading]:
    yield Reading(
        "teaser_sessions",
        "Sessions that have not expired.",
        {(name,): count for name, count in sessions.session_counts().items()},
        ("keyspace",),
    )
    # Not asked where the counts could not be had: that would be one more wait, past the breaker.
    if isinstance(engine, Measured):
        memory = engine.memory()
        yield _single("teaser_redis_memory_used_bytes", "Memory Redis uses.", memory["used"])
        yield _single(
            "teaser_redis_memory_max_bytes",
            "The most memory Redis may use; 0 without a limit.",
            memory["maximum"],
        )


def _of_spill(spill: Spill) -> Iterator[Reading]:
    backlog = spill.backlog()
    yield _single("teaser_spill_backlog", "Entries of this host's spill to be sent.", backlog.count)
    yield _single(
        "teaser_spill_age_seconds",
        "How long the first of them has been waiting.",
        backlog.age_seconds,
    )


def _single(name: str, meaning: str, value: float) -> Reading:
    return Reading(name, meaning, {(): value})
