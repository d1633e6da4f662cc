"""Contexts and states through the stages of a migration and through outages of the engine."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from services.contexts import Contexts
from services.keyspaces import build_keyspaces
from services.sessions import close_session_store, set_session_store
from services.sessions.errors import (
    SessionForeign,
    SessionNotFound,
    SessionNotSerialisable,
    StoreUnavailable,
)
from services.sessions.keyspaces import Keyspace
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import Replay, Spill, SpillingStore, open_spill
from services.sessions.stores import MemoryStore, Store
from tests.support.engines import CutOff
from tests.support.ids import respell
from tests.support.services import open_contexts, open_saved_states

WHO = ("acme", "anna")
KEYSPACES: tuple[Keyspace, ...] = build_keyspaces()
UP_AND_DOWN = [*Stage, *list(Stage)[-2::-1]]
"""Every stage from off to complete and back."""


@pytest.fixture
def engine() -> CutOff:
    """What the sessions move to."""
    return CutOff()


@pytest.fixture
def store(engine: CutOff) -> Iterator[MigratingStore]:
    """A process in stage off, with sessions in its dict."""
    both = MigratingStore(MemoryStore(), engine, KEYSPACES, Plan(Stage.OFF, stepped=True))
    set_session_store(both, keyspaces=build_keyspaces())
    yield both
    close_session_store()


@pytest.fixture
def contexts(store: MigratingStore) -> Contexts:
    """Its contexts."""
    return open_contexts()


def switch(store: MigratingStore, stage: Stage) -> None:
    """Serve by another stage, with everything sent that was not."""
    store.switch(Plan(stage, stepped=True))
    if stage is not Stage.OFF:
        store.copies.send_all()


def test_additions_are_kept_through_every_stage(store: MigratingStore, contexts: Contexts) -> None:
    """Made in each, read in each, listed once, up and down."""
    for number, stage in enumerate(UP_AND_DOWN):
        switch(store, stage)
        contexts.update_session_context(*WHO, "s", {"recent_interactions": [number]})
        members = contexts.get_session_context(*WHO, "s").members
        assert members["recent_interactions"] == list(range(number + 1)), stage
        listed = contexts.list_session_contexts(*WHO, start=0, limit=9).contexts
        assert [context.session_id for context in listed] == ["s"], stage


def test_a_deleted_context_stays_deleted_and_its_id_is_free(
    store: MigratingStore, contexts: Contexts
) -> None:
    """Whatever stage it was deleted in, and whatever comes after."""
    for number, stage in enumerate(UP_AND_DOWN):
        switch(store, stage)
        contexts.store_session_context(*WHO, "s", {"recent_interactions": [number]})
        contexts.delete_session_context(*WHO, "s")
        for later in UP_AND_DOWN[number + 1 : number + 3]:
            switch(store, later)
            with pytest.raises(SessionNotFound):
                contexts.get_session_context(*WHO, "s")
        switch(store, stage)
        again = contexts.update_session_context(*WHO, "s", {})
        assert again.members["recent_interactions"] == []


def test_the_last_save_wins_in_every_stage(store: MigratingStore) -> None:
    """And somebody else's never does."""
    session_id = str(uuid.uuid4())
    for number, stage in enumerate(UP_AND_DOWN):
        switch(store, stage)
        open_saved_states().save_session(session_id, {"n": number}, owner="anna")
        with pytest.raises(SessionForeign):
            open_saved_states().save_session(session_id, {"n": -1}, owner="bob")
        assert open_saved_states().load_session(session_id, owner="anna").data == {"n": number}


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE, Stage.COMPLETE])
def test_whose_it_is_may_be_known_by_the_engine_alone(
    engine: CutOff, store: MigratingStore, stage: Stage
) -> None:
    """Saved by another process before this one started."""
    session_id = str(uuid.uuid4())
    set_session_store(engine, keyspaces=build_keyspaces())
    open_saved_states().save_session(session_id, {"n": 1}, owner="anna")
    set_session_store(store, keyspaces=build_keyspaces())
    switch(store, stage)
    with pytest.raises(SessionForeign):
        open_saved_states().save_session(session_id, {"n": 2}, owner="bob")
    assert open_saved_states().load_session(session_id, owner="anna").data == {"n": 1}


class Host:
    """A host with a spill of its own, over the engine that all hosts share."""

    def __init__(self, engine: CutOff) -> None:
        self.link = Link(engine)
        self.spill: Spill = open_spill("memory://")
        self.replay = Replay(self.link, self.spill, KEYSPACES)
        self.store = SpillingStore(self.link, self.spill, self.replay)

    def serve(self) -> Contexts:
        """Contexts over this host's store, from now on."""
        set_session_store(self.store, keyspaces=build_keyspaces())
        return open_contexts()


class Link(CutOff):
    """A host's way to the engine, which can be cut."""

    def __init__(self, engine: CutOff) -> None:
        super().__init__()
        # Whatever is asked of the link is done with what the engine holds.
        self._entries = engine._entries
        self._lock = engine._lock


def test_two_hosts_additions_become_one_context(engine: CutOff) -> None:
    """What one took while it was cut off, and what the other wrote meanwhile."""
    one, other = Host(engine), Host(engine)
    one.serve().update_session_context(*WHO, "s", {"recent_interactions": [{"id": "0"}]})
    both = one.serve()
    before = both.get_session_context(*WHO, "s")
    one.link.down = True
    with pytest.raises(StoreUnavailable):
        both.update_session_context(*WHO, "s", {"recent_interactions": [{"id": "lost"}]})
    both.store_session_context(*WHO, "s", {"recent_interactions": [{"id": "0"}, {"id": "1"}]})
    both.update_session_context(*WHO, "s", {"user_preferences": {"here": True}})
    other.serve().update_session_context(
        *WHO, "s", {"recent_interactions": [{"id": "2"}], "user_preferences": {"there": True}}
    )
    one.link.down = False
    one.replay.work()
    members = other.serve().get_session_context(*WHO, "s").members
    ids = [entry["id"] for entry in members["recent_interactions"]]
    assert sorted(ids) == ["0", "1", "2"]
    assert members["user_preferences"] == {"here": True, "there": True}
    assert before.members["recent_interactions"] == [{"id": "0"}]
    assert not one.spill.is_occupied


IDS = ["m1", 1, "1", True, 1732999999.123, 10**22, 2**64 + 1, [1, {"a": 2}], {"a": 1, "b": None}]
"""Ids of every kind, no two of one value."""


def test_an_addition_that_is_sent_again_changes_nothing(any_setup: Store) -> None:
    """On every engine and in every stage, in lists at any depth, however its id is written."""
    contexts = open_contexts()
    entries = [{"id": one, "text": "x"} for one in IDS]
    added = {"recent_interactions": entries, "conversation_state": {"log": {"seen": entries}}}
    once = contexts.update_session_context(*WHO, "s", added).members
    assert [entry["id"] for entry in once["recent_interactions"]] == IDS
    for again in (added, respell(added)):
        contexts.update_session_context(*WHO, "s", again)
        assert contexts.get_session_context(*WHO, "s").members == once


def test_what_two_hosts_add_apart_is_there_once(engine: CutOff) -> None:
    """A program that got no response from one host sends the same entries to the other."""
    one, other = Host(engine), Host(engine)
    entries = [{"id": id_, "text": "x"} for id_ in IDS]
    one.link.down = True
    one.serve().store_session_context(*WHO, "s", {"recent_interactions": entries})
    for again in (entries, respell(entries)):
        other.serve().update_session_context(*WHO, "s", {"recent_interactions": again})
    one.link.down = False
    one.replay.work()
    for host in (one, other):
        for again in (entries, respell(entries)):
            host.serve().update_session_context(*WHO, "s", {"recent_interactions": again})
        held = host.serve().get_session_context(*WHO, "s").members["recent_interactions"]
        assert held == entries
    assert not one.spill.is_occupied


@pytest.mark.parametrize("value", [object(), "\ud800", float("nan")])
def test_an_id_that_cannot_be_stored_changes_nothing(contexts: Contexts, value: object) -> None:
    """It is refused as any other value would be."""
    contexts.update_session_context(*WHO, "s", {"recent_interactions": [{"id": 1}]})
    with pytest.raises(SessionNotSerialisable):
        contexts.update_session_context(*WHO, "s", {"recent_interactions": [{"id": value}]})
    kept = contexts.get_session_context(*WHO, "s").members["recent_interactions"]
    assert kept == [{"id": 1}]


@pytest.mark.parametrize("member", ["recent_interactions", "conversation_state"])
def test_additions_that_are_nested_too_deeply_change_nothing(
    contexts: Contexts, member: str
) -> None:
    """In an id as in a mapping."""
    before = contexts.update_session_context(*WHO, "s", {}).members
    nested: dict[str, Any] = {}
    for _ in range(5000):
        nested = {"a": nested}
    added = {"recent_interactions": [{"id": nested}], "conversation_state": nested}
    with pytest.raises(SessionNotSerialisable):
        contexts.update_session_context(*WHO, "s", {member: added[member]})
    assert contexts.get_session_context(*WHO, "s").members == before


def test_a_state_saved_while_the_engine_was_away_is_the_last_one(engine: CutOff) -> None:
    """Though nobody could look which version it replaced."""
    host = Host(engine)
    host.serve()
    session_id = str(uuid.uuid4())
    for number in range(5):
        open_saved_states().save_session(session_id, {"n": number}, owner="anna")
    host.link.down = True
    open_saved_states().save_session(session_id, {"n": "away"}, owner="anna")
    assert open_saved_states().load_session(session_id, owner="anna").data == {"n": "away"}
    host.link.down = False
    host.replay.work()
    set_session_store(engine, keyspaces=build_keyspaces())
    assert open_saved_states().load_session(session_id, owner="anna").data == {"n": "away"}
