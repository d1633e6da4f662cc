"""The clients of a drill, each in a thread, from its beginning to its end."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from tests.drills.client_behaviour import MIXED, Alone, Mix, Together, Watching
from tests.drills.clients import Maker
from tests.drills.journal import Conversation, Journal
from tests.drills.retrying_client import STRICT, Leniency

CLIENTS = 8
MOST_STEPS = 4000
"""What one client does at most, however long the drill."""
THINKING = 0.02
"""Seconds between two steps of a client, at most."""


class Workload:
    """Clients in threads, from entering to leaving.

    One watches analyses, some share conversations, the others have some of their own.

    Args:
        ports: where nginx listens; or several gunicorns, each with clients of its own.
        journal: what they remember.
        mix: what those with conversations of their own do.
        together: how many share.
        groups: how many conversations these share, at a time.
        clients: how many there are in all.
        leniency: what is no finding.
    """

    def __init__(
        self,
        ports: Sequence[int],
        journal: Journal,
        mix: Mix = MIXED,
        *,
        together: int = 2,
        groups: int = 1,
        clients: int = CLIENTS,
        leniency: Leniency = STRICT,
    ) -> None:
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        makers = [Maker(ports[at % len(ports)], journal, leniency) for at in range(clients)]
        shared: list[list[Conversation]] = [[] for _ in range(groups)]
        steps: list[Callable[[], None]] = [Watching(makers[0]).step]
        steps += [
            Together(maker, shared[at % groups]).step
            for at, maker in enumerate(makers[1 : together + 1])
        ]
        steps += [Alone(maker, mix).step for maker in makers[together + 1 :]]
        self._threads = [
            threading.Thread(target=self._loop, args=work)
            for work in zip(makers, steps, strict=True)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._errors and error is None:
            raise self._errors[0]

    def _loop(self, maker: Maker, step: Callable[[], None]) -> None:
        try:
            for _ in range(MOST_STEPS):
                if self._over.is_set():
                    break
                step()
                time.sleep(random.uniform(0, THINKING))  # noqa: S311 - variety, not a secret
        except Exception as error:  # noqa: BLE001 - raised again where the drill ends
            self._errors.append(error)
        finally:
            maker.close()
