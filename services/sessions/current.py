"""The store of this process: chosen, replaced while it runs, asked for and closed.

A process whose sessions live in memory gets an engine while it runs with
`set_session_store(engine, sync_on_access=...)`: the sessions it has stay where they are reached.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple

from services.errors import StoreUnavailable
from services.sessions.keyspaces import Keyspace, usual_keyspaces
from services.sessions.migration.flusher import Flusher
from services.sessions.migration.store import MigratingStore, Plan, Stage
from services.sessions.outage import GuardedStore, ShelteredStore
from services.sessions.repository import SESSION_MAX_BYTES, Sessions
from services.sessions.stores.base import Clock, Store
from services.sessions.stores.memory import MemoryStore

LAST_SECONDS = 1.0
"""Seconds for what was not sent yet when a process changes its store once more."""


class Health(NamedTuple):
    """Whether the store can be asked.

    Attributes:
        engine: which engine decides: memory, sqlite, redis.
        reason: why it could not be asked, in one word; empty when all is well.
    """

    engine: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it answered."""
        return not self.reason


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
    chosen = tuple(keyspaces) if keyspaces is not None else usual_keyspaces()
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


def store_health() -> Health:
    """Ask the engine for a sign of life.

    Raises:
        RuntimeError: no store was chosen yet.
    """
    store = get_session_store()
    try:
        store.ping()
    except StoreUnavailable as error:
        return Health(store.name, error.reason)
    return Health(store.name)


def close_session_store() -> None:
    """Send what was not sent yet, close the store and forget it; another may be chosen then."""
    if not _by_keyspace:
        return
    store = get_session_store()
    _end_flushers()
    _by_keyspace.clear()
    store.close()


def all_sessions() -> list[Sessions]:
    """The sessions of every keyspace."""
    return list(_by_keyspace.values())


def _end_flushers() -> None:
    """Let what copies to an engine send what is left, and end."""
    while _flushers:
        _flushers.pop().finish(LAST_SECONDS)
