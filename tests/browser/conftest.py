"""Fixtures for the pages in a real browser, served by real servers."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.servers import Gunicorn, RedisServer, program
from tests.support.sites import Site

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    names = ("chromium", "chromium-browser")
    path = program(next(filter(shutil.which, names), names[0]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


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
