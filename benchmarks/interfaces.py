"""What saved states and contexts cost at the service, compared with bare redis-py."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import redis

from benchmarks import wire
from benchmarks.report import (
    Work,
    judge,
    pick_percentile,
    print_table,
    time_call,
    time_pairs,
    to_micros,
    to_millis,
)
from benchmarks.store import new_id
from services import sessions
from services.keyspaces import build_keyspaces
from services.sessions.stores import RedisStore
from tests.support.servers import RedisServer
from tests.support.services import open_contexts, open_saved_states

SIZES = (1024, 8192)
AT_MOST = 1.3
ENVELOPE = 300
"""Bytes of a document besides the caller's, and half of the last entry."""
CALLS = 2_000
"""Calls for each percentile."""
KEPT = 86_400
STAMP = "2026-01-01T00:00:00Z"
TENANT, USER = "acme", "anna"


def run() -> None:
    """Print both tables of the interfaces."""
    with RedisServer() as server:
        sessions.set_session_store(RedisStore.from_url(server.url), keyspaces=build_keyspaces())
        _compare_with_bare(server)
        _print_percentiles()
        sessions.close_session_store()


def build_state(size: int) -> dict[str, Any]:
    """Build the state that a front end saves, of about this size in bytes."""
    agent = {"status": "idle", "model": "m", "metrics": {"tokens": 812, "cost": 0.1, "latency": 1}}
    data: dict[str, Any] = {"messages": [], "agents": {"planner": agent, "writer": agent}}
    data |= {"logs": [], "last_updated": STAMP}
    while len(msgspec.json.encode(data)) < size - ENVELOPE:
        entry = {"id": new_id(), "role": "user", "content": "What else? " * 10, "timestamp": STAMP}
        log = {"timestamp": STAMP, "agent": "planner", "event": "step", "details": "one of five"}
        data["messages"].append(entry)
        data["logs"].append(log)
    return data


def build_context(size: int) -> dict[str, Any]:
    """Build the context of a session, of about this size in bytes."""
    data: dict[str, Any] = {
        "conversation_state": {"step": 3, "topic": "mains"},
        "recent_interactions": [],
        "user_preferences": {"language": "en", "units": "metric"},
    }
    while len(msgspec.json.encode(data)) < size - ENVELOPE:
        entry = {"id": new_id(), "query": "Which of these apply?", "answer": "What else? " * 10}
        data["recent_interactions"].append(entry)
    return data


def _compare_with_bare(server: RedisServer) -> None:
    client = redis.Redis(port=server.port)
    rows = []
    for size in SIZES:
        for name, ours, bare, length in (_build_patch(client, size), _build_post(client, size)):
            took, theirs, ratio = time_pairs(ours, bare, rounds=200, pairs=31)
            columns = wire.measure(client, functools.partial(_repeat, ours, 100), 100).columns
            limit = judge(ratio, at_most=AT_MOST)
            rows.append(
                (name, f"{length:,} B", to_micros(took), to_micros(theirs), f"{ratio:.2f}", limit,
                 *columns)
            )  # fmt: skip
    header = ("what", "document", "ours", "bare", "ratio", "target", *wire.COLUMNS)
    print_table(
        "The interfaces at the service; bare is redis-py moving the same bytes with GET and SET EX",
        header,
        rows,
    )


class _Case(NamedTuple):
    name: str
    ours: Work
    bare: Work
    length: int


def _build_patch(client: redis.Redis, size: int) -> _Case:
    """Build an addition that replaces a member and an entry, so that the size stays the same."""
    contexts, data = open_contexts(), build_context(size)
    contexts.store_session_context(TENANT, USER, "checkout", data)
    entry = data["recent_interactions"][-1]
    additions = {"conversation_state": {"step": 4}, "recent_interactions": [entry]}
    value = _read_value(client, "tenant:acme:user:anna:session:checkout")

    def bare() -> None:
        client.get("bare")
        client.set("bare", value, ex=KEPT)

    client.set("bare", value)
    return _Case(
        "PATCH of a context: load, check, merge, compare-and-set, 3 indexes",
        lambda: contexts.update_session_context(TENANT, USER, "checkout", additions, parsed=True),
        bare,
        len(value),
    )


def _build_post(client: redis.Redis, size: int) -> _Case:
    session_id, data = new_id(), build_state(size)
    open_saved_states().save_session(session_id, data)
    value = _read_value(client, f"session:{session_id}")
    return _Case(
        "POST of a state: check what is there, raise its version, 1 index",
        lambda: open_saved_states().save_session(session_id, data, parsed=True),
        lambda: client.set("bare", value, ex=KEPT),
        len(value),
    )


def _print_percentiles() -> None:
    contexts, known, saved = open_contexts(), build_context(8192), build_state(8192)
    whose = (TENANT, USER)
    ids = [new_id() for _ in range(CALLS)]
    calls: tuple[tuple[str, int, Callable[[str], object]], ...] = (
        ("state: save", 10, lambda name: open_saved_states().save_session(name, saved)),
        ("state: load", 10, open_saved_states().load_session),
        ("state: delete", 5, open_saved_states().delete_session),
        ("context: store", 100, lambda name: contexts.store_session_context(*whose, name, known)),
        ("context: load", 100, lambda name: contexts.get_session_context(*whose, name)),
        ("context: delete", 100, lambda name: contexts.delete_session_context(*whose, name)),
    )
    rows = []
    for what, aim, call in calls:
        times = [time_call(functools.partial(call, name), 1) for name in ids]
        shares = (to_millis(pick_percentile(times, share), 2) for share in (0.5, 0.95, 0.99))
        rows.append((what, *shares, f"p95 < {aim} ms"))
    header = ("call", "p50", "p95", "p99", "aim")
    print_table(f"{CALLS:,} calls each, documents of 8 kB", header, rows)


def _repeat(work: Work, times: int) -> None:
    for _ in range(times):
        work()


def _read_value(client: redis.Redis, key: str) -> bytes:
    value = client.get(key)
    if not isinstance(value, bytes):
        raise RuntimeError(f"there is no value under {key}")
    return value
