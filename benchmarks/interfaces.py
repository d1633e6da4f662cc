"""What saved state and contexts cost at the service, against bare redis-py."""

import functools
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import redis

from benchmarks import wire
from benchmarks.report import (
    Work,
    micros,
    millis,
    paired,
    percentile,
    table,
    timed,
    verdict,
)
from services import sessions
from services.keyspaces import application_keyspaces
from services.sessions.stores import RedisStore
from tests.support.servers import RedisServer
from tests.support.services import open_contexts, open_saved_states

SIZES = (1024, 8192)
AT_MOST = 1.3
ENVELOPE = 300
"""Bytes of a document that are not the caller's, and half of the last entry."""
CALLS = 2_000
"""Calls that a percentile is of."""
KEPT = 86_400
STAMP = "2026-01-01T00:00:00Z"
TENANT, USER = "acme", "anna"


def run() -> None:
    """Print both tables about the interfaces."""
    with RedisServer() as server:
        sessions.set_session_store(
            RedisStore.from_url(server.url), keyspaces=application_keyspaces()
        )
        _against_bare(server)
        _percentiles()
        sessions.close_session_store()


def state(size: int) -> dict[str, Any]:
    """What a front end saves, of about so many bytes."""
    agent = {"status": "idle", "model": "m", "metrics": {"tokens": 812, "cost": 0.1, "latency": 1}}
    data: dict[str, Any] = {"messages": [], "agents": {"planner": agent, "writer": agent}}
    data |= {"logs": [], "last_updated": STAMP}
    while len(msgspec.json.encode(data)) < size - ENVELOPE:
        said = {"id": _id(), "role": "user", "content": "What else? " * 10, "timestamp": STAMP}
        told = {"timestamp": STAMP, "agent": "planner", "event": "step", "details": "one of five"}
        data["messages"].append(said)
        data["logs"].append(told)
    return data


def context(size: int) -> dict[str, Any]:
    """What is known in a session, in about so many bytes."""
    data: dict[str, Any] = {
        "conversation_state": {"step": 3, "topic": "mains"},
        "recent_interactions": [],
        "user_preferences": {"language": "en", "units": "metric"},
    }
    while len(msgspec.json.encode(data)) < size - ENVELOPE:
        said = {"id": _id(), "query": "Which of these apply?", "answer": "What else? " * 10}
        data["recent_interactions"].append(said)
    return data


def _against_bare(server: RedisServer) -> None:
    client = redis.Redis(port=server.port)
    rows = []
    for size in SIZES:
        for name, ours, bare, length in (_patch(client, size), _post(client, size)):
            took, theirs, ratio = paired(ours, bare, rounds=200, pairs=31)
            columns = wire.measured(client, functools.partial(_repeated, ours, 100), 100).columns
            limit = verdict(ratio, at_most=AT_MOST)
            rows.append(
                (name, f"{length:,} B", micros(took), micros(theirs), f"{ratio:.2f}", limit,
                 *columns)
            )  # fmt: skip
    header = ("what", "document", "ours", "bare", "ratio", "target", *wire.COLUMNS)
    table(
        "The interfaces at the service; bare is redis-py moving the same bytes with GET and SET EX",
        header,
        rows,
    )


class _Case(NamedTuple):
    name: str
    ours: Work
    bare: Work
    length: int


def _patch(client: redis.Redis, size: int) -> _Case:
    """An addition that changes a member and an entry that are there, so that the size stays."""
    contexts, data = open_contexts(), context(size)
    contexts.store_session_context(TENANT, USER, "checkout", data)
    entry = data["recent_interactions"][-1]
    additions = {"conversation_state": {"step": 4}, "recent_interactions": [entry]}
    value = _value(client, "tenant:acme:user:anna:session:checkout")

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


def _post(client: redis.Redis, size: int) -> _Case:
    session_id, data = _id(), state(size)
    open_saved_states().save_session(session_id, data)
    value = _value(client, f"session:{session_id}")
    return _Case(
        "POST of a state: check what is there, raise its version, 1 index",
        lambda: open_saved_states().save_session(session_id, data, parsed=True),
        lambda: client.set("bare", value, ex=KEPT),
        len(value),
    )


def _percentiles() -> None:
    contexts, known, saved = open_contexts(), context(8192), state(8192)
    whose = (TENANT, USER)
    ids = [_id() for _ in range(CALLS)]
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
        times = [timed(functools.partial(call, name), 1) for name in ids]
        shares = (millis(percentile(times, share), 2) for share in (0.5, 0.95, 0.99))
        rows.append((what, *shares, f"p95 < {aim} ms"))
    header = ("call", "p50", "p95", "p99", "aim")
    table(f"{CALLS:,} calls each, documents of 8 kB", header, rows)


def _repeated(work: Work, times: int) -> None:
    for _ in range(times):
        work()


def _value(client: redis.Redis, key: str) -> bytes:
    value = client.get(key)
    if not isinstance(value, bytes):
        raise RuntimeError(f"nothing is stored under {key}")
    return value


def _id() -> str:
    return str(uuid.uuid4())
