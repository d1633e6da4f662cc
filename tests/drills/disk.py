"""A disk so small that it fills up."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

LONGEST_FILE = 2_000_000
"""The largest file, in bytes, where no disk can be mounted."""


class Disk(NamedTuple):
    """Where it is, and what to put before a command whose files are to be limited."""

    folder: Path
    prefix: tuple[str, ...]


@contextmanager
def mount_small_disk(size: int) -> Iterator[Disk]:
    """Mount a file system of this size in bytes; without the right to mount, limit each file."""
    with tempfile.TemporaryDirectory(prefix="teaser-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        try:
            yield Disk(Path(folder), () if is_mounted else ("prlimit", f"--fsize={LONGEST_FILE}"))
        finally:
            if is_mounted:
                subprocess.run(["umount", folder], check=True)
