"""Drills in which the application cannot reach Redis for a while, or only in part."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.drills.client_behaviour import MIXED, Mix
from tests.drills.deployment import Deployment
from tests.drills.disk import small_disk
from tests.drills.faults import OPTIONS
from tests.drills.health_monitor import Watch, quantile, sum_up
from tests.drills.journal import KINDS, OUTAGE_KINDS, Journal
from tests.drills.retrying_client import Leniency
from tests.drills.verification import (
    SETTLE_SECONDS,
    look_into_redis,
    read_all,
    read_deleted,
    wait_until_settled,
)
from tests.drills.workload import CLIENTS, Workload

SECONDS = 10.0
"""How long a drill's load lasts, about, unless told."""
LONGEST_ANSWER = 3.0
"""Seconds an answer may take: a request waits for Redis one second at most, and a machine with
two busy cores may stand still for another."""
USUAL_ANSWER = 0.2
"""Seconds within which half of the answers must be there while Redis is silent: less than the one
timeout that each of them would wait for if nobody remembered that it is."""
ENOUGH = 20
"""Answers that are needed to speak of half of them."""
MOST_CONNECTIONS = 150.0
"""Connections to Redis a second that are no storm, for two workers with sixteen threads: each
time it goes away some requests of each find out for themselves."""
TIMEOUT = "0.25"
"""The application's own default for REDIS_TIMEOUT."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault works on.

    Attributes:
        deployment: the servers.
        journal: what the clients remember.
    """

    deployment: Deployment
    journal: Journal

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """The engine is away as long as this block lasts."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.journal.outages.append((begun, time.monotonic()))


@dataclass(frozen=True, slots=True)
class OutageDrill:
    """One fault of the engine under load.

    Attributes:
        name: what it is called for.
        happen: what happens, in about so many seconds.
        stage: the stage that is stored; empty for none, which is complete as well.
        hosts: how many gunicorns there are, each with a spill of its own.
        sticky: whether each client stays with one host, instead of being sent to any.
        mix: what the clients do.
        together, groups, clients: as in Workload.
        proxied: whether there is a proxy before Redis.
        options: more options for redis-server.
        downtime: whether nobody serves for a while, by the nature of the fault.
        accepts: whether every new conversation must be accepted.
        spills: whether something must have gone by way of the spill.
        disk: bytes of the disk the spill is on; 0 for one that is large enough.
        most_connections: connections to Redis a second that are no storm.
        silent: whether Redis answers nothing, so that a breaker must keep requests from waiting.
        seconds: how long the load lasts, about, unless told.
    """

    name: str
    happen: Callable[[Scene, float], None]
    stage: str = "complete"
    hosts: int = 1
    sticky: bool = False
    mix: Mix = MIXED
    together: int = 2
    groups: int = 1
    clients: int = CLIENTS
    proxied: bool = False
    options: tuple[str, ...] = OPTIONS
    downtime: bool = False
    accepts: bool = True
    spills: bool = True
    disk: int = 0
    most_connections: float = MOST_CONNECTIONS
    silent: bool = False
    seconds: float = SECONDS

    def run(self, seconds: float, *, by_command: bool = True) -> Journal:
        """Start everything, let it happen, wait for the replay, read everything twice.

        Args:
            seconds: how long the load lasts, about.
            by_command: whether stages are set by `flask migration`.

        Raises:
            RuntimeError, TimeoutError: the drill did not happen as it should.
        """
        tolerated = () if self.accepts else ("starts_refused",)
        journal = Journal((*KINDS, *(kind for kind in OUTAGE_KINDS if kind not in tolerated)))
        with self._servers(by_command=by_command) as deployment:
            with Watch(deployment.gunicorn.port) as watch, self._load(deployment, journal):
                before = self._connections(deployment), time.monotonic()
                self.happen(Scene(deployment, journal), seconds)
                self._count_connections(deployment, journal, *before)
                wait_until_settled(deployment, journal)
            wait_until_settled(deployment, journal)
            journal.over = True
            self._read_everything(deployment, journal)
            journal.log = deployment.warnings()
        sum_up(journal, watch, health=not self.downtime)
        if journal.excuses:
            answers = sorted(journal.excuses.items())
            journal.figures["excused"] = ",".join(f"{status}:{n}" for status, n in answers)
        self._judge_speed(journal, watch)
        self._judge_readiness(journal, watch)
        if self.spills and not journal.degraded:
            journal.fault("stuck", "spill", "nothing went by way of the spill")
        return journal

    @contextlib.contextmanager
    def _servers(self, *, by_command: bool) -> Iterator[Deployment]:
        with contextlib.ExitStack() as stack:
            settings = {"REDIS_TIMEOUT": TIMEOUT}
            disk = stack.enter_context(small_disk(self.disk)) if self.disk else None
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
            )
            yield stack.enter_context(servers)

    def _load(self, deployment: Deployment, journal: Journal) -> Workload:
        longest = 0.0 if self.downtime else LONGEST_ANSWER
        hosts = [gunicorn.port for gunicorn in deployment.gunicorns]
        return Workload(
            hosts if self.sticky else [deployment.nginx.port],
            journal,
            self.mix,
            together=self.together,
            groups=self.groups,
            clients=self.clients,
            leniency=Leniency(downtime=self.downtime, outage=True, seconds=longest),
        )

    def _read_everything(self, deployment: Deployment, journal: Journal) -> None:
        port, insistent = deployment.nginx.port, Leniency(outage=True, insists=True)
        for pause in (0.0, SETTLE_SECONDS):
            time.sleep(pause)
            read_all(port, journal, insistent)
            read_deleted(port, journal, insistent)
        look_into_redis(deployment, journal)

    def _connections(self, deployment: Deployment) -> int:
        return deployment.proxy.connections if self.proxied else 0

    def _count_connections(
        self, deployment: Deployment, journal: Journal, before: int, since: float
    ) -> None:
        if not self.proxied:
            return
        each_second = (self._connections(deployment) - before) / (time.monotonic() - since)
        journal.figures["connections_per_s"] = f"{each_second:.1f}"
        if each_second > self.most_connections:
            journal.fault("storm", "connections", f"{each_second:.1f} a second")

    def _judge_speed(self, journal: Journal, watch: Watch) -> None:
        if not self.silent:
            return
        if not watch.breaker_opened:
            journal.fault("slow", "breaker", "no breaker was seen open")
        (begun, ended) = journal.outages[0]
        times = sorted(one.seconds for one in journal.answers if begun <= one.at <= ended)
        if len(times) >= ENOUGH and quantile(times, 0.5) > USUAL_ANSWER:
            why = f"half of {len(times)} answers took more than {USUAL_ANSWER} s"
            journal.fault("slow", "usual answer", why)

    def _judge_readiness(self, journal: Journal, watch: Watch) -> None:
        """While the spill takes writes, a load balancer must not take the host out."""
        if self.accepts and not self.downtime:
            for look in watch.readiness:
                if look.status >= 500:
                    journal.fault("errors_5xx", "readyz", f"{look.status}: {look.said}")
