"""A server that is not the one any more, on connections that stay open: they are all closed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from services.sessions.errors import StoreUnavailable
from services.sessions.stores import RedisStore
from services.sessions.stores.base import Condition, Outcome
from services.sessions.stores.redis.connections import Connections, open_pool
from tests.support.proxy import Proxy
from tests.support.records import record, value
from tests.support.servers import RedisServer, eventually

OPEN = 4
"""Connections that a process has open."""


@contextmanager
def open_several(url: str) -> Iterator[Connections]:
    """A pool with several connections that are not in use."""
    connections = Connections(open_pool(url, timeout=5), size=OPEN)
    together = Barrier(OPEN)

    def use(_: int) -> None:
        together.wait(30)
        connections.execute("BLPOP", "nothing", "0.3")

    with ThreadPoolExecutor(OPEN) as pool:
        list(pool.map(use, range(OPEN)))
    yield connections
    connections.close()


def count_clients(server: RedisServer) -> int:
    """How many connections a server has, but for the one that asks."""
    with server.client() as client:
        return len(client.client_list(_type="normal")) - 1


def make_read_only(server: RedisServer) -> None:
    """As a replica of nobody."""
    server.client().replicaof("127.0.0.1", "1")


def make_silent(server: RedisServer) -> None:
    """As a replica that must not serve old data."""
    server.client().config_set("replica-serve-stale-data", "no")
    make_read_only(server)


def miss_replicas(server: RedisServer) -> None:
    """As a primary that nobody follows."""
    server.client().config_set("min-replicas-to-write", "1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [(make_read_only, "read_only"), (make_silent, "masterdown"), (miss_replicas, "noreplicas")],
)
def test_a_server_that_serves_no_more_loses_every_connection(
    change: Callable[[RedisServer], None], reason: str
) -> None:
    """Those that were not in use as well, so that no reader goes on asking it."""
    with RedisServer() as server, open_several(server.url) as connections:
        store = RedisStore(connections)
        assert count_clients(server) == OPEN
        change(server)
        with pytest.raises(StoreUnavailable, match=reason):
            store.put(record("k"), Condition.ABSENT)
        assert eventually(lambda: count_clients(server) == 0)


def test_a_connection_in_use_meanwhile_is_closed_after_its_use() -> None:
    """It would come back as one that is still good."""
    with RedisServer() as server, open_several(server.url) as connections:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(connections.execute, "BLPOP", "list", "60")
            client = server.client()
            assert eventually(lambda: client.info("clients")["blocked_clients"] == 1)
            connections.close()
            client.rpush("list", "here")
            assert waiting.result() == [b"list", b"here"]
        client.close()
        assert eventually(lambda: count_clients(server) == 0)


def test_after_a_failover_the_next_call_finds_the_new_primary(tmp_path: Path) -> None:
    """Reads too: the old one would go on answering them."""
    with (
        RedisServer("--dir", str(tmp_path)) as old,  # a replica keeps a file
        RedisServer("--dir", str(tmp_path)) as new,
        Proxy(old.port) as address,
        open_several(f"redis://127.0.0.1:{address.port}/0") as connections,
    ):
        store = RedisStore(connections)
        store.put(record("k", 1, "before"), Condition.ABSENT)
        new.client().replicaof("127.0.0.1", str(old.port))
        assert eventually(lambda: new.client().exists("k") == 1)
        new.client().replicaof("no", "one")
        address.redirect(new.port)
        old.client().replicaof("127.0.0.1", str(new.port))
        with pytest.raises(StoreUnavailable, match="read_only"):
            store.put(record("k", 2, "after"), Condition.UNCHANGED)
        done = store.put(record("k", 2, "after"), Condition.UNCHANGED)
        assert done.outcome is Outcome.STORED
        assert store.get("k") == value(2, "after")
        assert new.client().get("k") == value(2, "after")
        assert eventually(lambda: count_clients(old) <= 1)  # the new one's, as its replica
