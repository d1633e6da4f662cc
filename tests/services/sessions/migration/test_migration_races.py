"""Two copies under threads, clocks and lost answers: the moments between two steps."""

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.sessions.errors import SessionConflict, SessionNotFound
from services.sessions.migration.copies import KeySet
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore, RedisStore
from services.sessions.stores.base import Condition, Put, Record
from tests.services.sessions.migration.test_migration import (
    CHAT,
    KEYSPACES,
    Pair,
    fresh,
    on_a_clock,
    version_in,
)
from tests.support.clock import FakeClock
from tests.support.engines import CutOff, document_record


class Hooked(MemoryStore):
    """An engine that lets something happen before it answers a write."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None

    def put(self, record: Record, condition: Condition) -> Put:
        done = super().put(record, condition)
        deed, self.meanwhile = self.meanwhile, None
        if deed:
            deed()
        return done


class Batching(CutOff):
    """An engine that lets something happen before it takes a batch."""

    meanwhile: Callable[[], object] | None = None

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        deed, self.meanwhile = self.meanwhile, None
        if deed:
            deed()
        return super().put_many(records, condition)


def apart(engine: Batching) -> tuple[Pair, Pair, str]:
    """Two dicts, of which the first has a turn from an outage that it has not sent."""
    one, two = Pair(engine, Stage.DUALWRITE), Pair(engine, Stage.DUALWRITE)
    session_id = fresh(one)
    two.sessions.get(session_id)
    engine.down = True
    one.say(session_id, "outage")
    engine.down = False
    return one, two, session_id


def test_a_copy_is_not_given_up_while_it_is_being_sent() -> None:
    """A request that reads or writes at that moment does not take the engine's for newer."""
    engine = Batching()
    one, two, session_id = apart(engine)
    two.say(session_id, "theirs")
    two.say(session_id, "theirs again")
    engine.meanwhile = lambda: one.said(session_id)
    one.store.copies.send_all()
    assert one.said(session_id) == ["first", "outage", "theirs", "theirs again"]
    one, two, session_id = apart(engine)
    two.say(session_id, "theirs")
    engine.meanwhile = lambda: one.say(session_id, "next")
    one.store.copies.send_all()
    assert one.said(session_id) == two.said(session_id) == ["first", "outage", "theirs", "next"]


def test_a_change_while_a_copy_is_being_sent_is_sent_as_well() -> None:
    """The batch had the older one."""
    engine = Batching()
    pair = Pair(engine, Stage.OFF)
    session_id = fresh(pair)

    def change() -> None:
        engine.meanwhile = None
        pair.say(session_id, "second")

    engine.meanwhile = change
    pair.store.copies.send_all()
    assert version_in(engine, session_id) == 2
    assert len(pair.store.copies.unsent) == 0


@pytest.mark.parametrize("stage", [Stage.RAMPDOWN, Stage.COMPLETE])
def test_what_is_written_while_the_dict_is_left_is_kept(stage: Stage) -> None:
    """Between the last sending and the change of the plan."""
    engine = Batching()
    pair = Pair(engine, Stage.OFF)
    first = fresh(pair)
    later: list[str] = []
    engine.meanwhile = lambda: later.append(fresh(pair))
    pair.switch(stage)
    assert pair.said(first) == pair.said(later[0]) == ["first"]


def test_keys_are_safe_while_others_forget_them() -> None:
    """Taking a batch meets requests that settle the same copies."""
    keys = KeySet()
    names = [str(at) for at in range(5000)]
    keys.add(*names)
    with ThreadPoolExecutor(2) as pool:
        forgetting = [pool.submit(keys.discard, name) for name in names]
        while keys.some(200, but={"none"}):
            pass
        assert all(done.result() is None for done in forgetting)
    assert len(keys) == 0


def test_in_off_an_id_the_engine_has_is_taken() -> None:
    """Of two starts with one message id, one on each side of a restart, the second is told."""
    engine = CutOff()
    session_id = fresh(Pair(engine, Stage.COMPLETE))
    pair = Pair(engine, Stage.OFF)
    with pytest.raises(SessionConflict):
        pair.sessions.save(session_id, {"history": []})
    engine.down = True
    fresh(pair)


class Repeating(MemoryStore):
    """An engine that does every write twice, as when the first answer was lost on the way."""

    def put(self, record: Record, condition: Condition) -> Put:
        super().put(record, condition)
        return super().put(record, condition)


@pytest.mark.parametrize("stage", [Stage.LIVE, Stage.RAMPDOWN])
def test_a_late_copy_does_not_replace_a_newer_one(stage: Stage) -> None:
    """Two turns in Redis in one order, and their copies in the dict in the other."""
    engine = Hooked()
    pair = Pair(engine, stage)
    session_id = fresh(pair)
    engine.meanwhile = lambda: pair.say(session_id, "overtakes")
    pair.say(session_id, "is overtaken")
    assert version_in(engine, session_id) == version_in(pair.old, session_id) == 3


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW])
def test_a_write_whose_answer_got_lost_is_no_conflict(stage: Stage) -> None:
    """The engine has it, as it is; a second try finds its own."""
    pair = Pair(Repeating(), stage)
    session_id = fresh(pair)
    loaded = pair.sessions.get(session_id)
    pair.sessions.save(session_id, loaded)
    assert version_in(pair.old, session_id) == version_in(pair.new, session_id) == 2


def test_a_deletion_in_complete_reaches_processes_that_are_behind(redis_url: str) -> None:
    """One worker is still in rampdown and has a copy, when the operator goes back."""
    engine = RedisStore.from_url(redis_url)
    behind, ahead = Pair(engine, Stage.RAMPDOWN), Pair(engine, Stage.COMPLETE)
    session_id = fresh(behind)
    ahead.sessions.delete(session_id)
    for stage in (Stage.LIVE, Stage.SHADOW, Stage.DUALWRITE, Stage.OFF):
        behind.switch(stage)
        with pytest.raises(SessionNotFound):
            behind.sessions.get(session_id)
    engine.close()


def ends(store: MigratingStore, session_id: str) -> tuple[int | None, int | None]:
    """When both copies end."""
    key = CHAT.key(session_id)
    return store.old.expires_at(key), store.new.expires_at(key)


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE, Stage.RAMPDOWN])
def test_an_extension_moves_the_end_of_both_copies(stage: Stage) -> None:
    """Reading keeps a conversation alive wherever it is read from next."""
    clock = FakeClock()
    store, sessions, session_id = on_a_clock(clock, stage)
    clock.forward(3000)
    sessions.get(session_id, extend=True)
    expected = int(clock() * 1000) + 3_600_000
    assert ends(store, session_id) == (expected, expected)


def test_an_extension_in_off_reaches_the_engine_later() -> None:
    """With the copy, also when the document itself is the same."""
    clock = FakeClock()
    store, sessions, session_id = on_a_clock(clock, Stage.DUALWRITE)
    store.switch(Plan(Stage.OFF))
    clock.forward(3000)
    sessions.get(session_id, extend=True)
    store.switch(Plan(Stage.DUALWRITE))
    store.copies.send_all()
    first, second = ends(store, session_id)
    assert first == second == int(clock() * 1000) + 3_600_000


class Slow(MemoryStore):
    """An engine with a way to it."""

    def get(self, key: str) -> bytes | None:
        time.sleep(0.001)
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        time.sleep(0.001)
        return super().put(record, condition)


@pytest.mark.parametrize("stages", [
    (Stage.DUALWRITE, Stage.DUALWRITE),
    (Stage.SHADOW, Stage.LIVE),
    (Stage.LIVE, Stage.RAMPDOWN),
])  # fmt: skip
def test_many_threads_of_two_processes_write_one_conversation(stages: tuple[Stage, Stage]) -> None:
    """All turns are kept, each once, and both processes see the same."""
    engine = Slow()
    pairs = [Pair(engine, stage) for stage in stages]
    session_id = fresh(pairs[0])
    texts = [f"message {at}" for at in range(40)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda at: pairs[at % 2].say(session_id, texts[at]), range(len(texts))))
    first, second = (pair.said(session_id) for pair in pairs)
    assert first == second
    assert sorted(first) == sorted(["first", *texts])


def test_a_full_dict_fails_no_request_in_live() -> None:
    """What it could not take it adopts on the way back, as far as there is room."""
    old, new = MemoryStore(max_sessions=1), MemoryStore()
    store = MigratingStore(old, new, KEYSPACES, Plan(Stage.LIVE))
    sessions = Sessions(store, CHAT)
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for session_id in ids:
        sessions.save(session_id, {"history": []})
    assert len(old.list_keys()) == 1
    assert store.copies.stats.unmirrored == 2
    assert all(sessions.get(session_id)["history"] == [] for session_id in ids)
    old.close()
    store.switch(Plan(Stage.SHADOW))
    assert sessions.get(ids[2])["history"] == []


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW])
def test_an_extension_the_engine_did_not_hear_of_is_sent_later(stage: Stage) -> None:
    """An outage costs no conversation its life."""
    remote = CutOff()
    pair = Pair(remote, stage)
    session_id = fresh(pair)
    for _ in range(2):  # the second finds the engine known to be away
        remote.down = True
        pair.sessions.get(session_id, extend=True)
    assert CHAT.key(session_id) in pair.store.copies.unsent
    remote.down = False
    pair.store.copies.send_all()
    first, second = ends(pair.store, session_id)
    assert first == second


def test_an_unreadable_value_in_the_way_of_a_copy_is_set_aside() -> None:
    """The dict's copy takes its place; the value can still be looked at."""
    pair = Pair(MemoryStore(), Stage.DUALWRITE)
    session_id = fresh(pair)
    key = CHAT.key(session_id)
    pair.new.delete(document_record(key, 1, ""))
    pair.new.put(document_record(key, 1, "")._replace(body=b",broken"), Condition.ANY)
    pair.store.copies.unsent.add(key)
    pair.store.copies.send_all()
    assert version_in(pair.new, session_id) == 1
    assert pair.new.get(f"{key}:corrupt") == b'{"version":1,broken'
    pair.say(session_id, "second")
    assert pair.said(session_id) == ["first", "second"]


def test_a_write_that_could_not_go_through_at_the_end_is_tried_again() -> None:
    """The request that brought it does not fail."""
    remote = CutOff()
    pair = Pair(remote, Stage.OFF)
    pair.store.write_through()
    session_id = fresh(pair)
    assert version_in(remote, session_id) == 1
    remote.down = True
    pair.say(session_id, "second")
    assert CHAT.key(session_id) in pair.store.copies.unsent
    remote.down = False
    pair.store.copies.send_all()
    assert version_in(remote, session_id) == 2
