"""Clean-up: orphans go, what somebody uses stays, and the report says what went."""

from collections.abc import Iterator

import pytest

from services.contexts import Contexts
from services.contexts.cleanup import Cleanup, CleanupResult
from services.keyspaces import build_keyspaces
from services.sessions import close_session_store, maintenance, save_session, set_session_store
from services.sessions.errors import SessionNotFound, StoreUnavailable
from services.sessions.stores import RedisStore, SqlStore, Store
from services.sessions.stores.memory import MemoryStore
from tests.support.clock import FakeClock
from tests.support.engines import CutOff
from tests.support.services import open_contexts

HOUR = 3600


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: object, clock: FakeClock) -> Iterator[Store]:
    """An engine whose time the test moves."""
    engine: Store = MemoryStore(clock=clock)
    if request.param == "sqlite":
        engine = SqlStore(f"sqlite:///{tmp_path}/sessions.db", clock=clock)
    set_session_store(engine, clock=clock, keyspaces=build_keyspaces())
    yield engine
    close_session_store()


@pytest.fixture
def contexts(store: Store) -> Contexts:
    """The contexts in it."""
    return open_contexts()


@pytest.fixture
def cleanup(store: Store, contexts: Contexts, clock: FakeClock) -> Cleanup:
    """What cleans them up."""
    return Cleanup(store, build_keyspaces(), contexts.tenants, clock=clock)


def is_there(contexts: Contexts, tenant_id: str, session_id: str) -> bool:
    """Whether a context of anna's can be had."""
    try:
        contexts.get_session_context(tenant_id, "anna", session_id)
    except SessionNotFound:
        return False
    return True


def test_orphans_go_and_what_is_used_stays(
    contexts: Contexts, cleanup: Cleanup, clock: FakeClock
) -> None:
    """Use is writing and reading; another tenant's orphans are not this one's."""
    for tenant_id in ("acme", "other"):
        for name in ("idle", "written", "read"):
            contexts.store_session_context(tenant_id, "anna", name, {}, ttl=100 * HOUR)
    clock.forward(40 * HOUR)
    contexts.update_session_context("acme", "anna", "written", {})
    contexts.get_session_context("acme", "anna", "read")
    clock.forward(9 * HOUR)
    assert cleanup.cleanup_orphaned_sessions("acme") == CleanupResult("acme", 48 * HOUR, 1, 0)
    assert not is_there(contexts, "acme", "idle")
    assert is_there(contexts, "acme", "written")
    assert is_there(contexts, "acme", "read")
    assert is_there(contexts, "other", "idle")
    assert contexts.list_session_contexts("acme", "anna", start=0, limit=9).contexts[0].session_id


def test_a_removed_context_can_begin_again(
    contexts: Contexts, cleanup: Cleanup, clock: FakeClock
) -> None:
    """Its id is free, and it is not an orphan at once."""
    contexts.store_session_context(
        "acme", "anna", "s", {"recent_interactions": [1]}, ttl=100 * HOUR
    )
    clock.forward(49 * HOUR)
    assert cleanup.cleanup_orphaned_sessions("acme").cleaned_count == 1
    again = contexts.update_session_context("acme", "anna", "s", {"recent_interactions": [2]})
    assert again.members["recent_interactions"] == [2]
    assert cleanup.cleanup_orphaned_sessions("acme").cleaned_count == 0


def test_what_has_expired_is_reported_apart(
    contexts: Contexts, cleanup: Cleanup, clock: FakeClock
) -> None:
    """It ended by itself; its entry in the list goes."""
    contexts.store_session_context("acme", "anna", "short", {}, ttl=HOUR)
    contexts.store_session_context("acme", "anna", "long", {}, ttl=100 * HOUR)
    clock.forward(49 * HOUR)
    assert cleanup.cleanup_orphaned_sessions("acme") == CleanupResult("acme", 48 * HOUR, 1, 1)
    assert cleanup.cleanup_orphaned_sessions("acme") == CleanupResult("acme", 48 * HOUR, 0, 0)


def test_the_threshold_is_the_tenants_or_the_callers(
    contexts: Contexts, cleanup: Cleanup, clock: FakeClock
) -> None:
    """Changed at any time, for what is stored already."""
    contexts.store_session_context("acme", "anna", "s", {})
    clock.forward(2 * HOUR)
    assert cleanup.cleanup_orphaned_sessions("acme", 3 * HOUR).cleaned_count == 0
    contexts.tenants.change("acme", orphan_after=HOUR)
    report = cleanup.cleanup_orphaned_sessions("acme")
    assert (report.cleanup_threshold_seconds, report.cleaned_count) == (HOUR, 1)


def test_more_than_a_batch_goes_at_once(
    contexts: Contexts, cleanup: Cleanup, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are."""
    monkeypatch.setattr(maintenance, "BATCH", 7)
    for at in range(20):
        contexts.store_session_context("acme", "anna", f"s{at}", {})
    clock.forward(10)
    assert cleanup.cleanup_orphaned_sessions("acme", 5).cleaned_count == 20


def test_each_tenants_turn_comes_as_often_as_is_set(
    contexts: Contexts, cleanup: Cleanup, clock: FakeClock
) -> None:
    """At first at once, then once a day unless something else is set."""
    for tenant_id in ("daily", "hourly"):
        contexts.store_session_context(tenant_id, "anna", "s", {})
    contexts.tenants.change("hourly", cleanup_every=HOUR)
    assert cleanup.list_due() == ["daily", "hourly"]
    for tenant_id in cleanup.list_due():
        cleanup.cleanup_orphaned_sessions(tenant_id)
    assert cleanup.list_due() == []
    clock.forward(HOUR)
    assert cleanup.list_due() == ["hourly"]
    clock.forward(23 * HOUR)
    assert cleanup.list_due() == ["daily", "hourly"]


def test_the_lists_of_every_kind_lose_what_has_expired(
    store: Store, cleanup: Cleanup, contexts: Contexts, clock: FakeClock
) -> None:
    """The chat's and the contexts'; what is not listed is not counted."""
    for at in range(3):
        save_session(f"{at}0000000-0000-4000-8000-000000000000", {}, ttl=10)
    contexts.store_session_context("acme", "anna", "s", {}, ttl=10)
    clock.forward(11)
    assert cleanup.trim_lists() == {"chat:session": 3, "state": 0, "context": 1, "tenant": 0}
    assert set(cleanup.trim_lists().values()) == {0}


def test_somebody_who_comes_back_at_the_last_moment_keeps_it(
    contexts: Contexts, store: Store, clock: FakeClock
) -> None:
    """Between the listing and the removal: the engine decides."""

    class Late(MemoryStore):
        """Somebody reads the context right after it was listed as idle."""

        def idle(self, index: str, before: int, *, limit: int) -> list[str]:
            found = super().idle(index, before, limit=limit)
            if found:
                contexts.get_session_context("acme", "anna", "s")
            return found

    late = Late(clock=clock)
    set_session_store(late, clock=clock, keyspaces=build_keyspaces())
    contexts.store_session_context("acme", "anna", "s", {})
    clock.forward(10)
    cleanup = Cleanup(late, build_keyspaces(), contexts.tenants, clock=clock)
    assert cleanup.cleanup_orphaned_sessions("acme", 5).cleaned_count == 0
    assert is_there(contexts, "acme", "s")


def test_on_redis_it_is_the_same(redis_url: str) -> None:
    """With the server's own clock."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    contexts = open_contexts()
    for name in ("a", "b"):
        contexts.store_session_context("acme", "anna", name, {})
    cleanup = Cleanup(store, build_keyspaces(), contexts.tenants)
    assert cleanup.cleanup_orphaned_sessions("acme").cleaned_count == 0
    assert cleanup.cleanup_orphaned_sessions("acme", 0) == CleanupResult("acme", 0, 2, 0)
    assert contexts.list_session_contexts("acme", "anna", start=0, limit=5).contexts == []
    close_session_store()


def test_an_engine_that_is_away_is_reported(clock: FakeClock) -> None:
    """Nothing is taken for removed."""
    engine = CutOff()
    set_session_store(engine, keyspaces=build_keyspaces())
    contexts = open_contexts()
    contexts.store_session_context("acme", "anna", "s", {})
    cleanup = Cleanup(engine, build_keyspaces(), contexts.tenants)
    engine.down = True
    with pytest.raises(StoreUnavailable):
        cleanup.list_due()


def test_what_is_no_document_is_set_aside_and_holds_nothing_up(redis_url: str) -> None:
    """The clean-up ends, and the orphans beside it are removed."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    contexts = open_contexts()
    for name in ("broken", "fine"):
        contexts.store_session_context("acme", "anna", name, {})
    key = "tenant:acme:user:anna:session:broken"
    store._connections.execute("SET", key, "junk")
    cleanup = Cleanup(store, build_keyspaces(), contexts.tenants)
    assert cleanup.cleanup_orphaned_sessions("acme", 0) == CleanupResult("acme", 0, 1, 0)
    assert store.get(f"{key}:corrupt") == b"junk"
    assert cleanup.cleanup_orphaned_sessions("acme", 0) == CleanupResult("acme", 0, 0, 0)
    close_session_store()


def test_nobodys_tenant_does_not_become_one(contexts: Contexts, cleanup: Cleanup) -> None:
    """A name that was mistyped stays off the list."""
    assert cleanup.cleanup_orphaned_sessions("acmee").cleaned_count == 0
    assert contexts.tenants.list_all() == []
