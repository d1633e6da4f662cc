"""What `flask migration` prints: where the migration is, and the table of workers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from routes.commands.answering import DONE, REFUSED, Answer, table
from services.sessions.control import Control, Report, Task
from services.sessions.migration import Stage

NOT_BEGUN = "no migration was begun, so every worker serves complete"
COLUMNS = (
    "host",
    "pid",
    "stage",
    "sessions",
    "unsent",
    "spilled",
    "mismatches",
    "compared",
    "lag",
    "backfill",
)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a migration is.

    Attributes:
        control: what is wanted; None when no migration was begun.
        workers: those that live.
        hindrances: why the next step may not be taken.
        engine: the engine's name.
    """

    control: Control | None
    workers: Sequence[Report]
    hindrances: Sequence[str]
    engine: str

    @property
    def stage(self) -> Stage:
        """The stage every worker should serve."""
        return self.control.stage if self.control else Stage.COMPLETE

    @property
    def cohort(self) -> int:
        """The percentage that goes with it."""
        return self.control.cohort if self.control else 0

    @property
    def settled(self) -> bool:
        """Whether there are workers and all of them serve what is wanted."""
        wanted = (self.stage, self.cohort)
        serving = {(report.stage, report.cohort) for report in self.workers}
        return serving == {wanted}

    @property
    def following(self) -> Stage | None:
        """The stage that comes next; None at the last, and when no migration was begun."""
        return self.stage.step(1) if self.control else None

    @property
    def answer(self) -> Answer:
        """The status as it is printed."""
        blocks = [self._head(), workers_table(self.workers), self._next()]
        data = {
            "begun": self.control is not None,
            "stage": self.stage.value,
            "cohort": self.cohort,
            "changed_at": moment(self.control.changed_at).isoformat() if self.control else None,
            "engine": self.engine,
            "backfill": self.control.backfill if self.control else 0,
            "compare": self.control.compare if self.control else 0,
            "settled": self.settled,
            "workers": [asdict(report) for report in self.workers],
            "next": self.following.value if self.following else None,
            "hindrances": list(self.hindrances),
        }
        return Answer("\n\n".join(blocks), data, DONE if self.settled else REFUSED)

    def _head(self) -> str:
        if self.control is None:
            return (
                f"stage     complete ({NOT_BEGUN})\nengine    {self.engine}\n"
                "Begin one with `flask migration begin`."
            )
        cohort = f"{self.cohort} % of the sessions are served as in live"
        facts = {
            "stage": self.stage.value,
            "cohort": cohort if self.stage is Stage.SHADOW else "none; it belongs to shadow",
            "changed": f"{moment(self.control.changed_at):%Y-%m-%d %H:%M:%S} UTC",
            "engine": self.engine,
            "backfill": self._backfill(self.control.backfill),
        }
        return "\n".join(f"{name:9} {value}" for name, value in facts.items())

    def _backfill(self, number: int) -> str:
        if not number:
            return "none was asked for"
        tasks = [one.backfill for one in self.workers if one.backfill.number >= number]
        done, total = sum(task.done for task in tasks), sum(task.total for task in tasks)
        return f"number {number}, {done} of {total} sessions"

    def _next(self) -> str:
        if self.control is None:
            return "Nothing is under way."
        if self.following is None:
            return "complete is the last stage; `flask migration rollback` goes one step back."
        if self.hindrances:
            reasons = "\n".join(f"- {reason}" for reason in self.hindrances)
            return f"Not ready for {self.following}:\n{reasons}"
        return f"Ready for {self.following}: run `flask migration advance`."


def workers_table(workers: Sequence[Report]) -> str:
    """One row for each worker under a row of headings."""
    if not workers:
        return "No worker reports; a worker that runs reports every second."
    return table([COLUMNS, *(_row(report) for report in workers)])


def named(stage: Stage, cohort: int = 0) -> str:
    """A stage as sentences name it."""
    return f"{stage.value} with a cohort of {cohort} %" if cohort else stage.value


def moment(milliseconds: int) -> datetime:
    """An instant in UTC, from milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _row(report: Report) -> tuple[str, ...]:
    cohort = f" {report.cohort} %" if report.cohort else ""
    pinned = " pinned" if report.pinned else ""
    counts = (
        report.sessions,
        report.unsent,
        report.spilled,
        report.mismatches,
        report.compared,
        report.lag,
    )
    return (
        report.host,
        str(report.pid),
        f"{report.stage}{cohort}{pinned}",
        *(str(count) for count in counts),
        _progress(report.backfill),
    )


def _progress(task: Task) -> str:
    return f"{task.done}/{task.total}" if task.number else "-"
