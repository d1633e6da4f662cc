"""What every engine does, run over memory, SQLite, fakeredis and a real redis-server."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.sessions import codec
from services.sessions.stores import Store
from services.sessions.stores.base import Condition, Outcome, Put, Record, quarantine_key
from tests.support.records import HOUR, SHORT, now, record, tombstone, value


def test_a_missing_key_is_none_and_not_an_error(store: Store) -> None:
    """Missing is an answer."""
    assert store.get("k") is None
    assert store.expires_at("k") is None
    assert store.delete(record("k")) is False
    assert store.touch(record("k")) is False


def test_create_stores_once_and_then_conflicts(store: Store) -> None:
    """Of two that create, the second is told the version that is there."""
    assert store.put(record("k", 1, "first"), Condition.ABSENT) == Put(Outcome.STORED, 1)
    assert store.put(record("k", 1, "second"), Condition.ABSENT) == Put(Outcome.CONFLICT, 1)
    assert store.get("k") == value(1, "first")


def test_save_needs_the_version_that_was_read(store: Store) -> None:
    """A save made from an older version changes nothing."""
    store.put(record("k", 1, "one"), Condition.ABSENT)
    assert store.put(record("k", 2, "two"), Condition.UNCHANGED) == Put(Outcome.STORED, 2)
    assert store.put(record("k", 2, "late"), Condition.UNCHANGED) == Put(Outcome.CONFLICT, 2)
    assert store.put(record("k", 9, "early"), Condition.UNCHANGED) == Put(Outcome.CONFLICT, 2)
    assert store.get("k") == value(2, "two")


def test_save_of_a_deleted_session_brings_nothing_back(store: Store) -> None:
    """What was deleted stays deleted when a slow request saves it."""
    store.put(record("k", 1), Condition.ABSENT)
    assert store.delete(record("k")) is True
    assert store.put(record("k", 2), Condition.UNCHANGED) == Put(Outcome.MISSING, 0)
    assert store.get("k") is None
    assert store.members("all") == []
    assert store.members("owner:a") == []


def test_replace_raises_whatever_version_is_there(store: Store) -> None:
    """The last writer wins, and the version still grows."""
    assert store.put(record("k", 1, "a"), Condition.ANY) == Put(Outcome.STORED, 1)
    assert store.put(record("k", 1, "b"), Condition.ANY) == Put(Outcome.STORED, 2)
    assert store.put(record("k", 1, "c"), Condition.ANY) == Put(Outcome.STORED, 3)
    assert store.get("k") == value(3, "c")


def test_put_if_newer_never_goes_back(store: Store) -> None:
    """A copy is taken over when it is newer than what is there, and only then."""
    assert store.put(record("k", 5, "five"), Condition.OLDER) == Put(Outcome.STORED, 5)
    assert store.put(record("k", 5, "again"), Condition.OLDER) == Put(Outcome.CONFLICT, 5)
    assert store.put(record("k", 4, "four"), Condition.OLDER) == Put(Outcome.CONFLICT, 5)
    assert store.put(record("k", 12, "twelve"), Condition.OLDER) == Put(Outcome.STORED, 12)
    assert store.get("k") == value(12, "twelve")


def test_expiry_is_the_instant_that_was_given(store: Store) -> None:
    """Two copies given the same instant end together."""
    given = record("k", lives=5000)
    store.put(given, Condition.ABSENT)
    kept = store.expires_at("k")
    assert kept is not None
    assert abs(kept - given.expires_at) <= 20


def test_an_expired_session_is_gone_everywhere(store: Store) -> None:
    """No read, save, count or list finds it, and its key can be taken again."""
    store.put(record("k", 1, lives=SHORT), Condition.ABSENT)
    store.put(record("other", 1), Condition.ABSENT)
    time.sleep(1.3 * SHORT / 1000)
    assert store.get("k") is None
    assert store.put(record("k", 2), Condition.UNCHANGED).outcome is Outcome.MISSING
    assert store.members("all") == ["other"]
    assert store.count("all") == 1
    assert store.delete(record("k")) is False
    assert store.put(record("k", 1, "new"), Condition.ABSENT) == Put(Outcome.STORED, 1)


def test_touch_moves_expiry_and_leaves_the_document(store: Store) -> None:
    """Extending is no write: the bytes and the version stay."""
    store.put(record("k", 1, lives=SHORT), Condition.ABSENT)
    before = store.get("k")
    longer = record("k", 1, "unused", lives=HOUR)
    assert store.touch(longer) is True
    time.sleep(1.3 * SHORT / 1000)
    assert store.get("k") == before
    assert store.count("all") == 1
    kept = store.expires_at("k")
    assert kept is not None
    assert abs(kept - longer.expires_at) <= 20


def test_touch_never_shortens_a_life(store: Store) -> None:
    """A slow reader that loaded an older copy takes nothing away."""
    store.put(record("k", lives=2 * HOUR), Condition.ABSENT)
    before = store.expires_at("k")
    assert store.touch(record("k", lives=HOUR)) is True
    after = store.expires_at("k")
    assert before is not None
    assert after is not None
    assert abs(after - before) <= 20


def test_touch_brings_no_index_entry_back(store: Store) -> None:
    """A session that was deleted meanwhile is not listed again."""
    store.put(record("k"), Condition.ABSENT)
    store.delete(record("k"))
    assert store.touch(record("k")) is False
    assert store.members("all") == []


def test_an_index_lists_what_expires_last_first_in_pages(store: Store) -> None:
    """Listing needs no scan of the keys."""
    for at in range(5):
        store.put(record(f"k{at}", lives=HOUR + at * 1000), Condition.ABSENT)
    assert store.members("owner:a") == ["k4", "k3", "k2", "k1", "k0"]
    assert store.members("owner:a", start=1, limit=2) == ["k3", "k2"]
    assert store.count("owner:a") == 5
    assert store.members("owner:b") == []


def test_an_unreadable_value_moves_aside_once(store: Store) -> None:
    """It can be looked at under another key, and the key itself is free."""
    store.put(record("k")._replace(body=b",no json"), Condition.ABSENT)
    broken = store.get("k")
    assert broken == b'{"version":1,no json'
    assert store.quarantine("k", broken, now() + HOUR, "k", ("all", "owner:a")) is True
    assert store.get("k") is None
    assert store.get(quarantine_key("k")) == broken
    assert store.count("all") == 0
    assert store.quarantine("k", broken, now() + HOUR, "k", ("all", "owner:a")) is False


def test_a_value_that_was_replaced_meanwhile_is_not_moved_aside(store: Store) -> None:
    """The repair of one request survives the complaint of another."""
    store.put(record("k")._replace(body=b",no json"), Condition.ABSENT)
    broken = store.get("k")
    assert broken is not None
    store.put(record("k", 1, "repaired"), Condition.ANY)
    assert store.quarantine("k", broken, now() + HOUR, "k", ("all", "owner:a")) is False
    assert store.get("k") == value(2, "repaired")


def test_twenty_savers_of_one_version_have_one_winner(store: Store) -> None:
    """The decision is made where the document is."""
    key = str(uuid.uuid4())
    store.put(record(key, 1), Condition.ABSENT)
    start = threading.Barrier(20)

    def save(number: int) -> Put:
        start.wait()
        return store.put(record(key, 2, f"writer {number}"), Condition.UNCHANGED)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(save, range(20)))
    assert [answer.outcome for answer in answers].count(Outcome.STORED) == 1
    assert all(answer.version == 2 for answer in answers)


def test_it_gives_a_sign_of_life(store: Store) -> None:
    """A healthy engine answers a ping without an error."""
    store.ping()


def test_a_head_tells_the_version_without_the_document(store: Store) -> None:
    """Of a long value only its beginning is needed to know how new it is."""
    assert store.heads(["k"])[0] is None
    store.put(record("k", 7, "x" * 1000), Condition.OLDER)
    head = store.heads(["k"])[0]
    assert head is not None
    assert codec.version_of(head) == 7


def test_a_tombstone_takes_the_place_and_leaves_the_indexes(store: Store) -> None:
    """It is raised above what is stored, and nothing lists it."""
    store.put(record("k", 5), Condition.OLDER)
    assert store.put(tombstone("k", 3), Condition.ANY) == Put(Outcome.STORED, 6)
    kept, head = store.get("k"), store.heads(["k"])[0]
    assert kept is not None
    assert head is not None
    assert codec.is_tombstone(kept)
    assert codec.is_tombstone(head)
    assert store.count("all") == 0
    assert store.members("owner:a") == []


def test_a_tombstone_refuses_late_writers(store: Store) -> None:
    """A save of the version before it, a mirror and a creation all find it there."""
    store.put(record("k", 4), Condition.OLDER)
    store.put(tombstone("k", 5), Condition.ANY)
    assert store.put(record("k", 5), Condition.UNCHANGED) == Put(Outcome.CONFLICT, 5)
    assert store.put(record("k", 5), Condition.OLDER) == Put(Outcome.CONFLICT, 5)
    assert store.put(record("k", 1), Condition.ABSENT) == Put(Outcome.CONFLICT, 5)
    assert store.members("all") == []


def test_a_replacement_has_at_least_the_version_it_names(store: Store) -> None:
    """A tombstone stands above a copy elsewhere, also where nothing was stored."""
    assert store.put(record("k", 9), Condition.ANY) == Put(Outcome.STORED, 9)
    assert store.put(record("k", 3), Condition.ANY) == Put(Outcome.STORED, 10)
    assert store.get("k") == value(10, "hello")


def test_a_merged_copy_names_the_version_it_replaces(store: Store) -> None:
    """The version may jump, but only from the one that was looked at."""
    store.put(record("k", 4), Condition.OLDER)
    merged = record("k", 9, "merged")
    assert store.put(merged._replace(replaces=3), Condition.UNCHANGED) == Put(Outcome.CONFLICT, 4)
    assert store.put(merged._replace(replaces=4), Condition.UNCHANGED) == Put(Outcome.STORED, 9)
    assert store.get("k") == value(9, "merged")


def test_many_are_stored_each_by_its_own_condition(store: Store) -> None:
    """One that is there already, or is broken, keeps no other from being stored."""
    store.put(record("taken", 3), Condition.OLDER)
    records = [record("new"), record("taken"), record("other")]
    answers = store.put_many(records, Condition.ABSENT)
    assert [answer.outcome for answer in answers] == [
        Outcome.STORED, Outcome.CONFLICT, Outcome.STORED,
    ]  # fmt: skip
    assert sorted(store.members("all")) == ["new", "other", "taken"]
    assert store.put_many([], Condition.ABSENT) == []


@pytest.mark.parametrize(
    ("condition", "version"),
    [(Condition.ABSENT, 1), (Condition.UNCHANGED, 2), (Condition.OLDER, 7)],
)
def test_a_write_that_is_repeated_is_done_once(
    store: Store, condition: Condition, version: int
) -> None:
    """Whoever did not hear the answer asks again, and hears what it would have heard."""
    if condition is Condition.UNCHANGED:
        store.put(record("k", 1, "before"), Condition.ABSENT)
    written = record("k", version, "the same bytes")
    assert store.put(written, condition) == Put(Outcome.STORED, version)
    assert store.put(written, condition) == Put(Outcome.STORED, version)
    assert store.put_many([written, written], condition) == [Put(Outcome.STORED, version)] * 2
    assert store.get("k") == value(version, "the same bytes")
    assert store.count("all") == 1
    other = record("k", version, "other bytes ..")
    assert store.put(other, condition) == Put(Outcome.CONFLICT, version)
    store.put(record("k", version + 1, "later"), Condition.OLDER)
    assert store.put(written, condition) == Put(Outcome.CONFLICT, version + 1)
    assert store.get("k") == value(version + 1, "later")


def test_a_repeated_tombstone_stays_out_of_the_indexes(store: Store) -> None:
    """A deletion that is sent twice is one deletion."""
    gone = tombstone("k", 4)
    assert store.put(gone, Condition.OLDER) == Put(Outcome.STORED, 4)
    assert store.put(gone, Condition.OLDER) == Put(Outcome.STORED, 4)
    assert store.members("all") == []


def test_a_repeated_write_shortens_no_life_and_may_lengthen_it(store: Store) -> None:
    """The same document with a later end lives until then; with an earlier one it stays."""
    store.put(record("k", lives=HOUR), Condition.ABSENT)
    store.put(record("other", lives=2 * HOUR), Condition.ABSENT)
    longer = record("k", lives=3 * HOUR)
    assert store.put(longer, Condition.ABSENT).outcome is Outcome.STORED
    assert store.put(record("k", lives=HOUR), Condition.ABSENT).outcome is Outcome.STORED
    kept = store.expires_at("k")
    assert kept is not None
    assert abs(kept - longer.expires_at) <= 20
    assert store.members("all") == ["k", "other"]


def test_extending_a_tombstone_lists_nothing(store: Store) -> None:
    """A reader that loaded the session before it was deleted extends what is there now."""
    store.put(record("k", 1), Condition.ABSENT)
    store.put(tombstone("k", 2), Condition.ANY)
    assert store.touch(record("k", lives=2 * HOUR)) is True
    assert store.members("all") == []
    assert store.count("owner:a") == 0


LEAVES: dict[str, Callable[[Store, Record], object]] = {
    "delete": lambda store, one: store.delete(one),
    "delete_many": lambda store, one: store.delete_many([one]),
    "tombstone": lambda store, one: store.put(one, Condition.ANY),
    "tombstones": lambda store, one: store.put_many([one], Condition.ANY),
}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize(
    ("named", "stays"),
    [
        (b'"owner":"a",', False),
        (b'"owner":null,"data":{"owner":"b"},', False),
        (b"", False),
        (b'"owner":"b",', True),
    ],
)
def test_a_deletion_empties_the_quarantine_of_its_key(
    store: Store, leave: Callable[[Store, Record], object], named: bytes, *, stays: bool
) -> None:
    """Whatever is unreadable in it, unless it names another owner."""
    broken = record("k")._replace(body=b',"format":1,%b"text":"cut off' % named)
    store.put(broken, Condition.ANY)
    stored = store.get("k")
    assert stored is not None
    assert store.quarantine("k", stored, now() + HOUR, "k", ("all",))
    store.put(record("k"), Condition.ANY)
    leave(store, tombstone("k", 2))
    assert (store.get(quarantine_key("k")) is not None) == stays


def test_an_owners_index_keeps_what_is_in_quarantine(store: Store) -> None:
    """Whose it was may not be known any more, and it is to be found when all of it is deleted."""
    store.put(record("k"), Condition.ANY)
    assert store.quarantine("k", value(1, "hello"), now() + HOUR, "k", ("all",))
    assert store.members("all") == []
    assert store.members("owner:a") == ["k"]
    assert store.get("k") is None
