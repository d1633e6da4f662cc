"""Ours compared with its peers: append a message to a conversation, read it back."""

import statistics

import redis

from benchmarks import wire
from benchmarks.peer_adapters import CONVERSATIONS, KINDS, Peer
from benchmarks.report import print_table, to_millis
from tests.support.servers import RedisServer

LENGTHS = (10, 200)
"""Messages of a conversation before the append."""
PAIRS = 41
INSTALL = "`make bench` installs it, or `pip install -r benchmarks/requirements.txt`"


def run() -> None:
    """Print a table for each length, and what each library does and does not do."""
    kinds = [kind for kind in KINDS if kind.is_installed()]
    with RedisServer() as server:
        client = redis.Redis(port=server.port)
        peers = [kind(server) for kind in kinds]
        for length in LENGTHS:
            _compare(client, peers, length)
            client.flushall()
        for peer in peers:
            peer.close()
        client.close()
    print("\n  All use redis-py without hiredis, which would read lists of many replies faster.")
    for kind in KINDS:
        print(f"  - {kind.name}: {kind.notes if kind in kinds else f'left out; {INSTALL}'}.")


def _compare(client: redis.Redis, peers: list[Peer], length: int) -> None:
    """Let all of them read and append in turn, under the same conditions."""
    for peer in peers:
        peer.fill(client, length)
    times: dict[str, list[list[float]]] = {"append": [], "load": []}
    for _ in range(PAIRS):
        loads, appends = [], []
        for peer in peers:
            peer.reset(client)
            loads.append(peer.load()[0])
            appends.append(peer.append())
        times["load"].append(loads)
        times["append"].append(appends)
    rows = []
    for what, rounds in times.items():
        for at, peer in enumerate(peers):
            peer.reset(client)
            work = peer.append if what == "append" else peer.load
            cost = wire.measure(client, work, CONVERSATIONS)
            median = statistics.median(one[at] for one in rounds)
            ratio = statistics.median(one[at] / one[0] for one in rounds)
            rows.append((what, peer.name, to_millis(median, 3), f"{ratio:.2f}", *cost.columns))
            _check(peer, length + (what == "append"))
    print_table(
        f"A message of 500 bytes and a conversation of {length}, on the same Redis",
        ("call", "by", "median", "to ours", *wire.COLUMNS),
        rows,
    )


def _check(peer: Peer, length: int) -> None:
    found = peer.load()[1]
    if found != length:
        raise RuntimeError(f"{peer.name} has {found} messages instead of {length}")
