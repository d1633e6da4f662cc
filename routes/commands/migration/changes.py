"""Changing the stage from the operator's commands: what blocks it, and what follows from it."""

from collections.abc import Sequence
from typing import Any

from routes.commands.migration.tables import format_stage
from routes.commands.migration.watch import describe_late_workers, wait_until
from routes.commands.results import DONE, REFUSED, Refused, Result
from services.sessions.migration.control import Control, ControlRoom, Report
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import Status

FOLLOW_SECONDS = 5.0
"""Seconds the workers have to follow; they look several times a second."""


def refuse(reasons: Sequence[str], hint: str, *, force: bool) -> None:
    """Refuse when there are reasons to, unless it is forced.

    Raises:
        Refused: with these reasons and what to do.
    """
    if reasons and not force:
        raise Refused(*reasons, hint=hint)


def find_objections(now: Status, target: Stage) -> list[str]:
    """Why going to this stage at once is unsafe; none for a cohort or one step back."""
    steps = list(Stage).index(target) - list(Stage).index(now.stage)
    found = []
    if abs(steps) > 1:
        found.append(f"{target} is {abs(steps)} steps from {now.stage}")
    return found + (list(now.blockers) if steps > 0 else [])


def change_stage(
    room: ControlRoom,
    before: Control | None,
    target: Stage,
    cohort: int = 0,
    *,
    overridden: Sequence[str] = (),
) -> Result:
    """Change the stage, wait for the workers, and say what follows from it."""
    origin = before.stage if before else Stage.COMPLETE
    control = room.change(target, cohort)
    wait_until(lambda: not describe_late_workers(room.list_workers(), control), FOLLOW_SECONDS)
    workers = room.list_workers()
    late = describe_late_workers(workers, control)
    following = sum(not report.pinned for report in workers)
    notes = _write_notes(origin, target, workers)
    lines = [f"overridden: {reason}" for reason in overridden]
    lines.append(f"The stage is {format_stage(target, cohort)} now.")
    if late:
        lines += [*late, "The change stands; look again with `flask migration status --wait 10`."]
    elif following:
        lines.append(f"Every worker that follows serves it ({following}).")
    data = build_change_data(
        origin, target, cohort, overridden=overridden, behind=late, notes=notes
    )
    return Result("\n".join([*lines, *notes]), data, REFUSED if late else DONE)


def build_change_data(
    origin: Stage,
    target: Stage,
    cohort: int,
    *,
    overridden: Sequence[str] = (),
    behind: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """A change of stage for programs."""
    return {
        "from": origin.value,
        "stage": target.value,
        "cohort": cohort,
        "overridden": list(overridden),
        "behind": list(behind),
        "notes": list(notes),
    }


def _write_notes(origin: Stage, target: Stage, workers: Sequence[Report]) -> list[str]:
    """What the operator has to know or do after this change."""
    notes = []
    if not workers:
        notes.append("No worker reports; a service that starts now serves this stage.")
    notes += [
        f"The worker {report.pid} on {report.host} stays in {report.stage}; restart it without"
        " SESSION_STAGE to make it follow."
        for report in workers
        if report.pinned and report.stage != target
    ]
    reload = _write_reload_command(workers)
    if target.is_dict_first and not origin.is_dict_first:
        # A second process would have a dict of its own, which the first one does not see.
        notes.append(
            f"One process must serve from now on: {reload} leaves one; until then conversations"
            " are safe, because every read asks the engine as well."
        )
    if origin.is_dict_first and not target.is_dict_first:
        notes.append(f"More processes may serve now: {reload} starts WEB_CONCURRENCY of them.")
    if target is Stage.OFF:
        notes.append("In off the engine is written only when the process ends.")
    return notes


def _write_reload_command(workers: Sequence[Report]) -> str:
    """The command that makes gunicorn work out again how many processes it starts."""
    hosts = {report.host: report.pid for report in workers}
    if not hosts:
        return "`kill -HUP` of gunicorn's master"
    host, pid = next(iter(hosts.items()))
    others = ", and the same on every other host," if len(hosts) > 1 else ""
    return f"`kill -HUP $(ps -o ppid= -p {pid})` on {host}{others}"
