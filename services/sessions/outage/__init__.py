"""What a process does while its engine is refused, frozen, full, read-only or slow.

A breaker turns an engine that does not answer into an immediate "not now"; a spill on this host
takes the writes; a replay gives them to the engine when it is back. `Outage` puts them together.
"""

import contextlib
import logging
import math
import time
from collections.abc import Iterable
from typing import Any

from ..background import Background
from ..errors import StoreUnavailable
from ..keyspaces import Keyspace
from ..stores.base import Clock, Counters, Store
from .breaker import State
from .failover import SpillingStore
from .guard import GuardedCounters, GuardedStore
from .replay import Replay
from .spill import Spill, open_spill

log = logging.getLogger(__name__)

__all__ = ["GuardedStore", "Outage", "Replay", "Spill", "SpillingStore", "open_spill"]

REPLAY_SECONDS = 0.2
"""Seconds between two looks for something to send."""
PROBE_SECONDS = 0.2
"""Seconds between two looks whether a probe is due."""
RISKS_SECONDS = 10.0
"""Seconds for which what the engine's settings could lose is not asked for again."""


class Outage:
    """An engine with everything that protects from its failures.

    Args:
        engine: the engine.
        keyspaces: the kinds of session that are stored.
        spill: of this host; without one a write the engine cannot take is refused.
        clock: seconds since 1970.

    Attributes:
        engine: the engine behind its breakers, for what need not survive an outage.
        store: the same with the spill, for sessions.
        spill: as given.
        counters: the engine's, guarded as well; None where it has none.
    """

    def __init__(
        self,
        engine: Store,
        keyspaces: Iterable[Keyspace],
        spill: Spill | None = None,
        *,
        clock: Clock = time.time,
    ) -> None:
        self.engine = GuardedStore(engine)
        self.store: Store = self.engine
        self.spill = spill
        self.counters = (
            GuardedCounters(engine, self.engine) if isinstance(engine, Counters) else None
        )
        self._lacks_room = False
        self._risks: list[str] = []
        self._risks_until = -math.inf
        self._background = Background()
        if spill:
            self._replay = Replay(self.engine, spill, keyspaces, clock=clock)
            self.store = SpillingStore(self.engine, spill, self._replay)

    def start(self) -> None:
        """Begin to send what waits, also from before; to be called after the fork."""
        if self.spill:
            with contextlib.suppress(StoreUnavailable):  # what follows tells
                self.spill.refresh_occupied()
            self._lacks_room = True  # until it was tried
            for warning in self.find_warnings():
                log.error("%s", warning)
            self._background.repeat("session-replay", self._replay.work, REPLAY_SECONDS)
        self._background.repeat("engine-probe", self._probe, PROBE_SECONDS)
        self.engine.probed = True

    def finish(self) -> None:
        """Stop sending; what waits is sent by the next process."""
        self.engine.probed = False
        self._background.stop()

    def describe_state(self) -> dict[str, Any]:
        """What readiness tells: the breakers, what waits, whether anything is kept back."""
        return {
            "breaker": {
                "read": self.engine.reads.state.value,
                "write": self.engine.writes.state.value,
            },
            "spill": self._spill_state(),
            "degraded": self.engine.is_degraded,
        }

    def _probe(self) -> None:
        """Find out whether the engine answers again; its writes show in what is sent to it."""
        if self.engine.reads.state is not State.CLOSED:
            self.engine.ping()
        if self.counters:
            self.counters.probe()

    @property
    def spill_backlog(self) -> int:
        """How many sessions wait in the spill, as far as it can be asked."""
        try:
            return self.spill.backlog().count if self.spill else 0
        except StoreUnavailable:
            return 0

    def find_warnings(self) -> list[str]:
        """What an operator should know before there is an outage; found out at the start."""
        self._lacks_room = bool(self.spill and self._lacks_room and not self.spill.has_room())
        found = self._find_risks()
        if self.spill and self._lacks_room:
            lack = "cannot be written; an outage would refuse writes"
            found = [f"the spill {self.spill.file} {lack}", *found]
        return found

    def _find_risks(self) -> list[str]:
        """What the engine's settings could lose, as far as it was last told."""
        if time.monotonic() >= self._risks_until and self.engine.reads.state is State.CLOSED:
            self._risks_until = time.monotonic() + RISKS_SECONDS
            with contextlib.suppress(StoreUnavailable):  # an outage shows elsewhere
                self._risks = self.engine.risks()
        return list(self._risks)

    @property
    def can_take_writes(self) -> bool:
        """Whether new sessions can be taken while the engine takes none."""
        if not isinstance(self.store, SpillingStore) or not self.spill:
            return False
        return not self.store.refusing or self.spill.has_room()

    def _spill_state(self) -> dict[str, Any] | None:
        if self.spill is None:
            return None
        try:
            backlog = self.spill.backlog()
        except StoreUnavailable as error:
            return {"unavailable": error.reason}
        return {"backlog": backlog.count, "age_seconds": round(backlog.age_seconds, 1)}
