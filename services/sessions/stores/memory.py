"""Sessions in this process: the dict of old, with a bound, a clock and bytes for values."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.errors import StoreUnavailable
from services.sessions import document
from services.sessions.stores.base import (
    Clock,
    Condition,
    Outcome,
    Put,
    Record,
    Store,
    corrupt_key,
)


@dataclass(slots=True)
class _Entry:
    """A stored value with what Redis would keep beside it."""

    value: bytes
    expires_at: int
    member: str = ""
    indexes: Sequence[str] = ()
    index_expires_at: int = 0
    deleted: bool = False


class MemoryStore(Store):
    """Sessions in a dict of this process, safe under threads, gone when the process ends.

    Args:
        max_sessions: the most entries kept. A full store refuses a new session rather than
            forget an old one.
        clock: seconds since 1970.
    """

    name = "memory"

    def __init__(self, *, max_sessions: int = 10_000, clock: Clock = time.time) -> None:
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.RLock()
        self._max_sessions = max_sessions
        self._clock = clock
        self._creations = 0

    def get(self, key: str) -> bytes | None:
        with self._lock:
            entry = self._living(key)
            return entry.value if entry else None

    def head(self, key: str) -> bytes | None:
        return self.get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        with self._lock:
            entry = self._living(record.key)
            stored = document.version_of(entry.value) if entry else 0
            if stored is None:
                return Put(Outcome.CORRUPT, 0)
            refused = _refuse(stored, record, condition)
            if refused:
                return Put(refused, stored)
            if not entry:
                self._make_room()
            version = record.version
            if condition is Condition.ANY:
                version = max(stored + 1, version)
            self.install(record.at(version))
            return Put(Outcome.STORED, version)

    def install(self, record: Record) -> None:
        """Keep a document as it is, whatever is there and however full the store."""
        entry = _Entry(
            document.join(record.version, record.body),
            record.expires_at,
            record.member,
            record.indexes,
            record.index_expires_at,
            record.deleted,
        )
        with self._lock:
            self._entries[record.key] = entry

    def copy_of(self, key: str) -> Record | None:
        """What is stored under a key as a record for another engine; None without a document."""
        with self._lock:
            entry = self._living(key)
        parts = document.split(entry.value) if entry else None
        if not entry or not parts:
            return None
        return Record(
            key,
            *parts,
            entry.expires_at,
            entry.member,
            entry.indexes,
            entry.index_expires_at,
            entry.deleted,
        )

    def forget(self, key: str) -> None:
        """Let go of whatever is stored under a key."""
        with self._lock:
            self._entries.pop(key, None)

    def stored_keys(self) -> list[str]:
        """The keys of everything that has not expired."""
        with self._lock:
            self._drop_expired()
            return list(self._entries)

    def delete(self, record: Record) -> bool:
        with self._lock:
            there = self._living(record.key) is not None
            self._entries.pop(record.key, None)
            return there

    def touch(self, record: Record) -> bool:
        with self._lock:
            entry = self._living(record.key)
            if entry:
                entry.expires_at = max(entry.expires_at, record.expires_at)
            return entry is not None

    def expires_at(self, key: str) -> int | None:
        with self._lock:
            entry = self._living(key)
            return entry.expires_at if entry else None

    def set_aside(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        with self._lock:
            entry = self._living(key)
            if not entry or entry.value != value:
                return False
            del self._entries[key]
            self._entries[corrupt_key(key)] = _Entry(value, keep_until)
            return True

    def count(self, index: str) -> int:
        return len(self._indexed(index))

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        newest_first = sorted(
            self._indexed(index), key=lambda entry: (entry.expires_at, entry.member), reverse=True
        )
        return [entry.member for entry in newest_first[start : start + limit]]

    def ping(self) -> None:
        """Nothing to ask: the dict is there as long as the process is."""

    def close(self) -> None:
        """Forget every session."""
        with self._lock:
            self._entries.clear()

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _living(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry and entry.expires_at <= self._now():
            del self._entries[key]
            return None
        return entry

    def _indexed(self, index: str) -> list[_Entry]:
        with self._lock:
            self._drop_expired()
            living = (entry for entry in self._entries.values() if not entry.deleted)
            return [entry for entry in living if index in entry.indexes]

    def _make_room(self) -> None:
        """Drop what expired: when full, and often enough that the dead never outnumber the rest."""
        self._creations += 1
        full = len(self._entries) >= self._max_sessions
        if full or self._creations > max(64, len(self._entries) // 2):
            self._drop_expired()
        if len(self._entries) >= self._max_sessions:
            raise StoreUnavailable("memory_full", retry_after=60)

    def _drop_expired(self) -> None:
        now = self._now()
        self._creations = 0
        for key in [key for key, entry in self._entries.items() if entry.expires_at <= now]:
            del self._entries[key]


def _refuse(stored: int, record: Record, condition: Condition) -> Outcome | None:
    """Why a write may not happen over the stored version (0: nothing stored); None if it may."""
    if condition is Condition.ABSENT and stored:
        return Outcome.CONFLICT
    if condition is Condition.UNCHANGED and stored != record.expected:
        return Outcome.CONFLICT if stored else Outcome.MISSING
    if condition is Condition.OLDER and stored >= record.version:
        return Outcome.CONFLICT
    return None
