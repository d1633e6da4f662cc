"""The sessions as a library: many at once, lives of their own, lists, health, other kinds."""

import logging
import time
import uuid
from collections.abc import Iterator, Sequence

import pytest

from services import sessions
from services.keyspaces import STATES, TEASER_CHAT, build_keyspaces
from services.sessions import (
    Session,
    cleanup_expired_sessions,
    close_session_store,
    count_sessions,
    delete_session,
    delete_sessions,
    get_session,
    get_session_store,
    get_sessions,
    list_sessions,
    save_session,
    save_sessions,
    session_exists,
    session_expires_at,
    set_session_store,
    set_session_ttl,
    store_health,
    update_session,
)
from services.sessions.errors import (
    InvalidSessionId,
    SessionConflict,
    SessionForeign,
    SessionNotFound,
    SessionNotSerialisable,
    SessionTooLarge,
    SessionUnreadable,
    StoreUnavailable,
)
from services.sessions.keyspaces import named_keyspace
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.stores import MemoryStore, RedisStore, SqlStore, Store
from services.sessions.stores.redis.connections import Command, Connections, open_pool
from tests.support.clock import FakeClock
from tests.support.engines import CutOff

DAY = 86_400


def new_id() -> str:
    """An id nobody has."""
    return str(uuid.uuid4())


@pytest.fixture
def library(store: Store) -> Iterator[Store]:
    """The helpers over each engine, small documents only."""
    set_session_store(store, max_bytes=2000, keyspaces=build_keyspaces())
    yield store
    close_session_store()


@pytest.fixture
def clock() -> FakeClock:
    """The time both the store and the helpers go by."""
    return FakeClock()


@pytest.fixture
def timed(clock: FakeClock) -> Iterator[FakeClock]:
    """The helpers over a dict whose time the test moves."""
    set_session_store(MemoryStore(clock=clock), clock=clock, keyspaces=build_keyspaces())
    yield clock
    close_session_store()


class Counting(Connections):
    """Connections that count their round trips."""

    trips = 0

    def execute_many(self, commands: Sequence[Command]) -> list[object]:
        self.trips += 1
        return super().execute_many(commands)


def test_many_are_saved_loaded_and_deleted(library: Store) -> None:
    """Each under its id, as one by one."""
    items = {new_id(): {"n": n} for n in range(20)}
    saved = save_sessions(items, owner="anna")
    assert saved.failed == {}
    assert [session["n"] for session in saved.done.values()] == list(range(20))
    assert all(session.version == 1 for session in saved.done.values())
    assert get_session(next(iter(items)), owner="anna") == {"n": 0}
    loaded = get_sessions(items, owner="anna")
    assert loaded.done == items
    some = list(items)[:5]
    assert list(delete_sessions(some, owner="anna").done) == some
    assert count_sessions() == 15
    assert set(list_sessions("anna")) == set(list(items)[5:])


def test_what_was_loaded_is_saved_only_if_nobody_changed_it(library: Store) -> None:
    """Loaded ones and new ones in one batch, each with its own outcome."""
    first, second, new = new_id(), new_id(), new_id()
    save_sessions({first: {"n": 1}, second: {"n": 2}})
    loaded = get_sessions([first, second]).done
    update_session(first, lambda session: session.update(n=10))
    for session in loaded.values():
        session["n"] = 99
    batch = save_sessions({**loaded, new: {"n": 3}})
    assert {type(error) for error in batch.failed.values()} == {SessionConflict}
    assert list(batch.failed) == [first]
    assert (get_session(first)["n"], get_session(second)["n"]) == (10, 99)
    assert get_session(new) == {"n": 3}
    taken = save_sessions({new: {"n": 4}})
    assert isinstance(taken.failed[new], SessionConflict)


def test_each_failure_is_its_own(library: Store) -> None:
    """Missing, someone else's, no id, not plain, too long: the others are done."""
    mine, hers = new_id(), new_id()
    save_session(mine, {}, owner="me")
    save_session(hers, {}, owner="her")
    missing = new_id()
    batch = get_sessions([mine, hers, missing, "no id"], owner="me")
    assert list(batch.done) == [mine]
    assert {one: type(error) for one, error in batch.failed.items()} == {
        "no id": InvalidSessionId,
        hers: SessionForeign,
        missing: SessionNotFound,
    }
    assert list(delete_sessions([hers, missing], owner="me").done) == []
    assert session_exists(hers, owner="her")
    fine, strange, long = new_id(), new_id(), new_id()
    saved = save_sessions({fine: {}, strange: {"x": {1, 2}}, long: {"x": "y" * 3000}})
    assert list(saved.done) == [fine]
    assert isinstance(saved.failed[strange], SessionNotSerialisable)
    assert isinstance(saved.failed[long], SessionTooLarge)
    assert not session_exists(strange)


def test_an_unreadable_one_is_set_aside_and_keeps_no_other(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and logged, as when it is loaded alone."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    good, bad = new_id(), new_id()
    save_session(good, {})
    store._connections.execute("SET", f"chat:session:{bad}", "garbage")
    with caplog.at_level(logging.WARNING):
        batch = get_sessions([bad, good])
    assert list(batch.done) == [good]
    assert isinstance(batch.failed[bad], SessionUnreadable)
    assert "quarantined" in caplog.text
    assert store.get(f"chat:session:{bad}:corrupt") == b"garbage"


@pytest.mark.parametrize("plan", [None, Plan(Stage.COMPLETE), Plan(Stage.COMPLETE, stepped=True)])
def test_a_batch_is_one_round_trip(redis_url: str, plan: Plan | None) -> None:
    """However many sessions; a deletion looks first whose they are."""
    connections = Counting(open_pool(redis_url, timeout=5))
    engine: Store = RedisStore(connections)
    if plan:
        engine = MigratingStore(MemoryStore(), engine, (), plan)
    set_session_store(engine, keyspaces=build_keyspaces())
    save_session(new_id(), {})  # Redis learns the script
    items: dict[str, dict[str, int]] = {new_id(): {} for _ in range(100)}

    def trips(action: object) -> int:
        before = connections.trips
        assert callable(action)
        action()
        return connections.trips - before

    assert trips(lambda: save_sessions(items)) == 1
    assert trips(lambda: get_sessions(items)) == 1
    assert trips(lambda: delete_sessions(items)) == 2
    assert get_sessions(items).done == {}
    close_session_store()


def test_the_engine_away_is_nobodys_failure() -> None:
    """Nothing is known of any of them."""
    engine = CutOff()
    set_session_store(engine, keyspaces=build_keyspaces())
    engine.down = True
    with pytest.raises(StoreUnavailable):
        get_sessions([new_id()])
    with pytest.raises(StoreUnavailable):
        save_sessions({new_id(): {}})


def test_existence_is_asked_by_those_who_may_know(library: Store) -> None:
    """For anybody else there is nothing."""
    session_id = new_id()
    assert not session_exists(session_id)
    save_session(session_id, {}, owner="anna")
    assert session_exists(session_id, owner="anna")
    assert not session_exists(session_id, owner="bob")
    assert not session_exists(session_id)
    delete_session(session_id, owner="anna")
    assert not session_exists(session_id, owner="anna")


def test_expiry_can_be_read_and_set(timed: FakeClock) -> None:
    """Longer or shorter, from now on and after each use."""
    session_id = new_id()
    save_session(session_id, {})
    now = int(timed() * 1000)
    assert session_expires_at(session_id) == now + 3_600_000
    set_session_ttl(session_id, 60)
    assert session_expires_at(session_id) == now + 60_000
    timed.forward(50)
    get_session(session_id, extend=True)
    assert session_expires_at(session_id) == now + 110_000
    update_session(session_id, lambda session: session.update(x=1))
    timed.forward(59)
    assert get_session(session_id)["x"] == 1
    timed.forward(2)
    assert not session_exists(session_id)
    with pytest.raises(SessionNotFound):
        session_expires_at(session_id)


def test_expiry_is_the_engines_own(library: Store) -> None:
    """Also where it is set shorter than it was."""
    session_id = new_id()
    save_session(session_id, {}, ttl=7200)
    key = f"chat:session:{session_id}"
    for seconds in (7200, 60):
        set_session_ttl(session_id, seconds)
        until = library.expires_at(key)
        assert until is not None
        assert abs(until - (time.time() + seconds) * 1000) < 1000


@pytest.mark.parametrize("seconds", [0, -1, DAY + 1])
def test_a_life_beyond_its_kind_is_refused(timed: FakeClock, seconds: int) -> None:
    """A tombstone has to outlive it."""
    session_id = new_id()
    save_session(session_id, {})
    with pytest.raises(ValueError, match="lives 1 to 86400 seconds"):
        set_session_ttl(session_id, seconds)


def test_lists_come_in_pages_and_can_be_cleaned(timed: FakeClock) -> None:
    """What has expired is dropped from them, and counted."""
    for n in range(7):
        save_session(new_id(), {"n": n}, owner="anna", ttl=100 if n < 4 else 1000)
    save_session(new_id(), {}, owner="bob", ttl=100)
    assert len(list_sessions("anna", limit=5)) == 5
    assert len(list_sessions("anna", start=5, limit=5)) == 2
    timed.forward(200)
    assert cleanup_expired_sessions("anna") == 4
    assert cleanup_expired_sessions() == 1
    assert cleanup_expired_sessions() == 0
    assert count_sessions() == 3


def test_what_describes_a_session_is_kept(library: Store) -> None:
    """Whoever it is about, and in what; when it was made and used is kept beside it."""
    set_session_store(library, keyspaces=[named_keyspace("agents", ttl=600)])
    about = {
        "org_id": "org-1",
        "workspace_path": "/srv/work",
        "client_ids": ["a", "b"],
        "system_prompt": "You are helpful.",
        "metadata": {"plan": "trial", "seats": 3},
    }
    begun = int(time.time() * 1000)
    first = save_session("run-1", about, owner="user-1", keyspace="agents").version
    update_session(
        "run-1", lambda session: session.update(last="x"), owner="user-1", keyspace="agents"
    )
    session = get_session("run-1", owner="user-1", keyspace="agents")
    assert dict(session) == {**about, "last": "x"}
    assert (session.session_id, session.owner, session.version) == ("run-1", "user-1", first + 1)
    assert begun <= session.created_at <= session.updated_at <= int(time.time() * 1000)
    assert list_sessions("user-1", keyspace="agents") == ["run-1"]
    set_session_ttl("run-1", DAY, owner="user-1", keyspace="agents")


@pytest.mark.parametrize("name", ["", "Agents", "a b", "a:b", "x" * 33, "1a"])
def test_a_kind_of_ones_own_takes_nobodys_place(name: str) -> None:
    """Its keys can be told from all others."""
    with pytest.raises(ValueError, match="cannot name a kind"):
        named_keyspace(name)


def test_the_store_tells_how_it_is(library: Store) -> None:
    """Which engine it is, and that it answers."""
    health = store_health()
    assert health.ok
    assert health.engine == library.name


def test_a_store_that_is_away_says_why() -> None:
    """In a word, without an exception."""
    engine = CutOff()
    set_session_store(engine, keyspaces=build_keyspaces())
    engine.down = True
    health = store_health()
    assert (health.ok, health.reason) == (False, "connection")


def test_a_closed_store_is_nobodys(tmp_path: object) -> None:
    """Another may be chosen; closing twice is no error."""
    set_session_store(SqlStore(f"sqlite:///{tmp_path}/a.db"), keyspaces=build_keyspaces())
    save_session(new_id(), {})
    close_session_store()
    close_session_store()
    with pytest.raises(RuntimeError, match="was not called"):
        get_session_store()
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())
    assert count_sessions() == 0


def test_what_was_not_sent_yet_is_sent_before_closing(redis_url: str) -> None:
    """A process with an engine attached loses nothing by closing."""
    session_id = new_id()
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())
    save_session(session_id, {"kept": True})
    set_session_store(RedisStore.from_url(redis_url, timeout=5), sync_on_access=False)
    close_session_store()
    set_session_store(RedisStore.from_url(redis_url, timeout=5), keyspaces=build_keyspaces())
    assert get_session(session_id) == {"kept": True}
    close_session_store()


def test_a_session_with_a_life_of_its_own_says_so(redis_url: str) -> None:
    """In its document, for whoever reads that; an unsound one is unreadable."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    session_id = new_id()
    saved = save_session(session_id, {}, ttl=90)
    assert saved.ttl == 90
    document = store.get(f"chat:session:{session_id}")
    assert document is not None
    assert b'"ttl":90' in document
    store._connections.execute(
        "SET", f"chat:session:{session_id}", document.replace(b'"ttl":90', b'"ttl":"x"')
    )
    with pytest.raises(SessionUnreadable):
        get_session(session_id)
    with pytest.raises(SessionNotSerialisable):
        save_session(new_id(), {"ttl": 5})


def test_replacing_is_the_owners_alone(library: Store) -> None:
    """The last writer wins among those who may write."""
    states = sessions.sessions_of(STATES)
    session_id = new_id()
    first = states.replace(session_id, {"n": 1}, owner="anna").version
    assert states.replace(session_id, {"n": 2}, owner="anna").version > first
    for other in ("bob", None):
        with pytest.raises(SessionForeign):
            states.replace(session_id, {"n": 3}, owner=other)
    assert states.get(session_id, owner="anna") == {"n": 2}


def test_what_is_nobodys_stays_nobodys(library: Store) -> None:
    """Whoever changes it does not come to own it."""
    states = sessions.sessions_of(STATES)
    session_id = new_id()
    states.replace(session_id, {"n": 1})
    assert states.replace(session_id, {"n": 2}, owner="anna").owner is None
    assert states.get(session_id) == {"n": 2}
    assert states.get(session_id, owner="bob") == {"n": 2}


def test_a_session_may_begin_with_its_change(library: Store) -> None:
    """Created where there is none, also after a deletion; changed where there is one."""
    states = sessions.sessions_of(STATES)
    session_id = new_id()

    def count(session: Session) -> None:
        session["n"] = session.get("n", 0) + 1

    for expected in (1, 2):
        assert states.update(session_id, count, owner="a", create=True)["n"] == expected
    with pytest.raises(SessionForeign):
        states.update(session_id, count, owner="b", create=True)
    states.delete(session_id, owner="a")
    assert states.update(session_id, count, owner="b", create=True)["n"] == 1
    with pytest.raises(SessionNotFound):
        states.update(new_id(), count)


def test_over_a_tombstone_an_id_begins_again(redis_url: str) -> None:
    """While two copies exist a deletion leaves one; where ids are chosen they are free again."""
    engine = RedisStore.from_url(redis_url, timeout=5)
    stepped = MigratingStore(MemoryStore(), engine, (), Plan(Stage.COMPLETE, stepped=True))
    set_session_store(stepped, keyspaces=build_keyspaces())
    states = sessions.sessions_of(STATES)
    session_id = new_id()
    first = states.replace(session_id, {"n": 1}, owner="anna").version
    states.delete(session_id, owner="anna")
    assert not states.exists(session_id, owner="anna")
    second = states.replace(session_id, {"n": 2}, owner="bob").version
    assert second > first + 1
    states.delete(session_id, owner="bob")
    third = states.update(session_id, lambda one: one.update(n=3), create=True).version
    assert third == second + 2
    chat = sessions.sessions_of(TEASER_CHAT)
    chat.save(session_id, {})
    chat.delete(session_id)
    with pytest.raises(SessionNotFound):
        chat.replace(session_id, {})
    close_session_store()


def test_a_second_life_of_an_id_is_not_taken_for_the_first(library: Store) -> None:
    """Whoever loaded the one overwrites nothing of the other, whosever it is."""
    states = sessions.sessions_of(STATES)
    session_id = new_id()
    states.save(session_id, {"n": 1}, owner="anna")
    loaded = states.get(session_id, owner="anna")
    states.delete(session_id, owner="anna")
    states.save(session_id, {"n": 2}, owner="bob")
    with pytest.raises(SessionConflict):
        states.save(session_id, loaded, owner="anna")
    assert states.get(session_id, owner="bob") == {"n": 2}


@pytest.mark.parametrize("name", ["rate", "lease", "index", "migration", "browser"])
def test_names_the_library_uses_are_refused(name: str) -> None:
    """Neither its lists nor its keys are somebody else's."""
    with pytest.raises(ValueError, match="cannot name a kind"):
        named_keyspace(name)


@pytest.mark.parametrize("name", ["chat", "session", "state", "context", "tenant"])
@pytest.mark.parametrize("first", [True, False])
def test_kinds_that_would_share_keys_are_refused_together(name: str, *, first: bool) -> None:
    """Whichever comes first: a key or an index of one could be the other's."""
    kinds = [named_keyspace(name), *build_keyspaces()]
    with pytest.raises(ValueError, match="would share keys"):
        set_session_store(MemoryStore(), keyspaces=kinds if first else kinds[::-1])


def test_a_list_lives_as_long_as_what_is_in_it(redis_url: str) -> None:
    """Also when a session that ends sooner is put into it later."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=[named_keyspace("agents", ttl=365 * DAY)])
    save_session("long", {}, owner="anna", keyspace="agents")
    save_session("short", {}, owner="anna", ttl=60, keyspace="agents")
    for index in ("index:agents", "index:agents:owner:anna"):
        rest = store._connections.execute("PTTL", index)
        assert rest > 365 * DAY * 1000
    close_session_store()
