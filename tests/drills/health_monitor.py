"""Sample a gunicorn's health during a drill, and summarise how it answered meanwhile."""

import threading
import time
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from tests.drills.http_connection import HttpConnection
from tests.drills.journal import Journal
from tests.drills.threads import run_in_background
from tests.drills.verification import is_caught_up, read_readiness

DETECTION_SECONDS = 2.0
"""How long an outage may cost waiting before it is detected; p99_open_ms leaves that out."""
SAMPLE_SECONDS = 0.05
"""The pause between two samples."""


class Sample(NamedTuple):
    """One answer: when it was asked for (monotonic), its seconds, its status and its report."""

    at: float
    seconds: float
    status: int
    report: dict[str, Any]


class HealthMonitor:
    """Samples of /healthz and /readyz, taken while `run` lasts.

    Args:
        port: where gunicorn listens.
    """

    def __init__(self, port: int) -> None:
        self.health: list[Sample] = []
        self.readiness: list[Sample] = []
        self._port = port

    def run(self) -> AbstractContextManager[None]:
        """Take samples for as long as the block lasts."""
        return run_in_background([self._sample_health, self._sample_readiness])

    @property
    def has_seen_open_breaker(self) -> bool:
        """Whether any breaker was seen in a state other than closed."""
        states = [state for one in self.readiness for state in _read_breakers(one).values()]
        return any(state != "closed" for state in states)

    def compute_recovery(self, returned: float) -> float | None:
        """Compute the seconds from the engine's return to an empty backlog; None: never seen."""
        later = (one for one in self.readiness if one.at > returned)
        at = next((one.at for one in later if is_caught_up(one.report)), None)
        return None if at is None else at - returned

    def _sample_health(self, over: threading.Event) -> None:
        while not over.wait(SAMPLE_SECONDS):
            connection = HttpConnection(self._port)
            started = time.monotonic()
            status = connection.send("GET", "/healthz").status
            connection.close()
            self.health.append(Sample(started, time.monotonic() - started, status, {}))

    def _sample_readiness(self, over: threading.Event) -> None:
        while not over.wait(SAMPLE_SECONDS):
            started = time.monotonic()
            report = read_readiness(self._port)
            seconds, status = time.monotonic() - started, int(report.get("answered", 0))
            self.readiness.append(Sample(started, seconds, status, report))


def add_figures(journal: Journal, monitor: HealthMonitor, *, health: bool) -> None:
    """Add to the drill's line how the outage was served, times in milliseconds.

    The slowest answer of /healthz is part of it where gunicorn was there all the time.
    """
    if not journal.outages:
        return
    inside = [one for one in journal.answers if _is_in_outage(journal, one.at)]
    times = sorted(one.seconds for one in inside)
    if times:
        journal.figures["answers"] = str(len(times))
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            journal.figures[f"{name}_ms"] = f"{1000 * pick_quantile(times, share):.0f}"
        parts = {
            "p99_open_ms": [one for one in inside if not _is_before_detection(journal, one.at)],
            "p99_before_ms": [one for one in journal.answers if one.at < journal.outages[0][0]],
        }
        for name, answers in parts.items():
            if seconds := sorted(one.seconds for one in answers):
                journal.figures[name] = f"{1000 * pick_quantile(seconds, 0.99):.0f}"
        refused = sum(one.status == 503 for one in inside)
        journal.figures["share_503"] = f"{refused / len(inside):.2f}"
    if health:
        samples = [one.seconds for one in monitor.health if _is_in_outage(journal, one.at)]
        journal.figures["healthz_max_ms"] = f"{1000 * max(samples, default=0.0):.0f}"
    recovery = monitor.compute_recovery(journal.outages[-1][1])
    journal.figures["recovered_s"] = "late" if recovery is None else f"{recovery:.1f}"


def pick_quantile(ordered: list[float], share: float) -> float:
    """Pick the value below which this share of the values lies."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _is_before_detection(journal: Journal, at: float) -> bool:
    """Whether it was so early in an outage that the breakers may still have been closed."""
    return any(started <= at <= started + DETECTION_SECONDS for started, _ in journal.outages)


def _is_in_outage(journal: Journal, at: float) -> bool:
    return any(started <= at <= ended for started, ended in journal.outages)


def _read_breakers(sample: Sample) -> dict[str, str]:
    return sample.report.get("breaker") or {}
