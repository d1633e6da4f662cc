"""Where a migration is: what is wanted, who lives, and whether the next step may be taken."""

from collections.abc import Sequence
from dataclasses import dataclass

from .control import Control, ControlRoom, Report, Task, find_blockers
from .stages import Stage


@dataclass(frozen=True, slots=True)
class Status:
    """Where a migration is.

    Attributes:
        control: what is wanted; None when no migration was begun.
        workers: those that live.
        blockers: why the next step may not be taken.
        engine: the engine's name.
        risks: what in the engine's settings could lose sessions, in every stage.
    """

    control: Control | None
    workers: Sequence[Report]
    blockers: Sequence[str]
    engine: str
    risks: Sequence[str] = ()

    @property
    def stage(self) -> Stage:
        """The stage every worker should serve."""
        return self.control.stage if self.control else Stage.COMPLETE

    @property
    def cohort(self) -> int:
        """The percentage that goes with it."""
        return self.control.cohort if self.control else 0

    @property
    def is_followed(self) -> bool:
        """Whether there are workers and all of them serve what is wanted."""
        return bool(self.workers) and all(map(self.is_served_by, self.workers))

    @property
    def next_stage(self) -> Stage | None:
        """The stage that comes next; None at the last, and when no migration was begun."""
        return self.stage.step(1) if self.control else None

    @property
    def backfill(self) -> Task:
        """How far all workers together are with the backfill asked for last."""
        number = self.control.backfill if self.control else 0
        tasks = [one.backfill for one in self.workers if number and one.backfill.number >= number]
        return Task(number, sum(task.done for task in tasks), sum(task.total for task in tasks))

    def is_served_by(self, report: Report) -> bool:
        """Whether this worker serves what is wanted."""
        return (report.stage, report.cohort) == (self.stage, self.cohort)


def read_status(room: ControlRoom, workers: list[Report] | None = None) -> Status:
    """Where the migration is at this moment.

    Args:
        room: the migration's records.
        workers: those that live, for who has looked already.

    Raises:
        StageUnknown, StoreUnavailable: as ControlRoom.read.
    """
    control = room.read()
    workers = room.list_workers() if workers is None else workers
    risks = room.engine.risks()
    found = find_blockers(control, workers, risks) if control else []
    return Status(control, workers, found, room.engine.name, risks)
