"""Sessions with a dict's syntax: what is saved when, what is merged, and what is refused."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.keyspaces import build_keyspaces
from services.sessions import (
    Session,
    delete_session,
    get_session,
    save_session,
    sessions_of,
    set_session_store,
    update_session,
)
from services.sessions.errors import (
    InvalidSessionId,
    SessionNotFound,
    SessionNotSerialisable,
    StoreUnavailable,
)
from services.sessions.flask.browser import BROWSER
from services.sessions.mapping import SessionMapping
from services.sessions.merge import merge_higher
from services.sessions.stores import MemoryStore, Store
from services.sessions.stores.base import Condition, Put, Record
from tests.support.clock import FakeClock


class Faulty(MemoryStore):
    """A dict that cannot be asked, or cannot be written, while a test says so."""

    unreadable = False
    refused: frozenset[str] = frozenset()
    reads = 0
    writes = 0

    def get(self, key: str) -> bytes | None:
        self.reads += 1
        if self.unreadable:
            raise StoreUnavailable("test")
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        self.writes += 1
        if record.member in self.refused:
            raise StoreUnavailable("test")
        return super().put(record, condition)


@pytest.fixture
def clock() -> FakeClock:
    """The time both the store and the sessions go by."""
    return FakeClock()


@pytest.fixture
def memory(clock: FakeClock) -> Faulty:
    """The store of a test that looks at what the store is asked."""
    store = Faulty(clock=clock)
    set_session_store(store, clock=clock, keyspaces=build_keyspaces())
    return store


@pytest.fixture
def store(memory_or_redis: Store) -> Store:
    """The store of this process, of either kind."""
    set_session_store(memory_or_redis, keyspaces=build_keyspaces())
    return memory_or_redis


@pytest.fixture
def mapping() -> SessionMapping:
    """A mapping that knows no units but explicit ones."""
    return SessionMapping()


def new_id() -> str:
    """An id for one test."""
    return str(uuid.uuid4())


def said(*words: str) -> dict[str, Any]:
    """A conversation with these messages."""
    return {"history": [{"role": "user", "content": word} for word in words], "complete": False}


def words(session_id: str) -> list[str]:
    """What is said in the stored conversation."""
    return [entry["content"] for entry in get_session(session_id)["history"]]


@pytest.mark.usefixtures("store")
def test_it_behaves_as_a_dict(mapping: SessionMapping) -> None:
    """Everything a dict of dicts is used for, in one unit and over the next."""
    one, two, three = new_id(), new_id(), new_id()
    with mapping.unit_of_work():
        mapping[one] = said("a lamp")
        mapping.update({two: said("a radio")})
        assert mapping.setdefault(three, said("a toy")) is mapping[three]
        assert set(mapping) == {one, two, three}
        assert len(mapping) == 3
    with mapping.unit_of_work():
        assert mapping.setdefault(three, {}) == said("a toy")
        assert dict(mapping.items()) == {
            one: said("a lamp"),
            two: said("a radio"),
            three: said("a toy"),
        }
        assert [value["complete"] for value in mapping.values()] == [False] * 3
        assert mapping.pop(one) == said("a lamp")
        assert mapping.pop(one, None) is None
        assert mapping.get(one) is None
        assert one not in mapping
        del mapping[two]
        with pytest.raises(KeyError):
            mapping[two]
        with pytest.raises(KeyError):
            del mapping[two]
        assert list(mapping) == [three]
    assert mapping == mapping  # noqa: PLR0124 - that it does not read everything to find out
    assert mapping != SessionMapping()


@pytest.mark.usefixtures("store")
def test_a_change_is_saved_at_the_end_and_not_before(mapping: SessionMapping) -> None:
    """Deep inside the value as well; until then others see what was."""
    session_id = new_id()
    save_session(session_id, said("a lamp"))
    with mapping.unit_of_work():
        mapping[session_id]["history"].append({"role": "user", "content": "red"})
        assert mapping[session_id] is mapping[session_id]
        assert words(session_id) == ["a lamp"]
    assert words(session_id) == ["a lamp", "red"]
    assert get_session(session_id).version == 2


@pytest.mark.usefixtures("store")
def test_an_assigned_object_stays_the_value(mapping: SessionMapping) -> None:
    """What is done to it after the assignment is saved, whether it is new or a replacement."""
    session_id = new_id()
    for version, word in enumerate(("first", "second"), start=1):
        session: dict[str, Any] = {}
        with mapping.unit_of_work():
            mapping[session_id] = session
            session["word"] = word
            assert mapping[session_id] is session
        assert dict(get_session(session_id)) == {"word": word}
        assert get_session(session_id).version == version


@pytest.mark.usefixtures("memory")
def test_the_last_assignment_counts(mapping: SessionMapping) -> None:
    """And the version that was loaded guards it, however often the value was replaced."""
    session_id = new_id()
    save_session(session_id, said("a lamp"))
    with mapping.unit_of_work():
        mapping[session_id]["complete"] = True
        mapping[session_id] = {"step": 1}
        mapping[session_id] = {"step": 2}
    assert dict(get_session(session_id)) == {"step": 2}
    assert get_session(session_id).version == 2


def test_a_value_is_read_once_and_written_only_if_it_changed(
    memory: Faulty, mapping: SessionMapping, clock: FakeClock
) -> None:
    """Looking is an interaction: the session lives its full time again."""
    session_id = new_id()
    save_session(session_id, said("a lamp"))
    clock.forward(3000)
    memory.reads = memory.writes = 0
    with mapping.unit_of_work():
        for _ in range(3):
            assert mapping[session_id]["complete"] is False
        mapping[session_id]["complete"] = True
        mapping[session_id]["complete"] = False
    assert (memory.reads, memory.writes) == (1, 0)
    clock.forward(3000)
    assert get_session(session_id).version == 1


@pytest.mark.usefixtures("memory")
def test_walking_over_all_keeps_none_alive(mapping: SessionMapping, clock: FakeClock) -> None:
    """Else a page that lists them would keep them for ever; changes are saved all the same."""
    one, two = new_id(), new_id()
    save_session(one, said("a lamp"))
    save_session(two, said("a radio"))
    clock.forward(3000)
    with mapping.unit_of_work():
        for session_id, value in mapping.items():
            value["complete"] = session_id == two
    clock.forward(3000)
    with mapping.unit_of_work():
        assert list(mapping) == [two]


@pytest.mark.usefixtures("memory")
def test_walking_skips_what_goes_away(mapping: SessionMapping) -> None:
    """As another request may delete a session between the list and the look."""
    for _ in range(3):
        save_session(new_id(), said("a lamp"))
    with mapping.unit_of_work():
        walk = iter(mapping.items())
        first, _ = next(walk)
        kept = next(iter(set(mapping) - {first}))
        for session_id in set(mapping) - {first, kept}:
            delete_session(session_id)
        assert [session_id for session_id, _ in walk] == [kept]


@pytest.mark.usefixtures("store")
def test_two_units_that_both_append_are_both_kept(mapping: SessionMapping) -> None:
    """However many change one session at once."""
    session_id, meet = new_id(), threading.Barrier(4)
    save_session(session_id, said("a lamp"))

    def append(word: str) -> None:
        with mapping.unit_of_work():
            value = mapping[session_id]
            meet.wait(10)
            value["history"].append({"role": "user", "content": word})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, "wxyz"))
    assert words(session_id)[0] == "a lamp"
    assert sorted(words(session_id)[1:]) == list("wxyz")


@pytest.mark.usefixtures("store")
def test_a_conflict_is_merged_from_what_was_loaded(mapping: SessionMapping) -> None:
    """Of the other's changes none is undone, and the value shows what was stored."""
    session_id = new_id()
    save_session(session_id, {**said("a lamp"), "step": 1, "color": None})
    with mapping.unit_of_work():
        value = mapping[session_id]
        value["history"].append({"role": "user", "content": "mine"})
        value["step"] = 2

        def change(theirs: Session) -> None:
            theirs["history"].append({"role": "user", "content": "theirs"})
            theirs["color"] = "red"

        update_session(session_id, change)
    assert words(session_id) == ["a lamp", "theirs", "mine"]
    stored = get_session(session_id)
    assert (stored["step"], stored["color"], stored.version) == (2, "red", 3)
    assert dict(value) == dict(stored)


@pytest.mark.usefixtures("memory")
def test_a_value_can_be_changed_again_after_a_merge() -> None:
    """A unit may be committed more than once; each saves what changed since."""
    session_id, unit = new_id(), SessionMapping().begin()
    save_session(session_id, said("a lamp"))
    unit.value(session_id)["step"] = 1
    update_session(session_id, lambda theirs: theirs.update(color="red"))
    unit.commit()
    unit.commit()
    assert get_session(session_id).version == 3
    unit.value(session_id)["step"] = 2
    unit.commit()
    assert dict(get_session(session_id)) == {**said("a lamp"), "step": 2, "color": "red"}


@pytest.mark.usefixtures("memory")
def test_two_that_create_one_session_are_merged(mapping: SessionMapping) -> None:
    """The later one's members, and the messages of both."""
    session_id = new_id()
    with mapping.unit_of_work():
        mapping[session_id] = {**said("mine"), "by": "me"}
        save_session(session_id, {**said("theirs"), "by": "them"})
    assert words(session_id) == ["theirs", "mine"]
    assert get_session(session_id)["by"] == "me"


@pytest.mark.usefixtures("memory")
def test_another_rule_may_merge() -> None:
    """The one of the mapping rather than the keyspace's."""
    mapping, session_id = SessionMapping(merge=merge_higher), new_id()
    save_session(session_id, said("a lamp"))
    with mapping.unit_of_work():
        mapping[session_id]["step"] = 1
        update_session(session_id, lambda theirs: theirs.update(color="red"))
    assert dict(get_session(session_id)) == {**said("a lamp"), "step": 1}


@pytest.mark.usefixtures("store")
def test_what_was_deleted_meanwhile_does_not_come_back(mapping: SessionMapping) -> None:
    """The change is refused; a mere look is not."""
    session_id = new_id()
    save_session(session_id, said("a lamp"))

    def change() -> None:
        with mapping.unit_of_work():
            mapping[session_id]["complete"] = True
            delete_session(session_id)

    with pytest.raises(SessionNotFound) as refused:
        change()
    assert not isinstance(refused.value, KeyError)
    with pytest.raises(SessionNotFound):
        get_session(session_id)
    save_session(session_id, said("a lamp"))
    with mapping.unit_of_work():
        assert session_id in mapping
        delete_session(session_id)
    with mapping.unit_of_work():
        assert session_id not in mapping


@pytest.mark.usefixtures("memory")
def test_deleting_acts_at_once_and_ends_the_value(mapping: SessionMapping) -> None:
    """Also when it was changed before, or never stored."""
    session_id, fresh = new_id(), new_id()
    save_session(session_id, said("a lamp"))
    with mapping.unit_of_work():
        mapping[session_id]["complete"] = True
        mapping[fresh] = {}
        del mapping[session_id], mapping[fresh]
        with pytest.raises(SessionNotFound):
            get_session(session_id)
        assert session_id not in mapping
        assert fresh not in mapping
    with mapping.unit_of_work():
        assert len(mapping) == 0


def test_an_exception_in_the_block_saves_nothing(memory: Faulty, mapping: SessionMapping) -> None:
    """Half a change is no change."""
    session_id = new_id()

    def fail() -> None:
        with mapping.unit_of_work():
            mapping[session_id] = said("a lamp")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="middle"):
        fail()
    assert memory.writes == 0
    with pytest.raises(RuntimeError):
        len(mapping)


def test_a_block_in_a_block_belongs_to_it(memory: Faulty, mapping: SessionMapping) -> None:
    """So that helpers may open one; it is saved once, at the end of the outer one."""
    session_id = new_id()
    with mapping.unit_of_work():
        mapping[session_id] = {}
        with mapping.unit_of_work() as same:
            same[session_id]["inside"] = True
        assert memory.writes == 0
    assert dict(get_session(session_id)) == {"inside": True}


def test_one_failure_does_not_stop_the_others(memory: Faulty, mapping: SessionMapping) -> None:
    """The first one is raised, after all were tried."""
    ids = [new_id() for _ in range(4)]
    memory.refused = frozenset(ids[2:])

    def change() -> None:
        with mapping.unit_of_work():
            mapping[ids[0]] = {"when": object()}
            for session_id in ids[1:]:
                mapping[session_id] = {}

    with pytest.raises(SessionNotSerialisable, match="plain JSON"):
        change()
    with mapping.unit_of_work():
        assert list(mapping) == [ids[1]]


def test_a_foreign_object_in_a_loaded_value_is_refused(
    memory: Faulty, mapping: SessionMapping
) -> None:
    """Rather than taken for unchanged."""
    session_id = new_id()
    save_session(session_id, {})

    def change() -> None:
        with mapping.unit_of_work():
            mapping[session_id]["when"] = object()

    with pytest.raises(SessionNotSerialisable):
        change()


def test_unavailable_is_never_missing(memory: Faulty, mapping: SessionMapping) -> None:
    """No way of asking takes a store that cannot be asked for one without the session."""
    session_id = new_id()
    save_session(session_id, {})
    memory.unreadable = True
    with mapping.unit_of_work():
        for ask in (
            lambda: mapping[session_id],
            lambda: mapping.get(session_id),
            lambda: session_id in mapping,
            lambda: mapping.pop(session_id, None),
            lambda: mapping.setdefault(session_id, {}),
            lambda: mapping.update({session_id: {}}),
            lambda: list(mapping.items()),
        ):
            with pytest.raises(StoreUnavailable) as refused:
                ask()
            assert not isinstance(refused.value, KeyError)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("bad", ["", "abc", "../x", "9" * 36])
def test_what_is_no_id_is_in_no_mapping(mapping: SessionMapping, bad: str) -> None:
    """Only an assignment to it is refused by name."""
    with mapping.unit_of_work():
        assert bad not in mapping
        assert mapping.get(bad) is None
        assert mapping.pop(bad, None) is None
        with pytest.raises(KeyError):
            del mapping[bad]
        with pytest.raises(InvalidSessionId):
            mapping[bad] = {}


@pytest.mark.usefixtures("memory")
def test_an_owner_meets_only_the_owners() -> None:
    """And cannot see, count, change, replace or delete another's."""
    mine, theirs = SessionMapping(owner=lambda: "me"), SessionMapping(owner=lambda: "them")
    session_id = new_id()
    with mine.unit_of_work():
        mine[session_id] = said("a lamp")
    with theirs.unit_of_work():
        assert session_id not in theirs
        assert (len(theirs), list(theirs)) == (0, [])
        with pytest.raises(KeyError):
            del theirs[session_id]

    def replace() -> None:
        with theirs.unit_of_work():
            theirs[session_id] = {}

    with pytest.raises(SessionNotFound):
        replace()
    with mine.unit_of_work():
        assert dict(mine.items()) == {session_id: said("a lamp")}
        assert len(mine) == 1


@pytest.mark.usefixtures("memory")
def test_a_value_under_a_second_id_is_a_session_of_its_own(mapping: SessionMapping) -> None:
    """A loaded one may be stored under another id; from then on they are two."""
    one, two = new_id(), new_id()
    save_session(one, said("a lamp"))
    with mapping.unit_of_work():
        mapping[two] = mapping[one]
    with mapping.unit_of_work():
        mapping[two]["complete"] = True
        assert mapping[one] == said("a lamp")


@pytest.mark.usefixtures("memory")
def test_iteration_reads_every_page(
    mapping: SessionMapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the new ones of the unit, each once."""
    monkeypatch.setattr("services.sessions.mapping.PAGE", 2)
    stored = {new_id() for _ in range(5)}
    for session_id in stored:
        save_session(session_id, {})
    fresh = new_id()
    with mapping.unit_of_work():
        mapping[fresh] = {}
        found = list(mapping)
        assert len(mapping) == len(found) == 6
        assert set(found) == {*stored, fresh}


@pytest.mark.usefixtures("memory")
def test_a_keyspace_without_an_index_cannot_be_walked() -> None:
    """It says so; single look-ups work."""
    browsers = SessionMapping(BROWSER)
    with browsers.unit_of_work():
        browsers["a" * 22] = {"theme": "dark"}
    with browsers.unit_of_work():
        assert browsers["a" * 22] == {"theme": "dark"}
        with pytest.raises(TypeError, match="no index"):
            len(browsers)
        with pytest.raises(TypeError, match="no index"):
            iter(browsers)


def test_without_a_unit_of_work_it_says_what_to_do(mapping: SessionMapping) -> None:
    """Before it asks any store."""
    for ask in (lambda: mapping.get(new_id()), lambda: len(mapping), lambda: list(mapping)):
        with pytest.raises(RuntimeError, match=r"with mapping\.saved\(\)"):
            ask()


def test_the_store_is_looked_up_at_use(memory: Faulty, mapping: SessionMapping) -> None:
    """So that a module may make its mapping before the application has chosen a store."""
    session_id = new_id()
    save_session(session_id, {})
    with mapping.unit_of_work():
        assert session_id in mapping
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())
    assert sessions_of(mapping.keyspace).store is not memory
    with mapping.unit_of_work():
        assert session_id not in mapping
