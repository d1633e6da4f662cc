"""How long a request waits for Redis: for all its commands together no longer than its budget."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from services.sessions import request_budget
from services.sessions.errors import StoreUnavailable
from services.sessions.migration.copies import Copies
from services.sessions.outage import GuardedStore
from services.sessions.stores import MemoryStore, RedisStore
from services.sessions.stores.base import Condition
from tests.support.engines import document_record
from tests.support.proxy import Proxy
from tests.support.servers import RedisServer, eventually

GENEROUS = 2.0
"""Seconds that a busy machine may add to what is promised."""


@contextmanager
def request_with(seconds: float) -> Iterator[None]:
    """A request that has so many seconds left to wait."""
    request_budget.begin()
    budget = request_budget._present.get()
    assert budget is not None
    budget.seconds = seconds
    try:
        yield
    finally:
        request_budget.end()


def guard(url: str, *, pool_size: int = 16) -> GuardedStore:
    """A Redis that may take far longer to answer than any request may wait."""
    return GuardedStore(RedisStore.from_url(url, pool_size=pool_size, timeout=30))


def failure(action: Callable[[], object]) -> tuple[str, float]:
    """Why an action fails, and after how many seconds."""
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        action()
    return caught.value.reason, time.monotonic() - begun


def test_a_frozen_server_costs_a_request_its_budget_and_no_more() -> None:
    """With a timeout far above it; what it asks then is refused without asking."""
    with RedisServer() as server:
        store = guard(server.url)
        store.ping()
        with server.frozen(), request_with(0.3):
            reason, seconds = failure(lambda: store.get("k"))
            assert reason == "budget"
            assert seconds < 0.3 + GENEROUS
            reason, seconds = failure(lambda: store.get("k"))
            assert reason == "budget"
            assert seconds < GENEROUS
        assert store.get("k") is None
        store.close()


def test_a_first_connection_to_a_frozen_server_is_bounded_too() -> None:
    """Connecting, the password, the database and the command share what is left."""
    with RedisServer("--requirepass", "right") as server:
        url = f"redis://:right@127.0.0.1:{server.port}/3"
        store = guard(url)
        with server.frozen(), request_with(0.3):
            reason, seconds = failure(lambda: store.get("k"))
        assert reason == "budget"
        assert seconds < 0.3 + GENEROUS
        assert store.get("k") is None
        store.close()


def test_a_server_that_dribbles_is_given_up_on(redis_url: str, redis_server: RedisServer) -> None:
    """Each piece comes in time, and the whole would take a minute."""
    with Proxy(redis_server.port) as proxy:
        store = guard(f"redis://127.0.0.1:{proxy.port}/0")
        store.put(document_record("k", 1, "x" * 6000), Condition.ABSENT)
        proxy.slicer(piece=10, pause=0.1)
        with request_with(0.4):
            reason, seconds = failure(lambda: store.get("k"))
        assert reason == "budget"
        assert seconds < 0.4 + GENEROUS
        proxy.up()
        assert store.get("k") is not None
        store.close()


def test_slow_commands_of_one_request_add_up(redis_url: str, redis_server: RedisServer) -> None:
    """Each would be in time; the request gives up when their sum is not."""
    with Proxy(redis_server.port) as proxy:
        store = guard(f"redis://127.0.0.1:{proxy.port}/0")
        store.ping()
        proxy.latency(0.2)
        with request_with(0.5):
            store.get("k")
            with contextlib.suppress(StoreUnavailable):
                store.get("k")
            reason, _ = failure(lambda: store.get("k"))
        assert reason in ("timeout", "budget")
        store.close()


def test_waiting_for_a_connection_is_part_of_the_budget(redis_server: RedisServer) -> None:
    """One that others use may not come in time."""
    store = guard(redis_server.url, pool_size=1)
    with ThreadPoolExecutor(1) as pool:
        client = redis_server.client()
        client.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
        held = pool.submit(store.put, document_record("k", 1, "text"), Condition.ANY)
        assert eventually(lambda: client.info("clients")["blocked_clients"] == 1)
        with request_with(0.1):
            reason, seconds = failure(store.ping)
        client.execute_command("CLIENT", "UNPAUSE")
        held.result()
    assert reason == "budget"
    assert seconds < 0.1 + GENEROUS
    store.close()


def test_a_short_budget_leaves_nothing_behind_for_the_next_request(
    redis_url: str, redis_server: RedisServer
) -> None:
    """The connection waits as long as usual again."""
    with Proxy(redis_server.port) as proxy:
        store = guard(f"redis://127.0.0.1:{proxy.port}/0", pool_size=1)
        with request_with(0.5):  # a busy machine may take some of it
            store.ping()
        proxy.latency(0.8)
        store.ping()
        with request_with(20):
            store.ping()
        store.close()


def test_threads_without_a_request_wait_as_long_as_the_settings_say(
    redis_url: str, redis_server: RedisServer
) -> None:
    """Sending what waits, in the background, has no budget."""
    with Proxy(redis_server.port) as proxy:
        store = guard(f"redis://127.0.0.1:{proxy.port}/0")
        proxy.latency(1.2)
        store.ping()
        store.close()


def test_waiting_for_another_request_s_session_is_part_of_the_budget() -> None:
    """Whoever holds it may be waiting for Redis, and then so does this one."""
    copies = Copies(MemoryStore(), MemoryStore(), ())
    with ThreadPoolExecutor(1) as pool, copies.lock("key"):

        def wait_in_a_request() -> str:
            with request_with(0.1):
                return failure(lambda: copies.lock("key").__enter__())[0]

        assert pool.submit(wait_in_a_request).result(timeout=10) == "budget"
