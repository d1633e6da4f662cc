"""The operator's `flask migration`: begin it, look at it, step forward and back, copy, compare.

The commands run in a process of their own. They write the requested stage into the engine; the
workers follow within a second, and report there what they do.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, cast

import click
from flask import current_app
from flask.cli import AppGroup

from routes.commands.migration.changes import (
    build_change_data,
    change_stage,
    find_objections,
    refuse,
)
from routes.commands.migration.tables import build_status_result, format_stage
from routes.commands.migration.tasks import (
    build_requested_result,
    count_compared,
    refuse_without_copies,
    request_task,
    watch_task,
)
from routes.commands.migration.watch import read_control, wait_until
from routes.commands.results import (
    DONE,
    EXIT_CODES,
    REFUSED,
    Refused,
    Result,
    build_unavailable_result,
    print_result,
    refuse_memory,
)
from services.sessions.errors import StoreUnavailable
from services.sessions.migration.control import ControlRoom, StageUnknown
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import Status, read_status
from services.sessions.migration.worker import Worker

STAGES = [stage.value for stage in Stage]
HELP = f"""Move the conversations from the dict to the engine, stage by stage.

The stages are off, dualwrite, shadow, live, rampdown, complete; MIGRATION.md says what to do in
each. Run this in the project's folder, with gunicorn's environment.

{EXIT_CODES}"""

group = AppGroup("migration", help=HELP)

Command = Callable[..., Result]
force_option = click.option("--force", is_flag=True, help="Do it regardless.")


def _get_room() -> ControlRoom:
    room = cast(Worker, current_app.extensions["migration"]).room
    refuse_memory(room.engine.name)
    return room


def run_in_room(command: Command) -> Callable[..., None]:
    """Pass a command the control room, add `--json`, print its result, exit with its code."""

    @functools.wraps(command)
    def run(room: ControlRoom, **options: Any) -> Result:
        try:
            return command(room, **options)
        except StageUnknown as error:
            hint = "Set one with `flask migration set STAGE --force`"
            return Refused(f"the stored stage is unknown here: {error}", hint=hint).result
        except StoreUnavailable as error:
            return build_unavailable_result(
                f"{room.engine.name} could not be reached ({error.reason}); start it or correct its"
                " URL, or restart the service with SESSION_STAGE to pin a stage.",
                error,
            )

    return print_result(_get_room)(run)


@group.command("begin")
@force_option
@run_in_room
def begin(room: ControlRoom, *, force: bool) -> Result:
    """Begin a migration, in stage off."""
    before, workers = room.read(), room.list_workers()
    following = [report for report in workers if not report.pinned]
    reasons = [f"a migration was begun before and is at {before.stage}"] if before else []
    if len(following) > 1:
        reasons.append(f"{len(following)} workers would each go on with a dict of their own")
    hint = "Use advance, rollback or set, or --force" if before else "Start one process, or --force"
    refuse(reasons, hint, force=force)
    control = room.change(Stage.OFF) if before else room.begin()
    notes = [f"overridden: {reason}" for reason in reasons]
    if not workers:
        notes.append("Start the service now, without SESSION_STAGE; one process serves.")
    elif len(following) < len(workers):
        notes.append("Restart the service without SESSION_STAGE, so that it follows.")
    notes.append("Then run `flask migration status`, and `flask migration advance` to go on.")
    data = {"stage": control.stage.value, "overridden": reasons, "notes": notes[len(reasons) :]}
    return Result("\n".join(["The migration has begun, in stage off.", *notes]), data)


@group.command("status")
@click.option("--wait", type=click.FloatRange(0), default=0, help="Seconds to wait for workers.")
@run_in_room
def show_status(room: ControlRoom, *, wait: float) -> Result:
    """Show the stage, every living worker, and whether the next step may be taken."""
    wait_until(lambda: read_status(room).is_followed, wait)
    return build_status_result(read_status(room))


@group.command("advance")
@click.option("--wait", type=click.FloatRange(0), default=5, help="Seconds to wait for blockers.")
@force_option
@run_in_room
def advance(room: ControlRoom, *, wait: float, force: bool) -> Result:
    """Go one stage forward, unless something blocks it."""
    control = read_control(room)
    target = control.stage.step(1)
    if target is None:
        raise Refused("complete is the last stage", hint="There is nothing left to do")
    found: list[Status] = []

    def is_unblocked() -> bool:
        found[:] = [read_status(room)]
        return not found[0].blockers

    wait_until(is_unblocked, wait)
    if found[0].stage is not control.stage:
        raise Refused("someone else changed the stage", hint="Run `flask migration status`")
    reasons = found[0].blockers
    refuse(reasons, f"Fix this and run it again, or go to {target} with --force", force=force)
    return change_stage(room, control, target, overridden=reasons)


@group.command("rollback")
@run_in_room
def rollback(room: ControlRoom) -> Result:
    """Go one stage back, whatever the workers report."""
    control = read_control(room)
    target = control.stage.step(-1)
    if target is None:
        raise Refused("off is the first stage", hint="There is nothing to go back to")
    return change_stage(room, control, target)


@group.command("set")
@click.argument("stage", type=click.Choice(STAGES))
@click.option(
    "--cohort",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="With shadow: the percentage of sessions to serve as in live.",
)
@force_option
@run_in_room
def set_stage(room: ControlRoom, *, stage: str, cohort: int, force: bool) -> Result:
    """Go to any stage; more than one step, or past a blocker, with --force."""
    target = Stage(stage)
    if cohort and target is not Stage.SHADOW:
        raise click.UsageError("--cohort chooses between shadow and live; use it with shadow.")
    try:
        before = room.read()
    except StageUnknown as error:
        reasons = [f"the stored stage is unknown here: {error}"]
        refuse(reasons, f"Run `flask migration set {stage} --force`", force=force)
        return change_stage(room, None, target, cohort, overridden=reasons)
    now = read_status(room)
    if (now.stage, now.cohort) == (target, cohort):
        data = build_change_data(now.stage, target, cohort)
        return Result(f"The stage is {format_stage(target, cohort)} already.", data)
    reasons = find_objections(now, target)
    refuse(reasons, "Run it with --force to go there regardless", force=force)
    return change_stage(room, before, target, cohort, overridden=reasons)


def _add_watch_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that watches what the workers do."""
    for option in (
        click.option("--no-wait", is_flag=True, help="Request it and do not watch."),
        click.option("--resume", is_flag=True, help="Watch what was requested before."),
        click.option(
            "--timeout",
            type=click.FloatRange(0),
            default=600,
            show_default=True,
            help="Seconds to watch at most.",
        ),
    ):
        command = option(command)
    return command


@group.command("backfill")
@_add_watch_options
@run_in_room
def backfill(room: ControlRoom, *, resume: bool, no_wait: bool, timeout: float) -> Result:
    """Send everything in the dicts to the engine once more."""
    refuse_without_copies(room, "nothing is copied in off")
    began = time.monotonic()
    number = request_task(room, "backfill", resume=resume)
    if no_wait:
        return build_requested_result("backfill", number)
    reports = watch_task(room, "backfill", number, lambda one: one.backfill, timeout)
    if isinstance(reports, Result):
        return reports
    sessions = sum(report.backfill.total for report in reports.values())
    rate = round(sessions / max(time.monotonic() - began, 0.001))
    pace = "" if resume else f", about {rate} per second"
    data = {"number": number, "sessions": sessions, "per_second": None if resume else rate}
    return Result(f"Backfill {number} is done: {sessions} sessions{pace}.", data)


@group.command("compare")
@_add_watch_options
@run_in_room
def compare(room: ControlRoom, *, resume: bool, no_wait: bool, timeout: float) -> Result:
    """Compare everything in the dicts with the engine's copies."""
    refuse_without_copies(room, "there is nothing to compare with in off")
    before = {} if resume else {report.worker: report for report in room.list_workers()}
    number = request_task(room, "compare", resume=resume)
    if no_wait:
        return build_requested_result("compare", number)
    reports = watch_task(room, "compare", number, lambda one: one.comparison, timeout)
    if isinstance(reports, Result):
        return reports
    data = {"number": number, **count_compared(before, reports)}
    mismatches = data["mismatches"]
    advice = ""
    if mismatches:
        advice = "\nThey are being repaired; look at the log, wait a minute and compare again."
    text = (
        f"Comparison {number} is done: {data['compared']} compared, {data['lag']} with different"
        f" versions, {mismatches} mismatches in the last minute.{advice}"
    )
    return Result(text, data, REFUSED if mismatches else DONE)
