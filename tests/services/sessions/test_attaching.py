"""Persistence switched on in a running process: what was in memory stays within reach."""

from collections.abc import Iterator

import pytest

from services import sessions
from services.keyspaces import TEASER_CHAT, build_keyspaces
from services.sessions import (
    delete_session,
    get_session,
    get_session_store,
    is_using_redis,
    save_session,
    set_session_store,
    update_session,
)
from services.sessions.stores import MemoryStore, RedisStore
from tests.support.servers import eventually

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
KEY = f"chat:session:{ONE}"


@pytest.fixture
def engine(redis_url: str) -> Iterator[RedisStore]:
    """A real Redis, for a process whose sessions were in memory until now."""
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())
    save_session(ONE, {"history": ["before"]})
    assert not is_using_redis()
    store = RedisStore.from_url(redis_url)
    yield store
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())
    store.close()


def test_with_sync_sessions_move_when_they_are_reached(engine: RedisStore) -> None:
    """The engine decides; what it lacks comes from memory and is in both afterwards."""
    set_session_store(engine, sync_on_access=True)
    assert is_using_redis()
    assert engine.get(KEY) is None
    assert get_session(ONE)["history"] == ["before"]
    assert engine.get(KEY) is not None
    update_session(ONE, lambda data: data["history"].append("after"))
    assert b"after" in (engine.get(KEY) or b"")


def test_with_sync_instances_see_each_other(engine: RedisStore) -> None:
    """What another one wrote is read, not the copy in memory."""
    set_session_store(engine, sync_on_access=True)
    session = get_session(ONE)
    other = sessions.Sessions(engine, sessions.sessions_of(TEASER_CHAT).keyspace)
    other.update(ONE, lambda data: data["history"].append("theirs"))
    assert get_session(ONE)["history"] == ["before", "theirs"]
    assert session["history"] == ["before"]


def test_without_sync_memory_serves_and_the_engine_is_its_backup(engine: RedisStore) -> None:
    """Everything in memory is copied; reading asks nobody else."""
    set_session_store(engine, sync_on_access=False)
    assert not is_using_redis()
    assert eventually(lambda: engine.get(KEY) is not None)
    save_session(TWO, {"history": []})
    assert engine.get(f"chat:session:{TWO}") is not None
    delete_session(ONE)
    engine.close()
    assert get_session(TWO)["history"] == []


def test_without_a_word_about_them_sessions_in_memory_are_left_behind(engine: RedisStore) -> None:
    """A process that starts chooses its store once."""
    set_session_store(engine, keyspaces=build_keyspaces())
    assert get_session_store() is engine
    assert is_using_redis()


def test_only_memory_can_be_synced(engine: RedisStore) -> None:
    """Anything else is refused, and nothing changes."""
    set_session_store(engine, keyspaces=build_keyspaces())
    with pytest.raises(ValueError, match="in memory until now"):
        set_session_store(engine, sync_on_access=True)
    assert get_session_store() is engine
