"""What a batch of sessions costs, compared with the same number of single calls."""

import functools
import statistics
import uuid
from collections.abc import Callable

import redis

from benchmarks import wire
from benchmarks.report import print_table, time_call, to_millis
from benchmarks.store import build_conversation
from services import sessions
from services.keyspaces import build_keyspaces
from services.sessions.stores import RedisStore
from tests.support.servers import RedisServer

BATCH = 100
BATCHES = 21


def run() -> None:
    """Print the table of batches."""
    with RedisServer() as server:
        sessions.set_session_store(RedisStore.from_url(server.url), keyspaces=build_keyspaces())
        _compare_batches(server)
        sessions.close_session_store()


def _compare_batches(server: RedisServer) -> None:
    """Save, load and delete in cycles, as a batch and as the same number of single calls."""
    client, data = redis.Redis(port=server.port), build_conversation(2)
    calls: dict[str, tuple[Callable[[list[str]], sessions.Batch], Callable[[str], object]]] = {
        "save": (
            lambda ids: sessions.save_sessions(dict.fromkeys(ids, data)),
            lambda session_id: sessions.save_session(session_id, data),
        ),
        "load": (sessions.get_sessions, sessions.get_session),
        "delete": (sessions.delete_sessions, sessions.delete_session),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(BATCHES):
        together, apart = _make_ids(), _make_ids()
        for name, (many, one) in calls.items():
            batch = functools.partial(_run_batch, many, together)
            single = functools.partial(_run_each, one, apart)
            times[name].append((time_call(batch, 1), time_call(single, 1)))
    rows = []
    together, apart = _make_ids(), _make_ids()
    for name, (many, one) in calls.items():
        batch_cost = wire.measure(client, functools.partial(_run_batch, many, together), 1)
        single_cost = wire.measure(client, functools.partial(_run_each, one, apart), 1)
        of_batch, of_single = (
            statistics.median(column) for column in zip(*times[name], strict=True)
        )
        gain = statistics.median(single / batch for batch, single in times[name])
        rows += [
            (f"{name}, one batch", to_millis(of_batch), f"{gain:.1f}x faster", *batch_cost.columns),
            (f"{name}, one by one", to_millis(of_single), "", *single_cost.columns),
        ]
    print_table(
        f"{BATCH} sessions of 2 turns, without an owner",
        ("what", "median", "against single", *wire.COLUMNS),
        rows,
    )


def _run_batch(many: Callable[[list[str]], sessions.Batch], ids: list[str]) -> None:
    if many(ids).failed:
        raise RuntimeError("some of a batch failed")


def _run_each(one: Callable[[str], object], ids: list[str]) -> None:
    for session_id in ids:
        one(session_id)


def _make_ids() -> list[str]:
    return [str(uuid.uuid4()) for _ in range(BATCH)]
