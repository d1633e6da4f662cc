"""Whether a spill may hold anything: one bit that every process of a host sees at little cost.

Whoever puts something into the spill raises the flag first and holds it while writing; it is
lowered only while nobody does, and only over an empty spill. So it is never down over a session.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol


class SpillLock(Protocol):
    """The bit, and the right to be the one that sends."""

    @property
    def is_raised(self) -> bool:
        """Whether the spill may hold anything."""

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Raise it and keep it from being lowered for as long as something is written."""

    def reading(self) -> contextlib.AbstractContextManager[None]:
        """Keep the spill where it is for as long as something is read."""

    def lower(self, empty: Callable[[], bool]) -> None:
        """Lower it if the spill is found empty while nobody writes."""

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Wait until nobody writes or reads, and let nobody begin until the block ends."""

    def sender(self) -> contextlib.AbstractContextManager[bool]:
        """Whether nobody else holds this right until the block ends."""


class ThreadSpillLock:
    """The flag of a spill in memory, for the threads of one process."""

    def __init__(self) -> None:
        self._up = False
        self._lock = threading.Lock()
        self._sending = threading.Lock()

    @property
    def is_raised(self) -> bool:
        """As in SpillLock."""
        return self._up

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """As in SpillLock."""
        with self._lock:
            self._up = True
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """As in SpillLock."""
        with self._lock:
            yield

    def lower(self, empty: Callable[[], bool]) -> None:
        """As in SpillLock."""
        with self._lock:
            self._up = not empty()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """As in SpillLock."""
        with self._lock:
            yield

    @contextlib.contextmanager
    def sender(self) -> Iterator[bool]:
        """As in SpillLock."""
        got = self._sending.acquire(blocking=False)
        try:
            yield got
        finally:
            if got:
                self._sending.release()


class FileSpillLock:
    """The flag of a spill in a file: a file beside it, up while it is not empty.

    Its locks are the operating system's (flock): they end with the process, however it ends.

    Args:
        spill: the spill's file.
    """

    def __init__(self, spill: Path) -> None:
        self._file = spill.with_name(f"{spill.name}.flag")
        self._sender = spill.with_name(f"{spill.name}.sender")

    @property
    def is_raised(self) -> bool:
        """As in SpillLock; it costs one system call. Up where that cannot be seen."""
        try:
            return os.stat(self._file).st_size > 0  # noqa: PTH116 - Path.stat is slower by half
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """As in SpillLock.

        Raises:
            OSError: the folder cannot be written.
        """
        with _open_descriptor(self._file) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if not os.fstat(descriptor).st_size:
                os.pwrite(descriptor, b"1", 0)
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """As in SpillLock; it needs no right to write.

        Raises:
            OSError: the file cannot be opened, and it is not because there is none.
        """
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield  # nothing was ever written, so there is nothing to keep
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def lower(self, empty: Callable[[], bool]) -> None:
        """As in SpillLock.

        Raises:
            OSError: the folder cannot be written.
        """
        with _open_descriptor(self._file) as descriptor, contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if empty():
                os.ftruncate(descriptor, 0)
            else:
                os.pwrite(descriptor, b"1", 0)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """As in SpillLock.

        Raises:
            OSError: the folder cannot be written.
        """
        with _open_descriptor(self._file) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def sender(self) -> Iterator[bool]:
        """As in SpillLock.

        Raises:
            OSError: the folder cannot be written.
        """
        with _open_descriptor(self._sender) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


@contextlib.contextmanager
def _open_descriptor(file: Path) -> Iterator[int]:
    """A descriptor of its own for every use: a lock belongs to the descriptor, not the thread."""
    how = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(file, how, 0o600)
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, how, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
