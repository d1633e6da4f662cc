"""Contexts over each engine."""

from collections.abc import Iterator

import pytest

from services.contexts import Contexts
from services.keyspaces import build_keyspaces
from services.sessions import close_session_store, set_session_store
from services.sessions.stores import MemoryStore, Store
from tests.support.clock import FakeClock
from tests.support.services import open_contexts


@pytest.fixture
def contexts(memory_or_redis: Store) -> Iterator[Contexts]:
    """Over the dict of this process, and a real Redis."""
    set_session_store(memory_or_redis, keyspaces=build_keyspaces())
    yield open_contexts()
    close_session_store()


@pytest.fixture
def clock() -> FakeClock:
    """The time that `timed` goes by."""
    return FakeClock()


@pytest.fixture
def timed(clock: FakeClock) -> Iterator[Contexts]:
    """Over a dict whose time the test moves."""
    set_session_store(MemoryStore(clock=clock), clock=clock, keyspaces=build_keyspaces())
    yield open_contexts()
    close_session_store()
