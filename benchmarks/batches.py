"""What a batch of sessions costs, against as many single calls."""

import functools
import statistics
import uuid
from collections.abc import Callable

import redis

from benchmarks import wire
from benchmarks.report import millis, table, timed
from benchmarks.store import conversation
from services import sessions
from services.keyspaces import application_keyspaces
from services.sessions.stores import RedisStore
from tests.support.servers import RedisServer

BATCH = 100
BATCHES = 21


def run() -> None:
    """Print the table about batches."""
    with RedisServer() as server:
        sessions.set_session_store(
            RedisStore.from_url(server.url), keyspaces=application_keyspaces()
        )
        _batches(server)
        sessions.close_session_store()


def _batches(server: RedisServer) -> None:
    """Cycles of save, load and delete: of a batch, and of as many single calls beside it."""
    client, data = redis.Redis(port=server.port), conversation(2)
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
        together, apart = _ids(), _ids()
        for name, (many, one) in calls.items():
            batch = functools.partial(_whole, many, together)
            single = functools.partial(_each, one, apart)
            times[name].append((timed(batch, 1), timed(single, 1)))
    rows = []
    together, apart = _ids(), _ids()
    for name, (many, one) in calls.items():
        batch_cost = wire.measured(client, functools.partial(_whole, many, together), 1)
        single_cost = wire.measured(client, functools.partial(_each, one, apart), 1)
        of_batch, of_single = (
            statistics.median(column) for column in zip(*times[name], strict=True)
        )
        gain = statistics.median(single / batch for batch, single in times[name])
        rows += [
            (f"{name}, one batch", millis(of_batch), f"{gain:.1f} x faster", *batch_cost.columns),
            (f"{name}, one by one", millis(of_single), "", *single_cost.columns),
        ]
    table(
        f"{BATCH} sessions of 2 turns, without an owner",
        ("what", "median", "against single", *wire.COLUMNS),
        rows,
    )


def _whole(many: Callable[[list[str]], sessions.Batch], ids: list[str]) -> None:
    if many(ids).failed:
        raise RuntimeError("some of a batch failed")


def _each(one: Callable[[str], object], ids: list[str]) -> None:
    for session_id in ids:
        one(session_id)


def _ids() -> list[str]:
    return [str(uuid.uuid4()) for _ in range(BATCH)]
