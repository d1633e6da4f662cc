"""What every engine does with owners, with last use and with many at once."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from services.sessions import codec
from services.sessions.codec import Session
from services.sessions.stores import RedisStore, Store
from services.sessions.stores.base import Condition, Outcome, Put, Record
from tests.support.records import HOUR, SHORT, now, record, tombstone, value

MINUTE = 60_000


def owned(key: str, owner: str | None, text: str, version: int = 1) -> Record:
    """A whole document of an owner."""
    session = Session(key, {"text": text}, owner=owner)
    session.created_at = session.updated_at = now()
    return record(key, version)._replace(body=codec.encode_body(session, 10_000))


def used(key: str, ago: int, *, lives: int = HOUR) -> Record:
    """A document that was used for the last time so many milliseconds ago."""
    return record(key, lives=lives)._replace(idle_index="idle", active_at=now() - ago)


def removal(key: str, idle_for: int) -> Record:
    """The removal of a document that nobody used for so many milliseconds."""
    return tombstone(key, 1)._replace(idle_index="idle", active_at=now() - idle_for)


def text_of(store: Store, key: str) -> str:
    """What a stored document of `owned` says."""
    stored = store.get(key)
    assert stored is not None
    return str(codec.decode(stored)["text"])


def test_the_same_owner_replaces_what_is_there(store: Store) -> None:
    """The last writer wins, in one step, and the version grows."""
    assert store.put(owned("k", "anna", "one"), Condition.OWNED) == Put(Outcome.STORED, 1)
    assert store.put(owned("k", "anna", "two"), Condition.OWNED) == Put(Outcome.STORED, 2)
    assert text_of(store, "k") == "two"


def test_somebody_else_does_not(store: Store) -> None:
    """Another owner, none at all, or one whose name begins alike."""
    store.put(owned("k", "anna", "hers"), Condition.OWNED)
    for other in ("ann", "anna2", "bob", None, 'anna","created_at":'):
        assert store.put(owned("k", other, "theirs"), Condition.OWNED) == Put(Outcome.CONFLICT, 1)
    store.put(owned("free", None, "anyone's"), Condition.OWNED)
    assert store.put(owned("free", "anna", "hers"), Condition.OWNED) == Put(Outcome.CONFLICT, 1)
    assert text_of(store, "k") == "hers"


def test_a_mirror_replaces_what_is_older_and_the_same_owner_s(store: Store) -> None:
    """By its version alone a second copy would overwrite what somebody else has there."""
    assert store.put(owned("k", "anna", "hers", 3), Condition.MIRROR) == Put(Outcome.STORED, 3)
    for other in ("ann", "anna2", None):
        mirror = owned("k", other, "theirs", 9)
        assert store.put(mirror, Condition.MIRROR) == Put(Outcome.CONFLICT, 3)
    assert store.put(record("k", 9), Condition.MIRROR) == Put(Outcome.CONFLICT, 3)
    assert store.put(owned("k", "anna", "old", 2), Condition.MIRROR) == Put(Outcome.CONFLICT, 3)
    newer = owned("k", "anna", "newer", 5)
    assert store.put(newer, Condition.MIRROR) == Put(Outcome.STORED, 5)
    assert store.put(newer, Condition.MIRROR) == Put(Outcome.STORED, 5)
    assert text_of(store, "k") == "newer"


def test_a_mirror_takes_the_place_of_an_older_tombstone(store: Store) -> None:
    """A deleted id may have been taken again, by whomever."""
    store.put(tombstone("k", 4), Condition.OLDER)
    assert store.put(owned("k", "bob", "late", 4), Condition.MIRROR) == Put(Outcome.CONFLICT, 4)
    assert store.put(owned("k", "bob", "his", 5), Condition.MIRROR) == Put(Outcome.STORED, 5)
    assert text_of(store, "k") == "his"


def test_what_names_no_owner_replaces_nothing(store: Store) -> None:
    """A body that does not tell whose it is proves nothing."""
    store.put(owned("k", "anna", "hers"), Condition.OWNED)
    assert store.put(record("k"), Condition.OWNED).outcome is Outcome.CONFLICT
    assert store.put(record("new"), Condition.OWNED).outcome is Outcome.STORED


def test_a_tombstone_is_nobodys_to_replace_blindly(store: Store) -> None:
    """Whoever wants its place has to look at it first."""
    store.put(owned("k", "anna", "hers"), Condition.OWNED)
    store.put(tombstone("k", 2), Condition.ANY)
    assert store.put(owned("k", "anna", "again"), Condition.OWNED) == Put(Outcome.CONFLICT, 2)


def test_an_expired_document_is_nobodys(store: Store) -> None:
    """Its id is free for everyone."""
    store.put(owned("k", "anna", "hers")._replace(expires_at=now() + SHORT), Condition.OWNED)
    time.sleep(1.3 * SHORT / 1000)
    assert store.put(owned("k", "bob", "his"), Condition.OWNED) == Put(Outcome.STORED, 1)


def test_twenty_replacements_at_once_are_twenty_versions(store: Store) -> None:
    """Each is decided where the document is."""
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(20) as pool:
        puts = [
            pool.submit(store.put, owned(key, "anna", str(at)), Condition.OWNED) for at in range(20)
        ]
    assert sorted(put.result().version for put in puts) == list(range(1, 21))


def test_what_was_idle_longest_is_listed_first(store: Store) -> None:
    """And nothing that was used since."""
    for key, ago in (("a", 10 * MINUTE), ("b", 30 * MINUTE), ("c", 20 * MINUTE), ("d", 0)):
        store.put(used(key, ago), Condition.ABSENT)
    assert store.idle("idle", now() - 5 * MINUTE, limit=10) == ["b", "c", "a"]
    assert store.idle("idle", now() - 15 * MINUTE, limit=10) == ["b", "c"]
    assert store.idle("idle", now() - 5 * MINUTE, limit=1) == ["b"]
    assert store.idle("another", now(), limit=10) == []


def test_each_use_counts(store: Store) -> None:
    """A write and an extension; an older extension takes nothing back."""
    for key in ("a", "b", "c"):
        store.put(used(key, 30 * MINUTE), Condition.ABSENT)
    store.put(used("a", 0)._replace(version=2), Condition.UNCHANGED)
    store.touch(used("b", MINUTE, lives=2 * HOUR))
    store.touch(used("b", 20 * MINUTE))
    assert store.idle("idle", now() - 5 * MINUTE, limit=10) == ["c"]


def test_what_nobody_used_is_removed(store: Store) -> None:
    """It leaves a tombstone above what was stored, and no entry anywhere."""
    store.put(used("k", 30 * MINUTE)._replace(version=4), Condition.OLDER)
    assert store.put(removal("k", 20 * MINUTE), Condition.IDLE) == Put(Outcome.STORED, 5)
    stored = store.get("k")
    assert stored is not None
    assert codec.is_tombstone(stored)
    assert store.idle("idle", now(), limit=10) == []
    assert store.members("all") == []


def test_what_was_used_meanwhile_stays(store: Store) -> None:
    """Between the listing and the removal somebody came back, by writing or by reading."""
    for key in ("written", "read"):
        store.put(used(key, 30 * MINUTE), Condition.ABSENT)
    store.put(used("written", 0)._replace(version=2), Condition.UNCHANGED)
    store.touch(used("read", 0, lives=2 * HOUR))
    gone = [removal("written", 20 * MINUTE), removal("read", 20 * MINUTE)]
    answers = store.put_many(gone, Condition.IDLE)
    assert answers == [Put(Outcome.CONFLICT, 2), Put(Outcome.CONFLICT, 1)]
    assert store.get("read") == value(1, "hello")


def test_what_has_expired_meanwhile_is_forgotten(store: Store) -> None:
    """Its entry goes, and no tombstone stands for it."""
    store.put(used("k", 30 * MINUTE, lives=SHORT), Condition.ABSENT)
    time.sleep(1.3 * SHORT / 1000)
    assert store.put(removal("k", 20 * MINUTE), Condition.IDLE) == Put(Outcome.MISSING, 0)
    assert store.idle("idle", now(), limit=10) == []
    assert store.get("k") is None


def test_a_deletion_leaves_every_index(store: Store) -> None:
    """Also the one by last use, whether a tombstone is left or nothing."""
    for key in ("a", "b"):
        store.put(used(key, MINUTE), Condition.ABSENT)
    store.put(removal("a", 0), Condition.ANY)
    store.delete(used("b", 0))
    assert store.idle("idle", now(), limit=10) == []


def test_expired_entries_can_be_dropped_and_counted(store: Store) -> None:
    """Those of one index; the others stay."""
    # At once: a write drops what has expired on a slow machine meanwhile.
    lives = [SHORT if at < 9 else HOUR for at in range(12)]
    records = [record(f"k{at}", lives=one) for at, one in enumerate(lives)]
    store.put_many(records, Condition.ABSENT)
    time.sleep(1.3 * SHORT / 1000)
    assert store.trim("owner:b") == 0
    assert store.trim("all") == 9
    assert store.trim("all") == 0
    assert store.count("all") == 3


def test_many_are_read_in_their_order(store: Store) -> None:
    """What is missing stands as None in its place."""
    for key in ("a", "b"):
        store.put(record(key, text=key), Condition.ABSENT)
    assert store.get_many(["b", "x", "a"]) == [value(1, "b"), None, value(1, "a")]
    assert store.get_many([]) == []


def test_many_are_removed_with_their_entries(store: Store) -> None:
    """Each answers whether it was there."""
    for key in ("a", "b", "c"):
        store.put(used(key, MINUTE), Condition.ABSENT)
    assert store.delete_many([used("a", 0), used("x", 0), used("c", 0)]) == [True, False, True]
    assert store.members("all") == ["b"]
    assert store.idle("idle", now(), limit=10) == ["b"]
    assert store.delete_many([]) == []


def test_a_value_of_another_kind_is_unreadable_among_many(redis_url: str) -> None:
    """It keeps no other from being read."""
    store = RedisStore.from_url(redis_url, timeout=5)
    store.put(record("k"), Condition.ABSENT)
    store._connections.execute("LPUSH", "list", "x")
    assert store.get_many(["k", "list"]) == [value(1, "hello"), b""]
    assert store.heads(["list", "none"]) == [b"", None]
    store.close()
