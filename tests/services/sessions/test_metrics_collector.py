"""What is told of the migration and of the engines at the moment somebody asks."""

import threading
import uuid
from collections.abc import Iterator

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions import Sessions, get_registry, metrics, set_session_store
from services.sessions.metrics_collector import collect_readings
from services.sessions.migration.metrics import MigrationMetrics
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import Outage, open_spill
from services.sessions.stores import MemoryStore, RedisStore, Store
from services.sessions.stores.base import Condition
from tests.support.engines import CutOff, document_record
from tests.support.scraping import Scrape
from tests.support.servers import RedisServer

CHAT = build_teaser_chat_keyspace()


def copies(event: str) -> float:
    """How many copies are told under this event."""
    told = Scrape(metrics.render_text().decode())
    return told.value("teaser_migration_copies_total", event=event) or 0


def unsent() -> float | None:
    """How many are told to be unsent."""
    return Scrape(metrics.render_text().decode()).value("teaser_migration_unsent")


def read_values(outage: Outage) -> dict[str, float]:
    """What is read at this moment, by name; of several values the first."""
    return {
        reading.name: next(iter(reading.values.values()))
        for reading in collect_readings(outage, get_registry())
    }


def store_in(stage: Stage, engine: Store) -> MigratingStore:
    """A dict and an engine in some stage."""
    return MigratingStore(MemoryStore(), Outage(engine, (CHAT,)).store, (CHAT,), Plan(stage))


@pytest.fixture
def engine() -> CutOff:
    """An engine that can be cut off, as the store of this process."""
    store = CutOff()
    set_session_store(store, keyspaces=(CHAT,))
    return store


def test_tallies_are_told_by_how_far_they_rose() -> None:
    """Each once, however often and from however many threads they are told."""
    store = store_in(Stage.SHADOW, MemoryStore())
    progress = MigrationMetrics(store)
    progress.report()
    before = copies("compared"), copies("lag")
    store.copies.stats.compared += 5
    store.copies.stats.lag += 2
    threads = [threading.Thread(target=progress.report) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (copies("compared"), copies("lag")) == (before[0] + 5, before[1] + 2)
    store.copies.stats.compared += 1
    progress.report()
    assert copies("compared") == before[0] + 6


def test_two_stores_of_a_process_are_added_up() -> None:
    """Neither takes the other's stats for its own."""
    one, other = (store_in(Stage.SHADOW, MemoryStore()) for _ in range(2))
    before = copies("merged")
    for store, count in ((one, 3), (other, 2)):
        store.copies.stats.merged += count
        MigrationMetrics(store).report()
    assert copies("merged") == before + 5


def test_what_the_engine_lacks_is_told_while_it_is_away() -> None:
    """In dualwrite; in off nothing is meant to be sent."""
    engine = CutOff()
    store = store_in(Stage.DUALWRITE, engine)
    progress, sessions = MigrationMetrics(store), Sessions(store, CHAT)
    engine.down = True
    for _ in range(3):
        sessions.save(str(uuid.uuid4()), {"history": []})
    progress.report()
    assert unsent() == 3
    store.switch(Plan(Stage.OFF))
    progress.report()
    assert unsent() == 0


def test_sessions_are_counted_where_they_are_listed(engine: CutOff) -> None:
    """Browsers' sessions and the like have no index and are left out."""
    for _ in range(3):
        Sessions(engine, CHAT).save(str(uuid.uuid4()), {"history": []})
    found = list(collect_readings(Outage(engine, (CHAT,)), get_registry()))
    assert [(one.name, one.labels, dict(one.values)) for one in found] == [
        ("teaser_sessions", ("keyspace",), {("chat:session",): 3})
    ]


def test_an_engine_that_is_away_leaves_the_spill_to_be_told(engine: CutOff) -> None:
    """And nothing raises."""
    spill = open_spill("memory://")
    outage = Outage(engine, (CHAT,), spill)
    set_session_store(outage.store, keyspaces=(CHAT,))
    assert read_values(outage)["teaser_spill_backlog"] == 0
    engine.down = True
    outage.store.put(document_record(CHAT.key(str(uuid.uuid4())), 1, "one"), Condition.ABSENT)
    found = read_values(outage)
    assert found["teaser_spill_backlog"] == 1
    assert found["teaser_spill_age_seconds"] >= 0


@pytest.fixture
def small_redis() -> Iterator[RedisServer]:
    """A Redis with a maximum."""
    with RedisServer("--maxmemory", "30mb") as server:
        yield server


def test_the_memory_of_redis_is_told(small_redis: RedisServer) -> None:
    """Used and at most, in bytes."""
    store = RedisStore.from_url(small_redis.url)
    set_session_store(store, keyspaces=(CHAT,))
    found = read_values(Outage(store, (CHAT,)))
    assert found["teaser_redis_memory_max_bytes"] == 30 * 1024**2
    assert 0 < found["teaser_redis_memory_used_bytes"] < 30 * 1024**2
    assert found["teaser_sessions"] == 0
    small_redis.client().config_set("maxmemory", 0)
    assert read_values(Outage(store, (CHAT,)))["teaser_redis_memory_max_bytes"] == 0
    store.close()


def test_a_server_that_tells_nothing_of_itself_leaves_the_counts(small_redis: RedisServer) -> None:
    """A managed Redis may forbid INFO."""
    everything = ["+@all", "-info"]
    small_redis.client().acl_setuser(
        "kept-short", enabled=True, passwords="+pass", keys="*", commands=everything
    )
    store = RedisStore.from_url(small_redis.url.replace("//", "//kept-short:pass@"))
    set_session_store(store, keyspaces=(CHAT,))
    assert read_values(Outage(store, (CHAT,))) == {"teaser_sessions": 0}
    store.close()
