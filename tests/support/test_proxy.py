"""The faults of tests/support/proxy.py, between redis-py and a real redis-server."""

import time
from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.proxy import Proxy
from tests.support.servers import RedisServer, eventually, free_port

LONG = "long " * 2000


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A redis-server for all tests here."""
    with RedisServer() as running:
        yield running


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    """A proxy in front of it."""
    server.client().flushall()
    with Proxy(server.port) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis.Redis]:
    """A client behind it that tries everything once."""
    once = Retry(NoBackoff(), 0)
    with redis.Redis(port=proxy.port, socket_timeout=2, retry=once) as connected:
        yield connected


def test_it_passes_everything_on_and_counts(proxy: Proxy, client: redis.Redis) -> None:
    """Without a fault nothing changes on the way, however long it is."""
    client.set("key", LONG)
    assert client.get("key") == LONG.encode()
    assert proxy.connections == 1
    assert proxy.requests >= 2


def test_down_cuts_and_refuses_until_it_is_up(proxy: Proxy, client: redis.Redis) -> None:
    """An open connection breaks, a new one is refused, and both are possible again after it."""
    client.ping()
    proxy.down()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    with pytest.raises(redis.ConnectionError, match="refused"):
        client.ping()
    proxy.up()
    assert client.ping()


def test_rejected_connections_are_counted(proxy: Proxy, client: redis.Redis) -> None:
    """A connection that is reset at once is one attempt."""
    proxy.reject()
    for _ in range(3):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    assert eventually(lambda: proxy.connections == 3)
    proxy.up()
    assert client.ping()


def test_latency_holds_replies_back(proxy: Proxy, client: redis.Redis) -> None:
    """A reply takes at least so long, and the next ones are as before."""
    client.ping()
    proxy.latency(0.2, jitter=0.05)
    begun = time.monotonic()
    client.ping()
    assert time.monotonic() - begun >= 0.14
    proxy.up()
    assert client.ping()


def test_a_black_hole_swallows_requests(server: RedisServer, proxy: Proxy) -> None:
    """Connections are taken and nothing is answered, nothing done; later ones are served."""
    once = Retry(NoBackoff(), 0)
    with redis.Redis(port=proxy.port, socket_timeout=0.2, retry=once) as client:
        client.ping()
        proxy.timeout()
        for _ in range(2):
            with pytest.raises(redis.TimeoutError):
                client.incr("count")
        assert proxy.connections == 2
        proxy.up()
        assert client.incr("count") == 1


def test_reset_peer_does_the_request_and_loses_the_reply(
    server: RedisServer, proxy: Proxy, client: redis.Redis
) -> None:
    """As often as told the server does it and the client sees its connection reset."""
    for _ in range(2):
        client.ping()
        proxy.reset_peer(1)
        with pytest.raises(redis.ConnectionError, match=r"reset|closed"):
            client.incr("count")
    assert client.incr("count") == 3
    assert proxy.resets == 2


def test_slices_arrive_whole(proxy: Proxy, client: redis.Redis) -> None:
    """A reply in tiny pieces is the same reply."""
    client.set("key", LONG[:400])
    proxy.slicer(piece=3)
    assert client.get("key") == LONG[:400].encode()


def test_a_server_that_is_away_looks_like_a_reset() -> None:
    """Behind a proxy that is up, a dead server resets connections."""
    nowhere = free_port()
    once = Retry(NoBackoff(), 0)
    with (
        Proxy(nowhere) as proxy,
        redis.Redis(port=proxy.port, retry=once) as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.ping()
