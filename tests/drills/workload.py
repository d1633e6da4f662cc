"""The load of a drill: clients that each run in a thread for as long as a block lasts."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

from tests.drills.client_behaviour import MIXED, Mix, SharingClient, SoloClient, StreamingClient
from tests.drills.clients import Maker
from tests.drills.journal import Conversation, Journal
from tests.drills.retrying_client import STRICT, Tolerance
from tests.drills.threads import run_in_background

CLIENTS = 8
MOST_STEPS = 4000
"""Steps after which a client stops, however long the drill."""
THINKING = 0.02
"""The longest pause between two steps of a client, in seconds."""


def run_clients(
    ports: Sequence[int],
    journal: Journal,
    mix: Mix = MIXED,
    *,
    sharing: int = 2,
    groups: int = 1,
    clients: int = CLIENTS,
    tolerance: Tolerance = STRICT,
) -> AbstractContextManager[None]:
    """Run clients: one streams analyses, some share conversations, the others work alone.

    Args:
        ports: where nginx listens; or several gunicorns, each with clients of its own.
        journal: what they record.
        mix: the actions of those that work alone.
        sharing: how many share conversations.
        groups: how many conversations these share at a time.
        clients: how many there are in all.
        tolerance: what is no finding.
    """
    makers = [Maker(ports[at % len(ports)], journal, tolerance) for at in range(clients)]
    shared: list[list[Conversation]] = [[] for _ in range(groups)]
    steps: list[Callable[[], None]] = [StreamingClient(makers[0]).step]
    steps += [
        SharingClient(maker, shared[at % groups]).step
        for at, maker in enumerate(makers[1 : sharing + 1])
    ]
    steps += [SoloClient(maker, mix).step for maker in makers[sharing + 1 :]]
    return run_in_background([partial(_loop, *work) for work in zip(makers, steps, strict=True)])


def _loop(maker: Maker, step: Callable[[], None], over: threading.Event) -> None:
    try:
        for _ in range(MOST_STEPS):
            if over.is_set():
                break
            step()
            time.sleep(random.uniform(0, THINKING))  # noqa: S311 - variety, not a secret
    finally:
        maker.close()
