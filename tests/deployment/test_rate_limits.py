"""Rate limits as they are deployed: workers that count together, behind a real nginx."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.http import Answer, Http
from tests.support.nginx import Nginx
from tests.support.scraping import Scrape
from tests.support.servers import Gunicorn, RedisServer, children, eventually
from tests.support.talk import API

ALLOWED = 6
SETTINGS = {"RATE_LIMIT_CONVERSATIONS": f"{ALLOWED} per hour", "WEB_CONCURRENCY": "2"}


def begin(url: str, source: str = "127.0.0.1", **headers: str) -> Answer:
    """Begin a conversation over a connection of its own."""
    with Http(url, source=source) as http:
        return http.post(f"{API}/start", {"initial_input": "A lamp"}, **headers)


def ask_as_operator(url: str, token: str) -> Answer:
    """Ask for what operators are shown, over a connection of its own."""
    with Http(url) as http:
        return http.get("/ops/status", Authorization=f"Bearer {token}")


def statuses(url: str, times: int, source: str = "127.0.0.1") -> list[int]:
    """What is answered to so many beginnings."""
    return [begin(url, source).status for _ in range(times)]


def refused(url: str) -> float | None:
    """How many beginnings all workers say they have refused."""
    with Http(url) as http:
        text = http.get("/metrics").body
    return Scrape(text).value("teaser_rate_limited_total", limit="conversations")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process of our own that does nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_workers_count_together(redis_url: str) -> None:
    """What one worker has allowed another one does not allow again."""
    with Gunicorn(REDIS_URL=redis_url, **SETTINGS) as gunicorn:
        assert gunicorn.process is not None
        master = gunicorn.process.pid
        assert eventually(lambda: len(children(master)) == 2)
        first, second = children(master)
        assert refused(gunicorn.url) == 0
        with stopped(first):
            assert statuses(gunicorn.url, ALLOWED - 1) == [200] * (ALLOWED - 1)
        with stopped(second):
            assert statuses(gunicorn.url, 2) == [200, 429]
        answer = begin(gunicorn.url)
        assert (answer.status, answer.body["code"]) == (429, "rate_limited")
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
        assert refused(gunicorn.url) == 2


def test_a_guesser_is_locked_out_by_every_worker(redis_url: str) -> None:
    """After wrong tokens at one worker, another one refuses the right token."""
    token = "a-token-for-the-operators"
    with Gunicorn(REDIS_URL=redis_url, OPS_TOKEN=token, WEB_CONCURRENCY="2") as gunicorn:
        assert gunicorn.process is not None
        master = gunicorn.process.pid
        assert eventually(lambda: len(children(master)) == 2)
        first, second = children(master)
        with stopped(first):
            found = [ask_as_operator(gunicorn.url, f"wrong-{at}").status for at in range(10)]
            assert found == [401] * 10
        with stopped(second):
            locked = ask_as_operator(gunicorn.url, token)
        assert (locked.status, locked.body["code"]) == (429, "rate_limited")
        assert 1 <= int(locked.headers["Retry-After"]) <= 60


def test_an_address_is_nginxs_word_and_not_the_clients(redis_url: str) -> None:
    """A spoofed header gets nobody around the limit, and another address has its own."""
    with (
        Gunicorn(REDIS_URL=redis_url, TRUSTED_PROXIES="1", **SETTINGS) as gunicorn,
        Nginx(gunicorn.port) as nginx,
    ):
        found = [
            begin(nginx.url, **{"X-Forwarded-For": f"203.0.113.{at}", "X-Real-IP": "203.0.113.1"})
            for at in range(ALLOWED + 2)
        ]
        assert [one.status for one in found] == [200] * ALLOWED + [429] * 2
        assert begin(nginx.url, "127.0.0.2").status == 200


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_redis_that_goes_and_comes_back(how: str) -> None:
    """The limit holds in each worker without it, nobody is refused for it, and it counts again."""
    settings = SETTINGS | {"REDIS_TIMEOUT": "0.25"}
    with RedisServer() as redis, Gunicorn(REDIS_URL=redis.url, **settings) as gunicorn:
        assert redis.process is not None
        assert begin(gunicorn.url).status == 200
        if how == "frozen":
            with stopped(redis.process.pid):
                found = statuses(gunicorn.url, 3 * ALLOWED, "127.0.0.2")
        else:
            redis.stop()
            found = statuses(gunicorn.url, 3 * ALLOWED, "127.0.0.2")
            redis.start()
        assert set(found) == {200, 429}
        assert ALLOWED <= found.count(200) <= 2 * ALLOWED

        def counted() -> int:
            begin(gunicorn.url, "127.0.0.3")
            client = redis.client()
            return sum(int(client.get(key) or 0) for key in client.keys("rate:LIMITER*"))

        before = counted()
        assert eventually(lambda: counted() > before)
