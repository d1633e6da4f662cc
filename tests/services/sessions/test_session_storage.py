"""The helpers every route uses: create, read, change, delete, expire, and their refusals."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services import sessions
from services.keyspaces import (
    UNIFIED_CHAT,
    UNIFIED_CHAT_TTL,
    build_keyspaces,
    build_teaser_chat_keyspace,
)
from services.sessions import (
    Session,
    count_sessions,
    delete_session,
    get_session,
    list_sessions,
    save_session,
    set_session_store,
    update_session,
)
from services.sessions.errors import (
    InvalidSessionId,
    SessionConflict,
    SessionFormatUnknown,
    SessionNotFound,
    SessionNotSerialisable,
    SessionTooLarge,
    SessionUnreadable,
    StoreUnavailable,
)
from services.sessions.stores import MemoryStore, RedisStore, open_store
from services.sessions.stores.base import Condition, Record
from tests.support.clock import FakeClock
from tests.support.servers import RedisServer

UUID = "0f8b8a5e-2f0c-4f0e-9d57-6f1f6f0f3c11"
"""Some id; the same in every process that collects these tests."""


@pytest.fixture
def clock() -> FakeClock:
    """The time both the store and the helpers go by."""
    return FakeClock()


@pytest.fixture
def memory(clock: FakeClock) -> MemoryStore:
    """The helpers over a dict with a clock."""
    store = MemoryStore(clock=clock)
    set_session_store(store, clock=clock, keyspaces=build_keyspaces())
    return store


@pytest.fixture
def real(redis_url: str) -> Iterator[RedisStore]:
    """The helpers over a real Redis."""
    store = RedisStore.from_url(redis_url)
    set_session_store(store, keyspaces=build_keyspaces())
    yield store
    store.close()


def new_id() -> str:
    """An id for one test."""
    return str(uuid.uuid4())


def test_helpers_refuse_to_guess_a_store() -> None:
    """Before a store is chosen there is an error, not a dict that forgets."""
    set_session_store(MemoryStore(), keyspaces=[])
    with pytest.raises(RuntimeError, match="set_session_store"):
        get_session(new_id())


@pytest.mark.usefixtures("real")
def test_redis_cli_shows_the_document_and_dates_it(redis_server: RedisServer) -> None:
    """GET shows one JSON document with its version first, TTL its hour."""
    session_id = new_id()
    save_session(session_id, {"history": [{"role": "user", "content": "Lampe für Kinder 💡"}]})
    raw = redis_server.client().get(f"chat:session:{session_id}")
    assert isinstance(raw, bytes)
    assert next(iter(json.loads(raw))) == "version"
    assert json.loads(raw)["history"][0]["content"] == "Lampe für Kinder 💡"
    assert json.loads(raw)["session_id"] == session_id
    rest = redis_server.client().ttl(f"chat:session:{session_id}")
    assert 3595 <= rest <= 3600


@pytest.mark.usefixtures("real")
def test_an_analysed_conversation_lives_a_day(redis_server: RedisServer) -> None:
    """The expiry follows from the data, with the write."""
    session_id = new_id()
    save_session(session_id, {"analyzed_at": "2026-11-21T12:00:00Z"})
    assert 86_390 <= redis_server.client().ttl(f"chat:session:{session_id}") <= 86_400


def test_a_session_expires_on_a_real_server(redis_url: str) -> None:
    """A short TTL ends it without anyone cleaning up."""
    store = RedisStore.from_url(redis_url)
    set_session_store(store, keyspaces=[build_teaser_chat_keyspace(ttl=1)])
    session_id = new_id()
    save_session(session_id, {"history": []})
    assert get_session(session_id) == {"history": []}
    time.sleep(1.1)
    with pytest.raises(SessionNotFound):
        get_session(session_id)
    assert count_sessions() == 0
    store.close()


@pytest.mark.usefixtures("real")
def test_reading_never_writes_the_document(redis_server: RedisServer) -> None:
    """An interaction that only reads moves the expiry and nothing else."""
    session_id = new_id()
    key = f"chat:session:{session_id}"
    save_session(session_id, {"history": []})
    client = redis_server.client()
    before = client.get(key)
    client.pexpire(key, 10_000)
    get_session(session_id)
    assert client.ttl(key) <= 10
    get_session(session_id, extend=True)
    assert client.ttl(key) >= 3590
    assert client.get(key) == before


@pytest.mark.usefixtures("memory")
def test_expiry_slides_with_each_interaction(clock: FakeClock) -> None:
    """An hour counts from the last interaction, not from the first."""
    session_id = new_id()
    save_session(session_id, {"n": 0})
    for _ in range(3):
        clock.forward(3000)
        get_session(session_id, extend=True)
    clock.forward(3599)
    assert get_session(session_id) == {"n": 0}
    clock.forward(1)
    with pytest.raises(SessionNotFound):
        get_session(session_id)


@pytest.mark.usefixtures("memory")
def test_plain_data_creates_and_never_overwrites() -> None:
    """An id that is taken is a conflict, so nobody's session is lost to a guess."""
    session_id = new_id()
    save_session(session_id, {"n": 1})
    with pytest.raises(SessionConflict):
        save_session(session_id, {"n": 2})
    assert get_session(session_id) == {"n": 1}


@pytest.mark.usefixtures("memory")
def test_a_loaded_session_saves_only_over_what_was_read() -> None:
    """Of two that loaded the same version, one saves; the other is told."""
    session_id = new_id()
    save_session(session_id, {"n": 0})
    first, second = get_session(session_id), get_session(session_id)
    first["n"] = 1
    assert save_session(session_id, first).version == 2
    second["n"] = 2
    with pytest.raises(SessionConflict):
        save_session(session_id, second)
    first["n"] = 3
    assert save_session(session_id, first).version == 3
    assert get_session(session_id) == {"n": 3}


@pytest.mark.usefixtures("memory")
def test_a_loaded_session_keeps_its_id() -> None:
    """Saving one under another id is a mistake of the caller."""
    session_id = new_id()
    save_session(session_id, {})
    with pytest.raises(ValueError, match="own id"):
        save_session(new_id(), get_session(session_id))


@pytest.mark.usefixtures("memory")
def test_a_deleted_session_stays_deleted() -> None:
    """A slow request that loaded it before cannot bring it back."""
    session_id = new_id()
    save_session(session_id, {"n": 0})
    slow = get_session(session_id)
    assert delete_session(session_id) is True
    assert delete_session(session_id) is False
    with pytest.raises(SessionNotFound):
        save_session(session_id, slow)
    with pytest.raises(SessionNotFound):
        update_session(session_id, lambda session: session.update(n=1))
    with pytest.raises(SessionNotFound):
        get_session(session_id)


@pytest.mark.usefixtures("memory")
def test_an_owned_session_exists_for_its_owner_only() -> None:
    """For anyone else it is as if it were not there, whatever they try."""
    session_id = new_id()
    save_session(session_id, {"n": 0}, owner="anna")
    for other in (None, "bert", "", "anna "):
        with pytest.raises(SessionNotFound):
            get_session(session_id, owner=other)
        with pytest.raises(SessionNotFound):
            update_session(session_id, lambda session: session.clear(), owner=other)
        assert delete_session(session_id, owner=other) is False
    assert get_session(session_id, owner="anna") == {"n": 0}
    assert list_sessions("anna") == [session_id]
    assert list_sessions("bert") == []
    assert delete_session(session_id, owner="anna") is True
    assert list_sessions("anna") == []


@pytest.mark.usefixtures("memory")
def test_an_unowned_session_is_reached_by_its_id() -> None:
    """Also by someone who owns others."""
    session_id = new_id()
    save_session(session_id, {"n": 0})
    assert get_session(session_id, owner="anna") == {"n": 0}


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    "session_id",
    ["", "x", "a" * 36, "../../etc/passwd", UUID.upper(), f"{UUID}\n", None],
)
def test_a_malformed_id_is_refused_before_the_store(session_id: str) -> None:
    """Nothing a caller invents becomes part of a key."""
    with pytest.raises(InvalidSessionId):
        get_session(session_id)
    with pytest.raises(InvalidSessionId):
        save_session(session_id, {})
    with pytest.raises(InvalidSessionId):
        delete_session(session_id)


def test_refused_data_changes_nothing(clock: FakeClock) -> None:
    """What is too large or no JSON leaves the stored session as it was."""
    set_session_store(
        MemoryStore(clock=clock), clock=clock, max_bytes=2000, keyspaces=build_keyspaces()
    )
    session_id = new_id()
    save_session(session_id, {"n": 0})

    def grow(session: Session) -> None:
        session["text"] = "x" * 3000

    def spoil(session: Session) -> None:
        session["when"] = object()

    with pytest.raises(SessionTooLarge):
        update_session(session_id, grow)
    with pytest.raises(SessionNotSerialisable):
        update_session(session_id, spoil)
    session = get_session(session_id)
    assert (session, session.version) == ({"n": 0}, 1)


@pytest.mark.usefixtures("memory")
def test_a_change_that_fails_stores_nothing() -> None:
    """An error inside a change leaves the session alone."""
    session_id = new_id()
    save_session(session_id, {"n": 0})

    def fail(session: Session) -> None:
        session["n"] = 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        update_session(session_id, fail)
    assert get_session(session_id) == {"n": 0}


@pytest.mark.usefixtures("memory")
def test_a_change_that_says_no_is_not_stored() -> None:
    """A repeated message costs no version."""
    session_id = new_id()
    save_session(session_id, {"n": 0})
    update_session(session_id, lambda _session: False)
    assert get_session(session_id).version == 1


@pytest.mark.usefixtures("real")
def test_twenty_writers_at_once_are_all_kept_once_each() -> None:
    """Every change is there exactly once, however often it had to be applied again."""
    session_id = new_id()
    save_session(session_id, {"turns": []})
    start = threading.Barrier(20)

    def write(number: int) -> None:
        start.wait()
        update_session(session_id, lambda session: session["turns"].append(number))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(20)))
    session = get_session(session_id)
    assert sorted(session["turns"]) == list(range(20))
    assert session.version == 21


@pytest.mark.usefixtures("memory")
def test_a_session_that_is_always_busy_ends_in_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again has a bound."""
    monkeypatch.setattr("services.sessions.repository.UPDATE_ATTEMPTS", 3)
    session_id = new_id()
    save_session(session_id, {"n": 0})
    tries = []

    def race(session: Session) -> None:
        tries.append(session.version)
        other = get_session(session_id)
        other["n"] = len(tries)
        save_session(session_id, other)

    with pytest.raises(SessionConflict):
        update_session(session_id, race)
    assert tries == [1, 2, 3]


@pytest.mark.parametrize("value", [b"not json", b'{"history": []}', b'{"version":1,', b"[1]", b""])
def test_an_unreadable_value_is_set_aside_counted_and_logged(
    real: RedisStore, redis_server: RedisServer, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is neither skipped in silence nor overwritten nor shown."""
    session_id = new_id()
    client = redis_server.client()
    client.set(f"chat:session:{session_id}", value)
    with caplog.at_level(logging.WARNING), pytest.raises(SessionUnreadable):
        get_session(session_id)
    assert client.get(f"chat:session:{session_id}:corrupt") == value
    assert client.ttl(f"chat:session:{session_id}:corrupt") > 86_400
    assert "quarantined" in caplog.text
    assert session_id not in caplog.text
    with pytest.raises(SessionNotFound):
        get_session(session_id)
    assert real.get(f"chat:session:{session_id}") is None


@pytest.mark.parametrize("engine", ["memory", "redis", "sqlite"])
def test_a_document_that_its_reader_cannot_use_is_set_aside(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As an unreadable one, and it leaves its owner's list; what replaced it meanwhile stays."""
    url = request.getfixturevalue("redis_url") if engine == "redis" else f"{engine}://"
    store = open_store(f"sqlite:///{tmp_path / 's.db'}" if engine == "sqlite" else url)
    set_session_store(store, keyspaces=build_keyspaces())
    session_id = new_id()
    session = save_session(session_id, {"text": "secret"}, owner="me")
    with caplog.at_level(logging.WARNING):
        sessions.sessions_of().quarantine(session)
    assert store.get(f"chat:session:{session_id}:corrupt") == session.stored
    with pytest.raises(SessionNotFound):
        get_session(session_id, owner="me")
    assert (list_sessions("me"), count_sessions()) == ([], 0)
    assert "quarantined" in caplog.text
    assert not any(word in caplog.text for word in ("secret", session_id))
    save_session(session_id, {"text": "another"}, owner="me")
    sessions.sessions_of().quarantine(session)
    assert get_session(session_id, owner="me")["text"] == "another"
    store.close()


def test_how_long_a_conversation_of_the_one_endpoint_lives() -> None:
    """Half an hour until its analysis, whatever others have; tombstones outlive all of them."""
    keyspace = build_teaser_chat_keyspace(60, 120)
    assert keyspace.life({UNIFIED_CHAT: True}, None) == UNIFIED_CHAT_TTL == 1800
    assert keyspace.life({UNIFIED_CHAT: True, "analyzed_at": "2026-11-21T12:00:00Z"}, None) == 120
    assert [
        keyspace.life(data, None) for data in ({}, {UNIFIED_CHAT: 1}, {UNIFIED_CHAT: "yes"})
    ] == [60] * 3
    assert keyspace.longest == 1800
    assert build_teaser_chat_keyspace().longest == 86_400


@pytest.mark.usefixtures("real")
def test_a_key_of_another_type_is_set_aside_too(redis_server: RedisServer) -> None:
    """A list where a document should be is unreadable, not a crash."""
    session_id = new_id()
    client = redis_server.client()
    client.rpush(f"chat:session:{session_id}", "a", "b")
    with pytest.raises(SessionUnreadable):
        get_session(session_id)
    assert client.lrange(f"chat:session:{session_id}:corrupt", 0, -1) == [b"a", b"b"]


@pytest.mark.usefixtures("real")
def test_a_value_spoilt_between_read_and_write_is_not_overwritten(
    redis_server: RedisServer,
) -> None:
    """The script on the server sees what stands there at the moment of the write."""
    session_id = new_id()
    save_session(session_id, {"n": 0})
    loaded = get_session(session_id)
    redis_server.client().set(f"chat:session:{session_id}", "spoilt")
    with pytest.raises(SessionUnreadable):
        save_session(session_id, loaded)
    assert redis_server.client().get(f"chat:session:{session_id}") == b"spoilt"


def test_a_newer_format_is_kept_untouched(memory: MemoryStore) -> None:
    """A release that cannot read a document leaves it for the one that can."""
    session_id = new_id()
    saved = save_session(session_id, {"n": 0})
    key = f"chat:session:{session_id}"
    value = memory.get(key)
    assert value is not None
    newer = value.replace(b'"format":1', b'"format":2').removeprefix(b'{"version":1')
    record = (
        sessions.sessions_of("chat:session")
        .build_tombstone(saved)
        ._replace(body=newer, deleted=False)
    )
    memory.put(record, Condition.ANY)
    with pytest.raises(SessionFormatUnknown):
        get_session(session_id)
    with pytest.raises(SessionFormatUnknown):
        delete_session(session_id)
    assert memory.get(key) == b'{"version":2' + newer


def test_a_full_memory_refuses_and_forgets_nobody(clock: FakeClock) -> None:
    """No conversation is dropped to make room for another, but an expired one is."""
    set_session_store(
        MemoryStore(max_sessions=3, clock=clock), clock=clock, keyspaces=build_keyspaces()
    )
    ids = [new_id() for _ in range(4)]
    for session_id in ids[:3]:
        save_session(session_id, {})
    with pytest.raises(StoreUnavailable, match="memory_full"):
        save_session(ids[3], {})
    assert all(get_session(session_id) == {} for session_id in ids[:3])
    clock.forward(3601)
    save_session(ids[3], {})
    assert count_sessions() == 1


@pytest.mark.usefixtures("real")
def test_deleting_what_cannot_be_read_leaves_nothing(redis_server: RedisServer) -> None:
    """Whoever deletes a conversation does not want its text kept aside."""
    session_id = new_id()
    client = redis_server.client()
    client.set(f"chat:session:{session_id}", "broken text of a maker")
    assert delete_session(session_id) is True
    assert client.keys(f"*{session_id}*") == []


def test_a_document_under_another_key_is_unreadable(memory: MemoryStore) -> None:
    """A copy of one conversation cannot stand for another."""
    first, second = new_id(), new_id()
    save_session(first, {"n": 1})
    value = memory.get(f"chat:session:{first}")
    assert value is not None
    body = value.removeprefix(b'{"version":1')
    record = Record(f"chat:session:{second}", 1, body, 2**42, second)
    memory.put(record, Condition.ANY)
    with pytest.raises(SessionUnreadable):
        get_session(second)
    assert get_session(first) == {"n": 1}
