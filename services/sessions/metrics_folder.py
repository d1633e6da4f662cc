"""The folder in which the workers of one gunicorn share their counts, a file for each and kind.

A worker that has ended leaves its counters there. The master adds them to one file for all that
have ended, so that the folder does not grow with every reload. A lock keeps a scrape from reading
a worker's counts twice, or not at all, while they move from one file to the other.
"""

import contextlib
import fcntl
import functools
import json
import logging
import math
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

log = logging.getLogger(__name__)

SUMMED = ("counter", "histogram", "summary")
"""The kinds of metric whose values are added up over all processes."""
ENDED = "ended"
"""Stands for a process id in the name of the file for those that have ended."""
UNREADABLE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, struct.error),
)
"""What the client library raises for a file that it did not write, or did not finish."""
LOCK = "lock"
"""The file whose lock is held; without the ending of the others."""


def read_metrics(folder: Path) -> Iterable[Metric]:
    """What all processes have counted; a file that cannot be read hides only itself."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # on a full disk there may be no file to lock
            stack.enter_context(_lock(folder, fcntl.LOCK_SH))
        files = [str(file) for file in sorted(folder.glob("*.db")) if _is_readable(file)]
        return tuple(MultiProcessCollector.merge(files))


def remove_ended(folder: Path, pid: int) -> None:
    """Add what a process had counted to the file for those that have ended, and remove its own.

    The caller never waits: while somebody reads, the counts stay where they are until the next
    process ends.

    Args:
        folder: the folder.
        pid: a process that has ended; its gauges end with it.

    Raises:
        OSError: the folder cannot be written.
    """
    mark_process_dead(pid, str(folder))
    with contextlib.suppress(BlockingIOError), _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        for kind in SUMMED:
            ended = [file for file in folder.glob(f"{kind}_*.db") if _has_ended(file, pid)]
            if ended:
                _add_up(folder / f"{kind}_{ENDED}.db", ended)


def _has_ended(file: Path, pid: int) -> bool:
    """Whether the process that made a file has ended, this one or another before it."""
    owner = file.stem.rpartition("_")[2]
    if not owner.isdecimal() or int(owner) == pid:
        return owner == str(pid)
    try:
        os.kill(int(owner), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # another user's, who has its id now
    return False


def _add_up(total: Path, ended: list[Path]) -> None:
    """Put the counts of some files into one; what cannot be read is lost with its file."""
    sums: dict[str, float] = {}
    for file in (total, *ended):
        if file.exists() and _is_readable(file):
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
                sums[key] = sums.get(key, 0.0) + value
    fresh = total.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    values = MmapedDict(str(fresh))
    for key, value in sums.items():
        values.write_value(key, value, 0.0)
    values.close()
    fresh.replace(total)
    for file in ended:
        file.unlink(missing_ok=True)


def _is_readable(file: Path) -> bool:
    """Whether there is something in this file, and it can be read by itself.

    A worker that dies while it makes one leaves half of it.
    """
    try:
        if not _has_content(file):
            return False
        kind, *_, owner = file.stem.split("_")
        if kind not in (*SUMMED, "gauge") or not (owner == ENDED or owner.isdecimal()):
            raise ValueError("not a name that a worker gives")
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            _check(key, value)
        MultiProcessCollector.merge([str(file)])
    except FileNotFoundError:
        return False  # its worker has ended meanwhile
    except UNREADABLE as error:
        _warn(file.name, type(error).__name__)
        return False
    return True


def _has_content(file: Path) -> bool:
    """Whether anything is in a file; in that of a worker that has just begun nothing is.

    Raises:
        ValueError: it claims to be longer than it is; a reader would make room for that.
    """
    with file.open("rb") as source:
        used = int.from_bytes(source.read(4), sys.byteorder, signed=True)
    if not 0 <= used <= file.stat().st_size:
        raise ValueError("cut off")
    return used > 0


def _check(key: str, value: float) -> None:
    """Raise ValueError unless this is an entry as the client library writes it."""
    metric, name, labels, meaning = json.loads(key)
    if not all(isinstance(text, str) for text in (metric, name, meaning, *labels.values())):
        raise ValueError("not an entry")
    if math.isnan(value):
        raise ValueError("not a number")


@functools.lru_cache(maxsize=1024)
def _warn(name: str, error: str) -> None:
    """Log once that a file cannot be read."""
    log.warning("the metrics in %s cannot be read and are left out: %s", name, error)


@contextlib.contextmanager
def _lock(folder: Path, how: int) -> Iterator[None]:
    """Hold the folder's lock, in a shared or an exclusive way.

    Raises:
        BlockingIOError: it is held otherwise, and `how` says not to wait.
        OSError: the folder is not there, or cannot be written.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
