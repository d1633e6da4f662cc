"""Where a migration is, as the commands and the operators' page both tell it."""

from typing import Any

from services.sessions.migration.control import ControlRoom, Report, Task
from services.sessions.migration.stages import Stage
from services.sessions.migration.status import read_status
from services.sessions.stores import MemoryStore


def room(*reports: Report) -> ControlRoom:
    """A control room in dualwrite, in which these workers report."""
    found = ControlRoom(MemoryStore())
    found.change(Stage.DUALWRITE)
    for report in reports:
        found.report(report)
    return found


def worker(number: int, stage: str = "dualwrite", **more: Any) -> Report:
    """What a worker reports."""
    return Report(f"{number:016x}", "host-a", number, stage, **more)


def test_no_migration_is_complete_and_leads_nowhere() -> None:
    """And nothing hinders what nobody began."""
    now = read_status(ControlRoom(MemoryStore()))
    assert (now.control, now.stage, now.cohort) == (None, Stage.COMPLETE, 0)
    assert (now.next_stage, now.blockers, now.is_followed) == (None, [], False)


def test_it_is_settled_when_all_serve_what_is_wanted() -> None:
    """One that does not is known, and hinders."""
    assert read_status(room(worker(1))).is_followed
    assert not read_status(room()).is_followed
    now = read_status(room(worker(1), worker(2, "off")))
    assert not now.is_followed
    assert [now.is_served_by(one) for one in now.workers] == [True, False]
    assert now.next_stage is Stage.SHADOW
    assert "the worker 2 on host-a serves off, not dualwrite" in now.blockers


def test_a_backfill_is_that_of_all_workers_who_have_begun_it() -> None:
    """What is left of an earlier one does not count."""
    found = room(
        worker(1, backfill=Task(2, 3, 5)),
        worker(2, backfill=Task(2, 1, 1)),
        worker(3, backfill=Task(1, 9, 9)),
    )
    assert read_status(found).backfill == Task(0, 0, 0)
    for _ in range(2):
        found.request_task("backfill")
    assert read_status(found).backfill == Task(2, 4, 6)


def test_workers_that_are_known_already_are_not_asked_for() -> None:
    """Whoever has changed how they are told is told of the changed ones."""
    now = read_status(room(worker(1)), [worker(7, "off")])
    assert [one.pid for one in now.workers] == [7]
    assert "the worker 7 on host-a serves off, not dualwrite" in now.blockers
