"""Gives the engine what the spill took for it, and removes it here once the engine has said yes."""

import logging
import random
import time
from collections.abc import Iterable
from itertools import compress

from services import metrics
from services.errors import SessionConflict, SessionFormatUnknown, StoreUnavailable
from services.sessions.keyspaces import Keyspace
from services.sessions.outage.spill import Spill
from services.sessions.settle import Settlements, Settler
from services.sessions.stores.base import Clock, Record, Store

log = logging.getLogger(__name__)

BATCH = 200
"""Sessions in one round trip."""
BATCH_PAUSE = (0.002, 0.01)
"""Seconds between two batches, drawn evenly between these, so that requests come in between."""


class Replay:
    """Sends what waits in the spill.

    Args:
        engine: where the sessions belong, guarded.
        spill: what waits.
        keyspaces: the kinds of session, for merging.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        engine: Store,
        spill: Spill,
        keyspaces: Iterable[Keyspace],
        *,
        clock: Clock = time.time,
    ) -> None:
        self._spill = spill
        self._tallies = Settlements()
        self._settler = Settler(engine, keyspaces, self._tallies, clock=clock)
        self._stuck: set[str] = set()

    def kind_of(self, key: str) -> str:
        """The name of the keyspace a key belongs to."""
        return self._settler.keyspace_of(key).name

    def send(self, record: Record) -> bool:
        """Give the engine one record, now; False when it has to wait longer.

        A request that needs the session does so, rather than wait for the rest.
        """
        try:
            self._settle(record)
        except (StoreUnavailable, SessionConflict, SessionFormatUnknown):
            return False
        return True

    def work(self) -> None:
        """Send everything that waits, unless another process of the host is at it.

        Raises:
            StoreUnavailable: the engine, or the spill, cannot be asked now.
        """
        if not self._spill.occupied:
            return
        with self._spill.sender() as alone:
            if alone:
                self._send_all()
                self._spill.settle()

    def _send_all(self) -> None:
        failed: set[str] = set()
        while records := self._spill.waiting(BATCH, but=failed):
            failed |= self._send_batch(records)
            time.sleep(random.uniform(*BATCH_PAUSE))  # noqa: S311 - jitter, not a secret
        self._stuck &= failed

    def _send_batch(self, records: list[Record]) -> set[str]:
        """Send many, those the engine lacks in one round trip; the keys of what has to wait."""
        taken = self._settler.offer(records)
        self._spill.forget(list(compress(records, taken)))
        metrics.replayed(sum(taken))
        failed = set()
        for record, is_taken in zip(records, taken, strict=True):
            if not is_taken and not self._settled(record):
                failed.add(record.key)
        return failed

    def _settled(self, record: Record) -> bool:
        """Whether one that the engine has in another version could be settled."""
        try:
            self._settle(record)
        except StoreUnavailable:
            raise
        except Exception:
            if record.key not in self._stuck:
                log.exception("a session in the spill cannot be sent; it goes on being tried")
                self._stuck.add(record.key)
            return False
        return True

    def _settle(self, record: Record) -> None:
        merged = self._tallies.merged
        self._settler.settle(record)
        self._spill.forget([record])
        metrics.replayed(1, self._tallies.merged - merged)
