"""Drills in which Redis is unavailable for a while, or available only in part."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.drills.client_behaviour import MIXED, Mix
from tests.drills.deployment import Deployment
from tests.drills.disk import mount_small_disk
from tests.drills.faults import OPTIONS
from tests.drills.health_monitor import HealthMonitor, add_figures, pick_quantile
from tests.drills.journal import KINDS, OUTAGE_KINDS, Journal
from tests.drills.retrying_client import Tolerance
from tests.drills.verification import (
    SECOND_READ_SECONDS,
    check_redis,
    read_all,
    read_deleted,
    wait_until_caught_up,
)
from tests.drills.workload import CLIENTS, run_clients

SECONDS = 10.0
"""About how long a drill is under load by default."""
LONGEST_ANSWER = 3.0
"""Seconds that an answer may take: a request waits for Redis one second at most, and a busy
machine with two cores may stall for another."""
MEDIAN_ANSWER = 0.2
"""Seconds within which half of the answers must come while Redis is silent: less than the timeout
that each request would wait for without a breaker."""
ENOUGH = 20
"""Answers that are needed to judge half of them."""
MOST_CONNECTIONS = 150.0
"""Connections to Redis a second that are no storm, for two workers with sixteen threads: each
time Redis goes away, several requests of each worker detect that for themselves."""
TIMEOUT = "0.25"
"""The application's own default for REDIS_TIMEOUT."""


@dataclass(frozen=True, slots=True)
class DrillRun:
    """One run of a drill, on which its scenario acts.

    Attributes:
        deployment: the servers.
        journal: what the clients record.
    """

    deployment: Deployment
    journal: Journal

    @contextlib.contextmanager
    def record_outage(self) -> Iterator[None]:
        """Record that the engine is away for as long as the block lasts."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.journal.outages.append((started, time.monotonic()))


@dataclass(frozen=True, slots=True)
class OutageDrill:
    """One fault of the engine under load.

    Attributes:
        name: its name on the command line.
        scenario: what happens, in about so many seconds.
        stage: the stored stage; empty for none, which means complete as well.
        hosts: how many gunicorns there are, each with its own spill.
        sticky: whether each client stays with one host, instead of being sent to any.
        mix: the actions of clients that work alone.
        sharing, groups, clients: as in `run_clients`.
        proxied: whether there is a proxy before Redis.
        options: more options for redis-server.
        downtime: whether the fault implies that nobody serves for a while.
        must_accept: whether every new conversation must be accepted.
        must_spill: whether some answers must have been served from the spill.
        disk: size of the spill's disk in bytes; 0 for one that is large enough.
        user: as which user of deploy/users.acl gunicorn connects to Redis; empty for the default.
        most_connections: connections to Redis a second that are no storm.
        silent: whether Redis answers nothing, so that a breaker must keep requests from waiting.
        seconds: about how long the load lasts by default.
    """

    name: str
    scenario: Callable[[DrillRun, float], None]
    stage: str = "complete"
    hosts: int = 1
    sticky: bool = False
    mix: Mix = MIXED
    sharing: int = 2
    groups: int = 1
    clients: int = CLIENTS
    proxied: bool = False
    options: tuple[str, ...] = OPTIONS
    downtime: bool = False
    must_accept: bool = True
    must_spill: bool = True
    disk: int = 0
    user: str = ""
    most_connections: float = MOST_CONNECTIONS
    silent: bool = False
    seconds: float = SECONDS

    def run(self, seconds: float, *, by_command: bool = True) -> Journal:
        """Start the servers, play the scenario, wait for the replay, read everything twice.

        Args:
            seconds: about how long the load lasts.
            by_command: whether `flask migration` sets the stage.

        Raises:
            RuntimeError, TimeoutError: the scenario could not be carried out.
        """
        tolerated = () if self.must_accept else ("starts_refused",)
        journal = Journal((*KINDS, *(kind for kind in OUTAGE_KINDS if kind not in tolerated)))
        with self._servers(by_command=by_command) as deployment:
            monitor = HealthMonitor(deployment.gunicorn.port)
            with monitor.run(), self._run_clients(deployment, journal):
                before = self._read_connections(deployment), time.monotonic()
                self.scenario(DrillRun(deployment, journal), seconds)
                self._judge_connections(deployment, journal, *before)
                wait_until_caught_up(deployment, journal)
            wait_until_caught_up(deployment, journal)
            journal.is_final = True
            self._read_everything(deployment, journal)
            journal.warnings = deployment.read_warnings()
        add_figures(journal, monitor, health=not self.downtime)
        if journal.excuses:
            answers = sorted(journal.excuses.items())
            journal.figures["excused"] = ",".join(f"{status}:{n}" for status, n in answers)
        self._judge_speed(journal, monitor)
        self._judge_readiness(journal, monitor)
        if self.must_spill and not journal.degraded:
            journal.record("stuck", "spill", "nothing was served from the spill")
        return journal

    @contextlib.contextmanager
    def _servers(self, *, by_command: bool) -> Iterator[Deployment]:
        with contextlib.ExitStack() as stack:
            settings = {"REDIS_TIMEOUT": TIMEOUT}
            disk = stack.enter_context(mount_small_disk(self.disk)) if self.disk else None
            if disk:
                settings["SESSION_SPILL_URL"] = f"sqlite:///{disk.folder}/spill.db"
            servers = Deployment(
                self.stage,
                pins=("",) * self.hosts,
                by_command=by_command,
                proxied=self.proxied,
                options=self.options,
                settings=settings,
                prefix=disk.prefix if disk else (),
                user=self.user,
            )
            yield stack.enter_context(servers)

    def _run_clients(
        self, deployment: Deployment, journal: Journal
    ) -> contextlib.AbstractContextManager[None]:
        longest = 0.0 if self.downtime else LONGEST_ANSWER
        hosts = [gunicorn.port for gunicorn in deployment.gunicorns]
        return run_clients(
            hosts if self.sticky else [deployment.nginx.port],
            journal,
            self.mix,
            sharing=self.sharing,
            groups=self.groups,
            clients=self.clients,
            tolerance=Tolerance(downtime=self.downtime, outage=True, seconds=longest),
        )

    def _read_everything(self, deployment: Deployment, journal: Journal) -> None:
        port, tolerance = deployment.nginx.port, Tolerance(outage=True, repeats_refused=True)
        for pause in (0.0, SECOND_READ_SECONDS):
            time.sleep(pause)
            read_all(port, journal, tolerance)
            read_deleted(port, journal, tolerance)
        check_redis(deployment, journal)

    def _read_connections(self, deployment: Deployment) -> int:
        return deployment.proxy.connections if self.proxied else 0

    def _judge_connections(
        self, deployment: Deployment, journal: Journal, before: int, since: float
    ) -> None:
        if not self.proxied:
            return
        each_second = (self._read_connections(deployment) - before) / (time.monotonic() - since)
        journal.figures["connections_per_s"] = f"{each_second:.1f}"
        if each_second > self.most_connections:
            journal.record("storm", "connections", f"{each_second:.1f} a second")

    def _judge_speed(self, journal: Journal, monitor: HealthMonitor) -> None:
        if not self.silent:
            return
        if not monitor.has_seen_open_breaker:
            journal.record("slow", "breaker", "no breaker was seen open")
        started, ended = journal.outages[0]
        times = sorted(one.seconds for one in journal.answers if started <= one.at <= ended)
        if len(times) >= ENOUGH and pick_quantile(times, 0.5) > MEDIAN_ANSWER:
            why = f"half of {len(times)} answers took more than {MEDIAN_ANSWER} s"
            journal.record("slow", "median answer", why)

    def _judge_readiness(self, journal: Journal, monitor: HealthMonitor) -> None:
        """Check that a load balancer keeps the host while its spill accepts writes."""
        if self.must_accept and not self.downtime:
            for one in monitor.readiness:
                if one.status >= 500:
                    journal.record("errors_5xx", "readyz", f"{one.status}: {one.report}")
