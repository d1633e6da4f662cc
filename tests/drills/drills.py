"""The drills by name: which deployment, what happens to it, what the clients do meanwhile."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.sessions.migration.stages import Stage
from tests.drills.client_behaviour import DELETES, MIXED, Mix
from tests.drills.deployment import Deployment
from tests.drills.journal import Journal
from tests.drills.managed_gunicorn import Masters
from tests.drills.outage_list import outage_drills
from tests.drills.outages import OutageDrill
from tests.drills.replay import ReplayDrill
from tests.drills.retrying_client import Leniency
from tests.drills.verification import SETTLE_SECONDS, read_all
from tests.drills.workload import CLIENTS, Workload
from tests.support.servers import eventually

STAGES = tuple(Stage)
SECONDS = 10.0
"""How long a drill's load lasts, about, unless told."""
WALK_SECONDS = 18.0
"""How long where all stages have their turn."""
COHORTS = (0, 50, 10, 100)
RECYCLED = ("--max-requests", "60", "--max-requests-jitter", "20")
"""Each worker ends after some 60 requests and another takes its place."""
RECYCLED_SECONDS = 30.0
"""How much longer than the drill that may take on a slow machine."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault under load.

    Attributes:
        name: what it is called for.
        fault: what happens, in about so many seconds.
        stage: the stage at the start.
        pins: stages of several gunicorns behind one nginx; empty for one that follows.
        arguments: more arguments for gunicorn.
        mix: what the clients do.
        together: how many clients share one conversation.
        downtime: whether nobody serves for a while, by the nature of the fault.
        seconds: how long the load lasts, about, unless told.
    """

    name: str
    fault: Callable[[Deployment, float], None]
    stage: str = ""
    pins: tuple[str, ...] = ("",)
    arguments: tuple[str, ...] = ()
    mix: Mix = MIXED
    together: int = 2
    downtime: bool = False
    seconds: float = SECONDS

    def run(self, seconds: float, *, by_command: bool = True) -> Journal:
        """Start everything, let it happen, read every conversation twice.

        Args:
            seconds: how long the load lasts, about.
            by_command: whether stages are changed by `flask migration`.

        Raises:
            RuntimeError, TimeoutError: the drill did not happen as it should.
        """
        journal = Journal()
        servers = Deployment(
            self.stage, pins=self.pins, arguments=self.arguments, by_command=by_command
        )
        leniency = Leniency(downtime=self.downtime)
        with servers as deployment:
            port = deployment.nginx.port
            with Workload([port], journal, self.mix, together=self.together, leniency=leniency):
                self.fault(deployment, seconds)
            for pause in (0.0, SETTLE_SECONDS):
                time.sleep(pause)
                read_all(port, journal)
            journal.log = deployment.warnings()
        return journal


def climb_and_descend(deployment: Deployment, seconds: float) -> None:
    """All stages up and down again."""
    pause = seconds / (2 * len(STAGES) - 1)
    for stage in STAGES[1:]:
        time.sleep(pause)
        deployment.advance(stage)
    for stage in reversed(STAGES[:-1]):
        time.sleep(pause)
        deployment.rollback(stage)
    time.sleep(pause)


def vary_cohort(deployment: Deployment, seconds: float) -> None:
    """The share of conversations that is served as in live goes up, down and up."""
    for cohort in COHORTS:
        deployment.set_stage("shadow", cohort)
        time.sleep(seconds / len(COHORTS))


def repeat(deed: Callable[[Masters], None], deployment: Deployment, seconds: float) -> None:
    """The same thing is done to gunicorn again and again, at least once."""
    until = time.monotonic() + seconds
    while True:
        time.sleep(min(1.0, seconds / 3))
        deed(deployment.gunicorn)
        if time.monotonic() > until:
            break
    time.sleep(0.3)


def wait(_deployment: Deployment, seconds: float) -> None:
    """Nothing happens to it."""
    time.sleep(seconds)


def recycle(deployment: Deployment, seconds: float) -> None:
    """Workers end by themselves, each at least once."""
    before = deployment.gunicorn.workers()
    time.sleep(seconds)
    if not eventually(lambda: not deployment.gunicorn.workers() & before, RECYCLED_SECONDS):
        raise TimeoutError("there are workers that never ended")


def look_from_beside(deployment: Deployment, seconds: float) -> None:
    """After a while the stage changes to its neighbours, where the other copy is read."""
    time.sleep(seconds / 2)
    here = STAGES.index(Stage(deployment.stage()))
    for stage in (*STAGES[here + 1 : here + 2], STAGES[here], *STAGES[max(here - 1, 0) : here]):
        deployment.set_stage(stage)
        time.sleep(seconds / 6)


def _drills() -> list[Drill]:
    inner = STAGES[1:]
    neighbours = itertools.pairwise(inner)
    reload, restart, replace = (
        partial(repeat, deed) for deed in (Masters.reload, Masters.restart, Masters.replace)
    )
    return [
        Drill("stages", climb_and_descend, "off", seconds=WALK_SECONDS),
        Drill("cohort", vary_cohort, "shadow"),
        Drill("deletes", climb_and_descend, "off", mix=DELETES, seconds=WALK_SECONDS),
        *(Drill(f"hup-{stage}", reload, stage) for stage in inner),
        *(Drill(f"term-start-{stage}", restart, stage, downtime=True) for stage in STAGES),
        *(Drill(f"usr2-{stage}", replace, stage) for stage in inner),
        *(Drill(f"max-requests-{stage}", recycle, stage, arguments=RECYCLED) for stage in inner),
        *(Drill(f"deletes-{stage}", look_from_beside, stage, mix=DELETES) for stage in STAGES),
        *(Drill(f"writers-{stage}", wait, stage, together=CLIENTS - 1) for stage in STAGES),
        *(Drill(f"apart-{one}-{two}", wait, pins=(one, two)) for one, two in neighbours),
    ]


Runnable = Drill | OutageDrill | ReplayDrill
DRILLS: dict[str, Runnable] = {
    **{drill.name: drill for drill in _drills()},
    **{drill.name: drill for drill in outage_drills()},
    "replay-10000": ReplayDrill("replay-10000"),
}
SHORT = {
    "stages": 1.5,
    "cohort": 2.0,
    "hup-dualwrite": 2.0,
    "usr2-live": 2.0,
    "max-requests-shadow": 2.0,
    "term-start-off": 2.0,
    "deletes": 2.0,
    "apart-shadow-live": 2.0,
    "refused-complete": 2.0,
    "frozen-live": 2.0,
    "killed-aof-complete": 2.0,
    "killed-empty-shadow": 2.0,
    "delete-outage-plain": 2.0,
    "oom": 2.0,
    "restart-outage-complete": 1.5,
}
"""The drills of the suite, and how many seconds each may take there."""


def duration(name: str, seconds: float | None, *, short: bool) -> float:
    """How long a drill lasts: as told, or as usual for it."""
    if seconds is not None:
        return seconds
    if short:
        return SHORT[name]
    return DRILLS[name].seconds
