"""What an error of SQLite, SQLAlchemy or the file system means, by what the caller can do about it.

SQLite names its errors (https://www.sqlite.org/rescode.html); its sentences are not looked at.
"""

import errno

import sqlalchemy as sa

from ...errors import StoreCorrupt, StoreRefused, StoreUnavailable

_Meaning = tuple[type[StoreUnavailable], str, int]
"""Which error of ours, its reason, and seconds after which asking again makes sense."""
_BUSY: _Meaning = (StoreUnavailable, "busy", 1)
_DISK_FULL: _Meaning = (StoreRefused, "disk_full", 30)
_READ_ONLY: _Meaning = (StoreRefused, "read_only", 30)
_FILE_SYSTEM: _Meaning = (StoreUnavailable, "file_system", 30)
_CORRUPT: _Meaning = (StoreCorrupt, "corrupt_file", 60)

BY_NAME: dict[str, _Meaning] = {
    "SQLITE_READONLY_DBMOVED": _FILE_SYSTEM,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_FULL": _DISK_FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_AUTH": _READ_ONLY,
    "SQLITE_CANTOPEN": _FILE_SYSTEM,
    "SQLITE_IOERR": _FILE_SYSTEM,
    "SQLITE_NOMEM": _FILE_SYSTEM,
    "SQLITE_PROTOCOL": _FILE_SYSTEM,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_NOTADB": _CORRUPT,
}
"""What the beginning of an error's name means; the first match wins. The rest is our own fault."""
BY_NUMBER: dict[int | None, _Meaning] = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
}
"""What the operating system's own errors mean, where that is not just the file system."""


def translate_error(error: BaseException) -> StoreUnavailable | None:
    """Our error for one of the engine's; None for what is not ours to translate."""
    meaning: _Meaning | None = None
    if isinstance(error, sa.exc.TimeoutError):
        meaning = (StoreUnavailable, "pool_exhausted", 1)
    elif isinstance(error, OSError):
        meaning = BY_NUMBER.get(error.errno, _FILE_SYSTEM)
    elif isinstance(error, sa.exc.DBAPIError):
        name = _name(error)
        meaning = next((one for start, one in BY_NAME.items() if name.startswith(start)), None)
    if not meaning:
        return None
    kind, reason, retry_after = meaning
    return kind(reason, retry_after=retry_after)


def lacks_table(error: sa.exc.DBAPIError) -> bool:
    """Whether the file is an empty one by now, or one of an earlier release."""
    # SQLite has no name for it; its sentence has been the same since the first release.
    return _name(error) == "SQLITE_ERROR" and "no such" in str(error.orig)


def _name(error: sa.exc.DBAPIError) -> str:
    """SQLite's name for it; empty for an error of the driver's own."""
    return getattr(error.orig, "sqlite_errorname", "")
