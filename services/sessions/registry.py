"""The registry of an application: its store, its keyspaces, and the `Sessions` of each kind.

A registry belongs to one application. The library's functions (`save_session` and its siblings)
use the one that the process chose with `set_session_store` or `use_registry`. A process whose
sessions live in memory attaches an engine while it runs with
`set_session_store(engine, sync_on_access=...)`: the sessions it has stay where they are reached.
"""

import itertools
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .errors import StoreUnavailable
from .keyspaces import Keyspace, named_keyspace
from .migration.flusher import Flusher
from .migration.stages import Plan, Stage
from .migration.store import MigratingStore
from .outage import GuardedStore, SpillingStore
from .records import Spend
from .repository import SESSION_MAX_BYTES, Sessions
from .stores.base import Clock, Store
from .stores.memory import MemoryStore

LAST_SECONDS = 1.0
"""Seconds for what was not sent yet when a process changes its store once more."""
DEFAULT_KEYSPACES = (named_keyspace("session"),)
"""What a process stores that named no keyspaces: sessions under `session:<id>`."""


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


class SessionRegistry:
    """The sessions of every keyspace over one store.

    Args:
        store: the engine, or the pair of engines of a migration.
        keyspaces: the kinds of session; the first is the one meant when none is named.
        max_bytes: the longest document that is stored.
        clock: seconds since 1970.
        spend: see SessionRecords.

    Raises:
        ValueError: two kinds would share keys or indexes.
    """

    def __init__(
        self,
        store: Store,
        keyspaces: Iterable[Keyspace],
        *,
        max_bytes: int = SESSION_MAX_BYTES,
        clock: Clock = time.time,
        spend: Spend | None = None,
    ) -> None:
        self.store = store
        self._sessions = {
            keyspace.name: Sessions(store, keyspace, max_bytes=max_bytes, clock=clock, spend=spend)
            for keyspace in _without_overlap(tuple(keyspaces))
        }

    def __iter__(self) -> Iterator[Sessions]:
        return iter(self._sessions.values())

    def sessions_of(self, keyspace: str | None = None) -> Sessions:
        """The sessions of a keyspace by its name, of the first one when none is named.

        Raises:
            KeyError: there is no such keyspace.
        """
        return self._sessions[next(iter(self._sessions), "") if keyspace is None else keyspace]

    def count_by_keyspace(self) -> dict[str, int]:
        """How many sessions there are of each kind that is counted at all.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        return {
            sessions.keyspace.name: sessions.count()
            for sessions in self
            if sessions.keyspace.indexed
        }


def _without_overlap(keyspaces: tuple[Keyspace, ...]) -> tuple[Keyspace, ...]:
    """The same kinds of session, if no key or index of one can be another's."""
    for one, other in itertools.permutations(keyspaces, 2):
        if other.prefix.startswith(one.prefix) or f"{other.name}:".startswith(f"{one.name}:"):
            raise ValueError(f"sessions of {one.name!r} and {other.name!r} would share keys")
    return keyspaces


class _Chosen:
    """What this process chose, for the library's functions.

    Attributes:
        registry: its sessions; None before it chose.
        flushers: threads that copy to engines attached while it runs.
    """

    registry: SessionRegistry | None = None
    flushers: tuple[Flusher, ...] = ()


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
        keyspaces: the kinds of session, the default one first; when left out DEFAULT_KEYSPACES,
            or with `sync_on_access` those there are.
        max_bytes: the longest document that is stored.
        clock: seconds since 1970.

    Raises:
        ValueError: `sync_on_access` was given, and the sessions were not in memory until now.
    """
    chosen = tuple(DEFAULT_KEYSPACES if keyspaces is None else keyspaces)
    flushers: tuple[Flusher, ...] = ()
    if sync_on_access is not None:
        if keyspaces is None:
            chosen = tuple(sessions.keyspace for sessions in get_registry())
        both = _attach(get_session_store(), store, chosen, sync_on_access=sync_on_access)
        store, flushers = both, (Flusher(both),)
        flushers[0].start()
    _finish_flushers()
    _Chosen.flushers = flushers
    use_registry(SessionRegistry(store, chosen, max_bytes=max_bytes, clock=clock))


def use_registry(registry: SessionRegistry) -> None:
    """Let the library's functions work on these sessions."""
    _Chosen.registry = registry


def get_registry() -> SessionRegistry:
    """The sessions of this process.

    Raises:
        RuntimeError: no store was chosen yet.
    """
    if _Chosen.registry is None:
        raise RuntimeError("set_session_store() was not called")
    return _Chosen.registry


def _attach(
    memory: Store, engine: Store, keyspaces: tuple[Keyspace, ...], *, sync_on_access: bool
) -> MigratingStore:
    """Memory and an engine as one store, with everything in memory marked as not sent yet."""
    if not isinstance(memory, MemoryStore):
        raise ValueError("sync_on_access needs sessions that are in memory until now")
    plan = Plan(Stage.LIVE if sync_on_access else Stage.DUALWRITE, stepped=True)
    guarded = engine if isinstance(engine, GuardedStore | SpillingStore) else GuardedStore(engine)
    both = MigratingStore(memory, guarded, keyspaces, plan, alone=not sync_on_access)
    if not sync_on_access:
        both.copies.unsent.add(*memory.list_keys())
    return both


def get_session_store() -> Store:
    """The store of this process.

    Raises:
        RuntimeError: none was chosen yet.
    """
    return get_registry().store


def is_using_redis() -> bool:
    """Whether Redis decides what a session holds, by itself or with a copy in memory."""
    return get_session_store().name == "redis"


def sessions_of(keyspace: str | None = None) -> Sessions:
    """The sessions of a keyspace by its name, of the process's first one when none is named.

    Raises:
        RuntimeError: no store was chosen yet, or the keyspace is not known.
    """
    try:
        return get_registry().sessions_of(keyspace)
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
    if _Chosen.registry is None:
        return
    _finish_flushers()
    _Chosen.registry.store.close()
    _Chosen.registry = None


def _finish_flushers() -> None:
    """Let what copies to an attached engine send what is left, and end."""
    for flusher in _Chosen.flushers:
        flusher.finish(LAST_SECONDS)
    _Chosen.flushers = ()
