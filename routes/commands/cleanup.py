"""The operator's `flask sessions cleanup`: once, as a timer runs it, or again and again."""

import os
import signal
import socket
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

import click
from flask import current_app
from flask.cli import AppGroup

from routes.commands.results import (
    EXIT_CODES,
    Answer,
    Refused,
    answering_with,
    refuse_memory,
    refuse_off,
    table,
)
from services.contexts.cleanup import Cleaned, Cleanup
from services.sessions.errors import SessionError, StoreUnavailable
from services.sessions.lease import LEASE_SECONDS, Lease
from services.sessions.migration.control import ControlRoom
from services.sessions.migration.worker import Worker

HEADINGS = ("tenant", "idle for (s)", "removed", "expired")

group = AppGroup("sessions", help=f"Look after what is stored.\n\n{EXIT_CODES}")


@dataclass(frozen=True, slots=True)
class _Job:
    """The clean-up of this process.

    Attributes:
        cleanup: what removes.
        room: tells the stage.
        lease: the right to do it.
    """

    cleanup: Cleanup
    room: ControlRoom
    lease: Lease


def _job() -> _Job:
    room = cast(Worker, current_app.extensions["migration"]).room
    refuse_memory(room.engine.name)
    about = {"host": socket.gethostname(), "pid": os.getpid()}
    lease = Lease(room.engine, "cleanup", about)
    return _Job(cast(Cleanup, current_app.extensions["cleanup"]), room, lease)


@group.command("cleanup")
@click.argument("tenants", nargs=-1)
@click.option(
    "--every",
    type=click.IntRange(1, LEASE_SECONDS // 2),
    metavar="SECONDS",
    help="Go on until it is ended, with so many seconds from one look to the next.",
)
@answering_with(_job)
def clean_up(job: _Job, *, tenants: tuple[str, ...], every: int | None) -> Answer:
    """Remove what has expired from the lists, and contexts that nobody uses.

    TENANTS are cleaned up now; without a name, those whose time has come. With --every one of
    several such processes works, and the others stand by.
    """
    if tenants and every:
        raise click.UsageError("Name tenants, or use --every.")
    if every:
        return _again_and_again(job, every)
    if not tenants and not job.lease.take():
        holder = job.lease.holder()
        raise Refused(
            f"process {holder.get('pid')} on {holder.get('host')} does it",
            hint="Name tenants to clean them up now",
        )
    try:
        return _once(job, tenants)
    finally:
        job.lease.release()


def _once(job: _Job, tenants: Iterable[str]) -> Answer:
    """One clean-up, as text and as data."""
    refuse_off(job.room)
    expired = job.cleanup.trim_lists()
    cleaned: list[Cleaned] = []
    for tenant_id in tenants or job.cleanup.due():
        cleaned.append(job.cleanup.cleanup_orphaned_sessions(tenant_id))
        if not tenants and not job.lease.take():
            break  # it took so long that another process has begun
    rows = [
        (
            one.tenant_id,
            str(one.cleanup_threshold_seconds),
            str(one.cleaned_count),
            str(one.expired_count),
        )
        for one in cleaned
    ]
    lists = ", ".join(f"{name} {count}" for name, count in expired.items())
    text = [f"Dropped from the lists because they had expired: {lists}."]
    text.append(table([HEADINGS, *rows]) if rows else "No tenant was due.")
    data = {"expired": expired, "tenants": [asdict(one) for one in cleaned]}
    return Answer("\n\n".join(text), data)


def _again_and_again(job: _Job, every: int) -> Answer:
    """Clean up whenever this process has the right to, until it is told to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    stands_by = False
    while not ending.is_set():
        try:
            if job.lease.take():
                stands_by = False
                click.echo(_once(job, ()).text)
            elif not stands_by:
                stands_by = True
                click.echo("Another process does it; this one stands by.")
        except StoreUnavailable as error:
            click.echo(f"The engine could not be asked ({error.reason}); trying again.", err=True)
        except Refused as refusal:
            click.echo(refusal.answer.text, err=True)
        except SessionError:
            click.echo("Something that is stored could not be read; trying again.", err=True)
        ending.wait(every)
    job.lease.release()
    return Answer("Ended.")
