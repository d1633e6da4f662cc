"""The contract every engine fulfils: keys, documents as bytes, and indexes by expiry.

An engine knows nothing of conversations. It compares versions, keeps expiry, and says what
happened in one of four outcomes; that it could not be asked is an exception,
StoreUnavailable, so that nobody can take it for a missing session.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

Clock = Callable[[], float]
"""Seconds since 1970, UTC, as time.time answers them; tests move their own."""
HEAD_BYTES = 48
"""As much of a value as tells its version and whether it is a tombstone."""
PASSAGE_BYTES = 64
"""As much as is read in front of a landmark."""
INDEX_KEPT = 30 * 86_400
"""Seconds an index outlives the last session that was created or extended in it."""
COUNTER_PREFIX = "rate:"
"""What begins the key of a counter, and of nothing else."""
QUARANTINE_SUFFIX = ":corrupt"
"""What ends the key of an unreadable value in quarantine."""


# An entry for lists that was made for the document as it is.
_LISTED = re.compile(rb',"updated_at":([0-9]+),[^{]*"list_entry":\{"at":\1,')


class StoreUrlError(ValueError):
    """A URL names no engine that can be used; the message is a sentence without passwords."""


class Condition(StrEnum):
    """What must be true of the stored document for a write to happen.

    A document that is stored already, byte for byte, is not refused by any of these: whoever
    did not hear the answer may ask again, and what it asked for is done once.
    """

    ABSENT = "absent"
    """Nothing is stored under the key (create)."""
    UNCHANGED = "unchanged"
    """The stored version is the one the record replaces (save)."""
    ANY = "any"
    """Nothing; the stored version is raised by one, to the record's at least (replace)."""
    OLDER = "older"
    """Nothing is stored, or a lower version (put-if-newer)."""
    OWNED = "owned"
    """Nothing is stored, or a document of the same session and owner; as ANY otherwise."""
    MIRROR = "mirror"
    """As OLDER, but somebody else's document is not replaced (the second of two copies)."""
    IDLE = "idle"
    """A document is stored that nobody used after the record's `active_at`; as ANY otherwise."""


RAISING = frozenset({Condition.ANY, Condition.OWNED, Condition.IDLE})
"""Conditions of a writer that need not know the stored version: it is raised by one."""


class Outcome(StrEnum):
    """What became of a write."""

    STORED = "stored"
    MISSING = "missing"
    CONFLICT = "conflict"
    CORRUPT = "corrupt"


class Record(NamedTuple):
    """A document on its way into an engine.

    Attributes:
        key: where it goes.
        version: the version it gets (with Condition.ANY at least this one).
        body: the document after its version member, see document.encode_body.
        expires_at: milliseconds since 1970 at which it and its index entries end.
        member: its name in the indexes.
        indexes: keys of the indexes by expiry it stands in, in order of width.
        deleted: whether it is a tombstone, which leaves the indexes instead of entering them.
        replaces: the stored version that Condition.UNCHANGED asks for; the one before `version`
            when left out.
        base: the stored value that a change was made from, for a store in which a version alone
            does not tell which copy that was.
        idle_index: key of the index by last use it stands in; empty for none.
        active_at: milliseconds since 1970 of the last use, its place in that index.
    """

    key: str
    version: int
    body: bytes
    expires_at: int
    member: str
    indexes: Sequence[str] = ()
    deleted: bool = False
    replaces: int | None = None
    base: bytes | None = None
    idle_index: str = ""
    active_at: int = 0

    def at(self, version: int) -> "Record":
        """The same document with this version; most often it has it already."""
        return self if version == self.version else self._replace(version=version)

    @property
    def all_indexes(self) -> tuple[str, ...]:
        """The keys of every index it stands in."""
        return (*self.indexes, self.idle_index) if self.idle_index else tuple(self.indexes)

    @property
    def expected(self) -> int:
        """The stored version that Condition.UNCHANGED asks for."""
        return self.version - 1 if self.replaces is None else self.replaces


class Put(NamedTuple):
    """The answer to a write: the outcome, and the version that is stored now (0: none known)."""

    outcome: Outcome
    version: int


class Extract(NamedTuple):
    """What is read of a document for a list.

    Attributes:
        head: its first bytes.
        passage: of a document whose head has no entry for lists, the bytes in front of a
            landmark; empty if there is none.
    """

    head: bytes
    passage: bytes = b""


class Count(NamedTuple):
    """A counter: the number in its window, and seconds left of the window."""

    number: int
    seconds_left: float


SPEND_STEPS = 12
"""The steps in which the window of a budget slides; see Counters.spend."""


class Counters(ABC):
    """What an engine has that counts for all its processes; not every engine does."""

    @abstractmethod
    def increment(self, key: str, seconds: int) -> Count:
        """Count one more under a key, atomically; the first begins a window of so many seconds.

        Raises:
            StoreUnavailable: the engine could not be asked.
            SessionUnreadable: something else than a counter is stored there.
        """

    @abstractmethod
    def read_count(self, key: str) -> Count:
        """How often was counted in the present window, without counting; 0 where none has begun.

        Raises:
            As `increment`.
        """

    @abstractmethod
    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:
        """Spend an amount from several budgets, atomically, if every one of them still has it.

        Args:
            budgets: what each key may spend within the window.
            amount: how much is spent.
            seconds: how long the window is; it slides in SPEND_STEPS steps.

        Returns:
            0 if it was spent; else seconds until it may be, and nothing was spent.

        Raises:
            As `increment`.
        """


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much a local engine holds for another: living documents, tombstones among them.

    Attributes:
        count: how many.
        age_seconds: since the one that was written first; 0 without any.
    """

    count: int
    age_seconds: float


class DocumentStore(ABC):
    """Documents under keys, as a stage of a migration decides them.

    Every method raises StoreUnavailable when the engine cannot be asked.
    """

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The stored value as it is, readable or not; None when there is none."""

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Many stored values, in this order; engines that can do it in one trip do."""
        return [self.get(key) for key in keys]

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """The beginnings of many values, in this order, in one trip; None where there is none.

        Args:
            keys: which ones.
            length: how many bytes of each.
            landmark: what a passage ends in front of; empty for no passages.
        """
        return [_cut(value, length, landmark) for value in self.get_many(keys)]

    @abstractmethod
    def put(self, record: Record, condition: Condition) -> Put:
        """Store a document if the condition holds, atomically and in one round trip.

        Where exactly this document is stored already, that is the answer, and nothing but an
        earlier end of its life is changed.
        """

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        """Store many documents, each as `put` would; engines that can do it in fewer trips."""
        return [self.put(record, condition) for record in records]

    @abstractmethod
    def delete(self, record: Record) -> bool:
        """Remove a document and its index entries; False when there was none.

        A record that is a tombstone is what a store with two copies leaves instead; one engine
        by itself keeps nothing. Either way an unreadable value in quarantine under the same key
        goes as well, here and where `put` stores a tombstone, unless it names another owner.
        """

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        """Remove many documents, each as `delete` would; engines that can do it in one trip do."""
        return [self.delete(record) for record in records]

    @abstractmethod
    def touch(self, record: Record) -> bool:
        """Move expiry and last use of the document, never to an earlier instant.

        The document stays as it is.

        `version` and `body` of the record are not looked at. False when nothing is stored.
        """


class SessionIndex(ABC):
    """Names of sessions by expiry and by last use; raises StoreUnavailable as DocumentStore."""

    @abstractmethod
    def count(self, index: str) -> int:
        """How many sessions in this index have not expired; expired entries are dropped."""

    @abstractmethod
    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        """Names in this index, the ones that expire last first; expired entries are dropped."""

    @abstractmethod
    def trim(self, index: str) -> int:
        """Drop the entries of an index by expiry whose sessions have expired; how many went."""

    @abstractmethod
    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        """Names in an index by last use that nobody used after `before` (ms), longest idle first.

        Those that have expired meanwhile may be among them; writing with Condition.IDLE answers
        MISSING for them and drops their entries.
        """


class StoreAdministration(ABC):
    """What operators ask of an engine; raises StoreUnavailable as DocumentStore.

    Attributes:
        name: the engine in one word, for operators: memory, sqlite, redis.
        timeout: seconds that one of its answers may take; 0 where it waits for no network.
    """

    name: str
    timeout: float = 0.0

    @abstractmethod
    def ping(self) -> None:
        """Ask the engine for a sign of life."""

    def risks(self) -> list[str]:
        """What in the engine's settings could lose sessions, a sentence each."""
        return []

    def memory(self) -> Mapping[str, int]:
        """Bytes in use as `used`, and the most there may be as `maximum` (0: no limit).

        Empty for an engine that has no such limit.
        """
        return {}

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and files; the store is not used afterwards."""


class Store(DocumentStore, SessionIndex, StoreAdministration):
    """One engine: documents and what is known about them, their indexes, its administration."""

    def heads(self, keys: Sequence[str]) -> list[bytes | None]:
        """The first HEAD_BYTES of many values or more, for their versions, in this order."""
        return self.get_many(keys)

    @abstractmethod
    def expires_at(self, key: str) -> int | None:
        """Milliseconds since 1970 at which the document ends; None when there is none."""

    def is_unsure(self, key: str) -> bool:  # noqa: ARG002 - an engine by itself never is
        """Whether what is read may turn out to be somebody else's, once an engine can be asked."""
        return False

    @abstractmethod
    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        """Move an unreadable value to `<key>:corrupt`, where it stays until `keep_until` (ms).

        Its entries in these indexes go. Whose it was may not be known any more; then an owner's
        index keeps its entry, by which the value is found when all of the owner's is deleted.

        False when the key does not hold this value any more.
        """


class LocalStore(Store):
    """An engine of this host that also hands out whole records and takes them back.

    Unreadable values in quarantine are no documents and are never handed out.
    """

    file: Path | None = None
    """Where it keeps them; None in memory."""

    @abstractmethod
    def read_record(self, key: str) -> Record | None:
        """What is stored under a key as a record for another engine; None without a document."""

    @abstractmethod
    def install(self, record: Record) -> None:
        """Keep a document as it is, whatever is there and however full the store."""

    @abstractmethod
    def swap(self, old: Record, new: Record) -> bool:
        """Put a document in another one's place, only while exactly that one is stored."""

    @abstractmethod
    def forget_many(self, records: Sequence[Record]) -> int:
        """Remove documents, each only while exactly this one is stored; how many went."""

    @abstractmethod
    def list_keys(self) -> list[str]:
        """The keys of every document that has not expired."""

    @abstractmethod
    def pending(self, limit: int, *, but: Container[str] = ()) -> list[Record]:
        """So many records at most: tombstones first, then those that were written first.

        Args:
            limit: how many.
            but: keys of records that are not wanted now.
        """

    @abstractmethod
    def backlog(self) -> Backlog:
        """How many documents are stored, and since when the first of them is."""

    @abstractmethod
    def has_room(self, size: int) -> bool:
        """Whether its own limit leaves so many bytes for new documents."""

    @abstractmethod
    def compact(self) -> None:
        """Give back the room of what was removed, so that nothing of it can be read any more."""


def _cut(value: bytes | None, length: int, landmark: bytes) -> Extract | None:
    """What an engine without means of its own extracts of a value."""
    if value is None:
        return None
    head = value[:length]
    found = landmark and _LISTED.search(head) is None
    end = value.find(landmark) if found else -1
    return Extract(head, value[max(0, end - PASSAGE_BYTES) : end] if end > 0 else b"")


def quarantine_key(key: str) -> str:
    """Where an unreadable value of this key is quarantined."""
    return key + QUARANTINE_SUFFIX


def is_quarantine_key(key: str) -> bool:
    """Whether a key is one that `quarantine_key` made."""
    return key.endswith(QUARANTINE_SUFFIX)
