"""Scenarios in which another server answers, or the same one with other settings."""

import signal
import time

from tests.drills.deployment import Deployment
from tests.drills.outages import DrillRun
from tests.drills.scenarios import AWAY, BEFORE
from tests.drills.verification import read_readiness
from tests.support.servers import RedisServer, eventually, old_redis

LEAVE_SECONDS = 10.0
"""How long a process may go on talking to a server that is the primary no more."""
POLICY = "volatile-lru"


def fail_over(run: DrillRun, seconds: float) -> None:
    """Make another Redis the primary; connections to the old one stay open."""
    time.sleep(BEFORE * seconds)
    with run.record_outage():
        old = run.deployment.fail_over()
    if not eventually(lambda: not _count_clients(old), LEAVE_SECONDS):
        # What the old one answers may be anything.
        run.journal.record("lost", "failover", "the old primary is still asked")
    time.sleep(AWAY * seconds)


def downgrade(run: DrillRun, seconds: float) -> None:
    """Put a Redis in the place of the present one that is too old, and the present one back."""
    path, deployment = old_redis(), run.deployment
    time.sleep(BEFORE * seconds)
    with run.record_outage():
        deployment.redis.stop(signal.SIGKILL)
        old = RedisServer()
        old.command[0] = path
        old.command[2] = str(deployment.redis.port)
        old.port = deployment.redis.port
        with old:
            time.sleep(AWAY * seconds)
            with old.client() as client:
                if written := client.dbsize():
                    run.journal.record("lost", "old server", f"it was given {written} keys")
        deployment.redis.start()
    time.sleep((1 - BEFORE - AWAY) * seconds)


def allow_eviction(run: DrillRun, seconds: float) -> None:
    """Let Redis evict what expires; operators are told of it and kept from going on."""
    deployment = run.deployment
    _set_policy(deployment, POLICY)
    if not eventually(lambda: _is_warned(deployment)):
        run.journal.record("stuck", "readyz", "it does not warn of eviction")
    if POLICY not in deployment.run_migration("status"):
        run.journal.record("stuck", "flask migration status", "it does not warn of eviction")
    try:
        deployment.run_migration("advance", "--wait", "0")
        run.journal.record("stuck", "flask migration advance", "it goes on all the same")
    except RuntimeError as refused:
        if POLICY not in str(refused):
            run.journal.record("stuck", "flask migration advance", "it refuses without a reason")
    time.sleep(AWAY * seconds)
    _set_policy(deployment, "noeviction")
    if not eventually(lambda: not _is_warned(deployment)):
        run.journal.record("stuck", "readyz", "it goes on warning")


def _set_policy(deployment: Deployment, policy: str) -> None:
    with deployment.redis.client() as client:
        client.config_set("maxmemory-policy", policy)


def _is_warned(deployment: Deployment) -> bool:
    """Whether the worker that happens to answer warns of the policy."""
    warnings = read_readiness(deployment.gunicorn.port).get("warnings", ())
    return any(POLICY in warning for warning in warnings)


def _count_clients(server: RedisServer) -> int:
    """How many connections a server has, but for replicas and the one that asks."""
    with server.client() as client:
        flags: list[str] = [one["flags"] for one in client.client_list(_type="normal")]
    return flags.count("N") - 1
