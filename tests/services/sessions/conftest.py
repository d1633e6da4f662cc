"""Every engine, for the tests of the contract."""

from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest

from services.sessions.stores import MemoryStore, RedisStore, SqlStore, Store
from services.sessions.stores.redis.connections import Connections
from tests.support.redis_users import DEPLOYED, PASSWORD, read_rules
from tests.support.servers import RedisServer


@pytest.fixture(params=["memory", "sqlite", "fakeredis", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty engine of each kind."""
    engine = _engine(request, tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def deployed_user_url(redis_url: str, redis_server: RedisServer) -> str:
    """The URL of an empty real Redis for the user that deploy/users.acl describes."""
    redis_server.client().execute_command(
        "ACL", "SETUSER", DEPLOYED, "reset", *read_rules(DEPLOYED), f">{PASSWORD}"
    )
    return f"redis://{DEPLOYED}:{PASSWORD}@127.0.0.1:{redis_server.port}/0"


def _engine(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "sqlite":
        return SqlStore(f"sqlite:///{folder / 'sessions.db'}")
    if request.param == "fakeredis":
        pool = fakeredis.FakeRedis(server=fakeredis.FakeServer()).connection_pool
        return RedisStore(Connections(pool))
    return RedisStore.from_url(request.getfixturevalue("deployed_user_url"), timeout=5)
