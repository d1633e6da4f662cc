"""The memory engine: documents as bytes in this process, bounded, with a clock that tests move."""

import threading
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import islice

from .. import codec
from ..errors import StoreFull
from .base import (
    RAISING,
    Backlog,
    Clock,
    Condition,
    LocalStore,
    Outcome,
    Put,
    Record,
    is_quarantine_key,
    quarantine_key,
)
from .clocks import make_steady

MAX_BYTES = 268_435_456
"""The most bytes kept, unless the settings say otherwise."""
ENTRY_BYTES = 640
"""What an entry takes besides its key and its value: measured with two indexes, and rounded up."""
NEW_SHARE = 0.9
"""The share of the bytes that new sessions may fill; the rest is left to those that are stored."""


@dataclass(slots=True)
class _Entry:
    """A stored value with what Redis would keep beside it."""

    value: bytes
    expires_at: int
    member: str = ""
    indexes: Sequence[str] = ()
    deleted: bool = False
    written_at: int = 0
    idle_index: str = ""
    active_at: int = 0


class MemoryStore(LocalStore):
    """Sessions in a dict of this process, safe under threads, gone when the process ends.

    Args:
        max_sessions: the most entries kept. A full store refuses a new session rather than
            forget an old one.
        max_bytes: the most bytes kept, each entry with ENTRY_BYTES; beyond NEW_SHARE of them new
            sessions are refused, and those that are stored can grow as long as it fits.
        clock: seconds since 1970.
    """

    name = "memory"

    def __init__(
        self,
        *,
        max_sessions: int = 10_000,
        max_bytes: int = MAX_BYTES,
        clock: Clock = time.time,
    ) -> None:
        self._entries: dict[str, _Entry] = {}
        self._bytes = 0
        self._lock = threading.RLock()
        self._max_sessions = max_sessions
        self._max_bytes = max_bytes
        self._clock = make_steady(clock)
        self._creations = 0

    def get(self, key: str) -> bytes | None:
        with self._lock:
            entry = self._living(key)
            return entry.value if entry else None

    def put(self, record: Record, condition: Condition) -> Put:
        with self._lock:
            entry = self._living(record.key)
            stored = codec.version_of(entry.value) if entry else 0
            if stored is None:
                return Put(Outcome.CORRUPT, 0)
            refused = _refuse(entry, stored, record, condition)
            if entry and refused and entry.value == codec.join(record.version, record.body):
                self.touch(record)
                return Put(Outcome.STORED, stored)
            if refused:
                return Put(refused, stored)
            self._make_room(record, entry)
            version = record.version
            if condition in RAISING:
                version = max(stored + 1, version)
            self.install(record.at(version))
            return Put(Outcome.STORED, version)

    def read_record(self, key: str) -> Record | None:
        with self._lock:
            entry = self._living(key)
            return _record(key, entry) if entry else None

    def install(self, record: Record) -> None:
        with self._lock:
            entry = _Entry(
                codec.join(record.version, record.body),
                record.expires_at,
                record.member,
                record.indexes,
                record.deleted,
                self._now(),
                record.idle_index,
                record.active_at,
            )
            self._keep(record.key, entry)
            if record.deleted:
                self._drop_quarantined(record)

    def swap(self, old: Record, new: Record) -> bool:
        with self._lock:
            entry = self._living(old.key)
            if not entry or entry.value != codec.join(old.version, old.body):
                return False
            self.install(new)
            return True

    def forget_many(self, records: Sequence[Record]) -> int:
        with self._lock:
            return sum(self._forget(record) for record in records)

    def list_keys(self) -> list[str]:
        with self._lock:
            self._drop_expired()
            return [key for key in self._entries if not is_quarantine_key(key)]

    def pending(self, limit: int, *, but: Container[str] = ()) -> list[Record]:
        with self._lock:
            self._drop_expired()
            entries = sorted(
                self._entries.items(), key=lambda item: (not item[1].deleted, item[1].written_at)
            )
            wanted = (_record(key, entry) for key, entry in entries if key not in but)
            return list(islice(filter(None, wanted), limit))

    def backlog(self) -> Backlog:
        with self._lock:
            written = [self._entries[key].written_at for key in self.list_keys()]
        now = self._now()
        return Backlog(len(written), max(0, now - min(written, default=now)) / 1000)

    def delete(self, record: Record) -> bool:
        with self._lock:
            there = self._living(record.key) is not None
            self._drop(record.key)
            self._drop_quarantined(record)
            return there

    def touch(self, record: Record) -> bool:
        with self._lock:
            entry = self._living(record.key)
            if entry:
                entry.expires_at = max(entry.expires_at, record.expires_at)
                entry.active_at = max(entry.active_at, record.active_at)
            return entry is not None

    def expires_at(self, key: str) -> int | None:
        with self._lock:
            entry = self._living(key)
            return entry.expires_at if entry else None

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        with self._lock:
            entry = self._living(key)
            if not entry or entry.value != value:
                return False
            self._drop(key)
            kept = [index for index in entry.indexes if index not in indexes]
            self._keep(quarantine_key(key), _Entry(value, keep_until, member, kept))
            return True

    def count(self, index: str) -> int:
        return len(self._indexed(index))

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        newest_first = sorted(
            self._indexed(index), key=lambda entry: (entry.expires_at, entry.member), reverse=True
        )
        return [entry.member for entry in newest_first[start : start + limit]]

    def trim(self, index: str) -> int:
        with self._lock:
            now = self._now()
            gone = [
                key
                for key, entry in self._entries.items()
                if entry.expires_at <= now and index in entry.indexes
            ]
            for key in gone:
                self._drop(key)
            return len(gone)

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        with self._lock:
            found = [
                entry
                for entry in self._entries.values()
                if entry.idle_index == index and entry.active_at <= before and not entry.deleted
            ]
        longest_first = sorted(found, key=lambda entry: (entry.active_at, entry.member))
        return [entry.member for entry in longest_first[:limit]]

    def ping(self) -> None:
        """Nothing to ask: the dict is there as long as the process is."""

    def close(self) -> None:
        """Forget every session."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def has_room(self, size: int) -> bool:
        return self._bytes + size <= self._max_bytes * NEW_SHARE

    def compact(self) -> None:
        """Nothing to do: the process gets back what is dropped."""

    def _forget(self, record: Record) -> bool:
        entry = self._living(record.key)
        if not entry or entry.value != codec.join(record.version, record.body):
            return False
        self._drop(record.key)
        return True

    def _keep(self, key: str, entry: _Entry) -> None:
        """Put an entry under a key, in the place of what is there."""
        self._drop(key)
        self._entries[key] = entry
        self._bytes += _measure(key, entry.value)

    def _drop(self, key: str) -> None:
        """Remove what is under a key, if anything is."""
        entry = self._entries.pop(key, None)
        if entry:
            self._bytes -= _measure(key, entry.value)

    def _drop_quarantined(self, record: Record) -> None:
        """Remove what is in quarantine under a record's key, unless it names another owner."""
        key = quarantine_key(record.key)
        entry = self._entries.get(key)
        if entry and not codec.names_other_owner(entry.value, record.body):
            self._drop(key)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _living(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry and entry.expires_at <= self._now():
            self._drop(key)
            return None
        return entry

    def _indexed(self, index: str) -> list[_Entry]:
        with self._lock:
            self._drop_expired()
            living = (entry for entry in self._entries.values() if not entry.deleted)
            return [entry for entry in living if index in entry.indexes]

    def _make_room(self, record: Record, present: _Entry | None) -> None:
        """Make sure that a document fits, in the place of the present one if there is one.

        Expired entries are dropped when it is full, and often enough that the dead never
        outnumber the rest.

        Raises:
            StoreFull: it does not fit.
        """
        if not present:
            self._creations += 1
        is_due = self._creations > max(64, len(self._entries) // 2)
        if is_due or not self._fits(record, present):
            self._drop_expired()
        if not self._fits(record, present):
            raise StoreFull("memory_full", retry_after=60)

    def _fits(self, record: Record, present: _Entry | None) -> bool:
        """Whether a document may be stored; one that does not grow always may."""
        if not present:
            size = _measure(record.key, record.body)
            return len(self._entries) < self._max_sessions and self.has_room(size)
        growth = len(record.body) - len(present.value)
        return growth <= 0 or self._bytes + growth <= self._max_bytes

    def _drop_expired(self) -> None:
        now = self._now()
        self._creations = 0
        for key in [key for key, entry in self._entries.items() if entry.expires_at <= now]:
            self._drop(key)


def _measure(key: str, value: bytes) -> int:
    """What an entry takes, in bytes."""
    return ENTRY_BYTES + len(key) + len(value)


def _record(key: str, entry: _Entry) -> Record | None:
    """What is stored as a record for another engine; None for what is no document."""
    parts = None if is_quarantine_key(key) else codec.split(entry.value)
    if not parts:
        return None
    return Record(
        key,
        *parts,
        entry.expires_at,
        entry.member,
        entry.indexes,
        entry.deleted,
        idle_index=entry.idle_index,
        active_at=entry.active_at,
    )


def _refuse(
    entry: _Entry | None, stored: int, record: Record, condition: Condition
) -> Outcome | None:
    """Why a write may not happen over the stored version (0: nothing stored); None if it may."""
    if condition is Condition.IDLE and (entry is None or entry.active_at > record.active_at):
        return Outcome.CONFLICT if stored else Outcome.MISSING
    if entry is not None and _is_foreign(entry, record, condition):
        return Outcome.CONFLICT
    if condition is Condition.ABSENT and stored:
        return Outcome.CONFLICT
    if condition is Condition.UNCHANGED and stored != record.expected:
        return Outcome.CONFLICT if stored else Outcome.MISSING
    if condition in (Condition.OLDER, Condition.MIRROR) and stored >= record.version:
        return Outcome.CONFLICT
    return None


def _is_foreign(entry: _Entry, record: Record, condition: Condition) -> bool:
    """Whether what is stored is another session's or owner's, where the condition asks that."""
    if condition is Condition.MIRROR and codec.is_tombstone(entry.value):
        return False
    return condition in (Condition.OWNED, Condition.MIRROR) and not _is_same(entry, record)


def _is_same(entry: _Entry, record: Record) -> bool:
    """Whether a stored document is the same session's and the same owner's as a record."""
    identity = codec.identity_in(record.body)
    parts = codec.split(entry.value)
    return bool(identity) and parts is not None and parts[1].startswith(identity)
