"""A lease: one process has it, others stand by, and nobody's death keeps it for long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.sessions.lease import LEASE_SECONDS, Lease
from services.sessions.stores import MemoryStore, Store
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """The engine's time."""
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Store]:
    """Where everybody looks."""
    store = MemoryStore(clock=clock)
    yield store
    store.close()


def test_one_has_it_until_it_gives_it_back(memory_or_redis: Store) -> None:
    """Renewing it is taking it again."""
    first, second = (Lease(memory_or_redis, "job", {"pid": pid}) for pid in (1, 2))
    assert first.take()
    assert first.take()
    assert not second.take()
    assert second.holder()["pid"] == 1
    second.release()
    assert not second.take()
    first.release()
    assert second.take()


def test_jobs_are_apart(memory_or_redis: Store) -> None:
    """Each has a lease of its own."""
    assert Lease(memory_or_redis, "one", {}).take()
    assert Lease(memory_or_redis, "other", {}).take()


def test_of_many_at_once_one_gets_it(memory_or_redis: Store) -> None:
    """The engine decides."""
    leases = [Lease(memory_or_redis, "job", {"pid": pid}) for pid in range(10)]
    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(Lease.take, leases))
    assert taken.count(True) == 1


def test_whoever_does_not_renew_loses_it(engine: Store, clock: FakeClock) -> None:
    """A process that died blocks nobody for more than its time."""
    first, second = (Lease(engine, "job", {}, clock=clock) for _ in range(2))
    assert first.take()
    clock.forward(LEASE_SECONDS - 1)
    assert not second.take()
    assert first.take()
    clock.forward(LEASE_SECONDS + 1)
    assert second.take()
    assert not first.take()
    assert Lease(engine, "free", {}, clock=clock).holder() == {}
