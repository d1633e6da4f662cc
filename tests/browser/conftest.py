"""Fixtures for the pages in a real browser, served by real servers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Chromium, started
from tests.browser.embedding import Embedding
from tests.support.servers import Gunicorn, RedisServer
from tests.support.sites import Site


@pytest.fixture(scope="session")
def started_chromium() -> Iterator[Chromium]:
    """The system's Chromium, for the whole run."""
    with started() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def chromium(started_chromium: Chromium) -> Browser:
    """The system's Chromium, without a window."""
    return started_chromium.browser()


@pytest.fixture(scope="session")
def sqlite_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """The application over a SQLite file, for tests that do not stop it."""
    database = tmp_path_factory.mktemp("site") / "sessions.db"
    with Gunicorn(SESSION_STORE_URL=f"sqlite:///{database}", WEB_CONCURRENCY="1") as server:
        yield server


@pytest.fixture(scope="session")
def started_redis_site(redis_server: RedisServer) -> Iterator[Gunicorn]:
    """The application over a real Redis, on one port for the whole run."""
    settings = {"WEB_CONCURRENCY": "1", "SESSION_STAGE": "complete"}
    with Gunicorn(REDIS_URL=redis_server.url, **settings) as server:
        yield server


@pytest.fixture
def redis_site(started_redis_site: Gunicorn, redis_url: str) -> Gunicorn:
    """The application over an empty real Redis; a test may stop and start it."""
    if not started_redis_site.answers():
        started_redis_site.start()
    return started_redis_site


@pytest.fixture(scope="session")
def started_site(redis_server: RedisServer) -> Iterator[Site]:
    """The application as it is deployed, on one port for the whole run."""
    with Site(redis_server) as site:
        yield site


@pytest.fixture
def site(started_site: Site, redis_url: str) -> Site:
    """The application as it is deployed, over an empty Redis; a test may stop and start it."""
    if not started_site.gunicorn.answers():
        started_site.gunicorn.start()
    return started_site


@pytest.fixture(scope="session")
def started_embedding(redis_server: RedisServer) -> Iterator[Embedding]:
    """A chat over TLS, a site that may embed it and one that may not, for the whole run."""
    with Embedding.of(redis_server) as embedding:
        yield embedding


@pytest.fixture
def embedding(started_embedding: Embedding, redis_url: str) -> Embedding:
    """The same over an empty Redis; a test may stop and start the application."""
    if not started_embedding.site.gunicorn.answers():
        started_embedding.site.gunicorn.start()
    return started_embedding
