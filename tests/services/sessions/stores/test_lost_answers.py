"""A connection that breaks after Redis did the work and before it said so: done once."""

import uuid
from collections.abc import Iterator

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions.codec import Session
from services.sessions.errors import StoreUnavailable
from services.sessions.repository import Sessions
from services.sessions.stores import RedisStore
from services.sessions.stores.base import Condition, Outcome
from tests.support.engines import document_record
from tests.support.proxy import Proxy
from tests.support.servers import RedisServer


@pytest.fixture
def proxy(redis_url: str, redis_server: RedisServer) -> Iterator[Proxy]:
    """A proxy in front of an empty Redis."""
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: Proxy) -> Iterator[RedisStore]:
    """The engine behind the proxy, connected, its scripts known to the server."""
    store = RedisStore.from_url(f"redis://127.0.0.1:{proxy.port}/0", timeout=5)
    store.put(document_record("warm", 1, "up"), Condition.ABSENT)
    store.touch(document_record("warm", 1, "up"))
    yield store
    store.close()


@pytest.fixture
def chats(store: RedisStore) -> Sessions:
    """Conversations in it."""
    return Sessions(store, build_teaser_chat_keyspace())


def say(text: str) -> dict[str, str]:
    """A turn without an id of the client's, so that nothing but its bytes tells it apart."""
    return {"role": "user", "content": text}


def test_a_turn_whose_answer_was_lost_is_there_once(proxy: Proxy, chats: Sessions) -> None:
    """The caller does not even hear of it: the write is repeated and found done."""
    session_id = str(uuid.uuid4())
    chats.save(session_id, {"history": []})
    applied = []

    def change(session: Session) -> None:
        proxy.reset_peer(1)
        applied.append(session.version)
        session["history"].append(say("once"))

    saved = chats.update(session_id, change)
    assert proxy.resets == 1
    assert applied == [1]
    assert saved.version == 2
    assert chats.get(session_id)["history"] == [say("once")]


def test_a_creation_whose_answer_was_lost_is_no_conflict(proxy: Proxy, chats: Sessions) -> None:
    """The id is taken, by the very document that was to be created."""
    session_id = str(uuid.uuid4())
    proxy.reset_peer(1)
    assert chats.save(session_id, {"history": [say("first")]}).version == 1
    assert proxy.resets == 1
    assert chats.count() == 1


def test_a_copy_whose_answer_was_lost_counts_as_sent(proxy: Proxy, store: RedisStore) -> None:
    """So does each of many in one round trip."""
    records = [document_record(f"chat:session:{at}", 3, "copy") for at in range(5)]
    proxy.reset_peer(1)
    assert store.put(records[0], Condition.OLDER).outcome is Outcome.STORED
    proxy.reset_peer(1)
    answers = store.put_many(records, Condition.ABSENT)
    assert {answer.outcome for answer in answers} == {Outcome.STORED}
    assert proxy.resets == 2


def test_a_write_that_breaks_twice_is_unavailable_and_can_be_asked_again(
    proxy: Proxy, store: RedisStore
) -> None:
    """Two attempts are all there are; a third one, later, finds the work done."""
    record = document_record("chat:session:twice", 1, "text")
    proxy.reset_peer(2)
    with pytest.raises(StoreUnavailable, match="connection"):
        store.put(record, Condition.ABSENT)
    assert proxy.resets == 2
    assert store.put(record, Condition.ABSENT).outcome is Outcome.STORED
    assert store.put(record._replace(body=b",{}"), Condition.ABSENT).outcome is Outcome.CONFLICT
