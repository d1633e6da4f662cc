"""Engines for tests: one that can be cut off, and a record to put into any of them."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.keyspaces import build_keyspaces
from services.sessions.errors import StoreUnavailable
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import Outage, open_spill
from services.sessions.stores import MemoryStore, SqlStore, Store, open_store
from services.sessions.stores.base import Condition, Put, Record

SETUPS = ("memory", "sqlite", "redis", "redis with a spill", *(stage for stage in Stage))
"""What an application may run on: an engine, or a stage between the dict and Redis."""


def set_up(name: str, redis_url: Callable[[], str], folder: Path) -> Store:
    """The store of one of SETUPS, empty.

    Args:
        name: which.
        redis_url: tells an empty Redis, where one is needed.
        folder: for files.
    """
    if name == "memory":
        return MemoryStore()
    if name == "sqlite":
        return SqlStore(f"sqlite:///{folder / 'sessions.db'}")
    redis = open_store(redis_url())
    if name == "redis":
        return redis
    outage = Outage(redis, build_keyspaces(), open_spill(f"sqlite:///{folder / 'spill.db'}"))
    if name == "redis with a spill":
        return outage.store
    plan = Plan(Stage(name), stepped=True)
    return MigratingStore(MemoryStore(), outage.store, build_keyspaces(), plan)


def engines_of(store: Store) -> tuple[Store, ...]:
    """The engines of one of SETUPS themselves: both copies' where there are two."""
    return (store.old, store.new) if isinstance(store, MigratingStore) else (store,)


class CutOff(MemoryStore):
    """A memory engine that answers nothing while it is down, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.asked = 0

    def get(self, key: str) -> bytes | None:
        self._ask()
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        self._ask()
        return super().put(record, condition)

    def delete(self, record: Record) -> bool:
        self._ask()
        return super().delete(record)

    def touch(self, record: Record) -> bool:
        self._ask()
        return super().touch(record)

    def expires_at(self, key: str) -> int | None:
        self._ask()
        return super().expires_at(key)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        self._ask()
        return super().members(index, start=start, limit=limit)

    def count(self, index: str) -> int:
        self._ask()
        return super().count(index)

    def ping(self) -> None:
        self._ask()

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("connection")


def document_record(
    key: str, version: int, text: str, *, lives: float = 3600, indexes: Sequence[str] = ()
) -> Record:
    """A readable document of some version, living so many seconds from now."""
    session_id = key.rpartition(":")[2]
    now = int(time.time() * 1000)
    end = now + int(lives * 1000)
    body = (
        f',"format":1,"session_id":"{session_id}","owner":null,"created_at":{now},'
        f'"updated_at":{now},"expires_at":{end},"text":"{text}"}}'
    )
    return Record(key, version, body.encode(), end, session_id, tuple(indexes))
