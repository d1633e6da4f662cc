"""The session helpers: save_session, get_session, update_session and delete_session.

They work on the store that app.py chose with `set_session_store`, one per process. Whoever
needs several stores at once, a migration or a test, uses `repository.Sessions` directly.

A process whose sessions live in memory gets an engine while it runs with
`set_session_store(engine, sync_on_access=...)`: the sessions it has stay where they are reached.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from services.sessions.document import Session
from services.sessions.flusher import Flusher
from services.sessions.keyspaces import (
    Keyspace,
    browser_keyspace,
    start_keyspace,
    teaser_chat_keyspace,
)
from services.sessions.migration import MigratingStore, Plan, Stage
from services.sessions.outage import GuardedStore, ShelteredStore
from services.sessions.repository import SESSION_MAX_BYTES, Change, Sessions
from services.sessions.stores.base import Clock, Store
from services.sessions.stores.memory import MemoryStore

__all__ = [
    "BROWSER",
    "STARTS",
    "TEASER_CHAT",
    "Change",
    "Session",
    "Sessions",
    "count_sessions",
    "delete_session",
    "get_session",
    "get_session_store",
    "is_using_redis",
    "list_sessions",
    "save_session",
    "session_counts",
    "sessions_of",
    "set_session_store",
    "update_session",
]

TEASER_CHAT = "chat:session"
STARTS = "chat:start"
BROWSER = "browser"

LAST_SECONDS = 1.0
"""Seconds for what was not sent yet when a process changes its store once more."""

_by_keyspace: dict[str, Sessions] = {}
_flushers: list[Flusher] = []


def set_session_store(
    store: Store,
    *,
    sync_on_access: bool | None = None,
    keyspaces: Iterable[Keyspace] | None = None,
    max_bytes: int = SESSION_MAX_BYTES,
    clock: Clock = time.time,
) -> None:
    """Choose the store of this process for all keyspaces.

    Args:
        store: the engine, or the pair of engines of a migration.
        sync_on_access: when the sessions were in memory until now, what becomes of them. None:
            they are left behind. True, for several instances: the engine is read; what it lacks
            is taken from memory when it is asked for, and is in both from then on. False, for
            one instance with the engine as its backup: memory is read, and everything in it is
            copied to the engine.
        keyspaces: the kinds of session with their expiry; when left out the usual ones, or with
            `sync_on_access` those there are.
        max_bytes: the longest document that is stored.
        clock: seconds since 1970.

    Raises:
        ValueError: `sync_on_access` was given, and the sessions were not in memory until now.
    """
    usual = (teaser_chat_keyspace(), start_keyspace(), browser_keyspace())
    chosen = tuple(keyspaces) if keyspaces is not None else usual
    earlier = tuple(_flushers)
    if sync_on_access is not None:
        if keyspaces is None:
            chosen = tuple(sessions.keyspace for sessions in _by_keyspace.values())
        store = _attached(get_session_store(), store, chosen, sync_on_access=sync_on_access)
    for flusher in earlier:
        flusher.finish(LAST_SECONDS)
        _flushers.remove(flusher)
    _by_keyspace.clear()
    for keyspace in chosen:
        _by_keyspace[keyspace.name] = Sessions(store, keyspace, max_bytes=max_bytes, clock=clock)


def _attached(
    memory: Store, engine: Store, keyspaces: tuple[Keyspace, ...], *, sync_on_access: bool
) -> Store:
    """Memory and an engine as one store, with everything in memory marked as not sent yet."""
    if not isinstance(memory, MemoryStore):
        raise ValueError("sync_on_access needs sessions that are in memory until now")
    plan = Plan(Stage.LIVE if sync_on_access else Stage.DUALWRITE, stepped=True)
    guarded = engine if isinstance(engine, GuardedStore | ShelteredStore) else GuardedStore(engine)
    both = MigratingStore(memory, guarded, keyspaces, plan, alone=not sync_on_access)
    if not sync_on_access:
        both.copies.unsent.add(*memory.stored_keys())
    flusher = Flusher(both)
    flusher.start()
    _flushers.append(flusher)
    return both


def get_session_store() -> Store:
    """The store of this process.

    Raises:
        RuntimeError: none was chosen yet.
    """
    for sessions in _by_keyspace.values():
        return sessions.store
    raise RuntimeError("set_session_store() was not called")


def is_using_redis() -> bool:
    """Whether Redis decides what a session holds, by itself or with a copy in memory."""
    return get_session_store().name == "redis"


def sessions_of(keyspace: str) -> Sessions:
    """The sessions of a keyspace by its name.

    Raises:
        RuntimeError: no store was chosen yet, or the keyspace is not known.
    """
    try:
        return _by_keyspace[keyspace]
    except KeyError:
        raise RuntimeError(f"set_session_store() was not called for {keyspace!r}") from None


def get_session(
    session_id: str, *, owner: str | None = None, extend: bool = False, keyspace: str = TEASER_CHAT
) -> Session:
    """The session with this id; see Sessions.get for arguments and errors."""
    return sessions_of(keyspace).get(session_id, owner=owner, extend=extend)


def save_session(
    session_id: str,
    data: Mapping[str, Any],
    *,
    owner: str | None = None,
    keyspace: str = TEASER_CHAT,
) -> Session:
    """Store a new session, or a loaded one that nobody changed meanwhile; see Sessions.save."""
    return sessions_of(keyspace).save(session_id, data, owner=owner)


def update_session(
    session_id: str, change: Change, *, owner: str | None = None, keyspace: str = TEASER_CHAT
) -> Session:
    """Load, change and save a session, however many do so at once; see Sessions.update."""
    return sessions_of(keyspace).update(session_id, change, owner=owner)


def delete_session(
    session_id: str, *, owner: str | None = None, keyspace: str = TEASER_CHAT
) -> bool:
    """Remove a session; False when there was none to reach; see Sessions.delete."""
    return sessions_of(keyspace).delete(session_id, owner=owner)


def list_sessions(
    owner: str, *, start: int = 0, limit: int = 50, keyspace: str = TEASER_CHAT
) -> list[str]:
    """Ids of an owner's sessions, the ones used last first, in pages."""
    return sessions_of(keyspace).owned_by(owner, start=start, limit=limit)


def session_counts() -> dict[str, int]:
    """How many sessions there are of each kind that is counted at all."""
    return {
        name: sessions.count()
        for name, sessions in _by_keyspace.items()
        if sessions.keyspace.indexed
    }


def count_sessions(*, keyspace: str = TEASER_CHAT) -> int:
    """How many sessions there are."""
    return sessions_of(keyspace).count()
