"""What happens in the outage drills: one fault or several, in about so many seconds."""

import time
from collections.abc import Callable

from tests.drills.clients import Maker
from tests.drills.faults import (
    FAULTS,
    during,
    flap,
    kill,
    reset,
    start_empty,
)
from tests.drills.outages import Scene
from tests.drills.retrying_client import Leniency

BEFORE, AWAY = 0.2, 0.5
"""Which share of the time passes before the fault, and how much of it the fault lasts."""
SHARED = 4
"""Conversations in which both of two hosts are spoken to."""

Happening = Callable[[Scene, float], None]


def once(name: str, meanwhile: Happening | None = None, *, all_the_time: bool = False) -> Happening:
    """One fault, with some time before and after it.

    Args:
        name: which one.
        meanwhile: what else happens while it lasts; without it time passes.
        all_the_time: whether the fault lasts from the beginning to the end.
    """
    before, away = (0.0, 1.0) if all_the_time else (BEFORE, AWAY)

    def happen(scene: Scene, seconds: float) -> None:
        time.sleep(before * seconds)
        with scene.outage(), during(FAULTS[name], scene.deployment):
            (meanwhile or wait)(scene, away * seconds)
        time.sleep((1 - before - away) * seconds)

    return happen


def wait(_scene: Scene, seconds: float) -> None:
    """Time passes."""
    time.sleep(seconds)


def flapping(scene: Scene, seconds: float) -> None:
    """The connection comes and goes."""
    with scene.outage():
        flap(scene.deployment, seconds)


def resets(scene: Scene, seconds: float) -> None:
    """Replies are lost after their requests were done."""
    reset(scene.deployment, seconds)
    scene.journal.figures["resets"] = str(scene.deployment.proxy.resets)


def emptied(scene: Scene, seconds: float, *, all_back: bool = False) -> None:
    """Redis is killed and comes back with nothing.

    What was only there is gone, unless the dict of the process has it, too.
    """
    time.sleep(BEFORE * seconds)
    with scene.outage():
        kill(scene.deployment)
        only_there = list(scene.journal.conversations)
        time.sleep(AWAY * seconds)
        if not all_back:
            scene.journal.excuse(only_there)
        start_empty(scene.deployment)
    time.sleep((1 - BEFORE - AWAY) * seconds)


def emptied_beside_a_dict(scene: Scene, seconds: float) -> None:
    """Redis comes back with nothing, and gets everything from the dict."""
    emptied(scene, seconds, all_back=True)


def kill_workers(scene: Scene, seconds: float) -> None:
    """Workers are killed, one after the other."""
    for _ in range(2):
        time.sleep(seconds / 3)
        scene.deployment.gunicorn.kill_worker()
    time.sleep(seconds / 3)


def restart(scene: Scene, seconds: float) -> None:
    """Gunicorn ends and is started again."""
    time.sleep(seconds / 2)
    scene.deployment.gunicorn.restart()
    time.sleep(seconds / 2)


def reload(scene: Scene, seconds: float) -> None:
    """Gunicorn gets other workers."""
    time.sleep(seconds / 2)
    scene.deployment.gunicorn.reload()
    time.sleep(seconds / 2)


def speak_at_both_hosts(scene: Scene, seconds: float) -> None:
    """Two hosts keep what is said in the same conversations, each in its own spill.

    Redis goes on answering reads, so that each host changes the copy from before.
    """
    leniency = Leniency(outage=True)
    ports = [gunicorn.port for gunicorn in scene.deployment.gunicorns]
    makers = [Maker(port, scene.journal, leniency) for port in ports]
    begun = [makers[0].start() for _ in range(SHARED)]
    conversations = [one for one in begun if one]
    until = time.monotonic() + AWAY * seconds
    with scene.outage(), during(FAULTS["pause-write"], scene.deployment):
        while time.monotonic() < until:
            for conversation in conversations:
                for maker in makers:
                    maker.say(conversation)
    for maker in makers:
        maker.close()
    time.sleep((1 - AWAY) * seconds)


def delete_across(scene: Scene, seconds: float) -> None:
    """Redis is away twice, so that deletions fall just before it, into it and after it."""
    for _ in range(2):
        time.sleep(seconds / 6)
        with scene.outage(), during(FAULTS["refused"], scene.deployment):
            time.sleep(seconds / 4)
        time.sleep(seconds / 12)
