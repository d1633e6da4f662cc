"""Scenarios of the outage drills: one fault or several, in about so many seconds."""

import time
from collections.abc import Callable

from tests.drills.clients import Maker
from tests.drills.faults import FAULTS, flap, kill, reset, start_empty, sustain
from tests.drills.outages import DrillRun
from tests.drills.retrying_client import Tolerance

BEFORE, AWAY = 0.2, 0.5
"""The share of the time before a fault, and the share for which it lasts."""
SHARED = 4
"""Conversations to which the clients of both hosts write."""

Scenario = Callable[[DrillRun, float], None]


def inject(name: str, meanwhile: Scenario | None = None, *, all_the_time: bool = False) -> Scenario:
    """Build the scenario of one fault, with some time before and after it.

    Args:
        name: the fault.
        meanwhile: what else happens while it lasts; by default time passes.
        all_the_time: whether the fault lasts from the beginning to the end.
    """
    before, away = (0.0, 1.0) if all_the_time else (BEFORE, AWAY)

    def play(run: DrillRun, seconds: float) -> None:
        time.sleep(before * seconds)
        with run.record_outage(), sustain(FAULTS[name], run.deployment):
            (meanwhile or wait)(run, away * seconds)
        time.sleep((1 - before - away) * seconds)

    return play


def wait(_run: DrillRun, seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


def flap_connection(run: DrillRun, seconds: float) -> None:
    """Break and restore the connection to Redis."""
    with run.record_outage():
        flap(run.deployment, seconds)


def lose_replies(run: DrillRun, seconds: float) -> None:
    """Lose replies after their requests were carried out."""
    reset(run.deployment, seconds)
    run.journal.figures["resets"] = str(run.deployment.proxy.resets)


def lose_redis_data(run: DrillRun, seconds: float, *, has_copies: bool = False) -> None:
    """Kill Redis and start it without data.

    Its conversations are lost, unless the process has copies of them in its dict.
    """
    time.sleep(BEFORE * seconds)
    with run.record_outage():
        kill(run.deployment)
        only_there = list(run.journal.conversations)
        time.sleep(AWAY * seconds)
        if not has_copies:
            run.journal.excuse(only_there)
        start_empty(run.deployment)
    time.sleep((1 - BEFORE - AWAY) * seconds)


def restore_from_dict(run: DrillRun, seconds: float) -> None:
    """Start Redis without data; the dict fills it again."""
    lose_redis_data(run, seconds, has_copies=True)


def kill_workers(run: DrillRun, seconds: float) -> None:
    """Kill workers, one after the other."""
    for _ in range(2):
        time.sleep(seconds / 3)
        run.deployment.gunicorn.kill_worker()
    time.sleep(seconds / 3)


def restart(run: DrillRun, seconds: float) -> None:
    """Stop gunicorn and start it again."""
    time.sleep(seconds / 2)
    run.deployment.gunicorn.restart()
    time.sleep(seconds / 2)


def reload(run: DrillRun, seconds: float) -> None:
    """Replace gunicorn's workers."""
    time.sleep(seconds / 2)
    run.deployment.gunicorn.reload()
    time.sleep(seconds / 2)


def write_on_both_hosts(run: DrillRun, seconds: float) -> None:
    """Write to the same conversations on two hosts, each of which has its own spill.

    Redis keeps answering reads, so that each host changes the copy from before the outage.
    """
    tolerance = Tolerance(outage=True)
    makers = [Maker(gunicorn.port, run.journal, tolerance) for gunicorn in run.deployment.gunicorns]
    started = [makers[0].start() for _ in range(SHARED)]
    until = time.monotonic() + AWAY * seconds
    with run.record_outage(), sustain(FAULTS["pause-write"], run.deployment):
        while time.monotonic() < until:
            for conversation in filter(None, started):
                for maker in makers:
                    maker.say(conversation)
    for maker in makers:
        maker.close()
    time.sleep((1 - AWAY) * seconds)


def delete_across_outages(run: DrillRun, seconds: float) -> None:
    """Take Redis away twice, so that deletions come just before, during and after an outage."""
    for _ in range(2):
        time.sleep(seconds / 6)
        with run.record_outage(), sustain(FAULTS["refused"], run.deployment):
            time.sleep(seconds / 4)
        time.sleep(seconds / 12)
