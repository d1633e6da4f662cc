"""Side by side with what people use today: append a message to a conversation, read it back."""

import statistics

import redis

from benchmarks import wire
from benchmarks.peer_adapters import CONVERSATIONS, KINDS, Contestant
from benchmarks.report import millis, table
from tests.support.servers import RedisServer

LENGTHS = (10, 200)
"""Messages of the conversations that are read, and that one more is appended to."""
PAIRS = 41
INSTALL = "`make bench` installs it, or `pip install -r benchmarks/requirements.txt`"


def run() -> None:
    """Print a table for each length, and what each contestant does not do."""
    kinds = [kind for kind in KINDS if kind.is_installed()]
    with RedisServer() as server:
        client = redis.Redis(port=server.port)
        contestants = [kind(server) for kind in kinds]
        for length in LENGTHS:
            _compare(client, contestants, length)
            client.flushall()
        for contestant in contestants:
            contestant.close()
        client.close()
    print("\n  All over redis-py without hiredis, which reads lists of many replies faster.")
    for kind in KINDS:
        print(f"  - {kind.name}: {kind.notes if kind in kinds else f'left out; {INSTALL}'}.")


def _compare(client: redis.Redis, contestants: list[Contestant], length: int) -> None:
    """Let all of them read and append in turn, so that they meet the same weather."""
    for contestant in contestants:
        contestant.fill(client, length)
    times: dict[str, list[list[float]]] = {"append": [], "load": []}
    for _ in range(PAIRS):
        loads, appends = [], []
        for contestant in contestants:
            contestant.reset(client)
            loads.append(contestant.load()[0])
            appends.append(contestant.append())
        times["load"].append(loads)
        times["append"].append(appends)
    rows = []
    for what, rounds in times.items():
        for at, contestant in enumerate(contestants):
            contestant.reset(client)
            work = contestant.append if what == "append" else contestant.load
            cost = wire.measured(client, work, CONVERSATIONS)
            median = statistics.median(one[at] for one in rounds)
            ratio = statistics.median(one[at] / one[0] for one in rounds)
            rows.append((what, contestant.name, millis(median, 3), f"{ratio:.2f}", *cost.columns))
            _check(contestant, length + (what == "append"))
    table(
        f"A message of 500 bytes and a conversation of {length}, on the same Redis",
        ("call", "by", "median", "to ours", *wire.COLUMNS),
        rows,
    )


def _check(contestant: Contestant, length: int) -> None:
    found = contestant.load()[1]
    if found != length:
        raise RuntimeError(f"{contestant.name} has {found} messages instead of {length}")
