"""What becomes of sessions is counted, each thing once and under the keyspace's name."""

import contextlib
import uuid
from collections.abc import Callable

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions import codec, metrics
from services.sessions.errors import SessionError
from services.sessions.flask.browser import BROWSERS
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore
from tests.support.engines import document_record
from tests.support.scraping import Scrape

CHAT = build_teaser_chat_keyspace()
SMALL = 3000
"""The longest document here, in bytes."""


def counts() -> dict[tuple[str, str], float]:
    """The events of this process by keyspace and event."""
    return {
        (one.labels["keyspace"], one.labels["event"]): one.value
        for one in Scrape(metrics.render_text().decode()).samples
        if one.name == "teaser_session_events_total"
    }


def counted(action: Callable[[], object]) -> dict[str, float]:
    """What an action adds to the conversations' events, whether it fails or not."""
    before = counts()
    with contextlib.suppress(SessionError):
        action()
    rises = {key: value - before.get(key, 0) for key, value in counts().items()}
    assert not [key for key, rise in rises.items() if rise and key[0] != CHAT.name]
    return {event: rise for (name, event), rise in rises.items() if rise and name == CHAT.name}


@pytest.fixture
def store() -> MemoryStore:
    """An engine that can be looked into."""
    return MemoryStore()


@pytest.fixture
def sessions(store: MemoryStore) -> Sessions:
    """The conversations in it."""
    return Sessions(store, CHAT, max_bytes=SMALL)


@pytest.fixture
def stored(sessions: Sessions) -> str:
    """The id of one of them."""
    session_id = str(uuid.uuid4())
    sessions.save(session_id, {"history": []})
    return session_id


def test_a_life(sessions: Sessions) -> None:
    """Created, loaded and saved by a turn, deleted, missed."""
    session_id = str(uuid.uuid4())
    assert counted(lambda: sessions.save(session_id, {"history": []})) == {"created": 1}
    assert counted(lambda: sessions.get(session_id)) == {"loaded": 1}
    assert counted(lambda: sessions.update(session_id, lambda data: data.update(a=1))) == {
        "loaded": 1,
        "saved": 1,
    }
    assert counted(lambda: sessions.replace(session_id, {"a": 2})) == {"saved": 1}
    assert counted(lambda: sessions.delete(session_id)) == {"loaded": 1, "deleted": 1}
    assert counted(lambda: sessions.get(session_id)) == {"missing": 1}
    assert counted(lambda: sessions.delete(session_id)) == {"missing": 1}


def test_what_belongs_to_another_counts_as_missing(sessions: Sessions) -> None:
    """As it is answered."""
    session_id = str(uuid.uuid4())
    sessions.save(session_id, {}, owner="one")
    assert counted(lambda: sessions.get(session_id, owner="other")) == {"missing": 1}


def test_a_race_that_was_lost_is_a_conflict(sessions: Sessions, stored: str) -> None:
    """And an id that is taken is one, too."""
    late = sessions.get(stored)
    sessions.update(stored, lambda data: data.update(a=1))
    assert counted(lambda: sessions.save(stored, late)) == {"conflict": 1}
    assert counted(lambda: sessions.save(stored, {})) == {"conflict": 1}


def test_a_session_that_went_meanwhile_is_missing(sessions: Sessions, stored: str) -> None:
    """Nothing is saved."""
    late = sessions.get(stored)
    sessions.delete(stored)
    assert counted(lambda: sessions.save(stored, late)) == {"missing": 1}


def test_an_unreadable_value_counts_once(
    sessions: Sessions, store: MemoryStore, stored: str
) -> None:
    """It is quarantined when it is met; after that there is none."""
    key = CHAT.key(stored)
    store.install(document_record(key, 2, "x")._replace(body=b",broken"))
    assert counted(lambda: sessions.get(stored)) == {"corrupt": 1}
    assert counted(lambda: sessions.get(stored)) == {"missing": 1}


def test_a_document_of_a_newer_release_is_told_apart(
    sessions: Sessions, store: MemoryStore, stored: str
) -> None:
    """It is left alone, so every look at it counts."""
    key = CHAT.key(stored)
    newer = document_record(key, 2, "x")
    body = newer.body.replace(b'"format":1', b'"format":%d' % (codec.FORMAT + 1))
    store.install(newer._replace(body=body))
    for _ in range(2):
        assert counted(lambda: sessions.get(stored)) == {"unknown_format": 1}


def test_a_document_over_the_limit_is_counted(sessions: Sessions, stored: str) -> None:
    """It is not saved."""
    grown = sessions.get(stored)
    grown["text"] = "x" * SMALL
    assert counted(lambda: sessions.save(stored, grown)) == {"too_large": 1}


def test_the_size_of_what_is_stored_is_measured(sessions: Sessions) -> None:
    """As many bytes as the engine keeps, but for the version before them."""
    name, labels = "teaser_session_document_bytes_sum", {"keyspace": CHAT.name}
    before = Scrape(metrics.render_text().decode()).value(name, **labels) or 0
    session_id = str(uuid.uuid4())
    sessions.save(session_id, {"text": "x" * 1000})
    stored = sessions.store.get(CHAT.key(session_id))
    assert stored is not None
    measured = (Scrape(metrics.render_text().decode()).value(name, **labels) or 0) - before
    assert len(stored) - 30 < measured <= len(stored)


def test_every_keyspace_is_told_from_the_start() -> None:
    """With 0 for what has not happened."""
    Sessions(MemoryStore(), BROWSERS)
    assert {event for name, event in counts() if name == "browser"} == set(metrics.EVENTS)
