"""Sessions in a few functions: save, get, update, delete, one or many, list and count.

They work on the store that was chosen with `set_session_store`, one per process; app.py does so
for the web application. Whoever needs several stores at once, a migration or a test, uses
`repository.Sessions` directly. docs/library.md shows it without the web application.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from . import batches, maintenance
from .batches import Batch
from .codec import Session
from .registry import (
    Health,
    SessionRegistry,
    close_session_store,
    get_registry,
    get_session_store,
    is_using_redis,
    sessions_of,
    set_session_store,
    store_health,
    use_registry,
)
from .repository import Change, Sessions

__all__ = [
    "Batch",
    "Change",
    "Health",
    "Session",
    "SessionRegistry",
    "Sessions",
    "cleanup_expired_sessions",
    "close_session_store",
    "count_sessions",
    "delete_session",
    "delete_sessions",
    "get_registry",
    "get_session",
    "get_session_store",
    "get_sessions",
    "is_using_redis",
    "list_sessions",
    "save_session",
    "save_sessions",
    "session_counts",
    "session_exists",
    "session_expires_at",
    "sessions_of",
    "set_session_store",
    "set_session_ttl",
    "store_health",
    "update_session",
    "use_registry",
]


def get_session(
    session_id: str, *, owner: str | None = None, extend: bool = False, keyspace: str | None = None
) -> Session:
    """The session with this id; see Sessions.get for arguments and errors."""
    return sessions_of(keyspace).get(session_id, owner=owner, extend=extend)


def save_session(
    session_id: str,
    data: Mapping[str, Any],
    *,
    owner: str | None = None,
    ttl: int | None = None,
    keyspace: str | None = None,
) -> Session:
    """Store a new session, or a loaded one that nobody changed meanwhile; see Sessions.save."""
    return sessions_of(keyspace).save(session_id, data, owner=owner, ttl=ttl)


def update_session(
    session_id: str, change: Change, *, owner: str | None = None, keyspace: str | None = None
) -> Session:
    """Load, change and save a session, however many do so at once; see Sessions.update."""
    return sessions_of(keyspace).update(session_id, change, owner=owner)


def delete_session(
    session_id: str, *, owner: str | None = None, keyspace: str | None = None
) -> bool:
    """Remove a session; False when there was none to reach; see Sessions.delete."""
    return sessions_of(keyspace).delete(session_id, owner=owner)


def get_sessions(
    session_ids: Iterable[str], *, owner: str | None = None, keyspace: str | None = None
) -> Batch:
    """Many sessions in one round trip; see batches.load."""
    return batches.load(sessions_of(keyspace), session_ids, owner=owner)


def save_sessions(
    items: Mapping[str, Mapping[str, Any]],
    *,
    owner: str | None = None,
    ttl: int | None = None,
    keyspace: str | None = None,
) -> Batch:
    """Store many sessions in one round trip, each as `save_session` would; see batches.save."""
    return batches.save(sessions_of(keyspace), items, owner=owner, ttl=ttl)


def delete_sessions(
    session_ids: Iterable[str], *, owner: str | None = None, keyspace: str | None = None
) -> Batch:
    """Remove many sessions at once; see batches.delete."""
    return batches.delete(sessions_of(keyspace), session_ids, owner=owner)


def session_exists(
    session_id: str, *, owner: str | None = None, keyspace: str | None = None
) -> bool:
    """Whether there is a session that this owner can reach; see Sessions.exists."""
    return sessions_of(keyspace).exists(session_id, owner=owner)


def session_expires_at(
    session_id: str, *, owner: str | None = None, keyspace: str | None = None
) -> int:
    """Milliseconds since 1970 at which a session ends if nobody uses it; see Sessions.ends."""
    return sessions_of(keyspace).get_expiry(session_id, owner=owner)


def set_session_ttl(
    session_id: str, seconds: int, *, owner: str | None = None, keyspace: str | None = None
) -> Session:
    """Give a session a life of its own, from now and after each use; see Sessions.set_ttl."""
    return sessions_of(keyspace).set_ttl(session_id, seconds, owner=owner)


def cleanup_expired_sessions(owner: str | None = None, *, keyspace: str | None = None) -> int:
    """Drop what has expired from an owner's list, or from the list of all; how many went.

    Expired sessions end by themselves; this is about the lists, and the rows of a table.
    """
    return maintenance.trim(sessions_of(keyspace), owner=owner)


def list_sessions(
    owner: str, *, start: int = 0, limit: int = 50, keyspace: str | None = None
) -> list[str]:
    """Ids of an owner's sessions, the ones used last first, in pages."""
    return sessions_of(keyspace).list_owned(owner, start=start, limit=limit)


def session_counts() -> dict[str, int]:
    """How many sessions there are of each kind that is counted at all."""
    return get_registry().count_by_keyspace()


def count_sessions(*, keyspace: str | None = None) -> int:
    """How many sessions there are."""
    return sessions_of(keyspace).count()
