"""A session that has an owner exists for that owner only, by every function and on every engine."""

import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.keyspaces import STATE_SESSIONS, STATES, TEASER_CHAT, build_keyspaces
from services.sessions import (
    cleanup_expired_sessions,
    codec,
    count_sessions,
    delete_session,
    delete_sessions,
    get_session,
    get_sessions,
    list_sessions,
    save_session,
    save_sessions,
    session_exists,
    session_expires_at,
    sessions_of,
    set_session_ttl,
    update_session,
)
from services.sessions.codec import Session
from services.sessions.errors import (
    InvalidSessionId,
    SessionConflict,
    SessionForeign,
    SessionFormatUnknown,
    SessionNotFound,
    SessionNotSerialisable,
)
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore, Store
from services.sessions.stores.base import Condition, Put, Record
from tests.support.clock import FakeClock
from tests.support.crafted import BROKEN, LONG, bounded, names, texts
from tests.support.engines import CutOff, engines_of

KINDS = (TEASER_CHAT, STATES)
owners = names | st.sampled_from((LONG, "\x00", "a\x00", "a"))


def is_stored(store: Store, kind: str, session_id: str) -> bytes | None:
    """The document itself."""
    return store.get(sessions_of(kind).keyspace.key(session_id))


def refused_in_every_way(session_id: str, stranger: str | None, kind: str) -> None:
    """Whatever a stranger tries with the id, there is no such session."""

    def change(session: Session) -> None:
        session["n"] = "changed"

    for attempt in (
        lambda: get_session(session_id, owner=stranger, extend=True, keyspace=kind),
        lambda: update_session(session_id, change, owner=stranger, keyspace=kind),
        lambda: session_expires_at(session_id, owner=stranger, keyspace=kind),
        lambda: set_session_ttl(session_id, 5, owner=stranger, keyspace=kind),
        lambda: sessions_of(kind).update(session_id, change, owner=stranger, create=True),
        lambda: sessions_of(kind).delete_if(session_id, change, owner=stranger),
        lambda: sessions_of(kind).replace(session_id, {"n": "changed"}, owner=stranger),
    ):
        with pytest.raises(SessionNotFound):
            attempt()
    with pytest.raises(SessionConflict):
        save_session(session_id, {"n": "changed"}, owner=stranger, keyspace=kind)
    assert delete_session(session_id, owner=stranger, keyspace=kind) is False
    assert session_exists(session_id, owner=stranger, keyspace=kind) is False
    loaded = get_sessions([session_id], owner=stranger, keyspace=kind)
    saved = save_sessions({session_id: {"n": "changed"}}, owner=stranger, keyspace=kind)
    deleted = delete_sessions([session_id], owner=stranger, keyspace=kind)
    for batch, error in (
        (loaded, SessionForeign), (saved, SessionConflict), (deleted, SessionForeign),
    ):  # fmt: skip
        assert not batch.done
        assert isinstance(batch.failed[session_id], error)
    if stranger is not None:
        assert list_sessions(stranger, keyspace=kind) == []
        assert cleanup_expired_sessions(stranger, keyspace=kind) == 0


@bounded(12)
@given(owner=owners, stranger=owners | st.none())
@example(owner="a:b", stranger="a")
@example(owner="\u00e4", stranger="a\u0308")
@example(owner="a", stranger='a","created_at":')
def test_for_a_stranger_there_is_no_such_session(
    any_setup: Store, owner: str, stranger: str | None
) -> None:
    """However much their names look alike, nothing is found and nothing changes."""
    if owner == stranger:
        stranger = None
    for kind in KINDS:
        session_id = str(uuid.uuid4())
        save_session(session_id, {"n": 1}, owner=owner, keyspace=kind)
        before = is_stored(any_setup, kind, session_id)
        refused_in_every_way(session_id, stranger, kind)
        assert is_stored(any_setup, kind, session_id) == before
        assert list_sessions(owner, keyspace=kind) == [session_id]
        assert get_session(session_id, owner=owner, keyspace=kind) == {"n": 1}
        assert delete_session(session_id, owner=owner, keyspace=kind) is True
        assert list_sessions(owner, keyspace=kind) == []


def refused_as_no_id(session_id: str, kind: str) -> None:
    """Every function says that it is none."""
    for attempt in (
        lambda: get_session(session_id, keyspace=kind),
        lambda: save_session(session_id, {}, keyspace=kind),
        lambda: update_session(session_id, lambda data: data.clear(), keyspace=kind),
        lambda: delete_session(session_id, keyspace=kind),
        lambda: session_exists(session_id, keyspace=kind),
        lambda: session_expires_at(session_id, keyspace=kind),
        lambda: sessions_of(kind).replace(session_id, {}),
    ):
        with pytest.raises((InvalidSessionId, SessionNotSerialisable)):
            attempt()


@bounded(25)
@given(session_id=texts)
def test_what_is_no_id_is_refused_and_changes_nothing(any_setup: Store, session_id: str) -> None:
    """By every function; a batch says it of the one and goes on with the others."""
    good = str(uuid.uuid4())
    for kind in KINDS:
        refused_as_no_id(session_id, kind)
        save_sessions({good: {"n": 1}, session_id: {}}, keyspace=kind)
        assert count_sessions(keyspace=kind) == 1
        for batch in (
            get_sessions([session_id, good], keyspace=kind),
            delete_sessions([session_id, good], keyspace=kind),
        ):
            assert isinstance(batch.failed[session_id], InvalidSessionId)
            assert list(batch.done) == [good]
        assert count_sessions(keyspace=kind) == 0


@pytest.mark.parametrize("owner", BROKEN)
def test_an_owner_who_is_no_text_is_refused(any_setup: Store, owner: str) -> None:
    """Half a character cannot be stored, and finds nothing that is."""
    session_id = str(uuid.uuid4())
    with pytest.raises(SessionNotSerialisable):
        save_session(session_id, {}, owner=owner)
    assert not session_exists(session_id)
    save_session(session_id, {}, owner="a")
    assert not session_exists(session_id, owner=owner)
    with pytest.raises(SessionConflict):
        save_session(session_id, {}, owner="b")


def test_a_stranger_keeps_nothing_alive() -> None:
    """Only an owner's use gives a session its full time again."""
    clock = FakeClock()
    states = Sessions(MemoryStore(clock=clock), STATE_SESSIONS, clock=clock)
    session_id = str(uuid.uuid4())
    states.save(session_id, {}, owner="anna")
    ends = states.get_expiry(session_id, owner="anna")
    clock.forward(60)
    with pytest.raises(SessionNotFound):
        states.get(session_id, owner="bert", extend=True)
    assert states.get_expiry(session_id, owner="anna") == ends
    states.get(session_id, owner="anna", extend=True)
    assert states.get_expiry(session_id, owner="anna") == ends + 60_000


@pytest.mark.parametrize("stage", [Stage.OFF, Stage.DUALWRITE])
def test_what_only_the_dict_has_is_not_taken_by_a_stranger(stage: Stage) -> None:
    """On the way from the dict to the engine a creation finds that the id is taken."""
    engine = CutOff()
    store = MigratingStore(MemoryStore(), engine, build_keyspaces(), Plan(stage, stepped=True))
    states, session_id = Sessions(store, STATE_SESSIONS), str(uuid.uuid4())
    engine.down = True
    states.save(session_id, {"n": 1}, owner="anna")
    engine.down = False
    store.switch(Plan(Stage.LIVE, stepped=True))
    with pytest.raises(SessionConflict):
        states.save(session_id, {"n": "changed"}, owner="bert")
    assert states.get(session_id, owner="anna") == {"n": 1}


def test_no_stranger_is_told_that_a_write_was_kept_that_was_not() -> None:
    """In dualwrite, without a spill: the id was taken while the engine was away."""
    engine = CutOff()
    plan = Plan(Stage.DUALWRITE, stepped=True)
    store = MigratingStore(MemoryStore(), engine, build_keyspaces(), plan)
    states, session_id = Sessions(store, STATE_SESSIONS), str(uuid.uuid4())
    Sessions(engine, STATE_SESSIONS).save(session_id, {"n": 1}, owner="anna")
    engine.down = True
    mine = states.replace(session_id, {"n": "changed"}, owner="bert")
    engine.down = False
    with pytest.raises(SessionConflict):
        states.save(session_id, mine, owner="bert")
    with pytest.raises(SessionForeign):
        states.replace(session_id, {"n": "changed"}, owner="bert")
    assert states.get(session_id, owner="anna") == {"n": 1}


class Unread(CutOff):
    """An engine that is written while it cannot be read."""

    def put(self, record: Record, condition: Condition) -> Put:
        return MemoryStore.put(self, record, condition)


def test_a_second_copy_does_not_overwrite_what_could_not_be_looked_for() -> None:
    """In dualwrite the engine took writes again a moment after it did not answer."""
    engine = Unread()
    plan = Plan(Stage.DUALWRITE, stepped=True)
    store = MigratingStore(MemoryStore(), engine, build_keyspaces(), plan)
    states, session_id = Sessions(store, STATE_SESSIONS), str(uuid.uuid4())
    Sessions(engine, STATE_SESSIONS).save(session_id, {"n": 1}, owner="anna")
    engine.down = True
    states.replace(session_id, {"n": "changed"}, owner="bert")
    engine.down = False
    assert Sessions(engine, STATE_SESSIONS).get(session_id, owner="anna") == {"n": 1}
    assert states.get(session_id, owner="anna") == {"n": 1}


def test_a_newer_release_s_document_is_its_owner_s_too(any_setup: Store) -> None:
    """A stranger is not even told that there is one."""
    session_id = str(uuid.uuid4())
    save_session(session_id, {}, owner="anna")
    key = sessions_of(TEASER_CHAT).keyspace.key(session_id)
    _, body = codec.split(any_setup.get(key) or b"") or (0, b"")
    newer = body.replace(b'"format":1', b'"format":2')
    ends = session_expires_at(session_id, owner="anna")
    for engine in engines_of(any_setup):
        engine.put(Record(key, 2, newer, ends, session_id), Condition.ANY)
    with pytest.raises(SessionFormatUnknown):
        get_session(session_id, owner="anna")
    for stranger in ("bert", None):
        with pytest.raises(SessionForeign):
            get_session(session_id, owner=stranger)
