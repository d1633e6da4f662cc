"""The engines, and the one place that chooses among them by URL."""

from .base import Counters, Store
from .memory import MAX_BYTES, MemoryStore
from .redis.connections import TIMEOUT
from .redis.store import RedisStore
from .sql.store import SqlStore

__all__ = [
    "SCHEMES",
    "TIMEOUT",
    "Counters",
    "MemoryStore",
    "RedisStore",
    "SqlStore",
    "Store",
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
        ValueError: the scheme or an option of the URL is not known.
    """
    scheme = url.partition(":")[0]
    if scheme == "memory":
        return MemoryStore(max_sessions=max_sessions, max_bytes=memory_bytes)
    if scheme == "sqlite":
        return SqlStore(url, max_bytes=file_bytes)
    if scheme in ("redis", "rediss", "unix"):
        return RedisStore.from_url(url, pool_size=pool_size, timeout=timeout)
    raise ValueError(f"no session engine for {scheme}://; use one of {', '.join(SCHEMES)}")
