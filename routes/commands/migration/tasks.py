"""Backfill and comparison from the operator's commands: requested here, done in the workers."""

import click

from routes.commands.migration.watch import (
    TaskOf,
    TimedOut,
    read_control,
    show_progress,
    watch_workers,
)
from routes.commands.results import REFUSED, Refused, Result
from services.sessions.migration.control import ControlRoom, Report
from services.sessions.migration.stages import Stage


def refuse_without_copies(room: ControlRoom, in_off: str) -> None:
    """Refuse a backfill or a comparison where nothing would come of it."""
    control = read_control(room)
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
                hint="Restart it without SESSION_STAGE first",
            )


def request_task(room: ControlRoom, task: str, *, resume: bool) -> int:
    """Request a task of the workers, or resume the last request; its number."""
    if not resume:
        return room.request_task(task)
    number = read_control(room).task_number(task)
    if not number:
        raise Refused(f"no {task} was requested", hint=f"Run `flask migration {task}`")
    return number


def build_requested_result(task: str, number: int) -> Result:
    """That a task was requested, and how to watch it."""
    text = f"{task.capitalize()} {number} is requested; watch it with"
    return Result(f"{text} `flask migration {task} --resume`.", {"number": number})


def watch_task(
    room: ControlRoom, task: str, number: int, task_of: TaskOf, timeout: float
) -> dict[str, Report] | Result:
    """The workers' reports once they are done; a result when the command stopped watching."""
    quiet = bool(click.get_current_context().params["as_json"])
    try:
        with show_progress(task, quiet=quiet) as progress:
            return watch_workers(room, number, task_of, timeout=timeout, progress=progress)
    except (TimedOut, KeyboardInterrupt) as error:
        why = "took longer than --timeout" if isinstance(error, TimedOut) else "was interrupted"
        text = (
            f"Watching {task} {number} {why}; it goes on in the workers, so watch it with"
            f" `flask migration {task} --resume`."
        )
        return Result(text, {"number": number, "running": True}, REFUSED)


def count_compared(before: dict[str, Report], after: dict[str, Report]) -> dict[str, int]:
    """What the workers have counted since the command began."""
    differences = {
        name: sum(
            getattr(report, name) - getattr(before.get(worker), name, 0)
            for worker, report in after.items()
        )
        for name in ("compared", "lag")
    }
    return differences | {"mismatches": sum(report.mismatches for report in after.values())}
