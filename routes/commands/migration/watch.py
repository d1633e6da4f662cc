"""Watching the workers from the operator's commands: until they follow, until they are done.

The commands run in a process of their own. All they know of the workers is what these report,
about once a second.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from routes.commands.results import Refused
from services.sessions.migration.control import Control, ControlRoom, Report, Task

POLL_SECONDS = 0.1
"""Seconds between two looks at the reports."""
LINE_SECONDS = 1.0
"""The shortest time between two lines of progress where there is no terminal."""

TaskOf = Callable[[Report], Task]
Progress = Callable[[int, int], None]


class TimedOut(Exception):
    """The workers were not done in the time given."""


def wait_until(check: Callable[[], bool], seconds: float) -> bool:
    """Whether a check is true at once or becomes so within some seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def read_control(room: ControlRoom) -> Control:
    """What the operator has asked of every worker.

    Raises:
        Refused: no migration was begun.
        StageUnknown, StoreUnavailable: as ControlRoom.read.
    """
    control = room.read()
    if control is None:
        raise Refused("no migration was begun", hint="Run `flask migration begin` first")
    return control


def describe_late_workers(workers: Sequence[Report], control: Control) -> list[str]:
    """Which workers do not serve the requested stage yet, a sentence each, without pinned ones."""
    return [
        f"the worker {report.pid} on {report.host} still serves {report.stage}"
        + (f", because {report.fault}" if report.fault else "")
        for report in workers
        if not report.pinned and (report.stage, report.cohort) != (control.stage, control.cohort)
    ]


def watch_workers(
    room: ControlRoom, number: int, task_of: TaskOf, *, timeout: float, progress: Progress
) -> dict[str, Report]:
    """Wait until every living worker is done with a request.

    Args:
        room: the migration's records.
        number: which request.
        task_of: which of a worker's tasks it is.
        timeout: seconds.
        progress: called at each look with how many sessions are done, and of how many.

    Returns:
        The last report of every worker that worked on it, by the worker's id.

    Raises:
        TimedOut: they were not done in time.
        Refused: no worker lives any more.
    """
    seen: dict[str, Report] = {}

    def is_done() -> bool:
        workers = room.list_workers()
        if not workers:
            raise Refused("no worker reports any more", hint="Start the service and run it again")
        started = [report for report in workers if task_of(report).number >= number]
        # A worker that ends meanwhile has been counted; its last report stays.
        seen.update({report.worker: report for report in started})
        tasks = [task_of(report) for report in seen.values()]
        progress(sum(task.done for task in tasks), sum(task.total for task in tasks))
        return len(started) == len(workers) and all(task_of(one).is_finished for one in started)

    if not wait_until(is_done, timeout):
        raise TimedOut
    return seen


@contextmanager
def show_progress(label: str, *, quiet: bool) -> Iterator[Progress]:
    """Show progress on stderr: a bar on a terminal, else at most a line a second.

    Args:
        label: what makes progress.
        quiet: show nothing.
    """
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

            def move(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(done - bar.pos if total else 0)

            yield move
    else:
        yield _print_lines(label)


def _print_lines(label: str) -> Progress:
    """Progress in lines, for logs."""
    shown: tuple[int, int] | None = None
    shown_at = -LINE_SECONDS

    def show(done: int, total: int) -> None:
        nonlocal shown, shown_at
        now = time.monotonic()
        if (done, total) != shown and (now - shown_at >= LINE_SECONDS or done >= total > 0):
            click.echo(f"{label}: {done} of {total}", err=True)
            shown, shown_at = (done, total), now

    return show
