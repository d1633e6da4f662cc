"""Every engine, for the tests of the contract."""

from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest

from services.sessions.stores import MemoryStore, RedisStore, SqlStore, Store
from services.sessions.stores.redis.connections import Connections


@pytest.fixture(params=["memory", "sqlite", "fakeredis", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty engine of each kind."""
    engine = _engine(request, tmp_path)
    yield engine
    engine.close()


def _engine(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "sqlite":
        return SqlStore(f"sqlite:///{folder / 'sessions.db'}")
    if request.param == "fakeredis":
        pool = fakeredis.FakeRedis(server=fakeredis.FakeServer()).connection_pool
        return RedisStore(Connections(pool))
    return RedisStore.from_url(request.getfixturevalue("redis_url"), timeout=5)
