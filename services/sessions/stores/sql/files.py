"""Tries the file of a SQLite database without making it."""

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from ..base import StoreUrlError

HEADER = b"SQLite format 3\0"
"""How a database that is not empty begins (https://www.sqlite.org/fileformat.html)."""
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""Faults of a disk. They pass, and are told of while serving."""


def check_place(file: Path) -> None:
    """Check that a database can be at this place, or is there and can be written.

    Raises:
        StoreUrlError: it cannot.
    """
    try:
        if file.exists() and not file.is_file():
            raise StoreUrlError(f"{file} is no file.")
        if file.exists():
            file.open("r+b").close()
            folder = file.parent
        else:
            folder = next(parent for parent in file.absolute().parents if os.path.lexists(parent))
        with tempfile.TemporaryFile(dir=folder):  # SQLite has files beside its own
            pass
    except OSError as error:
        if error.errno not in PASSING:
            raise StoreUrlError(f"{file} cannot be written: {error.strerror}.") from None


def check_content(file: Path) -> None:
    """Check that what is at this place, if anything is, begins like a database.

    Raises:
        StoreUrlError: it does not.
    """
    with contextlib.suppress(OSError), file.open("rb") as database:
        if database.read(len(HEADER)) not in (b"", HEADER):
            raise StoreUrlError(f"{file} is not a SQLite database.")
