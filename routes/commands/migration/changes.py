"""Changing the stage from the operator's commands: what speaks against it, and what follows."""

from collections.abc import Sequence
from typing import Any

from routes.commands.migration.tables import named
from routes.commands.migration.watch import behind, until
from routes.commands.results import DONE, REFUSED, Answer, Refused
from services.sessions.migration.control import Control, ControlRoom, Report
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import Status

SETTLE_SECONDS = 5.0
"""Seconds the workers get to follow; they look several times a second."""


def refuse(reasons: Sequence[str], hint: str, *, force: bool) -> None:
    """Refuse when something speaks against it, unless it is forced.

    Raises:
        Refused: with these reasons and what to do.
    """
    if reasons and not force:
        raise Refused(*reasons, hint=hint)


def leaps(now: Status, target: Stage) -> list[str]:
    """Why going to this stage at once is bold; none for a cohort or one step back."""
    steps = list(Stage).index(target) - list(Stage).index(now.stage)
    found = []
    if abs(steps) > 1:
        found.append(f"{target} is {abs(steps)} steps from {now.stage}")
    return found + (list(now.blockers) if steps > 0 else [])


def changed(
    room: ControlRoom,
    before: Control | None,
    target: Stage,
    cohort: int = 0,
    *,
    overridden: Sequence[str] = (),
) -> Answer:
    """Change the stage, wait for the workers, and say what follows from it."""
    origin = before.stage if before else Stage.COMPLETE
    control = room.change(target, cohort)
    until(lambda: not behind(room.list_workers(), control), SETTLE_SECONDS)
    workers = room.list_workers()
    late = behind(workers, control)
    following = sum(not report.pinned for report in workers)
    notes = _notes(origin, target, workers)
    lines = [f"overridden: {reason}" for reason in overridden]
    lines.append(f"The stage is {named(target, cohort)} now.")
    if late:
        lines += [*late, "The change stands; look again with `flask migration status --wait 10`."]
    elif following:
        lines.append(f"Every worker that follows serves it ({following}).")
    data = change_data(origin, target, cohort, overridden=overridden, behind=late, notes=notes)
    return Answer("\n".join([*lines, *notes]), data, REFUSED if late else DONE)


def change_data(
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


def _notes(origin: Stage, target: Stage, workers: Sequence[Report]) -> list[str]:
    """What the operator has to know or do after this change."""
    found = []
    if not workers:
        found.append("No worker reports; a service that starts now takes the stage up.")
    found += [
        f"The worker {report.pid} on {report.host} stays in {report.stage}; start it again"
        " without SESSION_STAGE to have it follow."
        for report in workers
        if report.pinned and report.stage != target
    ]
    reload = _reload_command(workers)
    if target.is_dict_first and not origin.is_dict_first:
        found.append(
            f"One process must serve from now on: {reload} leaves one; until then conversations"
            " are safe, because every read asks the engine as well."
        )
    if origin.is_dict_first and not target.is_dict_first:
        found.append(f"More processes may serve now: {reload} starts WEB_CONCURRENCY of them.")
    if target is Stage.OFF:
        found.append("In off the engine is written when the process ends, and only then.")
    return found


def _reload_command(workers: Sequence[Report]) -> str:
    """How gunicorn is told to look anew at how many processes it starts."""
    hosts = {report.host: report.pid for report in workers}
    if not hosts:
        return "`kill -HUP` of gunicorn's master"
    host, pid = next(iter(hosts.items()))
    others = ", and the same on every other host," if len(hosts) > 1 else ""
    return f"`kill -HUP $(ps -o ppid= -p {pid})` on {host}{others}"
