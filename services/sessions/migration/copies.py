"""Two copies of every session, in the dict and in the engine: what differs and what is unsent.

`reconcile.py` decides which copy is right; here both are brought to it, under a lock for the key.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from .. import codec, request_budget
from ..errors import OWNER_UNKNOWN, SessionFormatUnknown, StoreReplyUnknown, StoreUnavailable
from ..keyspaces import Keyspace
from ..reconcile import Reconciler, ReconcileStats, is_same_document
from ..stores.base import Clock, Condition, Outcome, Record, Store
from ..stores.memory import MemoryStore

log = logging.getLogger(__name__)

BATCH = 200
"""Sessions in one round trip."""
LOCKS = 256
"""How many locks the keys share."""
WINDOW_SECONDS = 60
"""How far back mismatches count against going on."""


@dataclass(slots=True)
class CopyStats(ReconcileStats):
    """What happened to the copies of this process since it started.

    Attributes:
        compared: copies that were looked at side by side.
        lag: of these, how many had different versions.
        mismatched: of these, how many had the same version and different content.
        adopted: copies the dict took over from the engine.
        unmirrored: writes whose second copy could not be written at once.
    """

    compared: int = 0
    lag: int = 0
    mismatched: int = 0
    adopted: int = 0
    unmirrored: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def count_mismatches(self, now: float) -> int:
        """How many mismatches there were within WINDOW_SECONDS."""
        return sum(1 for when in list(self.recent) if when > now - WINDOW_SECONDS)


class KeySet:
    """Keys to be worked on later, in the order they came; safe under threads.

    A key stays in the set while it is worked on, so that nobody takes its copies for equal.
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
        self.stats = CopyStats()
        self.unsent = KeySet()
        self.unasked = KeySet()
        self.uncompared = KeySet()
        self._reconciler = Reconciler(new, keyspaces, self.stats, clock=clock)
        self._locks = tuple(threading.RLock() for _ in range(LOCKS))
        self._sending = threading.Lock()

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Held while both copies of a session are brought into line.

        Whoever holds it may be waiting for the engine, so a request waits for it by its budget.

        Raises:
            StoreUnavailable: the request has waited long enough.
        """
        lock = self._locks[hash(key) % LOCKS]
        if not lock.acquire(blocking=False):
            begun = time.monotonic()
            got = lock.acquire(timeout=request_budget.limit_wait(threading.TIMEOUT_MAX))
            request_budget.spend(time.monotonic() - begun)
            if not got:
                raise StoreUnavailable(request_budget.SPENT)
        try:
            yield
        finally:
            lock.release()

    def postpone(self, key: str) -> None:
        """The engine could not be written: the flusher sends this copy."""
        self.stats.unmirrored += 1
        self.unsent.add(key)

    def adopt(self, key: str) -> bytes | None:
        """Take the engine's copy over into the dict, unless the dict's is newer by now.

        Returns:
            What the dict holds then, or what the engine holds if that is no document.

        Raises:
            StoreUnavailable: the engine could not be asked, or the dict is full.
        """
        with self.lock(key):
            value = self.new.get(key)
            record = self._reconciler.to_record(key, value)
            if record is None:
                return value
            if record.deleted and self.old.get(key) is None:
                return value
            if self.old.put(record, Condition.OLDER).outcome is Outcome.STORED:
                self.stats.adopted += 1
            return self.old.get(key)

    def ask_engine(self, key: str) -> None:
        """Give way to the engine where an id turns out to be taken; it is asked no more then.

        Raises:
            StoreUnavailable: the engine could not be asked.
            SessionFormatUnknown: a newer release wrote the engine's copy.
        """
        with self.lock(key):
            if self.new.is_unsure(key):
                raise StoreUnavailable(OWNER_UNKNOWN)
            mine, value = self.old.read_record(key), self.new.get(key)
            if mine and value is not None:
                right = self._reconciler.resolve(mine, value)
                if not is_same_document(right, mine):
                    self.old.install(right)
            self.unasked.discard(key)

    def accept_engine_copy(self, key: str) -> None:
        """Put the engine's copy in the place of the dict's, which lost against it."""
        record = self._reconciler.to_record(key, self.new.get(key))
        if record is not None:
            self.old.install(record)

    def send(self, key: str) -> None:
        """Bring the engine's copy up to the dict's, and the dict's if the engine's is better.

        Raises:
            SessionError: as Reconciler.reconcile.
        """
        with self.lock(key):
            mine = self.old.read_record(key)
            if mine is not None:
                right = self._reconciler.reconcile(mine).record
                if not is_same_document(right, mine):
                    self.old.install(right)
            self.unsent.discard(key)
            if key in self.unasked and not self.new.is_unsure(key):
                self.unasked.discard(key)

    def send_all(self, *, pause: float = 0, on_batch: Callable[[int], None] | None = None) -> None:
        """Send what the engine lacks, in batches, until nothing is left.

        Args:
            pause: seconds between two batches, so that requests come in between.
            on_batch: called with the size of each batch that was sent.

        Raises:
            StoreUnavailable: the engine could not be asked; what was not sent stays unsent.
        """
        with self._sending:
            failed: set[str] = set()
            while keys := self.unsent.some(BATCH, but=failed):
                failed |= self._send_many(keys)
                if on_batch:
                    on_batch(len(keys))
                time.sleep(pause)

    def empty_dict(self) -> None:
        """Forget every copy that the engine has."""
        for key in self.old.list_keys():
            with self.lock(key):
                if key not in self.unsent and (copy := self.old.read_record(key)):
                    self.old.forget_many((copy,))

    def refresh(self) -> None:
        """Take over what other processes wrote to the engine since the dict saw it last.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        keys = [key for key in self.old.list_keys() if key not in self.unsent]
        for at in range(0, len(keys), BATCH):
            batch = keys[at : at + BATCH]
            for key, head in zip(batch, self.new.heads(batch), strict=True):
                if head is not None and is_newer(head, self.old.get(key)):
                    self.adopt(key)

    def _send_many(self, keys: Iterable[str]) -> set[str]:
        """Send many copies in one round trip, and reconcile those the engine has already.

        Returns:
            The keys of copies that could not be reconciled; they hold up no other copy.
        """
        records = []
        for key in keys:
            with self.lock(key):
                record = self.old.read_record(key)
                if record is None:  # it has expired
                    self.unsent.discard(key)
                else:
                    records.append(record)
        failed = set()
        try:
            offered = self._reconciler.offer(records)
        except StoreReplyUnknown:
            offered = [False] * len(records)  # it was about one of them; each finds out
        for record, taken in zip(records, offered, strict=True):
            try:
                if taken:
                    self._mark_sent(record)
                else:
                    self.send(record.key)
            except StoreReplyUnknown:
                failed.add(record.key)
            except StoreUnavailable:
                raise
            except SessionFormatUnknown:
                log.warning("a newer release wrote the engine's copy of a session; it stays")
                self.unsent.discard(record.key)
            except Exception:
                log.exception("two copies of a session could not be reconciled; trying again later")
                failed.add(record.key)
        return failed

    def _mark_sent(self, record: Record) -> None:
        """The engine has this copy now; a request may have changed the dict's meanwhile."""
        with self.lock(record.key):
            if self.old.read_record(record.key) in (None, record):
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
            self.stats.compared += 1
            if mine == theirs:
                return
            if theirs is None or codec.version_of(theirs) != codec.version_of(mine):
                self.stats.lag += 1
            else:
                self.stats.mismatched += 1
                self.stats.recent.append(self.clock())
                log.warning("two copies of a session differ at the same version")
            with contextlib.suppress(SessionFormatUnknown):  # a newer release's stays as it is
                self._bring_up(key, theirs)

    def _bring_up(self, key: str, theirs: bytes | None) -> None:
        """Make one of two copies that differ.

        A dict that merely lags is not sent: while the engine is away its spill would take the
        old copy for the present one.
        """
        mine = self.old.read_record(key)
        right = self._reconciler.resolve(mine, theirs) if mine else None
        if mine and right and theirs == codec.join(right.version, right.body):
            self.old.swap(mine, right)
        else:
            self.send(key)


def is_newer(value: bytes | None, other: bytes | None) -> bool:
    """Whether a stored value, or the head of one, has a higher version than another."""
    return _version(value) > _version(other)


def _version(value: bytes | None) -> int:
    return (codec.version_of(value) or 0) if value else 0
