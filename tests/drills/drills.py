"""The drills by name: which deployment, which fault, and what the clients do meanwhile."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.sessions.migration.stages import Stage
from tests.drills.client_behaviour import DELETES, MIXED, Mix
from tests.drills.deployment import Deployment
from tests.drills.journal import Journal
from tests.drills.managed_gunicorn import ManagedGunicorn
from tests.drills.outage_list import list_outage_drills
from tests.drills.outages import OutageDrill
from tests.drills.replay import ReplayDrill
from tests.drills.retrying_client import Tolerance
from tests.drills.verification import SECOND_READ_SECONDS, read_all
from tests.drills.workload import CLIENTS, run_clients
from tests.support.servers import eventually

STAGES = tuple(Stage)
SECONDS = 10.0
"""About how long a drill is under load by default."""
WALK_SECONDS = 18.0
"""The same for a drill that goes through all stages."""
COHORTS = (0, 50, 10, 100)
RECYCLED = ("--max-requests", "60", "--max-requests-jitter", "20")
"""Each worker ends after about 60 requests and another one takes its place."""
RECYCLED_SECONDS = 30.0
"""How much longer than the load that may take on a slow machine."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault under load.

    Attributes:
        name: its name on the command line.
        fault: what happens, in about so many seconds.
        stage: the stage at the start.
        pins: stages of several gunicorns behind one nginx; empty for one that follows.
        arguments: more arguments for gunicorn.
        mix: the actions of clients that work alone.
        sharing: how many clients share one conversation.
        downtime: whether the fault implies that nobody serves for a while.
        seconds: about how long the load lasts by default.
    """

    name: str
    fault: Callable[[Deployment, float], None]
    stage: str = ""
    pins: tuple[str, ...] = ("",)
    arguments: tuple[str, ...] = ()
    mix: Mix = MIXED
    sharing: int = 2
    downtime: bool = False
    seconds: float = SECONDS

    def run(self, seconds: float, *, by_command: bool = True) -> Journal:
        """Start the servers, cause the fault, read every conversation twice.

        Args:
            seconds: about how long the load lasts.
            by_command: whether `flask migration` changes the stage.

        Raises:
            RuntimeError, TimeoutError: the fault could not be caused.
        """
        journal = Journal()
        servers = Deployment(
            self.stage, pins=self.pins, arguments=self.arguments, by_command=by_command
        )
        tolerance = Tolerance(downtime=self.downtime)
        with servers as deployment:
            port = deployment.nginx.port
            with run_clients([port], journal, self.mix, sharing=self.sharing, tolerance=tolerance):
                self.fault(deployment, seconds)
            for pause in (0.0, SECOND_READ_SECONDS):
                time.sleep(pause)
                read_all(port, journal)
            journal.warnings = deployment.read_warnings()
        return journal


def climb_and_descend(deployment: Deployment, seconds: float) -> None:
    """Go through all stages, forward and back again."""
    pause = seconds / (2 * len(STAGES) - 1)
    for stage in STAGES[1:]:
        time.sleep(pause)
        deployment.advance(stage)
    for stage in reversed(STAGES[:-1]):
        time.sleep(pause)
        deployment.rollback(stage)
    time.sleep(pause)


def vary_cohort(deployment: Deployment, seconds: float) -> None:
    """Raise, lower and raise again the share of conversations that is served as in live."""
    for cohort in COHORTS:
        deployment.set_stage("shadow", cohort)
        time.sleep(seconds / len(COHORTS))


def repeat(
    action: Callable[[ManagedGunicorn], None], deployment: Deployment, seconds: float
) -> None:
    """Do the same to gunicorn again and again, at least once."""
    until = time.monotonic() + seconds
    while True:
        time.sleep(min(1.0, seconds / 3))
        action(deployment.gunicorn)
        if time.monotonic() > until:
            break
    time.sleep(0.3)


def wait(_deployment: Deployment, seconds: float) -> None:
    """Let time pass without a fault."""
    time.sleep(seconds)


def recycle(deployment: Deployment, seconds: float) -> None:
    """Wait until each worker has ended by itself at least once."""
    before = deployment.gunicorn.list_workers()
    time.sleep(seconds)
    if not eventually(lambda: not deployment.gunicorn.list_workers() & before, RECYCLED_SECONDS):
        raise TimeoutError("some workers have not ended")


def visit_neighbours(deployment: Deployment, seconds: float) -> None:
    """After a while change to the neighbouring stages, which read the other copy."""
    time.sleep(seconds / 2)
    here = STAGES.index(Stage(deployment.read_stage()))
    for stage in (*STAGES[here + 1 : here + 2], STAGES[here], *STAGES[max(here - 1, 0) : here]):
        deployment.set_stage(stage)
        time.sleep(seconds / 6)


def _list_drills() -> list[Drill]:
    inner = STAGES[1:]
    neighbours = itertools.pairwise(inner)
    reload, restart, replace = (
        partial(repeat, action)
        for action in (ManagedGunicorn.reload, ManagedGunicorn.restart, ManagedGunicorn.replace)
    )
    return [
        Drill("stages", climb_and_descend, "off", seconds=WALK_SECONDS),
        Drill("cohort", vary_cohort, "shadow"),
        Drill("deletes", climb_and_descend, "off", mix=DELETES, seconds=WALK_SECONDS),
        *(Drill(f"hup-{stage}", reload, stage) for stage in inner),
        *(Drill(f"term-start-{stage}", restart, stage, downtime=True) for stage in STAGES),
        *(Drill(f"usr2-{stage}", replace, stage) for stage in inner),
        *(Drill(f"max-requests-{stage}", recycle, stage, arguments=RECYCLED) for stage in inner),
        *(Drill(f"deletes-{stage}", visit_neighbours, stage, mix=DELETES) for stage in STAGES),
        *(Drill(f"writers-{stage}", wait, stage, sharing=CLIENTS - 1) for stage in STAGES),
        *(Drill(f"apart-{one}-{two}", wait, pins=(one, two)) for one, two in neighbours),
    ]


AnyDrill = Drill | OutageDrill | ReplayDrill
DRILLS: dict[str, AnyDrill] = {
    **{drill.name: drill for drill in _list_drills()},
    **{drill.name: drill for drill in list_outage_drills()},
    "replay-10000": ReplayDrill("replay-10000"),
}
SHORT = {
    "cohort": 2.0,
    "term-start-off": 2.0,
    "deletes": 2.0,
    "apart-shadow-live": 2.0,
    "frozen-live": 2.0,
    "killed-empty-shadow": 2.0,
    "failover": 2.0,
    "restart-outage-complete": 1.5,
}
"""The drills of the suite, one of each kind, and for how many seconds each is under load there."""


def choose_seconds(name: str, seconds: float | None, *, short: bool) -> float:
    """Choose how long a drill is under load: as given, else its default."""
    if seconds is not None:
        return seconds
    if short:
        return SHORT[name]
    return DRILLS[name].seconds
