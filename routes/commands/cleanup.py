"""The operator's `flask sessions cleanup`: once, as a timer runs it, or repeatedly."""

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
    Refused,
    Result,
    format_table,
    print_result,
    refuse_memory,
    refuse_off,
)
from services.contexts.cleanup import Cleanup, CleanupResult
from services.sessions.errors import SessionError, StoreUnavailable
from services.sessions.lease import LEASE_SECONDS, Lease
from services.sessions.migration.control import ControlRoom
from services.sessions.migration.worker import Worker

HEADINGS = ("tenant", "idle for (s)", "removed", "expired")

group = AppGroup("sessions", help=f"Maintain the stored sessions.\n\n{EXIT_CODES}")


@dataclass(frozen=True, slots=True)
class _Job:
    """The clean-up of this process.

    Attributes:
        cleanup: removes what is unused.
        room: knows the stage.
        lease: the right to clean up, which one process has at a time.
    """

    cleanup: Cleanup
    room: ControlRoom
    lease: Lease


def _build_job() -> _Job:
    room = cast(Worker, current_app.extensions["migration"]).room
    refuse_memory(room.engine.name)
    lease = Lease(room.engine, "cleanup", {"host": socket.gethostname(), "pid": os.getpid()})
    return _Job(cast(Cleanup, current_app.extensions["cleanup"]), room, lease)


@group.command("cleanup")
@click.argument("tenants", nargs=-1)
@click.option(
    "--every",
    type=click.IntRange(1, LEASE_SECONDS // 2),
    metavar="SECONDS",
    help="Repeat after so many seconds, until the process is ended.",
)
@print_result(_build_job)
def clean_up(job: _Job, *, tenants: tuple[str, ...], every: int | None) -> Result:
    """Remove expired entries from the lists, and contexts that nobody uses.

    TENANTS are cleaned up now; without a name, those that are due. With --every, one of several
    such processes works and the others stand by.
    """
    if tenants and every:
        raise click.UsageError("Name tenants, or use --every.")
    if every:
        return _clean_repeatedly(job, every)
    if not tenants and not job.lease.take():
        holder = job.lease.holder()
        raise Refused(
            f"process {holder.get('pid')} on {holder.get('host')} is cleaning up already",
            hint="Name tenants to clean them up now",
        )
    try:
        return _clean_once(job, tenants)
    finally:
        job.lease.release()


def _clean_once(job: _Job, tenants: Iterable[str]) -> Result:
    refuse_off(job.room)
    expired = job.cleanup.trim_lists()
    cleaned: list[CleanupResult] = []
    for tenant_id in tenants or job.cleanup.list_due():
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
    text = [f"Expired entries removed from the lists: {lists}."]
    text.append(format_table([HEADINGS, *rows]) if rows else "No tenant was due.")
    data = {"expired": expired, "tenants": [asdict(one) for one in cleaned]}
    return Result("\n\n".join(text), data)


def _clean_repeatedly(job: _Job, every: int) -> Result:
    """Clean up whenever this process holds the lease, until it is asked to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    stands_by = False
    while not ending.is_set():
        try:
            if job.lease.take():
                stands_by = False
                click.echo(_clean_once(job, ()).text)
            elif not stands_by:
                stands_by = True
                click.echo("Another process cleans up; this one stands by.")
        except StoreUnavailable as error:
            click.echo(f"The engine could not be reached ({error.reason}); retrying.", err=True)
        except Refused as refusal:
            click.echo(refusal.result.text, err=True)
        except SessionError:
            click.echo("A stored document could not be read; retrying.", err=True)
        ending.wait(every)
    job.lease.release()
    return Result("Ended.")
