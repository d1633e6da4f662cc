"""Looks at a gunicorn's health while a drill goes on, and sums up how it answered meanwhile."""

import threading
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.drills.http_connection import Wire
from tests.drills.journal import Journal
from tests.drills.verification import is_settled, readiness

FOUND_OUT_SECONDS = 2.0
"""How long after its beginning an outage may cost waiting; p99_open_ms leaves that out."""
LOOK_SECONDS = 0.05
"""Seconds between two looks."""


class Look(NamedTuple):
    """One look: when (monotonic), how many seconds the answer took, its status, what it said."""

    at: float
    seconds: float
    status: int
    said: dict[str, Any]


class Watch:
    """Asks /healthz and /readyz again and again, from entering to leaving.

    Args:
        port: where gunicorn listens.
    """

    def __init__(self, port: int) -> None:
        self.health: list[Look] = []
        self.readiness: list[Look] = []
        self._port = port
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(look,))
            for look in (self._look_at_health, self._look_at_readiness)
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

    @property
    def breaker_opened(self) -> bool:
        """Whether any breaker was seen not to be closed."""
        states = [state for look in self.readiness for state in _breakers(look).values()]
        return any(state != "closed" for state in states)

    def seconds_until_settled(self, returned: float) -> float | None:
        """Seconds from the engine's return until nothing waited for it; None: never seen."""
        found = (look.at for look in self.readiness if look.at > returned and is_settled(look.said))
        at = next(found, None)
        return None if at is None else at - returned

    def _repeat(self, look: Any) -> None:
        while not self._over.wait(LOOK_SECONDS):
            look()

    def _look_at_health(self) -> None:
        wire = Wire(self._port)
        begun = time.monotonic()
        status = wire.send("GET", "/healthz").status
        wire.close()
        self.health.append(Look(begun, time.monotonic() - begun, status, {}))

    def _look_at_readiness(self) -> None:
        begun = time.monotonic()
        said = readiness(self._port)
        self.readiness.append(
            Look(begun, time.monotonic() - begun, int(said.get("answered", 0)), said)
        )


def sum_up(journal: Journal, watch: Watch, *, health: bool) -> None:
    """Put into the drill's line how it was while the engine was away, times in milliseconds.

    The slowest answer of /healthz belongs to it where gunicorn was there all the time.
    """
    if not journal.outages:
        return
    inside = [one for one in journal.answers if _within(journal, one.at)]
    times = sorted(one.seconds for one in inside)
    if times:
        journal.figures["answers"] = str(len(times))
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            journal.figures[f"{name}_ms"] = f"{1000 * quantile(times, share):.0f}"
        parts = {
            "p99_open_ms": [one for one in inside if not _is_found_out(journal, one.at)],
            "p99_before_ms": [one for one in journal.answers if one.at < journal.outages[0][0]],
        }
        for name, answers in parts.items():
            if seconds := sorted(one.seconds for one in answers):
                journal.figures[name] = f"{1000 * quantile(seconds, 0.99):.0f}"
        refused = sum(one.status == 503 for one in inside)
        journal.figures["share_503"] = f"{refused / len(inside):.2f}"
    if health:
        looks = [look.seconds for look in watch.health if _within(journal, look.at)]
        journal.figures["healthz_max_ms"] = f"{1000 * max(looks, default=0.0):.0f}"
    settled = watch.seconds_until_settled(journal.outages[-1][1])
    journal.figures["settled_s"] = "late" if settled is None else f"{settled:.1f}"


def quantile(ordered: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _is_found_out(journal: Journal, at: float) -> bool:
    """Whether it was so early in an outage that the breakers may still have been closed."""
    return any(begun <= at <= begun + FOUND_OUT_SECONDS for begun, _ in journal.outages)


def _within(journal: Journal, at: float) -> bool:
    return any(begun <= at <= ended for begun, ended in journal.outages)


def _breakers(look: Look) -> dict[str, str]:
    return look.said.get("breaker") or {}
