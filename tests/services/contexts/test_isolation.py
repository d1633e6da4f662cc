"""One tenant or user never reaches another's contexts, whatever they call themselves."""

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given

from services.contexts import Context
from services.contexts.cleanup import Cleanup
from services.errors import TenantIsolationError as Isolated
from services.keys import build_context_id
from services.keyspaces import CONTEXTS, build_keyspaces
from services.sessions import codec, sessions_of
from services.sessions.errors import InvalidSessionId, SessionNotFound, SessionUnreadable
from services.sessions.stores import Store
from services.sessions.stores.base import Condition, Record
from tests.support.crafted import BROKEN, LONG, Triple, bounded, triples
from tests.support.engines import engines_of
from tests.support.services import open_contexts, open_tenants

A, B = ("acme", "ann", "s"), ("other", "bob", "s")


def members(number: int) -> dict[str, dict[str, int]]:
    """What one context holds and no other."""
    return {"conversation_state": {f"n{number}": number}}


class World:
    """The contexts that are stored, and what everybody has to find."""

    def __init__(self) -> None:
        self.contexts = open_contexts()
        self.held: dict[Triple, dict[str, int]] = {}

    def store(self, triple: Triple, number: int) -> None:
        """Store one, unless a part of it is no name."""
        try:
            self.contexts.store_session_context(*triple, members(number))
        except InvalidSessionId:
            assert any(part in ("", LONG, *BROKEN) for part in triple)
        else:
            self.held[triple] = {f"n{number}": number}

    def add(self, triple: Triple, number: int) -> None:
        """Add to one."""
        self.contexts.update_session_context(*triple, members(number))
        self.held[triple][f"n{number}"] = number

    def delete(self, triple: Triple) -> None:
        """Remove one."""
        assert self.contexts.delete_session_context(*triple)
        del self.held[triple]

    def check(self) -> None:
        """Everybody finds what they stored, and lists nothing else."""
        for triple, held in self.held.items():
            found = self.contexts.get_session_context(*triple)
            assert (found.tenant_id, found.user_id, found.session_id) == triple
            assert found.members["conversation_state"] == held
            page = self.contexts.list_session_contexts(*triple[:2], start=0, limit=50)
            own = sorted(one[2] for one in self.held if one[:2] == triple[:2])
            assert sorted(context.session_id for context in page.contexts) == own


@bounded(20)
@given(different=triples)
@example(different=[("a:b", "c", "s"), ("a", "b:c", "s"), ("a", "b", "c:s")])
@example(different=[("\u0430", "b", "c"), ("a", "b", "c"), ("\uff41", "b", "c")])
@example(different=[("\u00e4", "b", "c"), ("a\u0308", "b", "c"), ("A\u0308", "b", "c")])
def test_different_contexts_never_meet(any_setup: Store, different: list[Triple]) -> None:
    """Neither what they hold, nor their lists, nor their deletion, nor their clean-up."""
    world = World()
    try:
        for number, triple in enumerate(different):
            world.store(triple, number)
            world.check()
        for number, triple in enumerate(list(world.held), start=10):
            world.add(triple, number)
            world.check()
        for triple in list(world.held)[1:]:
            world.delete(triple)
            with pytest.raises(SessionNotFound):
                world.contexts.get_session_context(*triple)
            world.check()
    finally:
        for triple in list(world.held):
            world.delete(triple)


@bounded(20)
@given(different=triples)
def test_a_clean_up_is_one_tenant_s(any_setup: Store, different: list[Triple]) -> None:
    """However much the names of two tenants look alike."""
    world = World()
    tenants, keyspaces = open_tenants(), build_keyspaces()
    cleanup = Cleanup(any_setup, keyspaces, tenants, clock=lambda: time.time() + 1)
    try:
        for number, triple in enumerate(different):
            world.store(triple, number)
        for tenant_id in sorted({triple[0] for triple in world.held}):
            gone = [triple for triple in world.held if triple[0] == tenant_id]
            cleaned = cleanup.cleanup_orphaned_sessions(tenant_id, 0)
            assert cleaned.cleaned_count == len(gone)
            for triple in gone:
                del world.held[triple]
            world.check()
    finally:
        for triple in list(world.held):
            with contextlib.suppress(SessionNotFound):
                world.delete(triple)


def a_key() -> str:
    """The key of A's context."""
    return sessions_of(CONTEXTS).keyspace.key(build_context_id(*A))


def tamper(store: Store, **changes: str) -> None:
    """Change members of A's stored document in the engine itself, or in both."""
    key = a_key()
    value = store.get(key)
    assert value is not None
    session = codec.decode(value)
    for name, changed in changes.items():
        setattr(session, name, changed)
    body = codec.encode_body(session, 10_000)
    expires_at = store.expires_at(key)
    assert expires_at is not None
    record = Record(key, session.version + 1, body, expires_at, session.session_id)
    for engine in engines_of(store):
        engine.put(record, Condition.ANY)


@pytest.mark.parametrize("owner", ["other:bob", "acme", "", "acme:ann ", "acme:user:ann"])
def test_a_document_of_somebody_else_is_reported_and_logged(
    any_setup: Store, owner: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Under A's key lies what says that it is B's: neither of them reads or changes it."""
    contexts = open_contexts()
    contexts.store_session_context(*A, members(1))
    contexts.store_session_context(*B, members(2))
    tamper(any_setup, owner=owner)
    kept = any_setup.get(a_key())
    acts: tuple[Callable[[], Context], ...] = (
        lambda: contexts.get_session_context(*A),
        lambda: contexts.store_session_context(*A, members(3)),
        lambda: contexts.update_session_context(*A, members(3)),
    )
    for act in acts:
        caplog.clear()
        with pytest.raises(Isolated):
            act()
        assert "belongs to another tenant or user" in caplog.text
        assert "acme" not in caplog.text
    assert contexts.delete_session_context(*A) is False
    assert contexts.list_session_contexts(*A[:2], start=0, limit=50).contexts == []
    assert any_setup.get(a_key()) == kept
    found = contexts.list_session_contexts(*B[:2], start=0, limit=50).contexts
    assert [context[:3] for context in found] == [B]


def test_a_document_that_was_moved_here_is_set_aside(any_setup: Store) -> None:
    """B's whole document under A's key is none of A's."""
    contexts = open_contexts()
    contexts.store_session_context(*A, members(1))
    tamper(any_setup, owner="other:bob", session_id=build_context_id(*B))
    with pytest.raises(SessionUnreadable):
        contexts.get_session_context(*A)
    with pytest.raises(SessionNotFound):
        contexts.get_session_context(*A)
