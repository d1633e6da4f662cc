"""Backfill and comparison from the operator's commands: asked for here, done in the workers."""

import click

from routes.commands.migration.watch import TaskOf, TimedOut, begun, shown_progress, watch
from routes.commands.results import REFUSED, Answer, Refused
from services.sessions.migration.control import ControlRoom, Report
from services.sessions.migration.stages import Stage


def refuse_without_copies(room: ControlRoom, in_off: str) -> None:
    """Refuse a backfill or a comparison where nothing would come of it."""
    control = begun(room)
    if control.stage is Stage.OFF:
        raise Refused(in_off, hint="Run `flask migration advance` to get to dualwrite first")
    if control.stage is Stage.COMPLETE:
        raise Refused("the dict is not in use in complete", hint="There is nothing to do")
    workers = room.list_workers()
    if not workers:
        raise Refused("no worker reports", hint="Start the service first")
    for report in workers:
        if report.pinned and report.stage == Stage.OFF:
            raise Refused(
                f"the worker {report.pid} on {report.host} is pinned to off and copies nothing",
                hint="Start it again without SESSION_STAGE first",
            )


def number_of(room: ControlRoom, task: str, *, resume: bool) -> int:
    """The number of a new request, or of the last one."""
    if not resume:
        return room.request_task(task)
    number = begun(room).task_number(task)
    if not number:
        raise Refused(f"no {task} was asked for", hint=f"Run `flask migration {task}`")
    return number


def asked(task: str, number: int) -> Answer:
    """That it was asked for, and how to watch it."""
    watching = f"watch it with `flask migration {task} --resume`"
    return Answer(f"The workers take up {task} {number}; {watching}.", {"number": number})


def watched(
    room: ControlRoom, task: str, number: int, task_of: TaskOf, timeout: float
) -> dict[str, Report] | Answer:
    """The workers' reports once they are done; an answer when it was not waited for."""
    quiet = bool(click.get_current_context().params["as_json"])
    try:
        with shown_progress(task, quiet=quiet) as progress:
            return watch(room, number, task_of, timeout=timeout, progress=progress)
    except (TimedOut, KeyboardInterrupt) as error:
        why = "took longer than --timeout" if isinstance(error, TimedOut) else "was interrupted"
        text = (
            f"Watching {task} {number} {why}; it goes on in the workers, so watch it with"
            f" `flask migration {task} --resume`."
        )
        return Answer(text, {"number": number, "running": True}, REFUSED)


def compared(before: dict[str, Report], after: dict[str, Report]) -> dict[str, int]:
    """What the workers counted since the command began."""
    differences = {
        name: sum(
            getattr(report, name) - getattr(before.get(worker), name, 0)
            for worker, report in after.items()
        )
        for name in ("compared", "lag")
    }
    return differences | {"mismatches": sum(report.mismatches for report in after.values())}
