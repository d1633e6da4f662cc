"""What a turn costs over HTTP, compared with a bare view, and with 200 conversations at once."""

import functools
import random
import statistics
import time
import uuid

from benchmarks import load
from benchmarks.report import judge, pick_percentile, print_table, to_millis
from tests.support.servers import Gunicorn, RedisServer

OK = 200
CLIENTS = 4
TURNS_EACH = 20
"""The turns of a long conversation; every round starts new conversations."""
ROUNDS = 31
CROWD = 200
CROWD_SECONDS = 30.0
THINKING = 1.0
"""The longest pause between two turns of a conversation, in seconds; real ones are longer."""


def run() -> None:
    """Print every table of the service."""
    with RedisServer() as redis:
        _measure_rates(redis)
        redis.client().flushall()
        _measure_crowd(redis)


def _measure_rates(redis: RedisServer) -> None:
    one = {"WEB_CONCURRENCY": "1", "GUNICORN_THREADS": "8"}
    servers = {
        "Redis, a browser with its cookie": (Gunicorn(REDIS_URL=redis.url, **one), True),
        "Redis, a script without one": (Gunicorn(REDIS_URL=redis.url, **one), False),
        "in-process dict (off), with a cookie": (Gunicorn(SESSION_STAGE="off", **one), True),
        "bare Flask view, GET + SET by hand": (
            Gunicorn("benchmarks.bare_app:app", REDIS_URL=redis.url, **one),
            False,
        ),
    }
    opener = servers["Redis, a script without one"][0]
    rates: dict[str, list[float]] = {name: [] for name in servers}
    failed = 0
    try:
        for server, _ in servers.values():
            server.start()
        for at in range(ROUNDS + 1):
            for name, (server, browser) in servers.items():
                done = _run_round(server, opener, redis, browser=browser)
                failed += done.failed
                if at:  # the first round is a warm-up
                    rates[name].append(done.rate)
    finally:
        for server, _ in servers.values():
            server.stop()
    ours, script, off, bare = (statistics.median(values) for values in rates.values())
    against = {name: _compute_ratio(rates, name) for name in rates}
    names = list(servers)
    print_table(
        f"respond under gunicorn, one worker, {CLIENTS} clients, {failed} failed",
        ("what", "turns/s", "to the bare view", "target", "to the dict", "target"),
        [
            (names[0], f"{ours:,.0f}", f"{against[names[0]]:.2f}",
             judge(against[names[0]], at_least=0.75), f"{ours / off:.2f}",
             judge(ours / off, at_least=0.6)),
            (names[1], f"{script:,.0f}", f"{against[names[1]]:.2f}",
             judge(against[names[1]], at_least=0.75), f"{script / off:.2f}",
             judge(script / off, at_least=0.6)),
            (names[2], f"{off:,.0f}", f"{against[names[2]]:.2f}", "", "1.00", ""),
            (names[3], f"{bare:,.0f}", "1.00", "", f"{bare / off:.2f}", ""),
        ],
    )  # fmt: skip


def _compute_ratio(rates: dict[str, list[float]], name: str) -> float:
    bare = list(rates.values())[-1]
    return statistics.median(a / b for a, b in zip(rates[name], bare, strict=True))


def _run_round(
    server: Gunicorn, opener: Gunicorn, redis: RedisServer, *, browser: bool
) -> load.Load:
    """Run one round of new conversations; the bare view continues copies of ours."""
    work = []
    clients = []
    bare = "benchmarks.bare_app:app" in server.command
    for _ in range(CLIENTS):
        client, session_id = load.open_conversation(
            opener.port if bare else server.port, browser=browser
        )
        if bare:
            client.close()
            client = load.Client(server.port)
            copy = str(uuid.uuid4())
            redis.client().copy(f"chat:session:{session_id}", f"chat:session:{copy}")
            session_id = copy
        clients.append(client)
        work.append(functools.partial(load.respond, client, session_id))
    done = load.run(work, each=TURNS_EACH, seconds=20)
    for client in clients:
        client.close()
    return done


def _measure_crowd(redis: RedisServer) -> None:
    """Run many conversations at once, then check what each of them contains."""
    settings = {"WEB_CONCURRENCY": "2", "GUNICORN_THREADS": "8"}
    with Gunicorn(REDIS_URL=redis.url, **settings) as server:
        talks = [_Talk(server.port) for _ in range(CROWD)]
        jobs = [talk.send_turn for talk in talks]
        done = load.run(jobs, each=10_000, seconds=CROWD_SECONDS)
        problems = [talk.count_problems() for talk in talks]
    lost, doubled = (sum(column) for column in zip(*problems, strict=True))
    turns = sorted(time_taken for talk in talks for time_taken in talk.times)
    print_table(
        f"{CROWD} conversations at once for {CROWD_SECONDS:.0f} s, two workers, pauses up to"
        f" {THINKING:.0f} s",
        ("turns", "turns/s", "errors", "lost", "doubled", "p50", "p95", "p99"),
        [
            (
                f"{len(turns):,}",
                f"{len(turns) / done.seconds:,.0f}",
                str(done.failed),
                str(lost),
                str(doubled),
                *(to_millis(pick_percentile(turns, share)) for share in (0.5, 0.95, 0.99)),
            )
        ],
    )


class _Talk:
    """One of many conversations, and the turns that were acknowledged in it."""

    def __init__(self, port: int) -> None:
        self._client, self._session_id = load.open_conversation(port, browser=True)
        self._acknowledged: list[str] = []
        self.times: list[float] = []

    def send_turn(self) -> bool:
        """Pause, then send a turn; return whether it was acknowledged."""
        time.sleep(random.uniform(0, THINKING))  # noqa: S311 - a pause, not a secret
        message_id = str(uuid.uuid4())
        body = {
            "session_id": self._session_id,
            "message": load.draw_text(load.ANSWERS),
            "client_message_id": message_id,
        }
        begin = time.monotonic()
        status, _ = self._client.post(f"{load.PATH}/respond", body)
        self.times.append(time.monotonic() - begin)
        if status == OK:
            self._acknowledged.append(message_id)
        return status == OK

    def count_problems(self) -> tuple[int, int]:
        """Count the acknowledged turns that are missing, and those that are there twice."""
        status, page = self._client.get(f"{load.PATH}/session/{self._session_id}")
        if status != OK:
            return len(self._acknowledged), 0
        stored = [entry["id"] for entry in page["history"] if entry["role"] == "user"]
        lost = len(set(self._acknowledged) - set(stored))
        return lost, len(stored) - len(set(stored))
