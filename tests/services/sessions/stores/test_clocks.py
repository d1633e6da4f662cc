"""Clocks that differ, and clocks that are set back: nothing ends early, nothing returns."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions.errors import SessionNotFound
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore, RedisStore, SqlStore, Store
from services.sessions.stores.base import Condition, Outcome, Record, quarantine_key
from services.sessions.stores.clocks import Steady, make_steady
from services.sessions.stores.redis.connections import Connections, open_pool
from tests.support.clock import FakeClock
from tests.support.servers import RedisServer

HOUR = 3600.0


@pytest.fixture
def clock() -> FakeClock:
    """The clock of a host."""
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """An engine of each kind on that host."""
    engine: Store
    if request.param == "memory":
        engine = MemoryStore(clock=clock)
    elif request.param == "sqlite":
        engine = SqlStore(f"sqlite:///{tmp_path / 's.db'}", clock=clock)
    else:
        engine = redis_store(request.getfixturevalue("redis_url"), clock)
    yield engine
    engine.close()


def redis_store(url: str, clock: FakeClock) -> RedisStore:
    """The Redis engine of a host with this clock."""
    return RedisStore(Connections(open_pool(url, timeout=5)), clock=clock)


def record(key: str, clock: FakeClock, *, lives: float, version: int = 1) -> Record:
    """A document that lives so many seconds by a clock."""
    body = b',"format":1,"text":"hello"}'
    return Record(key, version, body, int((clock() + lives) * 1000), key, ("all", "owner:a"))


def test_a_steady_clock_follows_the_other_forward() -> None:
    """Also by a large step, as when a wrong clock is corrected."""
    clock = FakeClock()
    mine = make_steady(clock)
    begun = mine()
    clock.forward(1.5)
    assert mine() == begun + 1.5
    clock.forward(HOUR)
    assert mine() == begun + 1.5 + HOUR


def test_a_steady_clock_goes_on_when_the_other_is_set_back() -> None:
    """At its true rate, as often as it happens."""
    clock, meter = FakeClock(), FakeClock()
    mine = Steady(clock, meter=meter)
    begun = mine()
    for number in range(1, 4):
        clock.forward(10 - HOUR)
        meter.forward(10)
        assert mine() == begun + 20 * number - 10
        clock.forward(10)
        meter.forward(10)
        assert mine() == begun + 20 * number


def test_all_who_use_a_clock_agree_on_the_time() -> None:
    """The engine and the sessions reckon with one steady clock, not with one each."""
    clock = FakeClock()
    assert make_steady(clock) is make_steady(clock)
    assert make_steady(make_steady(clock)) is make_steady(clock)
    assert make_steady(time.time) is make_steady(time.time)


def test_a_clock_set_back_ends_nothing_early_and_brings_nothing_back(
    store: Store, clock: FakeClock
) -> None:
    """What was seen to be gone stays gone; what lives goes on for as long as it was given."""
    chats = Sessions(store, build_teaser_chat_keyspace(), clock=clock)
    kept, gone = str(uuid.uuid4()), "gone"
    chats.save(kept, {"history": []}, owner="a")
    store.put(record(gone, clock, lives=0.05), Condition.ABSENT)
    wait_until_gone(store, gone, clock)
    clock.forward(-HOUR)
    assert store.get(gone) is None
    assert store.put(record(gone, clock, lives=HOUR, version=2), Condition.UNCHANGED).outcome is (
        Outcome.MISSING
    )
    assert chats.get(kept, owner="a").version == 1
    later = chats.update(kept, lambda session: session.update(text="later"), owner="a")
    chats.extend(later)
    clock.forward(HOUR - 60)
    assert chats.get(kept, owner="a")["text"] == "later"
    assert chats.list_owned("a") == [kept]
    assert chats.count() == 1


def wait_until_gone(store: Store, key: str, clock: FakeClock) -> None:
    """Let a short life end, by the host's clock and by the server's."""
    deadline = time.monotonic() + 5
    while store.get(key) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
        clock.forward(0.02)
    assert store.get(key) is None


def test_a_life_in_memory_ends_in_time_although_the_clock_was_set_back(clock: FakeClock) -> None:
    """It does not last an hour longer."""
    store = MemoryStore(clock=clock)
    store.put(record("k", clock, lives=100), Condition.ABSENT)
    clock.forward(-HOUR)
    assert store.get("k") is not None
    clock.forward(101)
    assert store.get("k") is None


def test_a_life_in_redis_is_as_long_as_it_should_be_after_the_clock_was_set_back(
    redis_url: str, redis_server: RedisServer, clock: FakeClock
) -> None:
    """The engine reckons by the same clock as the sessions that told it the end."""
    store = redis_store(redis_url, clock)
    chats = Sessions(store, build_teaser_chat_keyspace(), clock=clock)
    clock.forward(-HOUR)
    session_id = str(uuid.uuid4())
    chats.save(session_id, {"history": []})
    rest = redis_server.client().pttl(f"chat:session:{session_id}")
    assert HOUR * 1000 - 5000 < rest <= HOUR * 1000 + 5000
    store.close()


@pytest.mark.parametrize("off", [-HOUR, HOUR, -30 * 24 * HOUR])
def test_redis_keeps_a_session_as_long_as_it_was_given_whatever_a_host_s_clock_shows(
    redis_url: str, redis_server: RedisServer, off: float
) -> None:
    """A host an hour behind writes nothing that has expired, one ahead nothing that lives on."""
    clock = FakeClock()
    clock.forward(off)
    store = redis_store(redis_url, clock)
    client = redis_server.client()
    store.put(record("k", clock, lives=100), Condition.ABSENT)
    assert 98_000 < client.pttl("k") <= 100_000
    end = client.zscore("all", "k")
    assert isinstance(end, float)
    assert abs(end / 1000 - time.time() - 100) < 5
    store.touch(record("k", clock, lives=200))
    assert 198_000 < client.pttl("k") <= 200_000
    assert store.members("all") == ["k"]
    assert store.count("owner:a") == 1
    ends = store.expires_at("k")
    assert ends is not None
    assert abs(ends / 1000 - clock() - 200) < 5
    value = store.get("k")
    assert value is not None
    store.quarantine("k", value, int((clock() + 300) * 1000), "k", ("all",))
    assert 298_000 < client.pttl(quarantine_key("k")) <= 300_000
    store.close()


def test_hosts_whose_clocks_differ_share_sessions_in_redis(redis_url: str) -> None:
    """What one wrote, the other reads, lists, extends and saves."""
    behind, ahead = FakeClock(), FakeClock()
    behind.forward(-2 * HOUR)
    ahead.forward(2 * HOUR)
    one, other = redis_store(redis_url, behind), redis_store(redis_url, ahead)
    one.put(record("a", behind, lives=HOUR), Condition.ABSENT)
    other.put(record("b", ahead, lives=HOUR + 60), Condition.ABSENT)
    for store, clock in ((one, behind), (other, ahead)):
        assert store.members("all") == ["b", "a"]
        assert store.touch(record("a", clock, lives=HOUR))
        assert store.get("a") is not None
    assert other.put(record("a", ahead, lives=HOUR, version=2), Condition.UNCHANGED).version == 2
    assert one.put(record("a", behind, lives=HOUR, version=3), Condition.UNCHANGED).version == 3
    one.close()
    other.close()


def test_a_record_that_has_expired_on_the_way_is_taken_and_gone(redis_url: str) -> None:
    """A life of no time is none that Redis would take."""
    clock = FakeClock()
    store = redis_store(redis_url, clock)
    assert store.put(record("k", clock, lives=-5), Condition.ABSENT).outcome is Outcome.STORED
    wait_until_gone(store, "k", clock)
    store.close()


@pytest.mark.parametrize("read", ["get", "read_record", "expires_at"])
def test_what_one_process_saw_expire_does_not_come_back_for_another(
    tmp_path: Path, read: str
) -> None:
    """Whose clock is behind; the row is removed where it is met."""
    ahead, behind = FakeClock(), FakeClock()
    one = SqlStore(f"sqlite:///{tmp_path / 's.db'}", clock=ahead)
    other = SqlStore(f"sqlite:///{tmp_path / 's.db'}", clock=behind)
    one.put(record("k", ahead, lives=10), Condition.ABSENT)
    ahead.forward(11)
    assert getattr(one, read)("k") is None
    assert other.get("k") is None
    assert other.count("all") == 0
    one.close()
    other.close()


def test_an_expired_conversation_is_not_found_after_the_clock_was_set_back() -> None:
    """By the rules of a conversation, not only of a key."""
    clock = FakeClock()
    chats = Sessions(MemoryStore(clock=clock), build_teaser_chat_keyspace(), clock=clock)
    session_id = str(uuid.uuid4())
    chats.save(session_id, {"history": []})
    clock.forward(HOUR + 1)
    assert chats.count() == 0
    clock.forward(-HOUR)
    with pytest.raises(SessionNotFound):
        chats.get(session_id)
