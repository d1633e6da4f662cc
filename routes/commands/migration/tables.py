"""What `flask migration` prints: where the migration is, and the table of workers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from routes.commands.results import DONE, REFUSED, Result, format_table
from services.sessions.migration.control import Report, Task
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import Status

NOT_BEGUN = "no migration was begun, so every worker serves complete"
COUNTS = ("sessions", "unsent", "spilled", "mismatches", "compared", "lag")
COLUMNS = ("host", "pid", "stage", *COUNTS, "backfill")


def build_status_result(status: Status) -> Result:
    """The status as text and as data."""
    blocks = [_format_head(status), format_workers(status.workers), _format_next_step(status)]
    if status.risks and status.next_stage is None:  # else they are among the blockers
        blocks.append("\n".join(f"Warning: {risk}." for risk in status.risks))
    control = status.control
    data = {
        "begun": control is not None,
        "stage": status.stage.value,
        "cohort": status.cohort,
        "changed_at": _to_datetime(control.changed_at).isoformat() if control else None,
        "engine": status.engine,
        "backfill": control.backfill if control else 0,
        "compare": control.compare if control else 0,
        "settled": status.is_followed,
        "workers": [asdict(report) for report in status.workers],
        "next": status.next_stage.value if status.next_stage else None,
        "hindrances": list(status.blockers),
        "warnings": list(status.risks),
    }
    return Result("\n\n".join(blocks), data, DONE if status.is_followed else REFUSED)


def format_workers(workers: Sequence[Report]) -> str:
    """One row for each worker under a row of headings."""
    if not workers:
        return "No worker reports; a running worker reports every second."
    return format_table([COLUMNS, *(_format_worker(report) for report in workers)])


def format_stage(stage: Stage, cohort: int = 0) -> str:
    """A stage as sentences name it."""
    return f"{stage.value} with a cohort of {cohort} %" if cohort else stage.value


def _to_datetime(milliseconds: int) -> datetime:
    """A time in UTC, from milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _format_head(status: Status) -> str:
    if status.control is None:
        return (
            f"stage     complete ({NOT_BEGUN})\nengine    {status.engine}\n"
            "Begin one with `flask migration begin`."
        )
    cohort = f"{status.cohort} % of the sessions are served as in live"
    facts = {
        "stage": status.stage.value,
        "cohort": cohort if status.stage is Stage.SHADOW else "none; only shadow has one",
        "changed": f"{_to_datetime(status.control.changed_at):%Y-%m-%d %H:%M:%S} UTC",
        "engine": status.engine,
        "backfill": _format_backfill(status.backfill),
    }
    return "\n".join(f"{name:9} {value}" for name, value in facts.items())


def _format_backfill(task: Task) -> str:
    if not task.number:
        return "none was requested"
    return f"number {task.number}, {task.done} of {task.total} sessions"


def _format_next_step(status: Status) -> str:
    if status.control is None:
        return "No migration is under way."
    if status.next_stage is None:
        return "complete is the last stage; `flask migration rollback` goes one step back."
    if status.blockers:
        reasons = "\n".join(f"- {reason}" for reason in status.blockers)
        return f"Not ready for {status.next_stage}:\n{reasons}"
    return f"Ready for {status.next_stage}: run `flask migration advance`."


def _format_worker(report: Report) -> tuple[str, ...]:
    cohort = f" {report.cohort} %" if report.cohort else ""
    pinned = " pinned" if report.pinned else ""
    backfill = report.backfill
    return (
        report.host,
        str(report.pid),
        f"{report.stage}{cohort}{pinned}",
        *(str(getattr(report, name)) for name in COUNTS),
        f"{backfill.done}/{backfill.total}" if backfill.number else "-",
    )
