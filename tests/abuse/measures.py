"""What an attack costs: the workers' processor time and memory, and another visitor's waiting."""

import json
import os
import statistics
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from tests.support.servers import ROOT, Gunicorn, children

MIB = 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.1


@dataclass
class Traffic:
    """What an attacker sent and got, in bytes, and the statuses; added up by all its threads."""

    sent: int = 0
    received: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, sent: int, received: int, status: int) -> None:
        """Count one request."""
        with self._lock:
            self.sent += sent
            self.received += received
            self.statuses[status] = self.statuses.get(status, 0) + 1


class Waiting(NamedTuple):
    """How a visitor fared: milliseconds, and the share of answers that were refusals or none."""

    p50: float
    p99: float
    failed: float

    @classmethod
    def of(cls, answers: list[tuple[float, int]]) -> Self:
        """Sum up what a visitor saw."""
        times = sorted(1000 * seconds for seconds, _ in answers)
        failed = sum(status not in (200, 429) for _, status in answers) / len(answers)
        last = times[min(len(times) - 1, int(0.99 * len(times)))]
        return cls(statistics.median(times), last, failed)


class Visitor:
    """Another visitor, for some seconds, while something else happens."""

    def __init__(self, url: str, seconds: float) -> None:
        command = [sys.executable, "-m", "tests.abuse.visitor", url, str(seconds)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)

    def report(self) -> Waiting:
        """How it fared, once it has left."""
        printed, _ = self._process.communicate()
        return Waiting.of([(seconds, status) for seconds, status in json.loads(printed)])


class Workers:
    """The processor time and the memory of a server's workers, watched until `stop`."""

    def __init__(self, gunicorn: Gunicorn) -> None:
        self._gunicorn = gunicorn
        self._before, self.resting = self._look()
        self.peak, self.spent = self.resting, 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and count the seconds of processor time used until now."""
        self._ended.set()
        self._thread.join()
        self.spent = self._look()[0] - self._before

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self._look()[1])

    def _look(self) -> tuple[float, float]:
        assert self._gunicorn.process
        seconds, memory = 0.0, 0.0
        for pid in children(self._gunicorn.process.pid):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
                pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            except FileNotFoundError:
                continue
            user, system = stat.split()[11:13]
            seconds += (int(user) + int(system)) / TICKS
            memory = max(memory, pages * os.sysconf("SC_PAGE_SIZE") / MIB)
        return seconds, memory
