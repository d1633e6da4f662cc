"""The operator's `flask migration`: begin it, look at it, step forward and back, copy, compare.

The commands run in a process of their own. They write what is wanted into the engine, and the
workers, which follow within a second, report there what they do.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, cast

import click
from flask import current_app
from flask.cli import AppGroup

from routes.commands.migration.changes import change_data, changed, leaps, refuse
from routes.commands.migration.tables import named, printed
from routes.commands.migration.tasks import (
    asked,
    compared,
    number_of,
    refuse_without_copies,
    watched,
)
from routes.commands.migration.watch import begun, until
from routes.commands.results import (
    DONE,
    EXIT_CODES,
    REFUSED,
    Answer,
    Refused,
    answering_with,
    refuse_memory,
    unasked,
)
from services.sessions.errors import StoreUnavailable
from services.sessions.migration.control import ControlRoom, StageUnknown
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import Status, read_status
from services.sessions.migration.worker import Worker

STAGES = [stage.value for stage in Stage]
HELP = f"""Move the conversations from the dict to the engine, stage by stage.

The stages are off, dualwrite, shadow, live, rampdown, complete; MIGRATION.md says what to do in
each. Run this in the project's folder, with the environment gunicorn has.

{EXIT_CODES}"""

group = AppGroup("migration", help=HELP)

Command = Callable[..., Answer]
force_option = click.option("--force", is_flag=True, help="Do it all the same.")


def _room() -> ControlRoom:
    room = cast(Worker, current_app.extensions["migration"]).room
    refuse_memory(room.engine.name)
    return room


def answering(command: Command) -> Callable[..., None]:
    """Give a command the control room and `--json`, print its answer, and exit with its code."""

    @functools.wraps(command)
    def understood(room: ControlRoom, **options: Any) -> Answer:
        try:
            return command(room, **options)
        except StageUnknown as error:
            hint = "Set one with `flask migration set STAGE --force`"
            return Refused(f"the stage that is stored is unknown here: {error}", hint=hint).answer
        except StoreUnavailable as error:
            return unasked(
                f"{room.engine.name} could not be asked ({error.reason}); start it or correct its"
                " URL, or pin a stage by starting the service again with SESSION_STAGE.",
                error,
            )

    return answering_with(_room)(understood)


@group.command("begin")
@force_option
@answering
def begin(room: ControlRoom, *, force: bool) -> Answer:
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
        notes.append("Start the service again without SESSION_STAGE, so that it follows.")
    notes.append("Then run `flask migration status`, and `flask migration advance` to go on.")
    data = {"stage": control.stage.value, "overridden": reasons, "notes": notes[len(reasons) :]}
    return Answer("\n".join(["The migration has begun, in stage off.", *notes]), data)


@group.command("status")
@click.option("--wait", type=click.FloatRange(0), default=0, help="Seconds it may take to settle.")
@answering
def show_status(room: ControlRoom, *, wait: float) -> Answer:
    """Show the stage, every living worker, and whether the next step may be taken."""
    until(lambda: read_status(room).is_followed, wait)
    return printed(read_status(room))


@group.command("advance")
@click.option("--wait", type=click.FloatRange(0), default=5, help="Seconds to wait for blockers.")
@force_option
@answering
def advance(room: ControlRoom, *, wait: float, force: bool) -> Answer:
    """Go one stage further, when nothing is in the way."""
    control = begun(room)
    target = control.stage.step(1)
    if target is None:
        raise Refused("complete is the last stage", hint="Nothing is left to do")
    found: list[Status] = []

    def unhindered() -> bool:
        found[:] = [read_status(room)]
        return not found[0].blockers

    until(unhindered, wait)
    if found[0].stage is not control.stage:
        raise Refused("someone else changed the stage", hint="Run `flask migration status`")
    reasons = found[0].blockers
    refuse(reasons, f"Put this right and run it again, or go to {target} with --force", force=force)
    return changed(room, control, target, overridden=reasons)


@group.command("rollback")
@answering
def rollback(room: ControlRoom) -> Answer:
    """Go one stage back, whatever the workers say."""
    control = begun(room)
    target = control.stage.step(-1)
    if target is None:
        raise Refused("off is the first stage", hint="There is nothing to go back to")
    return changed(room, control, target)


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
@answering
def set_stage(room: ControlRoom, *, stage: str, cohort: int, force: bool) -> Answer:
    """Go to any stage; further than one, or against what hinders, with --force."""
    target = Stage(stage)
    if cohort and target is not Stage.SHADOW:
        raise click.UsageError("--cohort chooses between shadow and live; use it with shadow.")
    try:
        before = room.read()
    except StageUnknown as error:
        reasons = [f"the stage that is stored is unknown here: {error}"]
        refuse(reasons, f"Run `flask migration set {stage} --force`", force=force)
        return changed(room, None, target, cohort, overridden=reasons)
    now = read_status(room)
    if (now.stage, now.cohort) == (target, cohort):
        data = change_data(now.stage, target, cohort)
        return Answer(f"The stage is {named(target, cohort)} already.", data)
    reasons = leaps(now, target)
    refuse(reasons, "Run it with --force to go there all the same", force=force)
    return changed(room, before, target, cohort, overridden=reasons)


def _watching(command: Callable[..., None]) -> Callable[..., None]:
    """The options of what is done in the workers while the command watches."""
    for option in (
        click.option("--no-wait", is_flag=True, help="Ask for it and do not watch."),
        click.option("--resume", is_flag=True, help="Watch what was asked for before."),
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
@_watching
@answering
def backfill(room: ControlRoom, *, resume: bool, no_wait: bool, timeout: float) -> Answer:
    """Send everything that is in the dicts to the engine once more."""
    refuse_without_copies(room, "nothing is copied in off")
    began = time.monotonic()
    number = number_of(room, "backfill", resume=resume)
    if no_wait:
        return asked("backfill", number)
    seen = watched(room, "backfill", number, lambda one: one.backfill, timeout)
    if isinstance(seen, Answer):
        return seen
    sessions = sum(report.backfill.total for report in seen.values())
    rate = round(sessions / max(time.monotonic() - began, 0.001))
    pace = "" if resume else f", about {rate} per second"
    data = {"number": number, "sessions": sessions, "per_second": None if resume else rate}
    return Answer(f"Backfill {number} is done: {sessions} sessions{pace}.", data)


@group.command("compare")
@_watching
@answering
def compare(room: ControlRoom, *, resume: bool, no_wait: bool, timeout: float) -> Answer:
    """Compare everything in the dicts with the engine's copies."""
    refuse_without_copies(room, "there is nothing to compare with in off")
    before = {} if resume else {report.worker: report for report in room.list_workers()}
    number = number_of(room, "compare", resume=resume)
    if no_wait:
        return asked("compare", number)
    seen = watched(room, "compare", number, lambda one: one.comparison, timeout)
    if isinstance(seen, Answer):
        return seen
    data = {"number": number, **compared(before, seen)}
    found = data["mismatches"]
    advice = ""
    if found:
        advice = "\nThey are being repaired; look at the log, wait a minute and compare again."
    text = (
        f"Comparison {number} is done: {data['compared']} compared, {data['lag']} with different"
        f" versions, {found} mismatches in the last minute.{advice}"
    )
    return Answer(text, data, REFUSED if found else DONE)
