"""What every engine reads of a document for a list: its head, and a passage where that lacks it."""

import pytest

from services.sessions import codec
from services.sessions.codec import Session
from services.sessions.stores import RedisStore, Store
from services.sessions.stores.base import PASSAGE_BYTES, Condition, Extract, Record
from tests.support.records import now, record, tombstone

LANDMARK = b',"mark":'
ENTRY = {"title": "A lämp"}


def document(key: str, *, listed: bool, pad: int = 0, stale: bool = False) -> Record:
    """A document with a landmark behind so many bytes, with an entry for lists or without."""
    data = {"pad": "ä" * pad, "step": 7, "mark": 1, "rest": "x" * 5000}
    session = Session(key, data, owner="anna")
    session.created_at = session.updated_at = session.expires_at = now()
    body = codec.encode_body(session, 10**7, ENTRY if listed else None)
    if stale:  # as a release that does not know the entry changes a document
        changed = b',"updated_at":%d,' % (session.updated_at + 1)
        body = body.replace(b',"updated_at":%d,' % session.updated_at, changed, 1)
    return record(key)._replace(body=body)


def extract(store: Store, key: str, length: int = 400, landmark: bytes = LANDMARK) -> Extract:
    """What a store extracts of one document, which it has."""
    (found,) = store.extracts([key], length, landmark)
    assert found is not None
    return found


@pytest.mark.parametrize("pad", [0, 100, 100_000])
def test_a_passage_is_read_where_the_head_has_no_entry(store: Store, pad: int) -> None:
    """Wherever it stands; of a document with an entry only the head."""
    store.put(document("new", listed=True, pad=pad), Condition.ANY)
    store.put(document("old", listed=False, pad=pad), Condition.ANY)
    store.put(document("stale", listed=True, pad=pad, stale=True), Condition.ANY)
    for key, ends in (("new", b""), ("old", b',"step":7'), ("stale", b',"step":7')):
        found = extract(store, key)
        assert found.head == (store.get(key) or b"")[:400]
        assert found.passage.endswith(ends)
        assert len(found.passage) == (PASSAGE_BYTES if ends else 0)


def test_without_a_landmark_only_heads_are_read(store: Store) -> None:
    """In this order, and none where there is nothing."""
    store.put(document("old", listed=False), Condition.ANY)
    store.put(document("new", listed=True), Condition.ANY)
    found = store.extracts(["new", "none", "old"], 100)
    assert found[1] is None
    assert [len(one.head) for one in found if one] == [100, 100]
    assert not any(one.passage for one in found if one)
    assert store.extracts([], 100) == []


def test_a_landmark_that_is_missing_or_first(store: Store) -> None:
    """No passage, or as much as there is."""
    store.put(record("k", 1, "hello"), Condition.ANY)
    assert extract(store, "k").passage == b""
    found = extract(store, "k", landmark=b',"text":')
    assert (b'{"version":1,"format":1').endswith(found.passage)
    assert found.passage.endswith(b',"format":1')


def test_what_is_deleted_or_expired_is_seen_as_such(store: Store) -> None:
    """A tombstone by its head; nothing where nothing lives any more."""
    store.put(document("k", listed=True), Condition.ANY)
    store.put(tombstone("k", 9), Condition.ANY)
    assert codec.is_tombstone(extract(store, "k").head)
    store.put(document("gone", listed=True)._replace(expires_at=now() - 1000), Condition.ANY)
    store.delete(document("k", listed=True))
    assert store.extracts(["k"], 100, LANDMARK) == [None]


def test_what_is_no_string_is_unreadable_and_no_outage(redis_url: str) -> None:
    """Somebody's list under a key of ours."""
    store = RedisStore.from_url(redis_url, timeout=5)
    store._connections.execute("RPUSH", "list", "x")
    for landmark in (b"", LANDMARK):
        (found,) = store.extracts(["list"], 100, landmark)
        assert found == Extract(b"")
    store.close()


def test_a_server_that_forgot_the_script_is_taught_again(redis_url: str) -> None:
    """After a restart or a flush."""
    store = RedisStore.from_url(redis_url, timeout=5)
    store.put(document("k", listed=False), Condition.ANY)
    store._connections.execute("SCRIPT", "FLUSH")
    assert extract(store, "k").passage.endswith(b',"step":7')
    store.close()
