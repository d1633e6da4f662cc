"""A disk so small that it gets full."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

LONGEST_FILE = 2_000_000
"""Bytes a file may have where no disk can be made."""


class Disk(NamedTuple):
    """Where it is, and what has to stand before a command whose files are to be limited."""

    folder: Path
    prefix: tuple[str, ...]


@contextmanager
def small_disk(size: int) -> Iterator[Disk]:
    """A file system with so many bytes; without the right to mount one, a limit for each file."""
    with tempfile.TemporaryDirectory(prefix="teaser-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        try:
            yield Disk(Path(folder), () if mounted else ("prlimit", f"--fsize={LONGEST_FILE}"))
        finally:
            if mounted:
                subprocess.run(["umount", folder], check=True)
