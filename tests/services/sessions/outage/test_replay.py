"""What waits is given to the engine: all of it, once, in the right order, by one process."""

import logging
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions import codec
from services.sessions.codec import tombstone_body
from services.sessions.errors import StoreRefused, StoreReplyUnknown, StoreUnavailable
from services.sessions.outage import GuardedStore, Replay, Spill, SpillingStore, open_spill
from services.sessions.outage.attempts import LONGEST_PAUSE, MOST_ATTEMPTS, Attempts
from services.sessions.outage.breaker import State
from services.sessions.outage.replay import BATCH
from services.sessions.stores import RedisStore, SqlStore, Store
from services.sessions.stores.base import Condition, Put, Record, quarantine_key
from tests.support.clock import FakeClock
from tests.support.engines import CutOff, document_record

CHAT = build_teaser_chat_keyspace()


class Meddled(CutOff):
    """An engine during whose answer something else happens on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[object] = []
        self.order: list[str] = []
        self.down_after = 0
        self.refuses = False
        self.erring: set[str] = set()
        self.errs = False

    def put(self, record: Record, condition: Condition) -> Put:
        if self.refuses:
            raise StoreRefused("read_only")
        if self.errs or record.key in self.erring:
            raise StoreReplyUnknown("err", key=record.key)
        return super().put(record, condition)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        if self.order and len(self.order) == self.down_after:
            raise StoreUnavailable("connection")
        done = super().put_many(records, condition)
        self.order += [record.member for record in records]
        while self.meanwhile:
            act = self.meanwhile.pop()
            assert callable(act)
            act()
        return done


@pytest.fixture(params=["memory", "sqlite"])
def spill(request: pytest.FixtureRequest, tmp_path: Path) -> Spill:
    """An empty spill."""
    return open_spill(
        "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'spill.db'}"
    )


@pytest.fixture
def engine() -> Meddled:
    """The engine it waits for."""
    return Meddled()


def chat(text: str = "text", version: int = 1) -> Record:
    """A conversation that is to be stored."""
    session_id = str(uuid.uuid4())
    return document_record(CHAT.key(session_id), version, text, indexes=CHAT.indexes("owner"))


def gone(record: Record) -> Record:
    """The tombstone of a conversation."""
    return record._replace(version=record.version + 1, body=tombstone_body("owner"), deleted=True)


def put(spill: Spill, *records: Record) -> None:
    """Let records wait."""
    for record in records:
        spill.put(record, Condition.ANY if record.deleted else Condition.ABSENT)


def test_everything_reaches_a_real_redis(spill: Spill, redis_url: str) -> None:
    """More than fits into one round trip, with their places in both indexes."""
    store = RedisStore.from_url(redis_url)
    records = [chat(f"text {at}") for at in range(BATCH * 2 + 7)]
    put(spill, *records)
    Replay(store, spill, (CHAT,)).work()
    assert store.heads([record.key for record in records]).count(None) == 0
    assert store.count(CHAT.index()) == store.count(CHAT.owner_index("owner")) == len(records)
    assert (spill.backlog().count, spill.is_occupied) == (0, False)
    store.close()


def test_deletions_go_first_then_the_oldest(spill: Spill, engine: Meddled) -> None:
    """Nobody reads what is to be gone while the rest is sent."""
    one, two, three = chat(), chat(), chat()
    put(spill, one, two, gone(three))
    Replay(engine, spill, (CHAT,)).work()
    assert engine.order[0] == three.member
    assert set(engine.order[1:]) == {one.member, two.member}


def test_a_deletion_that_is_sent_empties_the_quarantine_of_its_key(
    spill: Spill, engine: Meddled
) -> None:
    """The unreadable value was where nobody could reach it when the session was deleted."""
    record = chat()
    engine.put(record, Condition.ANY)
    value = engine.get(record.key)
    assert value is not None
    engine.quarantine(record.key, value, 2**42, record.member, record.indexes)
    put(spill, gone(record)._replace(body=tombstone_body(None)))
    Replay(engine, spill, (CHAT,)).work()
    assert engine.get(quarantine_key(record.key)) is None


def test_the_room_of_what_was_sent_is_given_back(tmp_path: Path, engine: Meddled) -> None:
    """All of the file when nothing is left, and whoever sent the last of it."""
    file = tmp_path / "spill.db"
    spill = open_spill(f"sqlite:///{file}")
    replay = Replay(engine, spill, (CHAT,))
    for is_sent_by_request in (False, True):
        record = chat("x" * 500_000)
        put(spill, record)
        assert file.stat().st_size + file.with_name("spill.db-wal").stat().st_size > 500_000
        if is_sent_by_request:
            assert replay.send(record)
        replay.work()
        assert not file.exists()
        assert engine.get(record.key) is not None


def test_what_changes_while_it_is_sent_stays(spill: Spill, engine: Meddled) -> None:
    """A turn that was accepted meanwhile is sent in its turn."""
    record = chat("first")
    later = document_record(record.key, 2, "second", indexes=record.indexes)
    later = later._replace(base=codec.join(1, record.body))
    put(spill, record)
    engine.meanwhile = [lambda: spill.put(later, Condition.UNCHANGED)]
    Replay(engine, spill, (CHAT,)).work()
    assert b"second" in (engine.get(record.key) or b"")
    assert spill.backlog().count == 0


def test_what_is_deleted_and_spilled_again_with_the_same_version_stays(
    spill: Spill, engine: Meddled
) -> None:
    """A version alone does not say that it is the same document."""
    record = chat("first")
    twin = document_record(record.key, 1, "another", indexes=record.indexes)
    put(spill, record)

    def meddle() -> None:
        spill.forget([record])
        spill.put(twin, Condition.ABSENT)

    engine.meanwhile = [meddle]
    engine.down_after = 1
    with pytest.raises(StoreUnavailable):
        Replay(engine, spill, (CHAT,)).work()
    assert spill.get(record.key) == codec.join(1, twin.body)


def test_nothing_is_removed_that_the_engine_did_not_take(spill: Spill, engine: Meddled) -> None:
    """Not when it is away, and not when it goes away in the middle."""
    records = [chat() for _ in range(5)]
    put(spill, *records)
    engine.down = True
    replay = Replay(engine, spill, (CHAT,))
    with pytest.raises(StoreUnavailable):
        replay.work()
    assert spill.backlog().count == 5
    assert replay.send(records[0]) is False
    engine.down = False
    replay.work()
    assert spill.backlog().count == 0


def test_a_newer_release_s_document_is_left_alone_and_holds_up_nothing(
    spill: Spill, engine: Meddled, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits for it goes on waiting, is told once, and the rest is sent."""
    mine, fine = chat("mine", version=3), chat("fine")
    newer = mine._replace(version=2, body=mine.body.replace(b'"format":1', b'"format":2'))
    engine.install(newer)
    put(spill, mine, fine)
    replay = Replay(engine, spill, (CHAT,))
    with caplog.at_level(logging.ERROR):
        replay.work()
        replay.work()
    assert engine.get(newer.key) == codec.join(2, newer.body)
    assert spill.get(mine.key) == codec.join(3, mine.body)
    assert engine.get(fine.key)
    assert spill.is_occupied
    assert len(caplog.records) == 1


def send_again(replay: Replay, clock: FakeClock, rounds: int = MOST_ATTEMPTS) -> None:
    """So many rounds, as far apart as pauses can be."""
    for _ in range(rounds):
        replay.work()
        clock.forward(LONGEST_PAUSE)


def test_an_entry_that_always_errs_holds_up_no_other_and_is_put_aside(
    spill: Spill, engine: Meddled, caplog: pytest.LogCaptureFixture
) -> None:
    """After some attempts, told once; the breakers stay closed, and the copy is kept."""
    clock, guarded = FakeClock(), GuardedStore(engine)
    replay = Replay(guarded, spill, (CHAT,), attempts=Attempts(clock=clock))
    records = [chat(f"{at}") for at in range(BATCH + 5)]
    bad = records[3]
    engine.erring = {bad.key}
    put(spill, *records)
    send_again(replay, clock, MOST_ATTEMPTS - 1)
    assert [one.key for one in spill.pending(BATCH)] == [bad.key]
    assert engine.heads([one.key for one in records if one is not bad]).count(None) == 0
    caplog.clear()
    send_again(replay, clock)
    assert (spill.backlog().count, spill.is_occupied) == (0, False)
    assert spill.get(quarantine_key(bad.key)) == codec.join(1, bad.body)
    assert [guarded.reads.state, guarded.writes.state] == [State.CLOSED] * 2
    assert [one.levelname for one in caplog.records].count("ERROR") == 1
    assert bad.member not in caplog.text


def test_nothing_is_put_aside_while_the_engine_refuses_everything(
    spill: Spill, engine: Meddled
) -> None:
    """With the same words: that is an outage, however long it lasts."""
    clock = FakeClock()
    replay = Replay(engine, spill, (CHAT,), attempts=Attempts(clock=clock))
    records = [chat(f"{at}") for at in range(3)]
    put(spill, *records)
    engine.errs = True
    for _ in range(3 * MOST_ATTEMPTS):
        with pytest.raises(StoreUnavailable):
            replay.work()
        clock.forward(LONGEST_PAUSE)
    assert spill.backlog().count == 3
    engine.errs = False
    replay.work()
    assert engine.heads([one.key for one in records]).count(None) == 0


def test_a_deletion_that_always_errs_goes_on_waiting(spill: Spill, engine: Meddled) -> None:
    """What was deleted is not served here again."""
    clock = FakeClock()
    replay = Replay(engine, spill, (CHAT,), attempts=Attempts(clock=clock))
    record, fine = chat(), chat()
    engine.put(record, Condition.ABSENT)
    engine.erring = {record.key}
    put(spill, gone(record), fine)
    send_again(replay, clock, 2 * MOST_ATTEMPTS)
    assert engine.get(fine.key)
    store = SpillingStore(engine, spill, replay)
    assert codec.is_tombstone(store.get(record.key) or b"")
    engine.erring = set()
    clock.forward(LONGEST_PAUSE)
    replay.work()
    assert codec.is_tombstone(engine.get(record.key) or b"")


def test_a_deletion_takes_what_was_put_aside_along(spill: Spill, engine: Meddled) -> None:
    """It is a copy like any other."""
    clock = FakeClock()
    replay = Replay(engine, spill, (CHAT,), attempts=Attempts(clock=clock))
    record = chat()
    engine.erring = {record.key}
    put(spill, record)
    send_again(replay, clock)
    assert spill.get(quarantine_key(record.key))
    engine.erring = set()
    SpillingStore(engine, spill, replay).delete(gone(record))
    assert spill.get(quarantine_key(record.key)) is None


def test_on_a_full_disk_the_whole_spill_is_given_up(engine: Meddled, tmp_path: Path) -> None:
    """Not even a removal can be written there; when the engine has everything, none is needed."""

    class Full(SqlStore):
        def forget_many(self, records: Sequence[Record]) -> int:  # noqa: ARG002
            raise StoreRefused("disk_full")

    file = tmp_path / "spill.db"
    spill = Spill(Full(f"sqlite:///{file}"), file=file)
    records = [chat(f"{at}") for at in range(BATCH + 5)]
    put(spill, *records)
    replay = Replay(engine, spill, (CHAT,))
    assert replay.send(records[0])
    replay.work()
    assert all(engine.get(record.key) for record in records)
    assert not spill.is_occupied
    put(spill, chat("room again"))
    assert spill.backlog().count == 1


def test_what_the_engine_took_does_not_count_again_because_it_stays(
    engine: Meddled, tmp_path: Path
) -> None:
    """A copy that a read-only disk kept would bring back what was deleted since."""

    class ReadOnly(SqlStore):
        def forget_many(self, records: Sequence[Record]) -> int:  # noqa: ARG002
            raise StoreRefused("read_only")

        def swap(self, old: Record, new: Record) -> bool:  # noqa: ARG002
            raise StoreRefused("read_only")

    file = tmp_path / "spill.db"
    spill = Spill(ReadOnly(f"sqlite:///{file}"), file=file)
    replay = Replay(engine, spill, (CHAT,))
    store = SpillingStore(engine, spill, replay)
    record = chat()
    engine.down = True
    store.put(record, Condition.ABSENT)
    engine.down = False
    assert codec.version_of(store.get(record.key) or b"") == 1
    assert store.delete(gone(record))
    engine.down = True
    with pytest.raises(StoreUnavailable):
        store.get(record.key)
    later = Replay(engine, spill, (CHAT,))
    engine.down = False
    engine.refuses = True
    assert codec.is_tombstone(SpillingStore(engine, spill, later).get(record.key) or b"")


@pytest.mark.parametrize(
    ("here", "there"),
    [((4, 1), (5, 2)), ((4, 2), (5, 1)), ((5, 2), (5, 1)), ((6, 2), (5, 2)), ((6, 1), (5, 2))],
)
def test_two_copies_of_which_one_is_a_newer_release_s_wait_for_it(
    spill: Spill, engine: Meddled, here: tuple[int, int], there: tuple[int, int]
) -> None:
    """Neither is dropped by a release that cannot read both; versions and formats as given."""
    base = chat()

    def copy(version: int, form: int, text: str) -> Record:
        record = document_record(base.key, version, text, indexes=base.indexes)
        return record._replace(body=record.body.replace(b'"format":1', b'"format":%d' % form))

    mine, theirs = copy(*here, "mine"), copy(*there, "theirs")
    engine.install(theirs)
    spill.put(mine, Condition.UNCHANGED)
    Replay(engine, spill, (CHAT,)).work()
    assert engine.get(base.key) == codec.join(theirs.version, theirs.body)
    assert spill.get(base.key) == codec.join(mine.version, mine.body)


def test_json_that_is_no_document_makes_room(spill: Spill, engine: Meddled) -> None:
    """However high a version it claims."""
    record = chat()
    engine.install(record._replace(version=9, body=b',"text":"no document"}'))
    put(spill, record)
    Replay(engine, spill, (CHAT,)).work()
    assert engine.get(record.key) == codec.join(1, record.body)
    assert engine.get(f"{record.key}:corrupt") == b'{"version":9,"text":"no document"}'


def test_one_process_of_a_host_sends(spill: Spill, engine: Meddled) -> None:
    """The others see that and do something else."""
    put(spill, chat())
    with spill.sender() as alone:
        assert alone
        Replay(engine, spill, (CHAT,)).work()
        assert engine.order == []
    Replay(engine, spill, (CHAT,)).work()
    assert len(engine.order) == 1


def test_requests_go_on_while_it_is_sent(spill: Spill, redis_url: str) -> None:
    """Turns taken by threads while others are being sent are all in the engine at the end."""
    store: Store = RedisStore.from_url(redis_url)
    replay = Replay(store, spill, (CHAT,))
    records = [chat(f"{at}") for at in range(200)]

    def write(some: list[Record]) -> None:
        put(spill, *some)

    threads = [threading.Thread(target=write, args=(records[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or spill.is_occupied:
        replay.work()
    assert store.heads([record.key for record in records]).count(None) == 0
    store.close()
