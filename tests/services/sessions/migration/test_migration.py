"""The six stages: what each reads and writes, and what it does when an engine does not answer."""

import time
import uuid

import pytest

from services.keyspaces import START_SESSIONS, build_teaser_chat_keyspace
from services.sessions import codec
from services.sessions.codec import Session
from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable
from services.sessions.flask.browser import BROWSERS
from services.sessions.migration.stages import Plan, Stage, in_cohort, parse_stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import GuardedStore
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore, Store
from services.sessions.stores.base import Condition
from tests.support.clock import FakeClock
from tests.support.engines import CutOff, document_record

CHAT = build_teaser_chat_keyspace()
KEYSPACES = (CHAT, START_SESSIONS, BROWSERS)
DICT_FIRST = (Stage.OFF, Stage.DUALWRITE, Stage.SHADOW)
TWO_COPIES = (Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE, Stage.RAMPDOWN)


class Pair:
    """A process: its dict, the engine it shares, and the sessions over both."""

    def __init__(self, new: Store, stage: Stage = Stage.OFF, **plan: object) -> None:
        self.old = MemoryStore()
        self.new = new
        self.store = MigratingStore(
            self.old, new, KEYSPACES, Plan(stage, stepped=True, **plan)  # type: ignore[arg-type]
        )  # fmt: skip
        self.sessions = Sessions(self.store, CHAT)

    def switch(self, stage: Stage, **plan: object) -> None:
        """Serve by another stage."""
        self.store.switch(Plan(stage, stepped=True, **plan))  # type: ignore[arg-type]

    def say(self, session_id: str, text: str) -> Session:
        """Add a message, as a turn does."""

        def change(session: Session) -> None:
            session["history"].append({"id": text, "content": text, "timestamp": stamp()})

        return self.sessions.update(session_id, change)

    def said(self, session_id: str) -> list[str]:
        """The messages of a conversation."""
        return [one["id"] for one in self.sessions.get(session_id)["history"]]

    def flush(self) -> None:
        """Send what was not sent, as the worker's thread does."""
        self.store.copies.send_all()

    def compare(self) -> None:
        """Compare what was read, as the worker's thread does."""
        copies = self.store.copies
        for key in copies.uncompared.some(50):
            copies.compare(key)
            copies.uncompared.discard(key)


def stamp() -> str:
    """A moment of its own for every message, later than the one before."""
    return f"{time.time_ns():020d}"


def fresh(pair: Pair, text: str = "first") -> str:
    """A conversation with one message."""
    session_id = str(uuid.uuid4())
    message = {"id": text, "content": text, "timestamp": stamp()}
    pair.sessions.save(session_id, {"history": [message]})
    return session_id


def on_a_clock(clock: FakeClock, stage: Stage) -> tuple[MigratingStore, Sessions, str]:
    """Two engines and the sessions over them by a clock, and a conversation in both."""
    old, new = MemoryStore(clock=clock), MemoryStore(clock=clock)
    store = MigratingStore(old, new, KEYSPACES, Plan(stage), clock=clock)
    sessions = Sessions(store, CHAT, clock=clock)
    session_id = str(uuid.uuid4())
    sessions.save(session_id, {"history": []})
    return store, sessions, session_id


def version_in(store: Store, session_id: str) -> int | None:
    """The stored version in one engine; None without a copy."""
    value = store.get(CHAT.key(session_id))
    return codec.version_of(value) if value else None


def is_deleted_in(store: Store, session_id: str) -> bool:
    """Whether an engine holds a tombstone."""
    value = store.get(CHAT.key(session_id))
    return value is not None and codec.is_tombstone(value)


@pytest.fixture
def engine(memory_or_redis: Store) -> Store:
    """The engine the sessions move to."""
    return memory_or_redis


@pytest.fixture
def remote() -> CutOff:
    """An engine that can be cut off."""
    return CutOff()


def test_off_writes_the_dict_alone(engine: Store) -> None:
    """The engine hears nothing of a new conversation."""
    pair = Pair(engine, Stage.OFF)
    session_id = fresh(pair)
    pair.say(session_id, "second")
    assert version_in(pair.old, session_id) == 2
    assert version_in(engine, session_id) is None


def test_off_serves_and_adopts_what_only_the_engine_has(engine: Store) -> None:
    """With its expiry; from then on the dict has it, and goes on from there."""
    pair = Pair(engine, Stage.COMPLETE)
    session_id = fresh(pair)
    pair.switch(Stage.OFF)
    assert pair.said(session_id) == ["first"]
    key = CHAT.key(session_id)
    adopted, kept = pair.old.expires_at(key), engine.expires_at(key)
    assert adopted is not None
    assert kept is not None
    assert abs(adopted - kept) <= 20
    pair.say(session_id, "second")
    assert (version_in(pair.old, session_id), version_in(engine, session_id)) == (2, 1)
    assert pair.said(session_id) == ["first", "second"]


@pytest.mark.parametrize("stage", TWO_COPIES)
def test_two_copies_are_the_same_and_end_together(engine: Store, stage: Stage) -> None:
    """Creations, changes and extensions arrive in both, with versions and expiry."""
    pair = Pair(engine, stage)
    session_id = fresh(pair)
    pair.say(session_id, "second")
    pair.sessions.extend(pair.sessions.get(session_id))
    key = CHAT.key(session_id)
    assert pair.old.get(key) == engine.get(key) != None  # noqa: E711 - equal and there
    first, second = pair.old.expires_at(key), engine.expires_at(key)
    assert first is not None
    assert second is not None
    assert abs(first - second) <= 20


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_keeps_every_turn_of_the_stage_before(engine: Store, stage: Stage) -> None:
    """Forward from off and back to it, a conversation goes on wherever it was."""
    pair = Pair(engine, Stage.OFF)
    session_id = fresh(pair)
    way = list(Stage)[: list(Stage).index(stage) + 1]
    said = ["first"]
    for at, there in enumerate([*way, *reversed(way)]):
        pair.switch(there)
        if there is not Stage.OFF:
            pair.flush()
        assert pair.said(session_id) == said
        pair.say(session_id, f"{at} in {there}")
        said.append(f"{at} in {there}")
        assert pair.said(session_id) == said


@pytest.mark.parametrize("before", list(Stage))
@pytest.mark.parametrize("after", list(Stage))
def test_a_stage_may_change_between_reading_and_writing(
    engine: Store, before: Stage, after: Stage
) -> None:
    """A request that is under way meanwhile is not told that its session is gone."""
    pair = Pair(engine, before)
    session_id = fresh(pair)
    if before not in (Stage.OFF, Stage.COMPLETE):
        pair.old.delete(document_record(CHAT.key(session_id), 1, ""))
    loaded = pair.sessions.get(session_id)
    pair.switch(after)
    loaded["history"].append({"id": "second"})
    pair.sessions.save(session_id, loaded)
    assert pair.said(session_id) == ["first", "second"]


@pytest.mark.parametrize("stage", list(Stage))
def test_a_deletion_holds_in_every_later_stage(engine: Store, stage: Stage) -> None:
    """No copy of a lower version comes back, whichever engine is read."""
    pair = Pair(engine, Stage.DUALWRITE)
    session_id = fresh(pair)
    pair.switch(stage)
    assert pair.sessions.delete(session_id) is True
    for there in Stage:
        pair.switch(there)
        with pytest.raises(SessionNotFound):
            pair.sessions.get(session_id)
        if there is not Stage.OFF:
            pair.flush()
    assert pair.sessions.count() == 0


@pytest.mark.parametrize("stage", TWO_COPIES)
def test_a_deletion_leaves_a_tombstone_in_both(engine: Store, stage: Stage) -> None:
    """It lives as long as any copy could."""
    pair = Pair(engine, stage)
    session_id = fresh(pair)
    pair.sessions.delete(session_id)
    assert is_deleted_in(pair.old, session_id)
    assert is_deleted_in(engine, session_id)
    end = engine.expires_at(CHAT.key(session_id))
    assert end is not None
    assert end > (time.time() + CHAT.longest - 10) * 1000


def test_complete_by_itself_leaves_nothing_behind(engine: Store) -> None:
    """Without a migration under way a deleted key is gone."""
    pair = Pair(engine)
    pair.store.switch(Plan(Stage.COMPLETE))
    session_id = fresh(pair)
    pair.sessions.delete(session_id)
    assert version_in(engine, session_id) is None


def test_a_turn_that_races_a_deletion_brings_nothing_back(engine: Store) -> None:
    """In every stage a save of what was loaded before finds it deleted."""
    for stage in Stage:
        pair = Pair(engine, stage)
        session_id = fresh(pair)
        loaded = pair.sessions.get(session_id)
        pair.sessions.delete(session_id)
        loaded["history"].append({"id": "late"})
        with pytest.raises((SessionConflict, SessionNotFound)):
            pair.sessions.save(session_id, loaded)
        with pytest.raises(SessionNotFound):
            pair.sessions.get(session_id)


@pytest.mark.parametrize("stage", DICT_FIRST)
def test_while_the_dict_is_first_its_sessions_need_no_engine(remote: CutOff, stage: Stage) -> None:
    """Conversations go on, begin and end while the engine is down."""
    pair = Pair(remote, stage)
    kept, deleted = fresh(pair), fresh(pair)
    remote.down = True
    pair.say(kept, "second")
    begun = fresh(pair)
    pair.sessions.delete(deleted)
    assert pair.said(kept) == ["first", "second"]
    remote.down = False
    pair.switch(Stage.DUALWRITE)
    pair.flush()
    pair.switch(Stage.COMPLETE)
    assert pair.said(kept) == ["first", "second"]
    assert pair.said(begun) == ["first"]
    with pytest.raises(SessionNotFound):
        pair.sessions.get(deleted)


@pytest.mark.parametrize("stage", list(Stage))
def test_what_could_not_be_looked_up_is_not_missing(remote: CutOff, stage: Stage) -> None:
    """A session that this process does not have is unavailable, never not found."""
    pair = Pair(remote, stage)
    remote.down = True
    with pytest.raises(StoreUnavailable):
        pair.sessions.get(str(uuid.uuid4()))


@pytest.mark.parametrize("stage", [Stage.LIVE, Stage.RAMPDOWN, Stage.COMPLETE])
def test_when_the_first_write_fails_nothing_is_written(remote: CutOff, stage: Stage) -> None:
    """The dict does not take what the engine refused."""
    pair = Pair(remote, stage)
    session_id = fresh(pair)
    loaded = pair.sessions.get(session_id)
    before = pair.old.get(CHAT.key(session_id))
    remote.down = True
    loaded["history"].append({"id": "second"})
    with pytest.raises(StoreUnavailable):
        pair.sessions.save(session_id, loaded)
    assert pair.old.get(CHAT.key(session_id)) == before


def test_while_the_engine_is_down_not_every_request_tries_it(remote: CutOff) -> None:
    """A few that waited are enough for a while; the others leave it to the breakers."""
    pair = Pair(GuardedStore(remote), Stage.DUALWRITE)
    session_id = fresh(pair)
    remote.down = True
    for at in range(4):
        pair.say(session_id, f"found out {at}")
    asked = remote.asked
    for at in range(5):
        pair.say(session_id, f"more {at}")
    assert remote.asked == asked
    assert pair.store.copies.stats.unmirrored >= 5


def test_a_copy_that_was_not_sent_is_not_overwritten_by_an_older_one(remote: CutOff) -> None:
    """The engine comes back with what it had; the dict still decides."""
    pair = Pair(remote, Stage.DUALWRITE)
    session_id = fresh(pair)
    remote.down = True
    pair.say(session_id, "second")
    remote.down = False
    assert pair.said(session_id) == ["first", "second"]
    pair.say(session_id, "third")
    assert version_in(remote, session_id) == 3
    assert len(pair.store.copies.unsent) == 0


def test_an_engine_that_lost_a_session_gets_it_back(engine: Store) -> None:
    """In dualwrite from the dict in the background, in live when it is read."""
    pair = Pair(engine, Stage.DUALWRITE)
    for stage in (Stage.DUALWRITE, Stage.LIVE):
        pair.switch(stage)
        session_id = fresh(pair)
        lost = pair.old.read_record(CHAT.key(session_id))
        assert lost is not None
        engine.delete(lost)
        assert pair.said(session_id) == ["first"]
        pair.flush()
        assert version_in(engine, session_id) == 1


def test_live_takes_the_newer_copy_from_the_dict(remote: CutOff) -> None:
    """Also when a stage was skipped while something was not sent yet."""
    pair = Pair(remote, Stage.DUALWRITE)
    session_id = fresh(pair)
    remote.down = True
    pair.say(session_id, "second")
    remote.down = False
    pair.switch(Stage.LIVE)
    assert pair.said(session_id) == ["first", "second"]
    assert version_in(remote, session_id) == 2


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW])
def test_two_processes_with_a_dict_each_see_each_other(engine: Store, stage: Stage) -> None:
    """While a reload lets two overlap, each reads what the other wrote, and neither overwrites."""
    one, two = Pair(engine, stage), Pair(engine, stage)
    session_id = fresh(one)
    said = ["first"]
    for at in range(6):
        writer, reader = (one, two) if at % 2 else (two, one)
        writer.say(session_id, f"message {at}")
        said.append(f"message {at}")
        assert reader.said(session_id) == said
        assert writer.said(session_id) == said


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE, Stage.RAMPDOWN])
@pytest.mark.parametrize("other", [Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE, Stage.RAMPDOWN])
def test_two_processes_in_different_stages_lose_nothing(
    engine: Store, stage: Stage, other: Stage
) -> None:
    """A save made from what the other has overtaken is refused, and the turn is applied again."""
    one, two = Pair(engine, stage), Pair(engine, other)
    session_id = fresh(one)
    stale = one.sessions.get(session_id)
    two.say(session_id, "theirs")
    stale["history"].append({"id": "mine", "timestamp": stamp()})
    with pytest.raises(SessionConflict):
        one.sessions.save(session_id, stale)
    one.say(session_id, "mine")
    assert one.said(session_id) == two.said(session_id) == ["first", "theirs", "mine"]
    two.sessions.delete(session_id)
    for pair in (one, two):
        with pytest.raises(SessionNotFound):
            pair.sessions.get(session_id)


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW])
def test_a_copy_that_waits_to_be_sent_is_no_reason_to_read_it(engine: Store, stage: Stage) -> None:
    """What another process wrote or deleted is seen also by a dict with something unsent."""
    one, two = Pair(engine, stage), Pair(engine, stage)
    kept, deleted = fresh(one), fresh(one)
    for session_id in (kept, deleted):
        two.sessions.get(session_id)
        two.store.copies.unsent.add(CHAT.key(session_id))
    one.say(kept, "second")
    one.sessions.delete(deleted)
    assert two.said(kept) == ["first", "second"]
    with pytest.raises(SessionNotFound):
        two.sessions.get(deleted)


def test_two_dicts_that_wrote_apart_are_merged(remote: CutOff) -> None:
    """Both went on while the engine was down: every message is kept, in order of time."""
    one, two = Pair(remote, Stage.DUALWRITE), Pair(remote, Stage.DUALWRITE)
    session_id = fresh(one)
    two.sessions.get(session_id)
    remote.down = True
    one.say(session_id, "one")
    two.say(session_id, "two")
    two.say(session_id, "three")
    remote.down = False
    one.flush()
    two.flush()
    assert one.said(session_id) == two.said(session_id) == ["first", "one", "two", "three"]
    assert two.store.copies.stats.merged == 1


def test_a_deletion_wins_over_turns_it_did_not_see(remote: CutOff) -> None:
    """Whatever the versions: what was deleted and acknowledged stays deleted."""
    one, two = Pair(remote, Stage.DUALWRITE), Pair(remote, Stage.DUALWRITE)
    session_id = fresh(one)
    two.sessions.get(session_id)
    remote.down = True
    one.sessions.delete(session_id)
    for at in range(4):
        two.say(session_id, f"message {at}")
    remote.down = False
    two.flush()
    one.flush()
    for pair in (one, two):
        with pytest.raises(SessionNotFound):
            pair.sessions.get(session_id)


def test_the_way_to_off_takes_over_what_others_wrote(engine: Store) -> None:
    """The dict is read alone from there on, so it learns of the other workers' turns first."""
    one, two = Pair(engine, Stage.LIVE), Pair(engine, Stage.LIVE)
    ids = [fresh(one) for _ in range(5)]
    for session_id in ids:
        two.say(session_id, "theirs")
    two.sessions.delete(ids[-1])
    one.switch(Stage.OFF)
    assert all(one.said(session_id) == ["first", "theirs"] for session_id in ids[:-1])
    with pytest.raises(SessionNotFound):
        one.sessions.get(ids[-1])


def test_the_way_to_off_needs_no_engine(remote: CutOff) -> None:
    """The dict then serves as it is."""
    pair = Pair(remote, Stage.DUALWRITE)
    session_id = fresh(pair)
    remote.down = True
    pair.switch(Stage.OFF)
    assert pair.said(session_id) == ["first"]


@pytest.mark.parametrize("stage", [Stage.RAMPDOWN, Stage.COMPLETE])
def test_no_stage_that_leaves_the_dict_begins_before_all_is_sent(
    remote: CutOff, stage: Stage
) -> None:
    """While the engine is down the stage stays what it was."""
    pair = Pair(remote, Stage.OFF)
    session_id = fresh(pair)
    remote.down = True
    with pytest.raises(StoreUnavailable):
        pair.switch(stage)
    assert pair.store.plan.stage is Stage.OFF
    assert pair.said(session_id) == ["first"]
    remote.down = False
    pair.switch(stage)
    assert pair.said(session_id) == ["first"]


def test_complete_empties_the_dict(engine: Store) -> None:
    """It would only grow stale, and take memory."""
    pair = Pair(engine, Stage.RAMPDOWN)
    fresh(pair)
    pair.switch(Stage.COMPLETE)
    assert pair.old.list_keys() == []


def test_an_unreadable_copy_is_set_aside_for_the_readable_one(engine: Store) -> None:
    """The visitor goes on; the broken value can be looked at."""
    pair = Pair(engine, Stage.LIVE)
    session_id = fresh(pair)
    key = CHAT.key(session_id)
    engine.put(document_record(key, 1, "x")._replace(body=b",broken"), Condition.ANY)
    with pytest.raises(Exception, match="not JSON"):
        pair.sessions.get(session_id)
    assert pair.said(session_id) == ["first"]
    assert engine.get(f"{key}:corrupt") == b'{"version":2,broken'


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.LIVE])
def test_a_comparison_tells_mismatch_from_lag_and_fails_no_request(
    engine: Store, stage: Stage
) -> None:
    """Same version and other content is a mismatch, another version is lag; both are repaired."""
    pair = Pair(engine, stage)
    stats = pair.store.copies.stats
    same, behind, other = fresh(pair), fresh(pair), fresh(pair)
    pair.old.install(document_record(CHAT.key(other), 1, "changed by hand"))
    second = pair.new if stage is Stage.SHADOW else pair.old
    pair.say(behind, "second")
    stale = document_record(CHAT.key(behind), 1, "stale")
    second.delete(stale)
    second.put(stale, Condition.ANY)
    for session_id in (same, behind, other):
        pair.sessions.get(session_id)
    assert stats.compared == 0
    pair.compare()
    assert (stats.compared, stats.lag, stats.mismatched) == (3, 1, 1)
    assert stats.count_mismatches(time.time()) == 1
    assert stats.count_mismatches(time.time() + 61) == 0
    pair.flush()
    assert version_in(pair.old, behind) == version_in(engine, behind) == 2
    assert pair.old.get(CHAT.key(other)) == engine.get(CHAT.key(other))


def test_cohorts_are_nested_and_sticky() -> None:
    """Who was in stays in as the share grows, and another salt draws others."""
    ids = [str(uuid.uuid4()) for _ in range(2000)]
    before: set[str] = set()
    for percentage in (0, 1, 10, 50, 99, 100):
        now = {one for one in ids if in_cohort(one, percentage, "salt")}
        assert now >= before
        assert abs(len(now) - len(ids) * percentage / 100) < 120
        before = now
    assert {one for one in ids if in_cohort(one, 50, "salt")} != {
        one for one in ids if in_cohort(one, 50, "pepper")
    }


def test_a_cohort_is_served_as_in_live(remote: CutOff) -> None:
    """Its members are read from the engine, the others from the dict."""
    pair = Pair(remote, Stage.SHADOW, cohort=50, salt="s")
    ids = [fresh(pair) for _ in range(40)]
    remote.down = True
    unavailable = set()
    for session_id in ids:
        try:
            pair.sessions.get(session_id)
        except StoreUnavailable:
            unavailable.add(session_id)
    assert unavailable == {one for one in ids if in_cohort(one, 50, "s")}
    assert 0 < len(unavailable) < 40


def test_a_change_of_cohort_loses_nothing(engine: Store) -> None:
    """Up, down and up again, each conversation goes on."""
    pair = Pair(engine, Stage.SHADOW)
    ids = [fresh(pair) for _ in range(20)]
    for at, percentage in enumerate((0, 50, 10, 100)):
        pair.switch(Stage.SHADOW, cohort=percentage, salt="s")
        for session_id in ids:
            pair.say(session_id, f"message {at}")
    expected = ["first", *(f"message {at}" for at in range(4))]
    assert all(pair.said(session_id) == expected for session_id in ids)


def test_expired_copies_end_in_both() -> None:
    """Nothing that has expired in one engine is brought back from the other."""
    clock = FakeClock()
    store, sessions, session_id = on_a_clock(clock, Stage.DUALWRITE)
    clock.forward(3601)
    for stage in Stage:
        store.switch(Plan(stage))
        with pytest.raises(SessionNotFound):
            sessions.get(session_id)


def test_names_of_stages() -> None:
    """An unknown one is refused with those there are; a step beyond the ends is none."""
    assert parse_stage("live") is Stage.LIVE
    with pytest.raises(ValueError, match="off, dualwrite, shadow, live, rampdown, complete"):
        parse_stage("on")
    assert Stage.OFF.step(1) is Stage.DUALWRITE
    assert Stage.OFF.step(-1) is None
    assert Stage.COMPLETE.step(1) is None


def test_listing_covers_both_engines(engine: Store) -> None:
    """While two copies may differ, what either has is listed once."""
    pair = Pair(engine, Stage.COMPLETE)
    in_engine = fresh(pair)
    pair.switch(Stage.OFF)
    in_dict = fresh(pair)
    assert sorted(pair.store.members(CHAT.index())) == sorted((in_engine, in_dict))
    assert pair.store.members(CHAT.index(), start=1, limit=1) == [in_engine]
    assert pair.sessions.count() == 1
    assert pair.store.name == "memory"
