"""/metrics under a real gunicorn: every worker's counts in one answer, whatever becomes of them."""

import concurrent.futures
import http.client
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from tests.drills.managed_gunicorn import ManagedGunicorn
from tests.support.http import Http
from tests.support.nginx import Nginx
from tests.support.scraping import Scrape
from tests.support.servers import ROOT, Gunicorn, RedisServer, eventually
from tests.support.talk import API

STARTS = 40
RELOADS = 3
OPS_TOKEN = "a-token-for-the-operators"
TOPS = ("/dev/shm", tempfile.gettempdir())  # noqa: S108 - read only
CREATED = "teaser_session_events_total", {"keyspace": "chat:session", "event": "created"}
ELSEWHERE = "127.0.0.2"
"""An address of this host that is not the one nginx lets in."""


def scraped(url: str) -> Scrape:
    """A fresh scrape."""
    with Http(url) as client:
        answer = client.get("/metrics")
    assert answer.status == 200
    return Scrape(answer.body)


def sample(url: str, name: str, labels: Mapping[str, str]) -> float | None:
    """One sample of a fresh scrape; None where it is left out."""
    return scraped(url).value(name, **labels)


def breakers(url: str) -> set[str]:
    """The processes that tell the state of their breaker."""
    return scraped(url).labels("teaser_breaker_state", "pid")


def serving(url: str) -> float | None:
    """How many processes tell that they serve by the last stage."""
    return sample(url, "teaser_migration_stage", {"stage": "complete"})


def start_many(url: str, count: int = STARTS) -> None:
    """So many conversations, over so many connections that every worker serves some."""

    def start(_number: int) -> int:
        with Http(url) as client:
            return client.post(f"{API}/start", {"initial_input": "A lamp"}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(start, range(count))) == {200}


def folders_of(master: int) -> list[Path]:
    """Where the workers of a master put their metrics; one folder while it runs."""
    return [folder for top in TOPS for folder in Path(top).glob(f"teaser-metrics-{master}-*")]


def folder_of(gunicorn: ManagedGunicorn) -> Path:
    """The folder of a master that runs."""
    (folder,) = folders_of(gunicorn.master)
    return folder


def all_serve(gunicorn: ManagedGunicorn) -> bool:
    """Whether two workers run, and they and nobody else tell of themselves."""
    running = {str(pid) for pid in gunicorn.list_workers()}
    return len(running) == 2 and breakers(gunicorn.url) == running and serving(gunicorn.url) == 2


def created_by_each(folder: Path) -> list[float]:
    """What each process by itself has counted as created, where it has counted any."""
    found = []
    for file in folder.glob("counter_*.db"):
        for family in MultiProcessCollector.merge([str(file)]):
            found += [one.value for one in family.samples if (one.name, one.labels) == CREATED]
    return [count for count in found if count]


@pytest.fixture(scope="module")
def started_gunicorn(redis_server: RedisServer) -> Iterator[ManagedGunicorn]:
    """A gunicorn over a real Redis, on one port for all tests here."""
    settings = {"REDIS_URL": redis_server.url, "WEB_CONCURRENCY": "2", "OPS_TOKEN": OPS_TOKEN}
    with ManagedGunicorn(**settings) as running:
        yield running


@pytest.fixture
def gunicorn(started_gunicorn: ManagedGunicorn) -> ManagedGunicorn:
    """The same with two workers that serve and tell of themselves; a test may stop and start it."""
    if not started_gunicorn.answers():
        started_gunicorn.start()
    assert eventually(lambda: all_serve(started_gunicorn))
    return started_gunicorn


def created(gunicorn: ManagedGunicorn) -> float:
    """How many conversations were begun, as a fresh scrape tells."""
    return sample(gunicorn.url, *CREATED) or 0


def test_counts_of_all_workers_are_added_up(gunicorn: ManagedGunicorn) -> None:
    """Whichever worker is asked, once both have served."""
    gunicorn.restart()
    started = 0
    while len(shares := created_by_each(folder_of(gunicorn))) < 2 and started < 10 * STARTS:
        start_many(gunicorn.url)
        started += STARTS
    assert (len(shares), sum(shares)) == (2, started)
    for _ in range(6):
        assert created(gunicorn) == started
        assert sample(gunicorn.url, "teaser_answers_total", {"status": "200"}) == started


def test_operators_are_told_the_counts_of_all_workers(gunicorn: ManagedGunicorn) -> None:
    """Whichever worker is asked, so that the page can take differences."""

    def read_status() -> dict[str, Any]:
        with Http(gunicorn.url) as client:
            told = client.get("/ops/status", Authorization=f"Bearer {OPS_TOKEN}").body
        # Other gunicorns of the tests may use the same Redis.
        assert len(told["migration"]["workers"]) >= 2
        return {
            "answers": told["answers"].get("200", 0),
            "seconds": told["seconds"]["counts"][-1],
            "sessions": told["sessions"]["chat:session"],
        }

    before = read_status()
    start_many(gunicorn.url)
    for _ in range(6):
        assert read_status() == {name: count + STARTS for name, count in before.items()}


def test_counts_outlive_a_killed_worker_and_a_reload(gunicorn: ManagedGunicorn) -> None:
    """SIGKILL leaves a worker no time to tidy up, which the master does; HUP keeps the folder."""
    before = created(gunicorn)
    folder = folder_of(gunicorn)
    start_many(gunicorn.url)
    gunicorn.kill_worker()
    assert eventually(lambda: all_serve(gunicorn))
    assert created(gunicorn) == before + STARTS
    start_many(gunicorn.url, 10)
    gunicorn.reload()
    assert eventually(lambda: all_serve(gunicorn))
    assert folder_of(gunicorn) == folder
    assert created(gunicorn) == before + STARTS + 10


def test_the_folder_stays_as_small_as_it_was(gunicorn: ManagedGunicorn) -> None:
    """Reload after reload; and a file that a worker left half made hides nothing else."""
    folder, listings = folder_of(gunicorn), []
    (folder / "counter_999999999.db").touch()
    before = created(gunicorn)
    for _ in range(RELOADS):
        start_many(gunicorn.url, 2)
        gunicorn.reload()
        assert eventually(lambda: all_serve(gunicorn))
        # A count that somebody was reading moves when the next worker ends.
        gunicorn.kill_worker()
        assert eventually(lambda: all_serve(gunicorn))
        listings.append(sorted(file.name.rpartition("_")[0] for file in folder.iterdir()))
    assert all(listing == listings[0] for listing in listings)
    assert created(gunicorn) == before + 2 * RELOADS


def test_each_master_has_a_folder_that_goes_with_it(gunicorn: ManagedGunicorn) -> None:
    """TERM removes it, and the next start begins with 0; so does a second master, by USR2.

    That inherits the environment of the first one, whose end takes nothing from it.
    """
    start_many(gunicorn.url, 1)
    first = folder_of(gunicorn)
    gunicorn.restart()
    assert not first.exists()
    assert eventually(lambda: all_serve(gunicorn))
    assert created(gunicorn) == 0
    second = folder_of(gunicorn)
    start_many(gunicorn.url, 1)
    # gunicorn hands on the environment in which it read its settings last.
    gunicorn.reload()
    gunicorn.replace()
    assert not second.exists()
    assert eventually(lambda: all_serve(gunicorn))
    start_many(gunicorn.url, 10)
    assert created(gunicorn) == 10
    third = folder_of(gunicorn)
    gunicorn.stop()
    assert not third.exists()


def test_a_folder_that_was_cleaned_away_stops_no_worker(gunicorn: ManagedGunicorn) -> None:
    """Whoever tidies up temporary files takes the counts, and not the service."""
    shutil.rmtree(folder_of(gunicorn))
    for _ in range(2):
        gunicorn.kill_worker()
    start_many(gunicorn.url, 10)
    assert eventually(lambda: sample(gunicorn.url, *CREATED) is not None)


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [(["--check-config"], {}), ([], {"SESSION_STAGE": "sometimes"})],
    ids=["a look at the settings", "a wrong setting"],
)
def test_a_start_that_comes_to_nothing_leaves_no_folder(
    arguments: list[str], settings: dict[str, str]
) -> None:
    """A service manager that tries again and again would fill the memory with them."""
    server = Gunicorn(**settings)
    process = subprocess.Popen(
        [*server.command, *arguments], cwd=ROOT, env=server.environment, stderr=subprocess.DEVNULL
    )
    process.wait(timeout=20)
    server.close()
    assert folders_of(process.pid) == []


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_without_redis_the_rest_is_still_told(fault: signal.Signals) -> None:
    """What cannot be read is left out, and the scrape is answered like any other."""
    settings = {"WEB_CONCURRENCY": "2", "REDIS_TIMEOUT": "0.25"}
    with (
        RedisServer("--maxmemory", "50mb") as redis,
        Gunicorn(REDIS_URL=redis.url, **settings) as gunicorn,
    ):
        start_many(gunicorn.url, 3)
        healthy = scraped(gunicorn.url)
        assert redis.process is not None
        redis.process.send_signal(fault)
        try:
            start_many(gunicorn.url, 3)
            began = time.monotonic()
            away = scraped(gunicorn.url)
            took = time.monotonic() - began
        finally:
            redis.process.send_signal(signal.SIGCONT)
    assert healthy.value("teaser_sessions", keyspace="chat:session") == 3
    assert healthy.value("teaser_redis_memory_max_bytes") == 50 * 1024**2
    assert healthy.value("teaser_spill_backlog") == 0
    assert healthy.names - away.names == {
        "teaser_sessions",
        "teaser_redis_memory_used_bytes",
        "teaser_redis_memory_max_bytes",
        "teaser_redis_may_evict",
    }
    assert (away.value("teaser_spill_backlog") or 0) >= 3
    assert away.value("teaser_spill_written_total", keyspace="chat:session") == 3
    assert {"connection", "timeout"} & away.labels("teaser_engine_unavailable_total", "reason")
    # The budget of a request is a second; a busy machine needs some time of its own.
    assert took < 5


def test_nginx_keeps_it_from_the_public(gunicorn: ManagedGunicorn) -> None:
    """Only this host reaches it through nginx, however the path is written."""
    with Nginx(gunicorn.port) as nginx:
        with Http(nginx.url) as client:
            assert client.get("/metrics").status == 200
            # Another proxy on this host has passed it on, for whomever.
            assert client.get("/metrics", **{"X-Forwarded-For": "203.0.113.9"}).status == 403
        for path in ("/metrics", "//metrics", "/%6detrics", "/metrics?x=1", "/api/../metrics"):
            assert asked_from(ELSEWHERE, nginx.port, path) == 403, path
        assert asked_from(ELSEWHERE, nginx.port, "/healthz") == 200


def asked_from(address: str, port: int, path: str) -> int:
    """The status of a request that comes from this address."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(address, 0))
    try:
        client.request("GET", path)
        return client.getresponse().status
    finally:
        client.close()
