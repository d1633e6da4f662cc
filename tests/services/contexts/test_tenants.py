"""What is set for a tenant: found within seconds, kept for long, the usual where nothing is."""

import pytest

from services.contexts import Contexts, tenants
from services.contexts.tenants import TenantSettings
from services.keyspaces import TENANTS, build_keyspaces
from services.sessions import save_session, set_session_store, update_session
from tests.support.engines import CutOff
from tests.support.services import open_tenants


def test_nothing_set_is_the_usual(contexts: Contexts) -> None:
    """A day to live, an orphan after two, cleaned up daily."""
    assert contexts.tenants.get_settings("acme") == TenantSettings(86_400, 172_800, 86_400)
    assert contexts.tenants.list_all() == []


def test_a_tenant_is_known_from_its_first_context(contexts: Contexts) -> None:
    """Whatever its name; looking at what is set for one puts nobody on the list."""
    contexts.tenants.get_settings("nobody")
    for name in ("acme", "a:b", "ü ñ"):
        contexts.store_session_context(name, "anna", "s", {})
        contexts.update_session_context(name, "bob", "s", {})
    assert [name for name, _ in contexts.tenants.list_all()] == ["a:b", "acme", "ü ñ"]


def test_what_is_set_stays_beside_what_is_set_later(contexts: Contexts) -> None:
    """Each setting by itself."""
    contexts.tenants.change("acme", ttl=60)
    assert contexts.tenants.change("acme", orphan_after=120) == TenantSettings(60, 120)
    assert contexts.tenants.list_all() == [("acme", TenantSettings(60, 120))]
    assert contexts.tenants.get_settings("acme") == TenantSettings(60, 120)


def test_another_process_follows(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once what it remembers is old."""
    other = open_tenants()
    assert other.get_settings("acme", register=True).ttl == 86_400
    contexts.tenants.change("acme", ttl=60)
    assert other.get_settings("acme", register=True).ttl == 86_400
    monkeypatch.setattr(tenants, "CACHE_SECONDS", 0)
    assert other.get_settings("acme", register=True).ttl == 60


def test_few_are_remembered_at_a_time(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crowd of tenants fills no memory."""
    monkeypatch.setattr(tenants, "MOST_CACHED", 3)
    for at in range(10):
        contexts.tenants.get_settings(f"t{at}", register=True)
    assert len(contexts.tenants._cache) <= 3


def test_what_is_no_number_is_not_set(contexts: Contexts) -> None:
    """A document that somebody else has written breaks nothing."""
    strange = {"ttl": True, "orphan_after": "soon", "cleanup_every": 5, "more": 1}
    save_session("acme", {"settings": strange}, keyspace=TENANTS)
    assert contexts.tenants.get_settings("acme") == TenantSettings(cleanup_every=5)
    update_session("acme", lambda one: one.update(settings="none"), keyspace=TENANTS)
    assert open_tenants().get_settings("acme") == TenantSettings()
    assert contexts.tenants.change("acme", ttl=60) == TenantSettings(60)


def test_while_the_engine_is_away_what_was_known_counts() -> None:
    """And the usual for those nobody knows."""
    engine = CutOff()
    set_session_store(engine, keyspaces=build_keyspaces())
    known = open_tenants()
    known.change("acme", ttl=60)
    known.get_settings("acme", register=True)
    engine.down = True
    known._cache = {name: (0.0, settings) for name, (_, settings) in known._cache.items()}
    assert known.get_settings("acme", register=True).ttl == 60
    assert known.get_settings("other").ttl == 86_400
