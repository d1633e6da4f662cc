"""Two copies of every session, in the dict and in the engine: what differs, and how it is settled.

The higher version wins and the other copy is brought up to it, keeping its expiry. Copies that
were changed apart are merged by the rule of their keyspace. A tombstone wins over what it
deleted.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from itertools import islice

from services.errors import (
    SessionConflict,
    SessionFormatUnknown,
    SessionUnreadable,
    StoreUnavailable,
)
from services.sessions import document
from services.sessions.keyspaces import INDEX_KEPT, UNREADABLE_KEPT, Keyspace
from services.sessions.stores.base import Clock, Condition, Outcome, Record, Store
from services.sessions.stores.memory import MemoryStore

log = logging.getLogger(__name__)

BATCH = 200
"""Sessions in one round trip."""
LOCKS = 256
"""How many locks the keys share."""
SETTLE_ATTEMPTS = 20
"""How often two copies are compared again when someone else is faster."""
TROUBLE_SECONDS = 0.5
"""How long no request tries the second copy after it could not be reached."""
WINDOW_SECONDS = 60
"""How far back mismatches count against going on."""
MERGED_MAX_BYTES = 2**31
"""Two copies that were both accepted make one, also above the limit for a save."""


@dataclass(slots=True)
class Tallies:
    """What happened to the copies of this process since it started.

    Attributes:
        compared: copies that were looked at side by side.
        lag: of these, how many had different versions.
        mismatched: of these, how many had the same version and different content.
        adopted: copies the dict took over from the engine.
        sent: copies the engine took over from the dict.
        merged: copies that were changed apart and made one.
        unmirrored: writes whose second copy could not be written at once.
    """

    compared: int = 0
    lag: int = 0
    mismatched: int = 0
    adopted: int = 0
    sent: int = 0
    merged: int = 0
    unmirrored: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def mismatches(self, now: float) -> int:
        """How many mismatches there were within WINDOW_SECONDS."""
        return sum(1 for when in list(self.recent) if when > now - WINDOW_SECONDS)


class KeySet:
    """Keys to be worked on later, in the order they came; safe under threads.

    A key stays in the set while it is worked on, so that nobody takes its copy for settled.
    """

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._lock = threading.Lock()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, *keys: str) -> None:
        """Remember these keys."""
        if len(keys) == 1 and keys[0] in self._keys:
            return
        with self._lock:
            self._keys.update(dict.fromkeys(keys))

    def discard(self, key: str) -> None:
        """Forget this key; it is dealt with."""
        with self._lock:
            self._keys.pop(key, None)

    def some(self, most: int, *, but: Container[str] = ()) -> list[str]:
        """So many of the keys at most, without those that are not wanted now."""
        with self._lock:
            return list(islice((key for key in self._keys if key not in but), most))


class Copies:
    """The dict and the engine of one process.

    Args:
        old: the dict.
        new: the engine.
        keyspaces: the kinds of session, for owners and merging.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        old: MemoryStore,
        new: Store,
        keyspaces: Iterable[Keyspace],
        *,
        clock: Clock = time.time,
    ) -> None:
        self.old = old
        self.new = new
        self.clock = clock
        self.tallies = Tallies()
        self.unsent = KeySet()
        self.uncompared = KeySet()
        self._keyspaces = tuple(keyspaces)
        self._locks = tuple(threading.RLock() for _ in range(LOCKS))
        self._sending = threading.Lock()
        self._trouble_until = 0.0

    def lock(self, key: str) -> threading.RLock:
        """Held while both copies of a session are brought into line."""
        return self._locks[hash(key) % LOCKS]

    @property
    def troubled(self) -> bool:
        """Whether the engine could not be reached a moment ago; the flusher then tries it."""
        return time.monotonic() < self._trouble_until

    def trouble(self, key: str) -> None:
        """The engine could not be written: the copy is sent later."""
        self.away()
        self.postpone(key)

    def away(self) -> None:
        """The engine could not be asked."""
        self._trouble_until = time.monotonic() + TROUBLE_SECONDS

    def postpone(self, key: str) -> None:
        """Let the flusher send this copy."""
        self.tallies.unmirrored += 1
        self.unsent.add(key)

    def recovered(self) -> None:
        """The engine was reached."""
        self._trouble_until = 0.0

    def adopt(self, key: str) -> bytes | None:
        """Take the engine's copy over into the dict, unless the dict's is newer by now.

        Returns:
            What the dict holds then, or what the engine holds if that is no document.

        Raises:
            StoreUnavailable: the engine could not be asked, or the dict is full.
        """
        with self.lock(key):
            value = self.new.get(key)
            record = self._record(key, value)
            if record is None:
                return value
            if record.deleted and self.old.get(key) is None:
                return value
            if self.old.put(record, Condition.OLDER).outcome is Outcome.STORED:
                self.tallies.adopted += 1
            return self.old.get(key)

    def yield_to_engine(self, key: str) -> None:
        """Put the engine's copy in the place of the dict's, which lost against it."""
        record = self._record(key, self.new.get(key))
        if record is not None:
            self.old.install(record)

    def send(self, key: str) -> None:
        """Bring the engine's copy up to the dict's, and the dict's if the engine's is better.

        Raises:
            StoreUnavailable: the engine could not be asked.
            SessionConflict: others wrote it faster, SETTLE_ATTEMPTS times.
        """
        with self.lock(key):
            for _ in range(SETTLE_ATTEMPTS):
                mine = self.old.copy_of(key)
                if mine is None or self._settled(mine):
                    self.unsent.discard(key)
                    return
        raise SessionConflict(key)

    def send_all(self, *, pause: float = 0, told: Callable[[int], None] | None = None) -> None:
        """Send what the engine lacks, in batches, until nothing is left.

        Args:
            pause: seconds between two batches, so that requests come in between.
            told: is called with the size of each batch that was sent.

        Raises:
            StoreUnavailable: the engine could not be asked; what was not sent stays unsent.
        """
        with self._sending:
            failed: set[str] = set()
            while keys := self.unsent.some(BATCH, but=failed):
                failed |= self._send_many(keys)
                self.recovered()
                if told:
                    told(len(keys))
                time.sleep(pause)

    def empty_dict(self) -> None:
        """Forget every copy that the engine has."""
        for key in self.old.stored_keys():
            with self.lock(key):
                if key not in self.unsent:
                    self.old.forget(key)

    def refresh(self) -> None:
        """Take over what other processes wrote to the engine since the dict saw it last.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        keys = [key for key in self.old.stored_keys() if key not in self.unsent]
        for at in range(0, len(keys), BATCH):
            batch = keys[at : at + BATCH]
            for key, head in zip(batch, self.new.heads(batch), strict=True):
                if head is not None and is_newer(head, self.old.get(key)):
                    self.adopt(key)

    def _send_many(self, keys: Iterable[str]) -> set[str]:
        """Send many copies in one round trip, and settle those the engine has already.

        Returns:
            The keys of copies that could not be settled; one of them keeps no other from it.
        """
        records = []
        for key in keys:
            with self.lock(key):
                record = self.old.copy_of(key)
                if record is None:  # it has expired
                    self.unsent.discard(key)
                else:
                    records.append(record)
        answers = self.new.put_many(records, Condition.ABSENT)
        failed = set()
        for record, answer in zip(records, answers, strict=True):
            try:
                if answer.outcome is Outcome.STORED:
                    self._sent(record)
                else:
                    self.send(record.key)
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("two copies of a session could not be settled; trying again later")
                failed.add(record.key)
        return failed

    def _sent(self, record: Record) -> None:
        """The engine has this copy now; a request may have changed the dict's meanwhile."""
        self.tallies.sent += 1
        with self.lock(record.key):
            if self.old.copy_of(record.key) in (None, record):
                self.unsent.discard(record.key)

    def compare(self, key: str) -> None:
        """Look at both copies and count how they differ; what lags behind is brought up.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        with self.lock(key):
            mine, theirs = self.old.get(key), self.new.get(key)
            if mine is None or key in self.unsent:
                return
            self.tallies.compared += 1
            if mine == theirs:
                return
            if theirs is None or document.version_of(theirs) != document.version_of(mine):
                self.tallies.lag += 1
            else:
                self.tallies.mismatched += 1
                self.tallies.recent.append(self.clock())
                log.warning("two copies of a session differ at the same version")
            self.send(key)

    def _settled(self, mine: Record) -> bool:
        """Whether the engine has now what is right, given the dict's copy."""
        put = self.new.put(mine, Condition.ABSENT)
        if put.outcome is Outcome.STORED:
            self.tallies.sent += 1
            return True
        value = self.new.get(mine.key)
        if value is None:
            return False
        if value == document.join(mine.version, mine.body):
            self.new.touch(mine)
            return True
        theirs = self._record(mine.key, value)
        if theirs is None:
            keep_until = int(self.clock() * 1000) + UNREADABLE_KEPT * 1000
            self.new.set_aside(mine.key, value, keep_until, mine.member)
            return False
        right = self._better(mine, theirs)
        if right != theirs:
            right = right._replace(replaces=theirs.version)
            if self.new.put(right, Condition.UNCHANGED).outcome is not Outcome.STORED:
                return False
            self.tallies.sent += 1
        self.old.install(right._replace(replaces=None))
        return True

    def _better(self, mine: Record, theirs: Record) -> Record:
        """The one record that both copies are to become."""
        higher, lower = (mine, theirs) if mine.version > theirs.version else (theirs, mine)
        expires_at = max(mine.expires_at, theirs.expires_at)
        keyspace = self._keyspace_of(mine.key)
        if higher.deleted or (keyspace.reusable and lower.deleted):
            return higher
        if lower.deleted:
            return lower._replace(version=higher.version + 1)
        merged = self._merged(keyspace, higher, lower)
        if merged is None:
            return higher._replace(expires_at=expires_at)
        self.tallies.merged += 1
        return higher._replace(version=higher.version + 1, body=merged, expires_at=expires_at)

    def _merged(self, keyspace: Keyspace, higher: Record, lower: Record) -> bytes | None:
        """The body both copies make together; None when the higher has all of the lower."""
        try:
            above = document.decode(document.join(higher.version, higher.body))
            below = document.decode(document.join(lower.version, lower.body))
        except (SessionUnreadable, SessionFormatUnknown):
            return None
        together = keyspace.merge(above, below, None)
        if together == above:
            return None
        above.clear()
        above.update(together)
        return document.encode_body(above, MERGED_MAX_BYTES)

    def _record(self, key: str, value: bytes | None) -> Record | None:
        """The engine's copy as a record; None when it holds no document."""
        parts = document.split(value) if value else None
        expires_at = self.new.expires_at(key) if parts else None
        if not value or not parts or expires_at is None:
            return None
        keyspace = self._keyspace_of(key)
        try:
            owner = document.owner_of(value)
        except SessionUnreadable:
            return None
        return Record(
            key,
            *parts,
            expires_at,
            keyspace.id_in(key),
            keyspace.indexes(owner),
            expires_at + INDEX_KEPT * 1000,
            document.is_tombstone(value),
        )

    def _keyspace_of(self, key: str) -> Keyspace:
        for keyspace in self._keyspaces:
            if key.startswith(keyspace.prefix):
                return keyspace
        raise LookupError("the key belongs to no keyspace of this process")


def is_newer(value: bytes | None, other: bytes | None) -> bool:
    """Whether a stored value, or the head of one, has a higher version than another."""
    return _version(value) > _version(other)


def _version(value: bytes | None) -> int:
    return (document.version_of(value) or 0) if value else 0
