"""The list of conversations is read from the heads of their documents, in every setup and stage."""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from services.keyspaces import build_keyspaces, build_teaser_chat_keyspace
from services.list_entries import LANDMARK, LONGEST_TITLE, build_title
from services.sessions import codec, get_session, save_session, set_session_store
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.outage import Outage, open_spill
from services.sessions.stores import MemoryStore, RedisStore, Store
from services.sessions.stores.base import Condition, Extract, Record
from services.sessions.stores.wrapper import StoreWrapper
from tests.support.engines import CutOff, engines_of, set_up
from tests.support.services import open_contexts, open_conversation_list, open_teaser_chat

CHAT = build_teaser_chat_keyspace()
ANNA = "a" * 64
LARGE = 200_000
"""Bytes of a document in a test of what lists read."""
LISTED_BYTES = 2048
"""The most that a list may read of each."""


class Metered(StoreWrapper):
    """Counts the calls that read documents, and the bytes they answer."""

    def __init__(self, engine: Store) -> None:
        super().__init__(engine)
        self.calls = self.bytes = 0

    def get(self, key: str) -> bytes | None:
        value = super().get(key)
        self._count([value])
        return value

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        values = super().get_many(keys)
        self._count(values)
        return values

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        found = super().extracts(keys, length, landmark)
        self._count([one.head + one.passage for one in found if one])
        return found

    def _count(self, values: Sequence[bytes | None]) -> None:
        self.calls += 1
        self.bytes += sum(len(value or b"") for value in values)


def begin(text: str = "A lamp") -> str:
    """The id of a new conversation."""
    return str(open_teaser_chat().start_conversation(text, owner=ANNA)["session_id"])


def finish(session_id: str) -> None:
    """Answer until the conversation is complete, and analyse it."""
    chat = open_teaser_chat()
    while not chat.continue_conversation(session_id, "no", owner=ANNA)["complete"]:
        pass
    chat.analyze_norms(session_id, owner=ANNA)


def listed() -> dict[str, Any]:
    """An owner's list, by id."""
    found = open_conversation_list().list_conversations(ANNA)
    return {entry["session_id"]: entry for entry in found}


def age(store: Store, session_id: str, *, is_stale: bool = False) -> None:
    """Put a document in the form of the release before in its place, in every engine.

    Args:
        store: one of SETUPS.
        session_id: which one.
        is_stale: whether it has an entry of this release, and was changed by the one before.
    """
    key = CHAT.key(session_id)
    for engine in engines_of(store):
        value = engine.get(key)
        if value is None:
            continue
        members = msgspec.json.decode(value)
        if is_stale:
            members["updated_at"] += 1
            members["list_entry"] |= {"complete": not members["complete"]}
        else:
            del members["list_entry"]
        version, body = codec.split(msgspec.json.encode(members)) or (0, b"")
        expires_at = engine.expires_at(key) or 0
        record = Record(key, version + 1, body, expires_at, session_id, CHAT.indexes(ANNA))
        assert engine.put(record, Condition.ANY).version


def without_times(entries: dict[str, Any]) -> dict[str, Any]:
    """Entries without the time of the last message, which old documents tell by their change."""
    return {key: {**entry, "last_message_at": ""} for key, entry in entries.items()}


@pytest.mark.parametrize("is_stale", [False, True])
def test_documents_of_the_release_before_are_listed_alike(
    any_setup: Store, *, is_stale: bool
) -> None:
    """With title, times and step, whether or not they have an entry that fits no longer."""
    for text in (
        "A lamp",
        f'A "lämp" \\ \N{ELECTRIC LIGHT BULB}\t{"word " * 700}',
        "\N{BELL}" * 3000,
    ):
        session_id = begin(text)
    finish(session_id)
    before = listed()
    assert {entry["analyzed"] for entry in before.values()} == {True, False}
    for session_id in before:
        age(any_setup, session_id, is_stale=is_stale)
    after = listed()
    assert without_times(after) == without_times(before)
    for session_id, entry in after.items():
        assert entry["last_message_at"] >= before[session_id]["last_message_at"]


@pytest.mark.parametrize("engine", ["memory", "sqlite", "redis"])
@pytest.mark.parametrize("is_old", [False, True])
def test_a_list_reads_little_in_one_trip(
    engine: str, request: pytest.FixtureRequest, tmp_path: Any, *, is_old: bool
) -> None:
    """However large the conversations are, and whichever release stored them."""
    store = Metered(set_up(engine, lambda: str(request.getfixturevalue("redis_url")), tmp_path))
    set_session_store(store, keyspaces=build_keyspaces())
    model = dict(get_session(begin("x" * 4000), owner=ANNA))
    model["history"] = [*model["history"], {**model["history"][0], "content": "y" * LARGE}]
    ids = [str(uuid.uuid4()) for _ in range(9)]
    for session_id in ids:
        save_session(session_id, model, owner=ANNA)
        if is_old:
            age(store, session_id)
    store.calls = store.bytes = 0
    assert len(listed()) == 10
    assert store.calls == 1
    assert store.bytes <= 10 * LISTED_BYTES
    store.close()


def test_little_comes_from_a_redis(redis_url: str) -> None:
    """Counted by the server itself, old documents and new ones."""
    store = RedisStore.from_url(redis_url, timeout=5)
    set_session_store(store, keyspaces=build_keyspaces())
    model = dict(get_session(begin(), owner=ANNA))
    model["history"] = [*model["history"], {**model["history"][0], "content": "y" * LARGE}]
    ids = [str(uuid.uuid4()) for _ in range(10)]
    for session_id in ids:
        save_session(session_id, model, owner=ANNA)
    for session_id in ids[:5]:
        age(store, session_id)

    def count_sent() -> int:
        info = store._connections.execute("INFO", "stats").decode()
        return int(info.partition("total_net_output_bytes:")[2].split()[0])

    before = count_sent()
    assert len(listed()) == 11
    assert count_sent() - before < 11 * LISTED_BYTES + 10_000
    store.close()


def test_a_page_of_contexts_reads_little(any_setup: Store) -> None:
    """What it shows is in every document's head, however long names are."""
    metered = Metered(any_setup)
    set_session_store(metered, keyspaces=build_keyspaces())
    contexts = open_contexts()
    names = ["s", "ä" * 128, "\N{ELECTRIC LIGHT BULB}" * 128]
    for name in names:
        large = {"recent_interactions": ["x" * LARGE]}
        contexts.store_session_context("acme", "ü" * 128, name, large, ttl=900)
    metered.calls = metered.bytes = 0
    page = contexts.list_session_contexts("acme", "ü" * 128, start=0, limit=50).contexts
    assert {entry.session_id for entry in page} == set(names)
    assert {entry.ttl for entry in page} == {900}
    assert metered.calls == 1
    assert metered.bytes < 3 * 10_000
    stored = contexts.get_session_context("acme", "ü" * 128, "s")
    (entry,) = (one for one in page if one.session_id == "s")
    assert (entry.stored_at, entry.last_updated) == (stored.stored_at, stored.last_updated)


def test_what_is_deleted_is_listed_in_no_setup(any_setup: Store) -> None:
    """Nor is anything of what a list showed left in an engine."""
    session_id, other = begin("Secret lamp"), begin()
    open_teaser_chat().delete_conversation(session_id, owner=ANNA)
    assert list(listed()) == [other]
    for engine in engines_of(any_setup):
        assert b"Secret" not in (engine.get(CHAT.key(session_id)) or b"")


def test_the_step_is_the_present_one_in_every_setup(any_setup: Store) -> None:
    """After each change, also where a second copy follows."""
    assert any_setup
    session_id = begin()
    assert (listed()[session_id]["complete"], listed()[session_id]["analyzed"]) == (False, False)
    finish(session_id)
    assert (listed()[session_id]["complete"], listed()[session_id]["analyzed"]) == (True, True)
    session = get_session(session_id, owner=ANNA)
    assert "list_entry" not in session
    assert listed()[session_id]["last_message_at"] == session["history"][-1]["timestamp"]


UP_AND_DOWN = [*Stage, *list(Stage)[-2::-1]]
"""Every stage from off to complete and back."""


def test_the_list_is_right_through_every_stage() -> None:
    """Of what was begun in each, changed in each and deleted in each."""
    both = MigratingStore(
        MemoryStore(), MemoryStore(), build_keyspaces(), Plan(Stage.OFF, stepped=True)
    )
    set_session_store(both, keyspaces=build_keyspaces())
    kept: dict[str, bool] = {}
    for stage in UP_AND_DOWN:
        both.switch(Plan(stage, stepped=True, cohort=50 if stage is Stage.SHADOW else 0))
        if stage is not Stage.OFF:
            both.copies.send_all()
        kept[begin()] = False
        done = next(one for one, is_done in kept.items() if not is_done)
        finish(done)
        kept[done] = True
        deleted = begin()
        open_teaser_chat().delete_conversation(deleted, owner=ANNA)
        assert {key: one["analyzed"] for key, one in listed().items()} == kept, stage


@pytest.mark.parametrize("stage", [Stage.DUALWRITE, Stage.SHADOW, Stage.LIVE])
def test_the_newer_of_two_copies_is_listed(stage: Stage) -> None:
    """Whichever engine has it; a tombstone that is newer hides the other copy."""
    old, new = MemoryStore(), MemoryStore()
    both = MigratingStore(old, new, build_keyspaces(), Plan(stage, stepped=True))
    set_session_store(both, keyspaces=build_keyspaces())
    for lagging in (old, new):
        session_id = begin()
        earlier = lagging.read_record(CHAT.key(session_id))
        assert earlier
        finish(session_id)
        lagging.install(earlier)
        assert listed()[session_id]["analyzed"]
        open_teaser_chat().delete_conversation(session_id, owner=ANNA)
        lagging.install(earlier)
        assert session_id not in listed()


def test_during_an_outage_of_writes_what_waits_is_listed_as_it_is() -> None:
    """The spill decides for what it holds; one trip asks the engine for the rest."""
    engine = MemoryStore(max_sessions=1)
    outage = Outage(engine, build_keyspaces(), open_spill("memory://"))
    set_session_store(outage.store, keyspaces=build_keyspaces())
    first = begin()
    second = begin()  # the engine is full
    assert set(listed()) == {first, second}
    finish(second)
    assert listed()[second]["analyzed"]
    assert not listed()[first]["analyzed"]
    open_teaser_chat().delete_conversation(second, owner=ANNA)
    assert set(listed()) == {first}


def test_the_dict_alone_lists_while_the_engine_is_away() -> None:
    """In the stages in which it serves everything that it has."""
    engine = CutOff()
    both = MigratingStore(MemoryStore(), engine, build_keyspaces(), Plan(Stage.DUALWRITE))
    set_session_store(both, keyspaces=build_keyspaces())
    keys = [CHAT.key(begin()) for _ in range(3)]
    expected = both.extracts(keys, 900, LANDMARK)
    engine.down = True
    assert both.extracts(keys, 900, LANDMARK) == expected


@pytest.mark.parametrize(
    "unit", ["\N{BELL}", "x", "\\", '"', "ä", "  a ", "\N{MUSICAL SYMBOL G CLEF}"]
)
def test_a_title_of_any_text_fits_into_the_head(any_setup: Store, unit: str) -> None:
    """In a new document, and in one of the release before."""
    text = unit * (4000 // len(unit))
    session_id = begin(text)
    assert listed()[session_id]["title"] == build_title(text)
    age(any_setup, session_id)
    assert listed()[session_id]["title"] == build_title(text)
    assert len(build_title(text)) <= LONGEST_TITLE


def damage(store: Store, session_id: str, before: bytes, after: bytes) -> None:
    """Change a stored document as no release does."""
    key = CHAT.key(session_id)
    for engine in engines_of(store):
        value = engine.get(key)
        if value is None:
            continue
        assert before in value
        version, body = codec.split(value.replace(before, after, 1)) or (0, b"")
        expires_at = engine.expires_at(key) or 0
        record = Record(key, version + 1, body, expires_at, session_id, CHAT.indexes(ANNA))
        assert engine.put(record, Condition.ANY).version


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"title"', b'"titlz"'),
        (b'"complete":false,"analyzed":false}', b'"complete":0,"analyzed":[]}'),
        (b'"title":"', b'"title":1,"x":"'),
        (b'"last_message_at":"', b'"last_message_at":7,"x":"'),
        (b'"session_id"', b'"ses@ion_id"'),
        (b'"created_at":', b'"created_at":"x","y":'),
        (b'"updated_at":', b'"upd@ted_at":'),
        (b'"owner"', b'"own@r"'),
    ],
)
def test_a_damaged_head_hides_itself_at_most(any_setup: Store, before: bytes, after: bytes) -> None:
    """The other conversations are listed as ever, and so is one that can be read as a whole."""
    whole, damaged = begin(), begin("A kettle")
    damage(any_setup, damaged, before, after)
    found = listed()
    assert found[whole]["title"] == "A lamp"
    if damaged in found:
        assert found[damaged]["title"] == "A kettle"
        assert found[damaged]["complete"] is False
