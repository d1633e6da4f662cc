"""Gives the engine what the spill took for it, and removes it here once the engine has said yes."""

import contextlib
import logging
import random
import time
from collections.abc import Iterable

from .. import metrics
from ..codec import tombstone_body
from ..errors import (
    SessionConflict,
    SessionFormatUnknown,
    StoreRefused,
    StoreReplyUnknown,
    StoreUnavailable,
)
from ..keyspaces import UNREADABLE_KEPT, Keyspace
from ..reconcile import Reconciler, ReconcileStats, is_same_document
from ..stores.base import Clock, Condition, Record, Store
from .attempts import Attempts
from .spill import Spill

log = logging.getLogger(__name__)

BATCH = 200
"""Sessions in one round trip."""
TRIAL = "a trial"
"""The name of a document that shows whether the engine takes any; an id has no space in it."""
TRIAL_SECONDS = 60
BATCH_PAUSE = (0.002, 0.01)
"""Seconds from the engine's answer to the next batch at least, drawn evenly between these.

Requests come in between; what has to be done here meanwhile is done in this time.
"""


class Replay:
    """Sends what waits in the spill.

    An entry to which the engine answers nothing but errors that nobody listed holds up no other.
    While the engine takes others it is tried again with growing pauses, and then put aside.

    Args:
        engine: where the sessions belong, guarded.
        spill: what waits.
        keyspaces: the kinds of session, for merging.
        clock: seconds since 1970.
        attempts: what is known of entries that were refused; nothing by default.
    """

    def __init__(
        self,
        engine: Store,
        spill: Spill,
        keyspaces: Iterable[Keyspace],
        *,
        clock: Clock = time.time,
        attempts: Attempts | None = None,
    ) -> None:
        self._engine = engine
        self._spill = spill
        self._stats = ReconcileStats()
        self._reconciler = Reconciler(engine, keyspaces, self._stats, clock=clock)
        self._clock = clock
        self._stuck: set[str] = set()
        self._attempts = attempts or Attempts()
        self._kept: dict[str, Record] = {}

    def keyspace_name(self, key: str) -> str:
        """The name of the keyspace a key belongs to."""
        return self._reconciler.find_keyspace(key).name

    def send(self, record: Record) -> bool:
        """Give the engine one record, now; False when it has to wait longer.

        A request that needs the session does so, rather than wait for the rest.
        """
        if self.is_taken(record):
            return True
        try:
            self._reconcile(record)
        except (StoreUnavailable, SessionConflict, SessionFormatUnknown):
            return False
        with contextlib.suppress(StoreUnavailable):
            self._remove([record])
        return True

    def is_taken(self, record: Record) -> bool:
        """Whether the engine has this record, though the spill could not remove it."""
        return self._kept.get(record.key) == record

    def catch_up(self, record: Record) -> Record:
        """What a session that has to wait is together with what the engine knows of it.

        Another worker may have written it there; both parts are to be read here. Where the engine
        cannot be read either, it is the record itself.
        """
        try:
            together = self._reconciler.resolve(record, self._engine.get(record.key))
        except (StoreUnavailable, SessionFormatUnknown):
            return record
        if not is_same_document(together, record):
            with contextlib.suppress(StoreUnavailable):
                self._spill.swap(record, together)
        return together

    def work(self) -> None:
        """Send everything that waits, unless another process of the host is at it.

        Raises:
            StoreUnavailable: the engine, or the spill, cannot be asked now.
        """
        if not self._spill.is_occupied:
            return
        with self._spill.sender() as alone:
            if alone:
                if self._send_all():
                    with contextlib.suppress(StoreUnavailable):  # tried again after the next ones
                        self._spill.shrink()
                if not self._spill.refresh_occupied():
                    self._attempts.clear()
                    log.warning("nothing waits in the spill any more")

    def _send_all(self) -> bool:
        """Send in batches until nothing is left but what cannot be sent or removed.

        Returns:
            Whether the spill holds less now than it takes on the disk, as far as is known.
        """
        failed: set[str] = set()
        kept: dict[str, Record] = {}
        is_any_removed = False
        pause_ends = 0.0
        self._attempts.begin_round()
        failed |= self._attempts.paused
        while records := self._spill.pending(BATCH, but=failed | kept.keys()):
            time.sleep(max(0.0, pause_ends - time.monotonic()))
            taken = self._send_batch(records)
            pause_ends = time.monotonic() + random.uniform(*BATCH_PAUSE)  # noqa: S311 - no secret
            failed |= {record.key for record in records} - {record.key for record in taken}
            try:
                self._remove(taken)
                is_any_removed = is_any_removed or bool(taken)
            except StoreRefused as error:
                log.warning("the spill cannot remove what the engine has: %s", error.reason)
                kept |= {record.key: record for record in taken}
        self._stuck &= failed
        self._put_aside_hopeless()
        if kept and not failed and self._spill.discard(kept):
            self._kept.clear()
        return is_any_removed or not (failed or kept)

    def _send_batch(self, records: list[Record]) -> list[Record]:
        """Send many, those the engine lacks in one round trip; what it has now."""
        try:
            taken = self._reconciler.offer(records)
        except StoreReplyUnknown:
            taken = [False] * len(records)  # it was about one of them; each finds out
        return [
            record
            for record, is_taken in zip(records, taken, strict=True)
            if is_taken or self._try_reconcile(record)
        ]

    def _remove(self, taken: list[Record]) -> None:
        """Remove what the engine has.

        Raises:
            StoreUnavailable: the spill cannot be written; what stays is remembered as taken, so
                that it does not count for the present copy when the engine is away once more.
        """
        new = sum(not self.is_taken(record) for record in taken)
        self._kept |= {record.key: record for record in taken}
        metrics.count_replayed(new)
        self._spill.forget(taken)
        for record in taken:
            self._kept.pop(record.key, None)

    def _try_reconcile(self, record: Record) -> bool:
        """Reconcile one that the engine has in another version; whether that worked."""
        try:
            self._reconcile(record)
        except StoreReplyUnknown as error:
            self._attempts.note_refused(record, error.reason)
            return False
        except StoreUnavailable:
            raise
        except Exception:
            if record.key not in self._stuck:
                log.exception("a session in the spill cannot be sent; it goes on being tried")
                self._stuck.add(record.key)
            return False
        return True

    def _put_aside_hopeless(self) -> None:
        """Put aside what was refused once too often, while the engine takes others.

        Raises:
            StoreUnavailable: the engine takes nothing, so that no single entry is to blame.
        """
        if not self._attempts.refused:
            return
        self._write_trial(next(iter(self._attempts.refused.values())))
        for record in self._attempts.count_round():
            reason = self._attempts.forget(record.key)
            keep_until = int(self._clock() * 1000) + UNREADABLE_KEPT * 1000
            if self._spill.put_aside(record, keep_until):
                metrics.count_spill_put_aside(self.keyspace_name(record.key))
                log.error(
                    "the engine goes on refusing an entry of the spill (%s) and takes others; it"
                    " is put aside, see the alert SpillEntryPutAside",
                    reason,
                )

    def _write_trial(self, like: Record) -> None:
        """Write a document that is nobody's beside another one, and remove it.

        Raises:
            StoreUnavailable: the engine does not take it either.
        """
        prefix = self._reconciler.find_keyspace(like.key).prefix
        ends_at = int(self._clock() * 1000) + TRIAL_SECONDS * 1000
        trial = Record(f"{prefix}{TRIAL}", 1, tombstone_body(None), ends_at, TRIAL)
        self._engine.put(trial, Condition.ANY)
        self._engine.delete(trial)

    def _reconcile(self, record: Record) -> None:
        metrics.count_replayed(0, merged=self._reconciler.reconcile(record).merged)
