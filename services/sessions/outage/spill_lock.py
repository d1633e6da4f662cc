"""Whether a spill may hold anything: one bit that every process of a host sees at little cost.

Whoever puts something into the spill raises the flag first and holds it while writing; it is
lowered only while nobody does, and only over an empty spill. So it is never down over a session.
"""

import contextlib
import fcntl
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path


class SpillLock(ABC):
    """The bit, and the right to be the one that sends.

    What is in a file raises OSError where its folder cannot be written.
    """

    @property
    @abstractmethod
    def is_raised(self) -> bool:
        """Whether the spill may hold anything."""

    @abstractmethod
    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Raise it and keep it from being lowered for as long as something is written."""

    @abstractmethod
    def reading(self) -> contextlib.AbstractContextManager[None]:
        """Keep the spill where it is for as long as something is read."""

    @abstractmethod
    def lower(self, empty: Callable[[], bool]) -> None:
        """Lower it if the spill is found empty while nobody writes."""

    @abstractmethod
    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Wait until nobody writes or reads, and let nobody begin until the block ends."""

    @abstractmethod
    def sender(self) -> contextlib.AbstractContextManager[bool]:
        """Whether nobody else holds this right until the block ends."""


class ThreadSpillLock(SpillLock):
    """The flag of a spill in memory, for the threads of one process."""

    def __init__(self) -> None:
        self._up = False
        self._lock = threading.Lock()
        self._sending = threading.Lock()

    @property
    def is_raised(self) -> bool:
        return self._up

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        with self._lock:
            self._up = True
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        with self._lock:
            yield

    def lower(self, empty: Callable[[], bool]) -> None:
        with self._lock:
            self._up = not empty()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            yield

    @contextlib.contextmanager
    def sender(self) -> Iterator[bool]:
        got = self._sending.acquire(blocking=False)
        try:
            yield got
        finally:
            if got:
                self._sending.release()


class FileSpillLock(SpillLock):
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
        try:
            return os.stat(self._file).st_size > 0  # noqa: PTH116 - Path.stat is slower by half
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        with _open_descriptor(self._file) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if not os.fstat(descriptor).st_size:
                os.pwrite(descriptor, b"1", 0)
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
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
        with _open_descriptor(self._file) as descriptor, contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if empty():
                os.ftruncate(descriptor, 0)
            else:
                os.pwrite(descriptor, b"1", 0)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        with _open_descriptor(self._file) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def sender(self) -> Iterator[bool]:
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
