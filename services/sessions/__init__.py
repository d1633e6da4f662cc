"""The session helpers: save_session, get_session, update_session and delete_session.

They work on the store that app.py chose with `set_session_store`, one per process. Whoever
needs several stores at once, a migration or a test, uses `repository.Sessions` directly.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from services.sessions.document import Session
from services.sessions.keyspaces import (
    Keyspace,
    browser_keyspace,
    start_keyspace,
    teaser_chat_keyspace,
)
from services.sessions.repository import SESSION_MAX_BYTES, Change, Sessions
from services.sessions.stores.base import Clock, Store

__all__ = [
    "BROWSER",
    "STARTS",
    "TEASER_CHAT",
    "Change",
    "Session",
    "count_sessions",
    "delete_session",
    "get_session",
    "list_sessions",
    "save_session",
    "sessions_of",
    "set_session_store",
    "update_session",
]

TEASER_CHAT = "chat:session"
STARTS = "chat:start"
BROWSER = "browser"

_by_keyspace: dict[str, Sessions] = {}


def set_session_store(
    store: Store,
    *,
    keyspaces: Iterable[Keyspace] | None = None,
    max_bytes: int = SESSION_MAX_BYTES,
    clock: Clock = time.time,
) -> None:
    """Choose the store of this process for all keyspaces.

    Args:
        store: the engine, or the pair of engines of a migration.
        keyspaces: the kinds of session with their expiry; the usual ones when left out.
        max_bytes: the longest document that is stored.
        clock: seconds since 1970.
    """
    usual = (teaser_chat_keyspace(), start_keyspace(), browser_keyspace())
    chosen = keyspaces if keyspaces is not None else usual
    _by_keyspace.clear()
    for keyspace in chosen:
        _by_keyspace[keyspace.name] = Sessions(store, keyspace, max_bytes=max_bytes, clock=clock)


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


def count_sessions(*, keyspace: str = TEASER_CHAT) -> int:
    """How many sessions there are."""
    return sessions_of(keyspace).count()
