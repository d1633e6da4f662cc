"""Fixtures for all tests: a real redis-server, the application, and a client."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services import sessions
from services.keyspaces import build_keyspaces
from services.sessions import request_budget
from services.sessions.migration.stages import Stage
from services.sessions.stores import MemoryStore, RedisStore, Store
from tests.support.application import create_app
from tests.support.engines import SETUPS, set_up
from tests.support.servers import RedisServer

# No test asserts a time, and a busy machine is slow now and then.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

pytest_plugins = ("tests.support.tiers", "tests.support.summary")


@pytest.fixture(autouse=True)
def _no_request() -> None:
    """A test begins outside of any request; a response nobody closed leaves its budget behind."""
    request_budget.end()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One real redis-server for the whole run."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty real Redis."""
    redis_server.client().flushall()
    return redis_server.url


@pytest.fixture
def lasting_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that keeps what it is given, as the commands want it."""
    with RedisServer("--appendonly", "yes", "--dir", str(tmp_path)) as redis:
        yield redis


@pytest.fixture(params=["memory", "redis"])
def memory_or_redis(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty engine: the dict of this process, and a real Redis."""
    if request.param == "memory":
        store: Store = MemoryStore()
    else:
        store = RedisStore.from_url(request.getfixturevalue("redis_url"))
    yield store
    store.close()


@pytest.fixture(params=SETUPS)
def any_setup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Everything an application may run on, empty, and chosen for this process."""
    store = set_up(request.param, lambda: str(request.getfixturevalue("redis_url")), tmp_path)
    sessions.set_session_store(store, keyspaces=build_keyspaces())
    yield store
    sessions.close_session_store()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a deployment with SQLite in a folder of the test."""
    return Settings(
        debug=False,
        secret_key="a secret for the tests only",
        auth_secret="a secret for the tokens of the tests",
        auth_key_set_file=None,
        auth_audience="teaser-chat",
        auth_issuer=None,
        ops_token="a-token-for-the-operators",
        stage=Stage.COMPLETE,
        store_url=f"sqlite:///{tmp_path / 'sessions.db'}",
        spill_url=None,
        session_ttl=3600,
        session_ttl_analyzed=86_400,
        session_max_bytes=1_048_576,
        state_max_bytes=262_144,
        session_spill_max_bytes=16_777_216,
        memory_max_sessions=1000,
        memory_max_bytes=67_108_864,
        conversation_max_turns=200,
        conversation_max_questions=100,
        redis_pool_size=8,
        redis_timeout=0.25,
        max_request_bytes=65_536,
        request_timeout=15.0,
        cookie_secure=False,
        embed_origins=frozenset(),
        rate_limit_conversations=None,
        rate_limit_states=None,
        rate_limit_contexts=None,
        rate_limit_bytes_address=0,
        rate_limit_bytes_owner=0,
        trusted_proxies=0,
        bind="127.0.0.1:0",
        workers=1,
        threads=8,
        log_level="WARNING",
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application with every part real."""
    application = create_app(settings)
    yield application
    store: Store = application.extensions["session_store"]
    store.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without cookies of its own, as a script is one."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A client that keeps cookies and has opened the page, as a browser does."""
    client = app.test_client()
    assert client.get("/develope").status_code == 200
    return client
