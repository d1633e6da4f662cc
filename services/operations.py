"""Everything an operator watches, at one glance: the migration, the engine, and the counts.

Counts are those of all processes of this gunicorn, as in /metrics, and only grow, so that the
difference of two overviews is what happened in between. Workers and sessions are those of every
host. While the engine cannot be reached, what only it knows is None. Hosts are numbered instead of
named, and nothing is said about any single session.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

from prometheus_client.core import Sample

from services import timestamps
from services.sessions import SessionRegistry, metrics
from services.sessions.errors import SessionError
from services.sessions.migration.control import ControlRoom, Report, StageUnknown
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import Status, read_status
from services.sessions.migration.store import MigratingStore
from services.sessions.migration.worker import Worker
from services.sessions.outage.breaker import State

OMITTED = frozenset({"worker", "at", "host"})
"""Members of a worker's report that are shown in another form, or not at all."""

_R = TypeVar("_R")


def build_overview(worker: Worker, sessions: SessionRegistry) -> dict[str, Any]:
    """The overview at this moment.

    Args:
        worker: the process that serves the request.
        sessions: the kinds of session to count.
    """
    worker.migration_metrics.report()
    counts = summarise_samples(metrics.read_samples())
    state = worker.describe_state()
    from_engine = {
        "migration": _read_or_none(lambda: _read_migration(worker.room)),
        "sessions": _read_or_none(sessions.count_by_keyspace),
    }
    breaker = counts.pop("breaker")
    return {
        "at": int(time.time() * 1000),
        **{name: state[name] for name in ("stage", "cohort", "pinned", "engine", "warnings")},
        **_describe_order(worker.store),
        "spill": state["spill"],
        "breaker": breaker,
        "degraded": any(one != State.CLOSED for one in breaker.values()),
        **counts,
        **from_engine,
        "unasked": [name for name, found in from_engine.items() if found is None],
    }


def summarise_samples(samples: Iterable[Sample]) -> dict[str, Any]:
    """What the page needs from the metrics; of breakers, the worst state of all processes."""
    answers: Counter[str] = Counter()
    copies: Counter[str] = Counter()
    within: dict[float, int] = {}
    breaker = dict.fromkeys(("read", "write"), 0)
    unsent = 0
    for name, labels, value, *_ in samples:
        match name:
            case "teaser_answers_total":
                answers[labels["status"]] += int(value)
            case "teaser_migration_copies_total":
                copies[labels["event"]] += int(value)
            case "teaser_answer_seconds_bucket":
                within[float(labels["le"])] = int(value)
            case "teaser_breaker_state" if labels["direction"] in breaker:
                direction = labels["direction"]
                breaker[direction] = max(breaker[direction], int(value))
            case "teaser_migration_unsent":
                unsent = int(value)
    return {
        "unsent": unsent,
        "answers": dict(answers),
        "copies": {name: copies[name] for name in ("compared", "lag", "mismatched")},
        "seconds": _build_histogram(within),
        "breaker": {direction: _get_state_name(number) for direction, number in breaker.items()},
    }


def _read_or_none(read: Callable[[], _R]) -> _R | None:
    try:
        return read()
    except SessionError:
        return None


def _describe_order(store: MigratingStore) -> dict[str, list[str]]:
    """The engines in the order in which they are read, and in which they are written."""
    stage, old, new = store.plan.stage, store.old.name, store.new.name
    both = [old, new] if stage.is_dict_first else [new, old]
    return {
        "reads": both[:1] if stage in (Stage.RAMPDOWN, Stage.COMPLETE) else both,
        "writes": both if stage.has_two_copies else both[:1],
    }


def _read_migration(room: ControlRoom) -> dict[str, Any]:
    workers = _number_hosts(room.list_workers())
    try:
        return _describe_status(read_status(room, workers))
    except StageUnknown as error:
        unknown = [f"the stored stage is unknown here: {error}"]
        status = Status(None, workers, unknown, room.engine.name)
        return _describe_status(status) | {"stage": None}


def _describe_status(now: Status) -> dict[str, Any]:
    control = now.control
    return {
        "begun": control is not None,
        "stage": now.stage.value,
        "cohort": now.cohort,
        "changed_at": timestamps.isoformat(control.changed_at) if control else None,
        "next": now.next_stage.value if now.next_stage else None,
        "hindrances": list(now.blockers),
        "settled": now.is_followed,
        "backfill": asdict(now.backfill),
        "workers": [_describe_worker(report, now) for report in now.workers],
    }


def _describe_worker(report: Report, now: Status) -> dict[str, Any]:
    members = {name: value for name, value in asdict(report).items() if name not in OMITTED}
    age = max(0.0, time.time() - report.at / 1000)  # the clock of its host may be ahead
    return {
        "host": report.host,
        **members,
        "age_seconds": round(age, 1),
        "follows": now.is_served_by(report),
    }


def _number_hosts(workers: Sequence[Report]) -> list[Report]:
    """The reports with numbers for hosts, in the order of their names."""
    hosts = sorted({report.host for report in workers})
    return [replace(one, host=f"host {hosts.index(one.host) + 1}") for one in workers]


def _build_histogram(within: Mapping[float, int]) -> dict[str, Any]:
    """Upper bounds in seconds, how many answers began within each, and at the end all of them."""
    bounds = sorted(within)
    return {"bounds": bounds[:-1], "counts": [within[bound] for bound in bounds]}


def _get_state_name(number: int) -> str:
    return next(state for state, known in metrics.STATES.items() if known == number)
