"""While the engine is away sessions go on in the spill, and are in the engine afterwards."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.keyspaces import START_SESSIONS, build_teaser_chat_keyspace
from services.sessions import codec, request_budget
from services.sessions.codec import Session
from services.sessions.errors import (
    SessionConflict,
    SessionNotFound,
    StoreRefused,
    StoreUnavailable,
)
from services.sessions.flask.browser import BROWSERS
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import Replay, Spill, SpillingStore, open_spill
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore
from services.sessions.stores.base import Condition, Put, Record, Store
from tests.support.engines import CutOff

CHAT, BROWSER = build_teaser_chat_keyspace(), BROWSERS
KEYSPACES = (CHAT, START_SESSIONS, BROWSER)


class Link(CutOff):
    """One worker's way to the engine, which can be cut, or lose the answers on the way back."""

    def __init__(self, engine: Store) -> None:
        super().__init__()
        self.engine = engine
        self.loses_answers = False
        self.refuses_writes = False
        self.meanwhile: list[Callable[[], object]] = []

    def get(self, key: str) -> bytes | None:
        self._ask()
        return self.engine.get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        self._ask()
        if self.refuses_writes:
            raise StoreRefused("read_only")
        done = self.engine.put(record, condition)
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.loses_answers:
            raise StoreUnavailable("timeout")
        return done

    def touch(self, record: Record) -> bool:
        self._ask()
        return self.engine.touch(record)

    def expires_at(self, key: str) -> int | None:
        self._ask()
        return self.engine.expires_at(key)

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        self._ask()
        return self.engine.quarantine(key, value, keep_until, member, indexes)


class Worker:
    """A process of a host: its link to the engine, and the sessions over link and spill."""

    def __init__(self, engine: Store, spill: Spill) -> None:
        self.link = Link(engine)
        self.spill = spill
        self.replay = Replay(self.link, spill, KEYSPACES)
        self.store = SpillingStore(self.link, spill, self.replay)
        self.chats = Sessions(self.store, CHAT)
        self.browsers = Sessions(self.store, BROWSER)

    def begin(self, text: str = "first") -> str:
        """A conversation with one message."""
        session_id = str(uuid.uuid4())
        self.chats.save(session_id, {"history": [{"id": text, "content": text}]})
        return session_id

    def say(self, session_id: str, text: str) -> None:
        """One more message."""

        def change(session: Session) -> None:
            session["history"].append({"id": text, "content": text})

        self.chats.update(session_id, change)

    def said(self, session_id: str) -> list[str]:
        """The messages as this worker reads them."""
        return [one["id"] for one in self.chats.get(session_id)["history"]]


@pytest.fixture
def engine() -> CutOff:
    """What all hosts share; it does not fail, the links to it do."""
    return CutOff()


@pytest.fixture(params=["memory", "sqlite"])
def spill(request: pytest.FixtureRequest, tmp_path: Path) -> Spill:
    """The spill of a host."""
    return open_spill(
        "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'spill.db'}"
    )


@pytest.fixture
def worker(engine: CutOff, spill: Spill) -> Worker:
    """A worker of that host."""
    return Worker(engine, spill)


@pytest.fixture
def other(engine: CutOff, spill: Spill) -> Worker:
    """Another worker of the same host."""
    return Worker(engine, spill)


@pytest.fixture
def abroad(engine: CutOff, tmp_path: Path) -> Worker:
    """A worker of another host."""
    return Worker(engine, open_spill(f"sqlite:///{tmp_path / 'abroad.db'}"))


def messages(engine: Store, session_id: str) -> list[str]:
    """The messages that the engine itself has."""
    value = engine.get(CHAT.key(session_id))
    return [one["id"] for one in codec.decode(value)["history"]] if value else []


def test_a_conversation_begins_and_goes_on_while_the_engine_is_away(
    worker: Worker, other: Worker, engine: CutOff
) -> None:
    """Every worker of the host reads what any of them took."""
    worker.link.down = other.link.down = True
    session_id = worker.begin()
    other.say(session_id, "second")
    assert worker.said(session_id) == other.said(session_id) == ["first", "second"]
    assert messages(engine, session_id) == []


def test_what_was_taken_is_in_the_engine_afterwards(worker: Worker, engine: CutOff) -> None:
    """With its versions, its expiry and its place in the index, and nowhere else."""
    worker.link.down = True
    session_id = worker.begin()
    worker.say(session_id, "second")
    expires_at = worker.store.expires_at(CHAT.key(session_id))
    worker.link.down = False
    worker.replay.work()
    assert messages(engine, session_id) == ["first", "second"]
    assert engine.expires_at(CHAT.key(session_id)) == expires_at
    assert engine.members(CHAT.index()) == [session_id]
    assert worker.spill.backlog().count == 0
    assert not worker.spill.is_occupied


def test_a_conversation_of_before_goes_on_if_it_was_read_in_time(
    worker: Worker, engine: CutOff
) -> None:
    """The write fails, the turn does not."""
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    worker.link.down = True
    loaded["history"].append({"id": "second", "content": ""})
    worker.chats.save(session_id, loaded)
    assert worker.said(session_id) == ["first", "second"]
    worker.link.down = False
    worker.replay.work()
    assert messages(engine, session_id) == ["first", "second"]


def test_nobody_says_missing_who_could_not_look(worker: Worker) -> None:
    """It may be in the engine: that is unavailable, for reading, changing and deleting."""
    session_id = worker.begin()
    worker.link.down = True
    worker.begin("something else in the spill")
    for act in (
        lambda: worker.chats.get(session_id),
        lambda: worker.say(session_id, "second"),
        lambda: worker.chats.delete(session_id),
        lambda: worker.chats.get(str(uuid.uuid4())),
    ):
        with pytest.raises(StoreUnavailable):
            act()


def test_a_session_is_sent_when_it_is_asked_for(
    worker: Worker, other: Worker, engine: CutOff
) -> None:
    """A worker that reaches the engine does not wait for the replay."""
    worker.link.down = True
    session_id = worker.begin()
    assert other.said(session_id) == ["first"]
    assert messages(engine, session_id) == ["first"]
    other.say(session_id, "second")
    assert messages(engine, session_id) == ["first", "second"]


def test_a_write_is_seen_by_the_host_though_another_worker_spilled_meanwhile(
    worker: Worker, other: Worker
) -> None:
    """Both made a turn of the same version; both turns are in what anybody reads."""
    session_id = worker.begin()
    mine, theirs = worker.chats.get(session_id), other.chats.get(session_id)
    worker.link.down = True
    mine["history"].append({"id": "spilled", "content": ""})
    worker.chats.save(session_id, mine)
    theirs["history"].append({"id": "stored", "content": ""})
    try:
        other.chats.save(session_id, theirs)
    except SessionConflict:
        other.say(session_id, "stored")
    assert sorted(other.said(session_id)) == ["first", "spilled", "stored"]
    assert worker.spill.backlog().count == 0


def test_a_turn_made_from_the_engine_s_copy_spares_another_one_in_the_spill(
    worker: Worker, other: Worker, engine: CutOff
) -> None:
    """Both copies have the same version, and hold what different clients were told is kept."""
    session_id = worker.begin()
    spilled = other.chats.get(session_id)
    worker.say(session_id, "stored")
    late = worker.chats.get(session_id)
    worker.link.down = other.link.down = True
    spilled["history"].append({"id": "spilled", "content": ""})
    other.chats.save(session_id, spilled)
    late["history"].append({"id": "late", "content": ""})
    with pytest.raises(SessionConflict):
        worker.chats.save(session_id, late)
    worker.say(session_id, "late")
    worker.link.down = other.link.down = False
    worker.replay.work()
    assert sorted(messages(engine, session_id)) == ["first", "late", "spilled", "stored"]


def test_what_was_sent_since_it_was_read_is_not_put_back(worker: Worker, other: Worker) -> None:
    """The engine may be further by now; whoever cannot ask it is told to try again."""
    request_budget.begin()
    worker.link.down = True
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    other.say(session_id, "second")
    loaded["history"].append({"id": "third", "content": ""})
    with pytest.raises(SessionConflict):
        worker.chats.save(session_id, loaded)
    with pytest.raises(StoreUnavailable):
        worker.say(session_id, "third")


def test_while_only_writes_are_refused_both_copies_are_read_as_one(
    worker: Worker, other: Worker, engine: CutOff
) -> None:
    """Nobody misses the turn that came into the engine before it refused."""
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    other.say(session_id, "stored")
    worker.link.refuses_writes = other.link.refuses_writes = True
    loaded["history"].append({"id": "spilled", "content": ""})
    worker.chats.save(session_id, loaded)
    for one in (worker, other):
        assert sorted(one.said(session_id)) == ["first", "spilled", "stored"]
    other.say(session_id, "after")
    worker.link.refuses_writes = other.link.refuses_writes = False
    worker.replay.work()
    assert sorted(messages(engine, session_id)) == ["after", "first", "spilled", "stored"]


def test_a_write_that_another_worker_spilled_under_is_acknowledged_with_it(
    worker: Worker, other: Worker, engine: CutOff
) -> None:
    """Whoever could reach the engine brings both together before it answers."""
    session_id = worker.begin()
    spilled = worker.chats.get(session_id)
    spilled["history"].append({"id": "spilled", "content": ""})
    worker.link.down = True
    other.link.meanwhile = [lambda: worker.chats.save(session_id, spilled)]
    other.say(session_id, "stored")
    assert sorted(messages(engine, session_id)) == ["first", "spilled", "stored"]
    assert worker.spill.backlog().count == 0


def test_a_dict_that_lags_does_not_speak_for_the_engine(worker: Worker, abroad: Worker) -> None:
    """In live it is brought up; in the spill its old copy would hide what is newer."""
    dict_of_worker = MemoryStore()
    plan = Plan(Stage.LIVE, stepped=True)
    both = MigratingStore(dict_of_worker, worker.store, KEYSPACES, plan)
    sessions, session_id = Sessions(both, CHAT), worker.begin()
    session = sessions.update(session_id, lambda data: data.update(seen=True))
    abroad.say(session_id, "second")
    worker.link.refuses_writes = True
    both.copies.compare(CHAT.key(session_id))
    assert not worker.spill.is_occupied
    assert codec.version_of(dict_of_worker.get(CHAT.key(session_id)) or b"") == 3
    assert session.version == 2
    assert worker.said(session_id) == ["first", "second"]


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_turns_on_two_hosts_are_merged(
    worker: Worker, abroad: Worker, engine: CutOff, first: str
) -> None:
    """One host could reach the engine, the other could not."""
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    worker.link.down = True
    loaded["history"].append({"id": "here", "content": ""})
    if first == "theirs":
        abroad.say(session_id, "abroad")
    worker.chats.save(session_id, loaded)
    worker.say(session_id, "here again")
    if first == "ours":
        abroad.say(session_id, "abroad")
    worker.link.down = False
    worker.replay.work()
    assert sorted(messages(engine, session_id)) == ["abroad", "first", "here", "here again"]


def test_a_write_whose_answer_was_lost_is_there_once(worker: Worker, engine: CutOff) -> None:
    """The engine has it already; the spill has it, too, and nothing is doubled."""
    session_id = worker.begin()
    worker.link.loses_answers = True
    worker.say(session_id, "second")
    worker.link.loses_answers = False
    assert worker.said(session_id) == ["first", "second"]
    worker.say(session_id, "third")
    worker.replay.work()
    assert messages(engine, session_id) == ["first", "second", "third"]


def test_a_deletion_while_the_engine_is_away_stays(
    worker: Worker, other: Worker, abroad: Worker, engine: CutOff
) -> None:
    """For every worker of the host at once, for everybody afterwards."""
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    worker.link.down = True
    worker.chats.save(session_id, loaded)
    assert worker.chats.delete(session_id)
    other.link.down = True
    for one in (worker, other):
        with pytest.raises(SessionNotFound):
            one.chats.get(session_id)
        with pytest.raises(SessionNotFound):
            one.say(session_id, "after")
    worker.link.down = other.link.down = False
    worker.replay.work()
    for one in (worker, other, abroad):
        with pytest.raises(SessionNotFound):
            one.chats.get(session_id)
    assert engine.members(CHAT.index()) == []


def test_a_stranger_s_deletion_while_the_engine_is_away_deletes_nothing_of_the_owner_s(
    worker: Worker, abroad: Worker
) -> None:
    """It is of what the stranger put under an id that nobody could say is taken."""
    session_id = str(uuid.uuid4())
    abroad.chats.save(session_id, {"history": []}, owner="owner")
    worker.link.down = True
    worker.chats.save(session_id, {"history": []}, owner="stranger")
    assert worker.chats.delete(session_id, owner="stranger")
    worker.link.down = False
    worker.replay.work()
    for one in (worker, abroad):
        assert one.chats.get(session_id, owner="owner").version == 1


def test_whoever_reaches_what_is_nobody_s_may_delete_it_while_the_engine_is_away(
    worker: Worker, abroad: Worker
) -> None:
    """Also under the name by which it was saved meanwhile."""
    session_id = abroad.begin()
    worker.link.down = True
    worker.chats.save(session_id, {"history": []}, owner="anyone")
    assert worker.chats.delete(session_id, owner="anyone")
    worker.link.down = False
    worker.replay.work()
    with pytest.raises(SessionNotFound):
        abroad.chats.get(session_id)


def test_what_waits_on_a_host_does_not_bring_back_what_was_deleted_elsewhere(
    worker: Worker, abroad: Worker
) -> None:
    """The deletion left a tombstone, although one engine serves."""
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    worker.link.down = True
    worker.chats.save(session_id, loaded)
    worker.say(session_id, "waits")
    assert abroad.chats.delete(session_id)
    worker.link.down = False
    worker.replay.work()
    for one in (worker, abroad):
        with pytest.raises(SessionNotFound):
            one.chats.get(session_id)


def test_a_browser_s_new_choice_wins_over_what_could_not_be_read(
    worker: Worker, engine: CutOff
) -> None:
    """Nobody could say which version it replaced; the later one is meant."""
    sid = "b" * 43
    for at in range(5):
        worker.browsers.replace(sid, {"conversation": at})
    worker.link.down = True
    worker.browsers.replace(sid, {"conversation": "new"})
    worker.browsers.replace(sid, {"conversation": "newest"})
    assert worker.browsers.get(sid)["conversation"] == "newest"
    worker.link.down = False
    worker.replay.work()
    assert worker.browsers.get(sid)["conversation"] == "newest"
    worker.browsers.replace(sid, {"conversation": "later"})
    assert worker.browsers.get(sid)["conversation"] == "later"


def test_two_workers_take_turns_in_the_spill(worker: Worker, other: Worker) -> None:
    """The spill compares versions as the engine does; the slower one has to look again."""
    worker.link.down = other.link.down = True
    session_id = worker.begin()
    mine, theirs = worker.chats.get(session_id), other.chats.get(session_id)
    mine["history"].append({"id": "mine", "content": ""})
    worker.chats.save(session_id, mine)
    with pytest.raises(SessionConflict):
        other.chats.save(session_id, theirs)
    with pytest.raises(SessionConflict):
        other.chats.save(session_id, {"history": []})
    assert other.said(session_id) == ["first", "mine"]


def test_an_extension_reaches_what_waits_and_is_forgiven_otherwise(worker: Worker) -> None:
    """A session that can be read is served, though its life cannot be made longer now."""
    session_id = worker.begin()
    session = worker.chats.get(session_id)
    worker.link.down = True
    assert worker.chats.extend(session) is session
    with pytest.raises(StoreUnavailable):
        worker.store.touch(
            Record(CHAT.key(session_id), 1, b"", session.expires_at + 5000, session_id)
        )
    waiting_id = worker.begin()
    key = CHAT.key(waiting_id)
    before = worker.store.expires_at(key)
    assert before
    assert worker.store.touch(Record(key, 1, b"", before + 5000, waiting_id))
    assert worker.store.expires_at(key) == before + 5000


def test_an_answer_by_way_of_the_spill_is_marked(worker: Worker) -> None:
    """Writes and reads; not what the engine answered."""
    request_budget.begin()
    session_id = worker.begin()
    assert not request_budget.is_degraded()
    worker.link.down = True
    waiting_id = worker.begin()
    assert request_budget.is_degraded()
    request_budget.begin()
    assert worker.said(waiting_id)
    assert request_budget.is_degraded()
    worker.link.down = False
    request_budget.begin()
    worker.said(session_id)
    worker.said(waiting_id)
    assert not request_budget.is_degraded()


def test_while_the_spill_is_empty_nothing_is_asked_of_it(worker: Worker, spill: Spill) -> None:
    """It costs a look at the flag; a file is not even made."""
    worker.said(worker.begin())
    assert not spill.is_occupied
    assert spill.file is None or not spill.file.exists()


def test_an_unreadable_copy_in_the_engine_makes_room(worker: Worker, engine: CutOff) -> None:
    """What was taken counts; the garbage is kept aside."""
    session_id = worker.begin()
    loaded = worker.chats.get(session_id)
    worker.link.down = True
    worker.chats.save(session_id, loaded)
    garbage = Record(CHAT.key(session_id), 9, b",broken", loaded.expires_at, session_id)
    engine.install(garbage)
    worker.link.down = False
    worker.replay.work()
    assert messages(engine, session_id) == ["first"]
    assert engine.get(CHAT.key(session_id) + ":corrupt") == b'{"version":9,broken'
