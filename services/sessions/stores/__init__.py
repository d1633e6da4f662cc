"""The engines, and the one place that chooses among them by URL."""

from .base import Counters, Store, StoreUrlError
from .memory import MAX_BYTES, MemoryStore
from .redis.connections import TIMEOUT
from .redis.store import RedisStore
from .sql.files import check_content, check_place
from .sql.store import SqlStore

__all__ = [
    "SCHEMES",
    "TIMEOUT",
    "Counters",
    "MemoryStore",
    "RedisStore",
    "SqlStore",
    "Store",
    "StoreUrlError",
    "check_store",
    "open_store",
]

SCHEMES = ("memory://", "sqlite:///", "redis://", "rediss://", "unix://")
"""How the URL of an engine may begin."""


def open_store(
    url: str,
    *,
    pool_size: int = 16,
    timeout: float = TIMEOUT,
    max_sessions: int = 10_000,
    memory_bytes: int = MAX_BYTES,
    file_bytes: int | None = None,
) -> Store:
    """The engine a URL names; it connects when it is first used.

    Args:
        url: one of SCHEMES; user, password and database number go into it.
        pool_size: the most Redis connections of this process.
        timeout: seconds to wait for a connection to Redis, and for its reply.
        max_sessions: the most sessions the memory engine keeps.
        memory_bytes: the most bytes the memory engine keeps.
        file_bytes: the most bytes an SQLite file may take; None for no limit.

    Raises:
        StoreUrlError: the scheme is not known, or the URL cannot be used.
    """
    scheme, is_url, _ = url.partition(":")
    if scheme == "memory":
        if url.rstrip("/") != "memory:":
            raise StoreUrlError("memory:// has no path and no options.")
        return MemoryStore(max_sessions=max_sessions, max_bytes=memory_bytes)
    if scheme == "sqlite":
        return SqlStore(url, max_bytes=file_bytes)
    if is_url and scheme in ("redis", "rediss", "unix"):
        return RedisStore.from_url(url, pool_size=pool_size, timeout=timeout)
    raise StoreUrlError(f"No engine understands this URL; use one of {', '.join(SCHEMES)}.")


def check_store(url: str, *, is_spill: bool = False) -> None:
    """Try an engine's URL as far as that goes without connecting to it or making a file.

    Args:
        url: as for `open_store`.
        is_spill: whether an unreadable file may be there, which a spill puts aside.

    Raises:
        StoreUrlError: it cannot be used.
    """
    store = open_store(url)
    store.close()
    if isinstance(store, SqlStore):
        check_place(store.file)
        if not is_spill:
            check_content(store.file)
