"""All conversations of one owner: listed without being used, and cleared with all that is kept."""

import uuid
from collections.abc import Sequence

import pytest

from services.keyspaces import build_keyspaces, build_teaser_chat_keyspace
from services.list_entries import LONGEST_TITLE, build_title
from services.sessions import (
    codec,
    get_session,
    list_sessions,
    save_session,
    sessions_of,
    set_session_store,
    update_session,
)
from services.sessions.errors import (
    SessionFormatUnknown,
    SessionNotFound,
    StoreRefused,
    StoreUnavailable,
)
from services.sessions.outage import Outage, Spill, open_spill
from services.sessions.stores.base import Condition, Put, Record, Store, quarantine_key
from services.sessions.stores.memory import MemoryStore
from services.teaser_chat.conversation_list import MOST_LISTED
from tests.support.clock import FakeClock
from tests.support.engines import CutOff, engines_of
from tests.support.servers import eventually
from tests.support.services import open_conversation_list, open_teaser_chat, open_unified_chat

CHAT = build_teaser_chat_keyspace()
ANNA, BOB = "a" * 64, "b" * 64
MANY = 2 * MOST_LISTED + 1


def begin(owner: str | None = ANNA, text: str = "A lamp") -> str:
    """The id of a new conversation."""
    return str(open_teaser_chat().start_conversation(text, owner=owner)["session_id"])


def begin_many(number: int, owner: str = ANNA) -> list[str]:
    """Copies of one conversation under ids of their own, which is quicker than holding them."""
    model = dict(get_session(begin(owner), owner=owner))
    ids = [str(uuid.uuid4()) for _ in range(number - 1)]
    for session_id in ids:
        save_session(session_id, model, owner=owner)
    return ids


def listed(owner: str | None = ANNA, current: str | None = None) -> list[str]:
    """The ids in an owner's list."""
    found = open_conversation_list().list_conversations(owner, current=current)
    return [entry["session_id"] for entry in found]


def break_document(store: Store, session_id: str) -> bytes:
    """Put an unreadable value under a conversation's key; answers it."""
    key = CHAT.key(session_id)
    ends = store.expires_at(key) or 0
    store.put(Record(key, 9, b",broken", ends, session_id, CHAT.indexes(ANNA)), Condition.ANY)
    value = store.get(key)
    assert value is not None
    return value


@pytest.fixture
def clock() -> FakeClock:
    """The time that `timed` goes by."""
    return FakeClock()


@pytest.fixture
def timed(clock: FakeClock) -> MemoryStore:
    """A dict whose time the test moves, chosen for this process."""
    store = MemoryStore(clock=clock)
    set_session_store(store, clock=clock, keyspaces=build_keyspaces())
    return store


class TestList:
    """What a browser is told of its conversations."""

    @pytest.mark.usefixtures("any_setup")
    def test_the_newest_message_is_first(self) -> None:
        """Whatever it is: a message or a question; those of others are not listed."""
        first, second, third = (begin(text=text) for text in ("A lamp", "A mug", "A kettle"))
        begin(BOB)
        begin(None)
        for number, session_id in enumerate((third, first, second)):
            _date(session_id, f"2126-01-01T00:00:0{number}.000+00:00", member="history")
        assert listed() == [second, first, third]
        _date(third, "2126-01-01T00:00:09.000+00:00", member="qa_history")
        found = open_conversation_list().list_conversations(ANNA)
        assert [entry["session_id"] for entry in found] == [third, second, first]
        assert found[0]["last_message_at"] == "2126-01-01T00:00:09.000+00:00"
        assert found[0]["title"] == "A kettle"
        assert found[0]["started_at"] < found[0]["last_message_at"]
        assert listed(None) == []

    def test_being_listed_extends_no_life(self, timed: MemoryStore, clock: FakeClock) -> None:
        """An hour after its last use a conversation ends, however often the list was read."""
        session_id = begin()
        ends = timed.expires_at(CHAT.key(session_id))
        clock.forward(600)
        assert listed() == [session_id]
        assert timed.expires_at(CHAT.key(session_id)) == ends
        clock.forward(3000)
        assert listed() == []

    @pytest.mark.usefixtures("timed")
    def test_of_many_the_shown_one_is_among_them(self, clock: FakeClock) -> None:
        """Also when others live longer."""
        current = begin()
        clock.forward(60)
        begin_many(MANY)
        assert len(listed()) == MOST_LISTED
        assert current not in listed()
        assert len(listed(current=current)) == MOST_LISTED
        assert current in listed(current=current)

    @pytest.mark.usefixtures("timed")
    def test_only_what_is_the_owner_s_own_is_listed_though_it_is_shown(self) -> None:
        """Neither nobody's nor another one's."""
        mine = begin()
        for owner in (None, BOB):
            assert listed(current=begin(owner)) == [mine]
        assert listed(current=str(uuid.uuid4())) == [mine]

    def test_what_cannot_be_read_is_left_out(self, memory_or_redis: Store) -> None:
        """What is no document, and what is one of something else."""
        set_session_store(memory_or_redis, keyspaces=build_keyspaces())
        good, broken, other, newer = (begin() for _ in range(4))
        break_document(memory_or_redis, broken)
        sessions_of("chat:session").replace(other, {"history": 7}, owner=ANNA)
        _put_newer(memory_or_redis, newer)
        assert listed() == [good]

    def test_a_shorter_list_is_never_returned(self, timed: MemoryStore) -> None:
        """Whoever may own something that nobody can look at now gets no list."""
        begin()
        unsure = begin()
        set_session_store(_Unsure(timed, CHAT.key(unsure)), keyspaces=build_keyspaces())
        with pytest.raises(StoreUnavailable):
            listed()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("A lamp", "A lamp"),
            ("  A\n lamp\t with  a plug ", "A lamp with a plug"),
            ("word " * 30, ("word " * 16).strip()),
            ("x" * 80 + " y", "x" * 80),
            ("x" * 79 + " y", "x" * 79),
            ("x" * 200, "x" * 80),
        ],
    )
    def test_a_title_is_the_first_words(self, text: str, expected: str) -> None:
        """In one line, no word cut unless it is too long by itself."""
        assert build_title(text) == expected
        assert len(build_title(text)) <= LONGEST_TITLE


class TestClear:
    """Clearing removes everything of one owner, and nothing else."""

    def test_all_go_however_many(self, any_setup: Store) -> None:
        """From every copy, so that none comes back; another owner's stay as they are."""
        mine = begin_many(MANY)
        others = [begin(BOB), begin(None)]
        before = [any_setup.get(CHAT.key(session_id)) for session_id in others]
        assert open_conversation_list().clear(ANNA) == MANY
        assert listed() == list_sessions(ANNA) == []
        for engine in engines_of(any_setup):
            for session_id in mine:
                value = engine.get(CHAT.key(session_id))
                assert value is None or codec.is_tombstone(value)
        assert [any_setup.get(CHAT.key(session_id)) for session_id in others] == before
        assert open_conversation_list().clear(ANNA) == 0
        assert open_conversation_list().clear(None) == 0

    def test_what_was_set_aside_goes_as_well(self, memory_or_redis: Store) -> None:
        """Of what began anew, and of what clearing itself finds unreadable."""
        set_session_store(memory_or_redis, keyspaces=build_keyspaces())
        anew, broken = begin(), begin()
        for session_id in (anew, broken):
            break_document(memory_or_redis, session_id)
        assert "notice" in open_unified_chat().send("A lamp", session_id=anew, owner=ANNA)
        assert memory_or_redis.get(quarantine_key(CHAT.key(anew)))
        assert open_conversation_list().clear(ANNA) == 1
        for session_id in (anew, broken):
            assert memory_or_redis.get(CHAT.key(session_id)) is None
            assert memory_or_redis.get(quarantine_key(CHAT.key(session_id))) is None

    def test_what_was_set_aside_goes_in_every_stage(self, any_setup: Store) -> None:
        """And nothing is written in its place."""
        session_id = begin()
        key = quarantine_key(CHAT.key(session_id))
        for engine in engines_of(any_setup):
            engine.put(Record(key, 1, b",broken", 2**42, session_id), Condition.ANY)
        assert open_conversation_list().clear(ANNA) == 1
        assert any_setup.get(key) is None
        assert engines_of(any_setup)[-1].get(key) is None

    def test_what_was_set_aside_of_another_one_stays(self, timed: MemoryStore) -> None:
        """Whose it was can be read in it, and counts more than where it is."""
        theirs = timed.get(CHAT.key(begin(BOB)))
        version, body = codec.split(theirs or b"") or (0, b"")
        key = quarantine_key(CHAT.key(begin()))
        timed.put(Record(key, version, body, 2**42, "any"), Condition.ANY)
        assert open_conversation_list().clear(ANNA) == 1
        assert timed.get(key) == theirs

    def test_one_of_a_newer_release_is_left_and_reported(self, timed: MemoryStore) -> None:
        """It would come back with that release, so nobody is told that all are gone."""
        newer, good = begin(), begin()
        value = _put_newer(timed, newer)
        with pytest.raises(SessionFormatUnknown):
            open_conversation_list().clear(ANNA)
        assert timed.get(CHAT.key(newer)) == value
        assert timed.get(CHAT.key(good)) is None

    def test_after_a_failure_it_is_repeated(self) -> None:
        """What went is gone, what did not goes the next time."""
        store = _Failing()
        set_session_store(store, keyspaces=build_keyspaces())
        begin_many(MANY)
        store.batches = 1
        with pytest.raises(StoreUnavailable):
            open_conversation_list().clear(ANNA)
        assert 0 < len(list_sessions(ANNA, limit=MANY)) < MANY
        store.batches = MANY
        open_conversation_list().clear(ANNA)
        assert list_sessions(ANNA) == []


class TestOutage:
    """With a spill: the list is whole, or there is none, and what is cleared stays so."""

    @pytest.fixture
    def engine(self) -> "_Refusing":
        """An engine that can be cut off, or take no writes."""
        return _Refusing()

    @pytest.fixture
    def spill(self) -> Spill:
        """Where this host keeps what the engine cannot take."""
        return open_spill("memory://")

    @pytest.fixture
    def outage(self, engine: "_Refusing", spill: Spill) -> Outage:
        """The engine with the spill, chosen for this process."""
        outage = Outage(engine, build_keyspaces(), spill)
        set_session_store(outage.store, keyspaces=build_keyspaces())
        return outage

    @pytest.mark.usefixtures("outage")
    def test_while_the_engine_is_away_there_is_no_list(self, engine: "_Refusing") -> None:
        """Though one conversation could be read; and nothing is cleared."""
        begin()
        engine.down = True
        begin()
        for action in (listed, lambda: open_conversation_list().clear(ANNA)):
            with pytest.raises(StoreUnavailable):
                action()

    def test_what_waits_is_listed_and_cleared_too(
        self, engine: "_Refusing", outage: Outage, spill: Spill
    ) -> None:
        """While the engine takes no writes; and it stays cleared when it takes them again."""
        before = begin()
        engine.refuses = True
        meanwhile = begin()
        assert set(listed()) == {before, meanwhile}
        assert open_conversation_list().clear(ANNA) == 2
        assert listed() == []
        assert open_conversation_list().clear(ANNA) == 0
        engine.refuses = False
        outage.start()
        assert eventually(lambda: not spill.is_occupied)
        outage.finish()
        assert engine.members(CHAT.owner_index(ANNA)) == []
        assert listed() == []
        for session_id in (before, meanwhile):
            with pytest.raises(SessionNotFound):
                get_session(session_id, owner=ANNA)


def test_a_check_finds_what_the_owner_can_reach(timed: MemoryStore, clock: FakeClock) -> None:
    """Its own and nobody's, not another one's; no life is extended."""
    mine, nobodys, theirs = begin(), begin(None), begin(BOB)
    ends = timed.expires_at(CHAT.key(mine))
    clock.forward(60)
    open_conversation_list().check(mine, owner=ANNA)
    open_conversation_list().check(nobodys, owner=ANNA)
    for session_id in (theirs, str(uuid.uuid4())):
        with pytest.raises(SessionNotFound):
            open_conversation_list().check(session_id, owner=ANNA)
    assert timed.expires_at(CHAT.key(mine)) == ends


def _date(session_id: str, moment: str, *, member: str) -> None:
    """Let the last message, or a question, have been said at some moment."""

    def change(session: codec.Session) -> None:
        if member == "qa_history":
            session[member].append({"question": "Why?", "answer": "So.", "timestamp": moment})
        else:
            session[member][-1]["timestamp"] = moment

    update_session(session_id, change, owner=ANNA)


def _put_newer(store: Store, session_id: str) -> bytes:
    """Store a conversation in a format of a later release; answers the value."""
    key = CHAT.key(session_id)
    value = store.get(key) or b""
    version, body = codec.split(value.replace(b'"format":1', b'"format":2')) or (0, b"")
    ends = store.expires_at(key) or 0
    store.put(Record(key, version, body, ends, session_id, CHAT.indexes(ANNA)), Condition.ANY)
    return store.get(key) or b""


class _Unsure(MemoryStore):
    """The documents of another dict, of which one was deleted by nobody knows whom."""

    def __init__(self, store: MemoryStore, key: str) -> None:
        super().__init__()
        self._given = store
        self._key = key

    def get(self, key: str) -> bytes | None:
        if key == self._key:
            return codec.join(1, codec.tombstone_body(None))
        return self._given.get(key)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        return self._given.members(index, start=start, limit=limit)

    def is_unsure(self, key: str) -> bool:
        return key == self._key


class _Failing(MemoryStore):
    """An engine that goes away after so many batches of removals."""

    batches = MANY

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        if not self.batches:
            raise StoreUnavailable("connection")
        self.batches -= 1
        return super().delete_many(records)


class _Refusing(CutOff):
    """An engine that can take no writes while it answers reads."""

    refuses = False

    def put(self, record: Record, condition: Condition) -> Put:
        if self.refuses:
            raise StoreRefused("read_only")
        return super().put(record, condition)
