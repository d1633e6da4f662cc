"""Everything an operator watches, in one look: the migration, the engine, and what was counted.

What was counted is that of all processes of this gunicorn, as in /metrics, and only grows, so that
two looks give what happened in between. Workers and sessions are those of every host. Where the
engine cannot be asked, what it alone knows is None. Hosts go by numbers, and nothing is told of
any session.
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

UNTOLD = frozenset({"worker", "at", "host"})
"""What of a worker's report is told in another form, or is of no use to people."""

_R = TypeVar("_R")


def overview(worker: Worker, sessions: SessionRegistry) -> dict[str, Any]:
    """What there is to see at this moment.

    Args:
        worker: the process that is asked.
        sessions: the kinds of session to be counted.
    """
    worker.migration_metrics.report()
    counts = counted(metrics.read_samples())
    known = worker.describe_state()
    asked = {
        "migration": _unless_away(lambda: _migration(worker.room)),
        "sessions": _unless_away(sessions.count_by_keyspace),
    }
    breaker = counts.pop("breaker")
    return {
        "at": int(time.time() * 1000),
        **{name: known[name] for name in ("stage", "cohort", "pinned", "engine", "warnings")},
        **_order(worker.store),
        "spill": known["spill"],
        "breaker": breaker,
        "degraded": any(state != State.CLOSED for state in breaker.values()),
        **counts,
        **asked,
        "unasked": [name for name, found in asked.items() if found is None],
    }


def counted(samples: Iterable[Sample]) -> dict[str, Any]:
    """What the page needs of the metrics; of breakers the worst of all processes."""
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
        "seconds": _classes(within),
        "breaker": {direction: _state_of(number) for direction, number in breaker.items()},
    }


def _unless_away(find: Callable[[], _R]) -> _R | None:
    try:
        return find()
    except SessionError:
        return None


def _order(store: MigratingStore) -> dict[str, list[str]]:
    """Which engine is read first and which one on a miss; which are written, in this order."""
    stage, old, new = store.plan.stage, store.old.name, store.new.name
    both = [old, new] if stage.is_dict_first else [new, old]
    return {
        "reads": both[:1] if stage in (Stage.RAMPDOWN, Stage.COMPLETE) else both,
        "writes": both if stage.has_two_copies else both[:1],
    }


def _migration(room: ControlRoom) -> dict[str, Any]:
    workers = _without_names(room.list_workers())
    try:
        now = read_status(room, workers)
    except StageUnknown as error:
        unknown = [f"the stored stage is unknown here: {error}"]
        return _told(Status(None, workers, unknown, room.engine.name)) | {"stage": None}
    return _told(now)


def _told(now: Status) -> dict[str, Any]:
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
        "workers": [_worker(report, now) for report in now.workers],
    }


def _worker(report: Report, now: Status) -> dict[str, Any]:
    told = {name: value for name, value in asdict(report).items() if name not in UNTOLD}
    age = max(0.0, time.time() - report.at / 1000)  # its host's clock may be ahead
    return {
        "host": report.host,
        **told,
        "age_seconds": round(age, 1),
        "follows": now.is_served_by(report),
    }


def _without_names(workers: Sequence[Report]) -> list[Report]:
    """The reports, whose hosts go by their number in the order of their names."""
    hosts = sorted({report.host for report in workers})
    return [replace(one, host=f"host {hosts.index(one.host) + 1}") for one in workers]


def _classes(within: Mapping[float, int]) -> dict[str, Any]:
    """Upper bounds in seconds, and how many answers began within each; at the end all of them."""
    bounds = sorted(within)
    return {"bounds": bounds[:-1], "counts": [within[bound] for bound in bounds]}


def _state_of(number: int) -> str:
    return next(state for state, known in metrics.STATES.items() if known == number)
