"""Reconciles two copies of a session that differ: the engine's and one on this host.

The higher version wins; copies that were changed apart are merged by the rule of their keyspace;
a tombstone wins over what it deleted. The engine is written with compare-and-set, so whoever
else writes it at the same moment is merged, not overwritten.
"""

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import codec
from .errors import SessionConflict, SessionFormatUnknown, SessionUnreadable
from .keyspaces import UNREADABLE_KEPT, Keyspace
from .stores.base import Clock, Condition, Outcome, Record, Store

log = logging.getLogger(__name__)

RECONCILE_ATTEMPTS = 20
"""How often two copies are compared again when someone else is faster."""
MERGED_MAX_BYTES = 2**31
"""Two copies that were both accepted make one, also above the limit for a save."""


@dataclass(slots=True)
class ReconcileStats:
    """What was reconciled since the process started.

    Attributes:
        sent: copies the engine took over.
        merged: copies that were changed apart and made one.
    """

    sent: int = 0
    merged: int = 0


class Reconciled(NamedTuple):
    """How two copies were reconciled.

    Attributes:
        record: what both are to be.
        merged: whether it was made of both.
    """

    record: Record
    merged: bool


class Reconciler:
    """Brings an engine's copies and those of this host together.

    Args:
        engine: where the sessions belong.
        keyspaces: the kinds of session, for owners and merging.
        stats: counts what is done.
        clock: seconds since 1970.
    """

    def __init__(
        self, engine: Store, keyspaces: Iterable[Keyspace], stats: ReconcileStats, *, clock: Clock
    ) -> None:
        self._engine = engine
        self._keyspaces = tuple(keyspaces)
        self._stats = stats
        self._clock = clock

    def offer(self, records: Sequence[Record]) -> list[bool]:
        """Give the engine what it lacks, in one round trip; whether it has exactly that now.

        Raises:
            StoreUnavailable: the engine could not be asked; some may have been taken.
        """
        answers = self._engine.put_many(records, Condition.ABSENT)
        taken = [answer.outcome is Outcome.STORED for answer in answers]
        self._stats.sent += sum(taken)
        return taken

    def reconcile(self, mine: Record) -> "Reconciled":
        """Bring the engine's copy up to this one, or both to what is right.

        Returns:
            What the engine has now, and the other copy is to become.

        Raises:
            StoreUnavailable: the engine could not be asked.
            SessionFormatUnknown: a newer release wrote the engine's copy; it is left alone.
            SessionConflict: others wrote it faster, RECONCILE_ATTEMPTS times.
        """
        for _ in range(RECONCILE_ATTEMPTS):
            result = self._attempt(mine)
            if result is not None:
                self._stats.merged += result.merged
                return result
        raise SessionConflict(mine.member)

    def resolve(self, mine: Record, value: bytes | None) -> Record:
        """What this copy becomes together with the engine's, which is not written.

        Args:
            mine: the copy.
            value: the engine's, as it was read.

        Raises:
            StoreUnavailable: the engine could not be asked.
            SessionFormatUnknown: a newer release wrote it.
        """
        theirs = self.to_record(mine.key, value)
        return self._resolve(mine, theirs) if theirs else mine

    def to_record(self, key: str, value: bytes | None) -> Record | None:
        """The engine's copy as a record; None when it holds no document.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        parts = codec.split(value) if value else None
        expires_at = self._engine.expires_at(key) if parts else None
        if not value or not parts or expires_at is None:
            return None
        keyspace, deleted = self.find_keyspace(key), codec.is_tombstone(value)
        active_at = 0
        try:
            owner = codec.owner_of(value)
            if not deleted:
                active_at = expires_at - _read_life(keyspace, value) * 1000
        except SessionUnreadable:
            return None
        session_id = keyspace.id_in(key)
        return Record(
            key,
            *parts,
            expires_at,
            session_id,
            keyspace.indexes(owner),
            deleted,
            idle_index=keyspace.idle_index(session_id),
            active_at=active_at,
        )

    def find_keyspace(self, key: str) -> Keyspace:
        """The kind of session that lives under this key.

        Raises:
            LookupError: none that this process knows.
        """
        for keyspace in self._keyspaces:
            if key.startswith(keyspace.prefix):
                return keyspace
        raise LookupError("the key belongs to no keyspace of this process")

    def _attempt(self, mine: Record) -> "Reconciled | None":
        """One try; None when the engine's copy changed meanwhile."""
        if self._engine.put(mine, Condition.ABSENT).outcome is Outcome.STORED:
            self._stats.sent += 1
            return Reconciled(mine, merged=False)
        value = self._engine.get(mine.key)
        if value is None:
            return None
        theirs = self.to_record(mine.key, value)
        if theirs is None:
            keep_until = int(self._clock() * 1000) + UNREADABLE_KEPT * 1000
            self._engine.quarantine(mine.key, value, keep_until, mine.member)
            return None
        right = self._resolve(mine, theirs)
        if is_same_document(right, theirs):
            self._engine.touch(right)
            return Reconciled(right, merged=False)
        replacing = right._replace(replaces=theirs.version, base=value)
        if self._engine.put(replacing, Condition.UNCHANGED).outcome is not Outcome.STORED:
            return None
        self._stats.sent += 1
        return Reconciled(right, merged=right.version > max(mine.version, theirs.version))

    def _resolve(self, mine: Record, theirs: Record) -> Record:
        """The one record that both copies are to become."""
        keyspace = self.find_keyspace(mine.key)
        if not theirs.deleted and not is_same_owner(mine, theirs):
            if _read_owner(theirs) is not None:
                # Whoever wrote it, or deleted what was written here, while the engine was away
                # could not know that the id is taken.
                log.warning("a copy of somebody else's session gives way to the engine's")
                return theirs
            mine = mine if mine.deleted else _drop_owner(mine, keyspace)
        higher, lower = (mine, theirs) if mine.version > theirs.version else (theirs, mine)
        expires_at = max(mine.expires_at, theirs.expires_at)
        if higher.deleted or (keyspace.reusable and lower.deleted):
            return higher
        if lower.deleted:
            return lower._replace(version=higher.version + 1)
        merged = _merge(keyspace, higher, lower)
        if merged is None:
            return higher._replace(expires_at=expires_at)
        return higher._replace(version=higher.version + 1, body=merged, expires_at=expires_at)


def _merge(keyspace: Keyspace, higher: Record, lower: Record) -> bytes | None:
    """The body both copies make together; None when the higher has all of the lower.

    Raises:
        SessionFormatUnknown: a newer release wrote one of them, and knows how to do this.
    """
    above = codec.decode(codec.join(higher.version, higher.body))
    try:
        below = codec.decode(codec.join(lower.version, lower.body))
    except SessionUnreadable:
        return None
    together = keyspace.merge(above, below, None)
    if together == above:
        return None
    above.clear()
    above.update(together)
    return codec.encode_body(above, MERGED_MAX_BYTES, keyspace.build_list_entry(above))


def _read_life(keyspace: Keyspace, value: bytes) -> int:
    """Seconds a stored document lives after each use; 0 for one of a newer release.

    Raises:
        SessionUnreadable: it is no document.
    """
    with contextlib.suppress(SessionFormatUnknown):
        session = codec.decode(value)
        return keyspace.life(session, session.ttl)
    return 0


def is_same_owner(one: Record, other: Record) -> bool:
    """Whether two documents or tombstones belong to the same owner, or both to nobody."""
    return _read_owner(one) == _read_owner(other)


def _read_owner(record: Record) -> str | None:
    return codec.owner_of(codec.join(record.version, record.body))


def _drop_owner(record: Record, keyspace: Keyspace) -> Record:
    """The same document without an owner, as the one it replaces has none.

    Raises:
        SessionFormatUnknown: a newer release wrote it.
    """
    session = codec.decode(codec.join(record.version, record.body))
    session.owner = None
    body = codec.encode_body(session, MERGED_MAX_BYTES, keyspace.build_list_entry(session))
    return record._replace(body=body, indexes=keyspace.indexes(None))


def is_same_document(one: Record, other: Record) -> bool:
    """Whether two records hold the same document; their expiry may differ."""
    return (one.version, one.body) == (other.version, other.body)
