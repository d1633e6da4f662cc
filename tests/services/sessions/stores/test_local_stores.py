"""What only engines of this host do: hand out whole records, take them back, tell a backlog."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from services.sessions import codec
from services.sessions.errors import StoreFull
from services.sessions.stores import MemoryStore, SqlStore
from services.sessions.stores.base import (
    Backlog,
    Condition,
    LocalStore,
    Outcome,
    Put,
    Record,
    quarantine_key,
)
from tests.support.clock import FakeClock

OLD_SCHEMA = """
CREATE TABLE sessions (
    "key" TEXT NOT NULL, version BIGINT NOT NULL, body BLOB NOT NULL, expires_at BIGINT NOT NULL,
    member TEXT NOT NULL, keyspace_index TEXT, owner_index TEXT, PRIMARY KEY ("key")
);
CREATE INDEX ix_sessions_expires_at ON sessions (expires_at);
CREATE INDEX ix_sessions_keyspace_index ON sessions (keyspace_index, expires_at);
CREATE INDEX ix_sessions_owner_index ON sessions (owner_index, expires_at);
"""
"""The table as the release before `written_at` made it."""


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test moves."""
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[LocalStore]:
    """An empty engine of each kind that is on this host."""
    engine: LocalStore = MemoryStore(clock=clock)
    if request.param == "sqlite":
        engine = SqlStore(f"sqlite:///{tmp_path / 'sessions.db'}", clock=clock)
    yield engine
    engine.close()


def record(key: str, version: int = 1, text: str = "hello", *, lives: float = 3600) -> Record:
    """A document that lives so many seconds from now, in two indexes."""
    end = int((time.time() + lives) * 1000)
    body = b',"format":1,"text":"%s"}' % text.encode()
    return Record(key, version, body, end, key, ("all", "owner:a"))


def tombstone(key: str, version: int) -> Record:
    """What a deletion leaves."""
    body = codec.tombstone_body("a")
    return record(key, version)._replace(body=body, deleted=True)


def keys(records: list[Record]) -> list[str]:
    """The keys of some records, in their order."""
    return [one.key for one in records]


def test_a_copy_is_the_record_that_was_put(store: LocalStore) -> None:
    """Expiry, member and indexes come along, those of a tombstone too."""
    for given in (record("k", 3), tombstone("gone", 7), record("bare")._replace(indexes=())):
        store.put(given, Condition.OLDER)
        assert store.read_record(given.key) == given
    assert store.read_record("missing") is None


def test_a_copy_has_the_version_and_expiry_that_are_stored(store: LocalStore) -> None:
    """A replacement raised the version, an extension moved the expiry."""
    store.put(record("k", 4), Condition.ANY)
    store.put(record("k", 1, "new"), Condition.ANY)
    longer = record("k", lives=7200)
    store.touch(longer)
    assert store.read_record("k") == longer._replace(version=5, body=record("k", 1, "new").body)


def test_an_installed_record_takes_the_place_of_anything(store: LocalStore) -> None:
    """Also of a higher version, and of a tombstone; its own version stays as it is."""
    store.put(record("k", 9), Condition.ANY)
    store.install(record("k", 2, "lower"))
    assert store.read_record("k") is not None
    assert store.get("k") == codec.join(2, record("k", 2, "lower").body)
    store.install(tombstone("k", 3))
    assert store.members("all") == []
    store.install(record("k", 1))
    assert store.members("all") == ["k"]


def test_a_full_memory_installs_what_it_refuses_to_create() -> None:
    """What was accepted elsewhere has a place."""
    store = MemoryStore(max_sessions=1)
    store.install(record("a"))
    store.install(record("b"))
    assert store.list_keys() == ["a", "b"]


def test_a_full_memory_refuses_what_is_new_and_keeps_what_it_has() -> None:
    """Sessions that are stored can grow for a while longer; none makes room for another."""
    store = MemoryStore(max_bytes=1_000_000)
    taken = [record(f"k{at}", text="x" * 50_000) for at in range(30)]
    with pytest.raises(StoreFull, match="memory_full"):
        store.put_many(taken, Condition.ABSENT)
    held = store.list_keys()
    assert held == keys(taken)[: len(held)]
    assert 15 <= len(held) < 20
    grown = record("k0", 2, "x" * 100_000)
    assert store.put(grown, Condition.UNCHANGED).outcome is Outcome.STORED
    with pytest.raises(StoreFull):
        store.put(record("k1", 2, "x" * 500_000), Condition.UNCHANGED)
    assert store.get("k1") == codec.join(1, taken[1].body)
    assert store.put(record("k1", 2, "short"), Condition.UNCHANGED).outcome is Outcome.STORED
    assert sorted(store.list_keys()) == sorted(held)


def leave_by_expiry(store: MemoryStore, one: Record, clock: FakeClock) -> None:
    """Let its time pass."""
    clock.forward(4000)
    assert store.get(one.key) is None


LEAVES: dict[str, Callable[[MemoryStore, Record, FakeClock], object]] = {
    "deleted": lambda store, one, _: store.delete(one),
    "forgotten": lambda store, one, _: store.forget_many([one]),
    "expired": leave_by_expiry,
    "a tombstone": lambda store, one, _: store.put(tombstone(one.key, 2), Condition.ANY),
    "shorter": lambda store, one, _: store.put(record(one.key, 2, "-"), Condition.UNCHANGED),
}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
def test_memory_is_given_back(
    clock: FakeClock, leave: Callable[[MemoryStore, Record, FakeClock], object]
) -> None:
    """However a session leaves, the next one finds its room."""
    store = MemoryStore(max_bytes=100_000, clock=clock)
    for number in range(10):
        lives = clock() - time.time() + 3600
        one = record(f"k{number}", text="x" * 80_000, lives=lives)
        assert store.put(one, Condition.ABSENT).outcome is Outcome.STORED
        leave(store, one, clock)


def test_only_what_was_looked_at_is_forgotten(store: LocalStore) -> None:
    """A turn that came while the copy was sent stays."""
    sent = record("k", 2)
    store.put(sent, Condition.OLDER)
    assert store.forget_many([sent._replace(version=3)]) == 0
    assert store.forget_many([sent._replace(body=b',"format":1}')]) == 0
    assert store.get("k") is not None
    assert store.forget_many([sent]) == 1
    assert store.get("k") is None
    assert store.forget_many([sent]) == 0
    assert store.members("all") == []


def test_many_are_forgotten_at_once(store: LocalStore) -> None:
    """Each only while it is the one that was looked at."""
    records = [record(f"k{at}") for at in range(5)]
    for one in records:
        store.put(one, Condition.ABSENT)
    store.put(record("k3", 2, "changed meanwhile"), Condition.UNCHANGED)
    assert store.forget_many(records) == 4
    assert store.list_keys() == ["k3"]
    assert store.forget_many([]) == 0


def test_tombstones_wait_first_and_then_the_oldest_writes(
    store: LocalStore, clock: FakeClock
) -> None:
    """A deletion overtakes everything; a session that is written again goes to the end."""
    for given in (record("a"), record("b"), record("c"), tombstone("z", 4), tombstone("y", 2)):
        store.put(given, Condition.OLDER)
        clock.forward(1)
    store.put(record("a", 2), Condition.UNCHANGED)
    assert keys(store.pending(10)) == ["z", "y", "b", "c", "a"]
    assert keys(store.pending(3)) == ["z", "y", "b"]
    assert keys(store.pending(2, but={"z", "b"})) == ["y", "c"]
    assert store.pending(1) == [store.read_record("z")]


def test_the_backlog_counts_and_knows_the_oldest_write(store: LocalStore, clock: FakeClock) -> None:
    """Nothing stored has no age; an expired document is not counted."""
    assert store.backlog() == Backlog(0, 0)
    store.put(record("a", lives=100), Condition.ABSENT)
    clock.forward(30)
    store.put(record("b"), Condition.ABSENT)
    store.put(tombstone("c", 2), Condition.ANY)
    clock.forward(10)
    assert store.backlog() == Backlog(3, 40)
    clock.forward(65)  # the test's clock began up to a second behind the record's
    assert store.backlog() == Backlog(2, 75)
    assert store.list_keys() == ["b", "c"]
    assert keys(store.pending(5)) == ["c", "b"]


def test_what_was_set_aside_is_never_handed_out(store: LocalStore) -> None:
    """It is no document: nobody sends it, counts it or waits for it."""
    store.put(record("k")._replace(body=b",no json"), Condition.ABSENT)
    broken = store.get("k")
    assert broken is not None
    keep_until = record("k").expires_at
    assert store.quarantine("k", broken, keep_until, "k", ("all", "owner:a"))
    assert store.get(quarantine_key("k")) == broken
    assert store.read_record(quarantine_key("k")) is None
    assert store.list_keys() == []
    assert store.pending(5) == []
    assert store.backlog() == Backlog(0, 0)


def test_setting_aside_twice_keeps_the_later_value(store: LocalStore) -> None:
    """The key of unreadable values holds one, the one that was met last."""
    for text in (b",first", b",second"):
        store.put(record("k")._replace(body=text), Condition.ANY)
        broken = store.get("k")
        assert broken is not None
        assert store.quarantine("k", broken, record("k").expires_at, "k")
    assert store.get(quarantine_key("k")) == b'{"version":1,second'


def earlier_release(file: Path) -> None:
    """A file as an earlier release left it, with a session and a tombstone."""
    end = int(time.time() * 1000) + 3_600_000
    rows = (
        ("k", 3, record("k").body, end, "k", "all", "owner:a"),
        ("gone", 5, codec.tombstone_body(None), end, "gone", None, None),
    )
    connection = sqlite3.connect(file)
    with connection:
        connection.executescript("PRAGMA journal_mode=WAL;" + OLD_SCHEMA)
        connection.executemany("INSERT INTO sessions VALUES (?,?,?,?,?,?,?)", rows)
    connection.close()


def test_a_file_of_an_earlier_release_goes_on(tmp_path: Path) -> None:
    """Its sessions are read, changed and handed out; what has no known age comes first."""
    earlier_release(tmp_path / "s.db")
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}")
    assert store.get("k") == codec.join(3, record("k").body)
    assert store.backlog() == Backlog(2, 0)
    store.put(record("new"), Condition.ABSENT)
    assert keys(store.pending(5)) == ["gone", "k", "new"]
    assert [one.deleted for one in store.pending(5)] == [True, False, False]
    assert store.members("owner:a") == ["new", "k"]
    assert store.put(record("k", 4), Condition.UNCHANGED) == Put(Outcome.STORED, 4)
    store.close()


def count_in(url: str) -> int:
    """How many documents a file holds, seen by a process of its own."""
    store = SqlStore(url)
    count = store.backlog().count
    store.close()
    return count


def test_several_processes_may_take_over_an_old_file_at_once(tmp_path: Path) -> None:
    """Workers that start together after an update do not get into each other's way."""
    earlier_release(tmp_path / "s.db")
    with ProcessPoolExecutor(4) as pool:
        jobs = [pool.submit(count_in, f"sqlite:///{tmp_path / 's.db'}") for _ in range(8)]
        assert {job.result() for job in jobs} == {2}


def test_ten_thousand_are_taken_in_batches_without_sorting_them(tmp_path: Path) -> None:
    """The order is kept with every write, so that a batch costs the same however many wait."""
    file = tmp_path / "s.db"
    store = SqlStore(f"sqlite:///{file}")
    store.ping()
    connection = sqlite3.connect(file)
    end = record("k").expires_at
    rows = [(f"k{at:05}", record("k", text="x" * 500).body, end, at) for at in range(10_000)]
    insert = (
        "INSERT INTO sessions (key,version,body,expires_at,member,keyspace_index,written_at)"
        " VALUES (?1,1,?2,?3,?1,'all',?4)"
    )
    with connection:
        connection.executemany(insert, rows)
    statements: list[tuple[str, tuple[object, ...]]] = []

    def note(*call: Any) -> None:
        statements.append((call[2], call[3]))

    event.listen(sa.Engine, "before_cursor_execute", note)
    store.pending(1)
    event.remove(sa.Engine, "before_cursor_execute", note)
    [(query, values)] = statements
    plan = str(connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall())
    connection.close()
    assert "ix_sessions_waiting" in plan
    assert "TEMP B-TREE" not in plan
    taken: list[str] = []
    while batch := store.pending(200):
        taken += keys(batch)
        assert store.forget_many(batch) == len(batch)
    assert taken == [row[0] for row in rows]
    store.close()
