"""Contexts: stored, added to by many at once, listed, and nobody's but their owner's."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.contexts import DEFAULT_SESSION_TTL, Contexts
from services.errors import TenantIsolationError
from services.keys import build_context_id
from services.keyspaces import CONTEXT_TTL_LONGEST, build_keyspaces
from services.sessions import get_session_store, set_session_store
from services.sessions.errors import InvalidSessionId, SessionNotFound, SessionTooLarge
from services.sessions.stores import MemoryStore, RedisStore
from tests.support.clock import FakeClock
from tests.support.services import open_contexts

WHO = ("acme", "anna")


def test_a_stored_context_has_every_member(contexts: Contexts) -> None:
    """Those left out are empty."""
    stored = contexts.store_session_context(*WHO, "s", {"user_preferences": {"lang": "de"}})
    assert stored.members == {
        "conversation_state": {},
        "interrupted_queries": [],
        "recent_interactions": [],
        "user_preferences": {"lang": "de"},
    }
    assert (stored.tenant_id, stored.user_id, stored.session_id) == (*WHO, "s")
    assert stored.stored_at == stored.last_updated
    assert stored.ttl == DEFAULT_SESSION_TTL
    assert contexts.get_session_context(*WHO, "s") == stored


def test_storing_takes_the_place_of_what_is_there(contexts: Contexts) -> None:
    """Nothing of it is left."""
    contexts.store_session_context(*WHO, "s", {"recent_interactions": [1]}, ttl=60)
    again = contexts.store_session_context(*WHO, "s", {})
    assert again.members["recent_interactions"] == []
    assert again.ttl == DEFAULT_SESSION_TTL


def test_an_addition_creates_and_adds(contexts: Contexts) -> None:
    """Mappings merge and lists extend."""
    contexts.update_session_context(*WHO, "s", {"recent_interactions": ["a"]})
    contexts.update_session_context(*WHO, "s", {"user_preferences": {"x": 1}})
    changed = contexts.update_session_context(
        *WHO, "s", {"recent_interactions": ["b"], "user_preferences": {"y": 2}}
    )
    assert changed.members["recent_interactions"] == ["a", "b"]
    assert changed.members["user_preferences"] == {"x": 1, "y": 2}


def test_twenty_additions_at_once_all_count(contexts: Contexts) -> None:
    """Also those that create it."""

    def add(number: int) -> None:
        contexts.update_session_context(
            *WHO,
            "s",
            {"recent_interactions": [number], "conversation_state": {str(number): number}},
        )

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(20)))
    members = contexts.get_session_context(*WHO, "s").members
    assert sorted(members["recent_interactions"]) == list(range(20))
    assert len(members["conversation_state"]) == 20


def test_a_deleted_context_is_gone_and_its_id_is_free(contexts: Contexts) -> None:
    """Deleting it again finds nothing."""
    contexts.store_session_context(*WHO, "s", {"recent_interactions": [1]})
    assert contexts.delete_session_context(*WHO, "s") is True
    assert contexts.delete_session_context(*WHO, "s") is False
    with pytest.raises(SessionNotFound):
        contexts.get_session_context(*WHO, "s")
    assert contexts.update_session_context(*WHO, "s", {}).members["recent_interactions"] == []


def test_a_users_contexts_are_listed_in_pages(timed: Contexts, clock: FakeClock) -> None:
    """The ones used last first."""
    for name in "abcde":
        timed.store_session_context(*WHO, name, {})
        clock.forward(1)
    timed.update_session_context(*WHO, "b", {})
    timed.store_session_context("acme", "bob", "x", {})
    timed.store_session_context("other", "anna", "y", {})
    first = timed.list_session_contexts(*WHO, start=0, limit=3)
    assert [context.session_id for context in first.contexts] == ["b", "e", "d"]
    assert first.next_start == 3
    second = timed.list_session_contexts(*WHO, start=3, limit=3)
    assert [context.session_id for context in second.contexts] == ["c", "a"]
    assert second.next_start is None
    assert timed.list_session_contexts("acme", "carl", start=0, limit=3).contexts == []


def test_a_context_lives_as_long_as_its_tenant_says(timed: Contexts, clock: FakeClock) -> None:
    """Or as it says itself, whatever is set for the tenant."""
    timed.tenants.change("acme", ttl=100)
    timed.store_session_context(*WHO, "theirs", {})
    timed.store_session_context(*WHO, "own", {}, ttl=500)
    assert timed.get_session_context(*WHO, "theirs").ttl == 100
    timed.update_session_context(*WHO, "own", {"recent_interactions": [1]})
    clock.forward(101)
    with pytest.raises(SessionNotFound):
        timed.get_session_context(*WHO, "theirs")
    assert timed.get_session_context(*WHO, "own").ttl == 500
    clock.forward(499)
    timed.get_session_context(*WHO, "own")  # each use lets it live its full time again
    clock.forward(499)
    assert timed.update_session_context(*WHO, "own", {}, ttl=10).ttl == 10
    clock.forward(11)
    with pytest.raises(SessionNotFound):
        timed.get_session_context(*WHO, "own")


def test_the_key_says_whose_it_is(redis_url: str) -> None:
    """As somebody with redis-cli would look for it."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    open_contexts().store_session_context("acme", "anna@example.org", "a:b", {})
    value = store.get("tenant:acme:user:anna%40example.org:session:a%3Ab")
    assert value is not None
    assert b'"owner":"acme:anna%40example.org"' in value


def test_parts_of_a_key_cannot_be_shifted(contexts: Contexts) -> None:
    """What looks alike when it is put together is apart."""
    contexts.store_session_context("a", "b", "c:session:d", {"recent_interactions": ["one"]})
    for who in (("a", "b:session:c", "d"), ("a:user:b", "x", "d"), ("a", "b", "c%3Asession%3Ad")):
        with pytest.raises(SessionNotFound):
            contexts.get_session_context(*who)


@pytest.mark.parametrize("part", ["", "\ud800", "x" * 2000])
def test_what_is_no_part_of_a_key_is_refused(contexts: Contexts, part: str) -> None:
    """As an id that is none."""
    for who in ((part, "u", "s"), ("t", part, "s"), ("t", "u", part)):
        with pytest.raises(InvalidSessionId):
            contexts.update_session_context(*who, {})


def test_somebody_elses_document_under_a_key_is_reported_and_logged(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can cause it through this program; it is never handed out."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    contexts = open_contexts()
    contexts.store_session_context("acme", "anna", "s", {"recent_interactions": ["hers"]})
    key = "tenant:acme:user:anna:session:s"
    tampered = (store.get(key) or b"").replace(b'"owner":"acme:anna"', b'"owner":"evil:eve"')
    store._connections.execute("SET", key, tampered)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: contexts.get_session_context("acme", "anna", "s"),
        lambda: contexts.update_session_context("acme", "anna", "s", {}),
        lambda: contexts.store_session_context("acme", "anna", "s", {}),
    )
    for attempt in attempts:
        with pytest.raises(TenantIsolationError):
            attempt()
    assert "belongs to another tenant" in caplog.text
    assert store.get(key) == tampered


def test_a_context_that_grew_too_large_is_refused(memory_or_redis: object) -> None:
    """What is there stays as it is."""
    assert isinstance(memory_or_redis, MemoryStore | RedisStore)
    set_session_store(memory_or_redis, max_bytes=1000, keyspaces=build_keyspaces())
    contexts = open_contexts()
    contexts.update_session_context(*WHO, "s", {"recent_interactions": ["x" * 400]})
    with pytest.raises(SessionTooLarge):
        contexts.update_session_context(*WHO, "s", {"recent_interactions": ["y" * 400]})
    assert contexts.get_session_context(*WHO, "s").members["recent_interactions"] == ["x" * 400]


def test_no_life_is_longer_than_the_list_by_last_use(contexts: Contexts) -> None:
    """A context that asks for more gets the most there is."""
    contexts.store_session_context(*WHO, "s", {}, ttl=10 * CONTEXT_TTL_LONGEST)
    key = "tenant:" + build_context_id(*WHO, "s")
    until = get_session_store().expires_at(key)
    assert until is not None
    assert until <= (time.time() + CONTEXT_TTL_LONGEST + 1) * 1000


def test_a_tenant_is_known_though_its_contexts_bring_their_own_life(contexts: Contexts) -> None:
    """Or its orphans would never be cleaned up."""
    contexts.store_session_context(*WHO, "s", {}, ttl=60)
    assert [name for name, _ in contexts.tenants.list_all()] == ["acme"]
