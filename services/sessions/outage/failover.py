"""An engine with a spill beside it: a write that the engine cannot take is taken by this host.

While the spill holds a session it decides on this host, so every worker of the host reads what
any of them wrote. A session that is not in the spill is the engine's alone: if that cannot be
asked, nobody knows whether there is one.
"""

import logging
from collections.abc import Sequence

from .. import codec, metrics, request_budget
from ..errors import StoreUnavailable
from ..stores.base import Condition, Extract, Outcome, Put, Record, Store
from ..stores.wrapper import StoreWrapper
from .replay import Replay
from .spill import Spill

log = logging.getLogger(__name__)


class SpillingStore(StoreWrapper):
    """The engine, and the spill for what it cannot take.

    A deletion leaves a tombstone, because another host's spill may hold an earlier copy.

    Args:
        engine: the engine, guarded.
        spill: of this host.
        replay: sends from the one to the other.

    Attributes:
        refusing: why the spill took no write the last time; empty when it did.
    """

    def __init__(self, engine: Store, spill: Spill, replay: Replay) -> None:
        super().__init__(engine)
        self._spill = spill
        self._replay = replay
        self.refusing = ""

    def get(self, key: str) -> bytes | None:
        """From the spill if it is there, else from the engine."""
        record = self._pending_record(key)
        if record is not None:
            request_budget.mark_spilled(key)
            present = self._replay.catch_up(record)
            return codec.join(present.version, present.body)
        return self.engine.get(key)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `get`."""
        if self._spill.is_occupied:
            return [self.get(key) for key in keys]
        return self.engine.get_many(keys)

    def heads(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `get`."""
        return self.get_many(keys) if self._spill.is_occupied else self.engine.heads(keys)

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """From the spill what waits there, and the rest from the engine in one trip.

        The spill is asked first: what is sent meanwhile is then found in the engine.
        """
        if not self._spill.is_occupied:
            return self.engine.extracts(keys, length, landmark)
        found = dict(zip(keys, self._spill.extracts(keys, length, landmark), strict=True))
        rest = [key for key in keys if found[key] is None]
        for key in found.keys() - rest:
            request_budget.mark_spilled(key)
        if rest:
            found.update(zip(rest, self.engine.extracts(rest, length, landmark), strict=True))
        return [found[key] for key in keys]

    def put(self, record: Record, condition: Condition) -> Put:
        """Into the engine, or else into the spill.

        Raises:
            StoreUnavailable: neither could take it.
        """
        self._discard_aside((record,))
        if self._pending_record(record.key):
            return self._accept(record, condition)
        try:
            done = self.engine.put(record, condition)
        except StoreUnavailable:
            if condition is Condition.IDLE:
                raise  # only the engine knows who used it last
            return self._accept(record, condition)
        # Another worker may have found the engine away meanwhile; both writes are to be seen.
        self._pending_record(record.key)
        return done

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        """As `put`."""
        if not self._spill.is_occupied:
            self._discard_aside(records)
            try:
                return self.engine.put_many(records, condition)
            except StoreUnavailable:
                pass  # some may have been taken; each finds out for itself
        return [self.put(record, condition) for record in records]

    def delete(self, record: Record) -> bool:
        """Leave a tombstone, in the engine or else in the spill."""
        if not record.deleted:
            return self.engine.delete(record)
        self.put(record, Condition.ANY)
        return True

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        """As `delete`."""
        if not all(record.deleted for record in records):
            return self.engine.delete_many(records)
        self.put_many(records, Condition.ANY)
        return [True] * len(records)

    def touch(self, record: Record) -> bool:
        """Where the session is."""
        if self._pending_record(record.key):
            return self._spill.touch(record)
        return self.engine.touch(record)

    def expires_at(self, key: str) -> int | None:
        """Where the session is."""
        waits = self._pending_record(key)
        if waits:
            return waits.expires_at
        return self.engine.expires_at(key)

    def is_unsure(self, key: str) -> bool:
        """Whether it waits in the spill, and nobody can see what the engine has there."""
        if self._pending_record(key) is None:
            return False
        try:
            self.engine.heads((key,))
        except StoreUnavailable:
            return True
        return False

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        """In the engine, after what waits in the spill and will be there.

        The spill is asked first: what is sent meanwhile is then found in one or the other.
        """
        if not self._spill.is_occupied:
            return self.engine.members(index, start=start, limit=limit)
        end = start + limit
        found = dict.fromkeys(self._spill.members(index, end))
        found.update(dict.fromkeys(self.engine.members(index, limit=end)))
        return list(found)[start:end]

    def close(self) -> None:
        """Close the engine and the spill."""
        self.engine.close()
        self._spill.close()

    def _discard_aside(self, records: Sequence[Record]) -> None:
        """Remove the copies that were put aside of what is deleted now."""
        for record in records:
            if record.deleted:
                self._spill.discard_aside(record.key)

    def _pending_record(self, key: str) -> Record | None:
        """What the spill holds of this session, if the engine cannot have it yet."""
        if not self._spill.is_occupied:
            return None
        record = self._spill.read_record(key)
        return None if record is None or self._replay.send(record) else record

    def _accept(self, record: Record, condition: Condition) -> Put:
        if not self._spill.is_occupied:
            log.warning("the spill takes what the engine cannot")
        try:
            done = self._spill.put(record, condition)
        except StoreUnavailable as error:
            metrics.count_spill_refused(error.reason)
            if error.reason != self.refusing:
                log.error("the spill takes no writes: %s", error.reason)
                self.refusing = error.reason
            raise
        if self.refusing:
            log.warning("the spill takes writes again")
            self.refusing = ""
        if done.outcome is Outcome.STORED:
            metrics.count_spilled(self._replay.keyspace_name(record.key))
            request_budget.mark_spilled(record.key)
        return done
