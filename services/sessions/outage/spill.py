"""The spill: where this host keeps what the engine could not take, until it can.

It is a local engine, SQLite in WAL mode, that all workers of the host share; what it has taken
outlives every one of them. While it holds a session, it is the one that counts on this host.
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from .. import codec, metrics, request_budget
from ..errors import StoreCorrupt, StoreFull, StoreRefused, StoreUnavailable
from ..stores import open_store
from ..stores.base import (
    Backlog,
    Clock,
    Condition,
    Extract,
    LocalStore,
    Outcome,
    Put,
    Record,
    quarantine_key,
)
from .spill_lock import FileSpillLock, SpillLock, ThreadSpillLock

log = logging.getLogger(__name__)

DISK_RETRY_AFTER = 30
"""Seconds after which trying again makes sense when the folder cannot be written."""
ROOM = 65_536
"""Bytes that the disk, and the spill's own limit, must have left to be tried again."""
MAX_BYTES = 268_435_456
"""The most bytes a spill may take, unless the settings say otherwise."""
DISK_FULL = "disk_full"
"""The reason of an engine that has no room, for whatever reason."""
_BESIDE = ("", "-wal", "-shm")
"""The files of an SQLite database, by what is added to its name."""
_R = TypeVar("_R")


class Spill:
    """Sessions that wait for the engine, on this host.

    Args:
        store: the local engine that keeps them.
        file: where that keeps them; None in memory.
        clock: seconds since 1970.

    Attributes:
        file: as given.
    """

    def __init__(
        self, store: LocalStore, *, file: Path | None = None, clock: Clock = time.time
    ) -> None:
        self._store = store
        self.file = file
        self._inode: int | None = None
        self._clock = clock
        self._lock: SpillLock = FileSpillLock(file) if file else ThreadSpillLock()

    @property
    def is_occupied(self) -> bool:
        """Whether it may hold anything; cheap enough to be asked before every call."""
        return self._lock.is_raised

    def get(self, key: str) -> bytes | None:
        """The document, or the tombstone, that waits under this key."""
        return self._read(lambda: self._store.get(key))

    def read_record(self, key: str) -> Record | None:
        """The same as a record for the engine."""
        return self._read(lambda: self._store.read_record(key))

    def extracts(self, keys: Sequence[str], length: int, landmark: bytes) -> list[Extract | None]:
        """What lists show of those that wait under these keys, tombstones among them."""
        return self._read(lambda: self._store.extracts(keys, length, landmark))

    def members(self, index: str, limit: int) -> list[str]:
        """Names of what waits and will stand in this index, the ones that expire last first."""
        return self._read(lambda: self._store.members(index, limit=limit))

    def put(self, record: Record, condition: Condition) -> Put:
        """Take a write the engine could not take, if the condition holds as far as is known.

        What is not here is taken for what the writer saw: an unchanged document where one is
        named, nothing where nothing is to be. What is here must be exactly what the writer saw:
        two workers may have made different documents of the same version, one for the engine.

        Raises:
            StoreUnavailable: it could not be written here either.
        """
        return self._write(lambda: self._put(record, condition))

    def swap(self, old: Record, new: Record) -> bool:
        """Put another document in the place of what was read, while it is exactly that."""
        return self._write(lambda: self._store.swap(old, new))

    def touch(self, record: Record) -> bool:
        """Let it live longer."""
        return self._write(lambda: self._store.touch(record))

    def pending(self, limit: int, *, but: Container[str] = ()) -> list[Record]:
        """So many records at most, tombstones first, then the oldest."""
        return self._read(lambda: self._store.pending(limit, but=but))

    def forget(self, records: Sequence[Record]) -> None:
        """Remove what the engine has taken, where it is still exactly that."""
        self._write(lambda: self._store.forget_many(records))

    def put_aside(self, record: Record, keep_until: int) -> bool:
        """Move what the engine will not take to where it holds up nothing, and is not served.

        Args:
            record: the entry, as it was read.
            keep_until: milliseconds since 1970 until which it is kept for somebody to look at.

        Returns:
            Whether it was still exactly that.
        """
        value = codec.join(record.version, record.body)
        return self._write(
            lambda: self._store.quarantine(record.key, value, keep_until, record.member)
        )

    def discard_aside(self, key: str) -> None:
        """Remove what was put aside under this key, if anything was."""
        aside = quarantine_key(key)
        if self.file and not self.file.exists():
            return
        if self._read(lambda: self._store.get(aside)) is not None:
            self._write(lambda: self._store.delete(Record(aside, 1, b"", 0, "")))

    def discard(self, taken: Mapping[str, Record]) -> bool:
        """Begin anew, if nothing waits but these records, exactly; whether that was done.

        On a full disk not even a removal can be written, but the whole file can be given up.

        Args:
            taken: what the engine has, by key.

        Raises:
            StoreUnavailable: the spill cannot be read.
        """

        def discard_if_all_taken() -> bool:
            with self._lock.exclusive():
                self._connect_to_present_file()
                left = self._store.pending(len(taken) + 1)
                if self.file is None or any(taken.get(one.key) != one for one in left):
                    return False
                self._store.close()
                for part in self._files():
                    part.unlink(missing_ok=True)
            return True

        return self._run_with_repair(discard_if_all_taken)

    def shrink(self) -> None:
        """Give back the room of what was sent: all of the file if nothing waits any more.

        Raises:
            StoreUnavailable: the spill cannot be read or written.
        """
        if not self.discard({}):
            self._write(self._store.compact)

    def backlog(self) -> Backlog:
        """How much waits, and for how long the first of it has."""
        if not self.is_occupied:
            return Backlog(0, 0.0)
        return self._read(self._store.backlog)

    def sender(self) -> contextlib.AbstractContextManager[bool]:
        """Whether this thread is the one on the host that sends, until the block ends."""
        return self._lock.sender()

    def has_room(self) -> bool:
        """Whether it can take more, by its limit and by trying its folder; after a refusal."""
        with contextlib.suppress(StoreUnavailable):
            if self.is_occupied and not self._read(lambda: self._store.has_room(ROOM)):
                return False
        if self.file is None:
            return True
        trial = self.file.with_name(f"{self.file.name}.trial-{os.getpid()}")
        try:
            trial.parent.mkdir(parents=True, exist_ok=True)
            trial.write_bytes(bytes(ROOM))
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                trial.unlink(missing_ok=True)
        return True

    def refresh_occupied(self) -> bool:
        """Find out whether anything waits; call it after sending, and once at the start."""
        self._run_with_repair(lambda: self._lock.lower(self._is_empty))
        return self.is_occupied

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _put(self, record: Record, condition: Condition) -> Put:
        if condition is Condition.UNCHANGED:
            return self._replace(record)
        return self._store.put(record, condition)

    def _replace(self, record: Record) -> Put:
        stored = self._store.read_record(record.key)
        if stored is None:
            if request_budget.was_spilled(record.key):
                return Put(Outcome.CONFLICT, 0)  # it was sent since it was read here
            return self._store.put(record, Condition.ABSENT)
        is_base = codec.join(stored.version, stored.body) == record.base
        if is_base and self._store.swap(stored, record):
            return Put(Outcome.STORED, record.version)
        return Put(Outcome.CONFLICT, stored.version)

    def _is_empty(self) -> bool:
        self._connect_to_present_file()
        if self.file and self._inode is None:
            return True
        return self._store.backlog().count == 0

    def _read(self, read: Callable[[], _R]) -> _R:
        return self._run_locked(self._lock.reading, read)

    def _write(self, write: Callable[[], _R]) -> _R:
        """Change the file.

        Raises:
            StoreFull: it has reached its limit.
        """

        def write_within_limit() -> _R:
            try:
                return write()
            except StoreRefused as error:
                if error.reason == DISK_FULL and not self._store.has_room(ROOM):
                    raise StoreFull("spill_full", retry_after=error.retry_after) from error
                raise

        return self._run_locked(self._lock.writing, write_within_limit)

    def _run_locked(
        self, hold: Callable[[], contextlib.AbstractContextManager[None]], action: Callable[[], _R]
    ) -> _R:
        """Do something with the file while it is held where it is."""

        def act_on_present_file() -> _R:
            with hold():
                self._connect_to_present_file()
                return action()

        return self._run_with_repair(act_on_present_file)

    def _run_with_repair(self, action: Callable[[], _R]) -> _R:
        """Do it; if the file turns out to be unreadable, once more with a new one.

        Raises:
            StoreUnavailable: it could not be done.
        """
        try:
            inode = self._present_inode()
            try:
                return action()
            except StoreCorrupt:
                self._quarantine_file(inode)
                return action()
        except OSError as error:
            raise StoreUnavailable("file_system", retry_after=DISK_RETRY_AFTER) from error

    def _connect_to_present_file(self) -> None:
        """Open the file anew where another process, or a person, has put one in its place.

        A connection would go on with the file that was moved away, where nobody looks.
        """
        inode = self._present_inode()
        if self.file and (inode is None or inode != self._inode):
            self._store.close()
            self._inode = inode

    def _present_inode(self) -> int | None:
        try:
            return os.stat(self.file).st_ino if self.file else None  # noqa: PTH116 - as in FileSpillLock
        except FileNotFoundError:
            return None

    def _files(self) -> list[Path]:
        """The files of the database."""
        return [Path(f"{self.file}{ending}") for ending in _BESIDE] if self.file else []

    def _quarantine_file(self, inode: int | None) -> None:
        """Put an unreadable file where a person may look at it, unless that was done already."""
        self._store.close()
        with self._lock.exclusive():
            if self.file is None or self._present_inode() != inode:
                return
            quarantined = f"{self.file.name}.unreadable-{int(self._clock() * 1000)}"
            for part in self._files():
                with contextlib.suppress(FileNotFoundError):
                    part.rename(part.with_name(part.name.replace(self.file.name, quarantined, 1)))
            self._inode = None
        metrics.count_spill_quarantined()
        log.error("the spill was unreadable and is kept as %s; a new one is begun", quarantined)


def open_spill(url: str, *, max_bytes: int = MAX_BYTES) -> Spill:
    """The spill a URL names.

    Args:
        url: of an engine of this host.
        max_bytes: the most bytes it may take.

    Raises:
        ValueError: it names no engine of this host.
    """
    store = open_store(url, memory_bytes=max_bytes, file_bytes=max_bytes)
    if not isinstance(store, LocalStore):
        raise ValueError("a spill must be on this host: use sqlite:///path or memory://")
    return Spill(store, file=store.file)
