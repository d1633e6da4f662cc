"""A gunicorn that is reloaded, restarted and replaced while it serves."""

import os
import select
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support.servers import Gunicorn, children, eventually

STOP_SECONDS = 40.0
"""More than graceful_timeout, so that a drill never cuts off a worker."""


class ProcessHandle:
    """A process, not necessarily a child; unlike a number it never comes to mean another one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        signal.pidfd_send_signal(self._descriptor, number)

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Whether it ends within these seconds."""
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def close(self) -> None:
        """Close the handle."""
        os.close(self._descriptor)


class ManagedGunicorn(Gunicorn):
    """The application under one gunicorn master after another, on one port.

    Args:
        arguments: more arguments for gunicorn's command line.
        environment: more settings.
    """

    stop_seconds = STOP_SECONDS

    def __init__(self, *arguments: str, **environment: str) -> None:
        super().__init__(**environment)
        self._folder = tempfile.TemporaryDirectory(prefix="teaser-gunicorn-")
        self._pidfile = Path(self._folder.name) / "pid"
        # As a script: on SIGUSR2 gunicorn repeats its command line, which `-m` does not survive.
        gunicorn = str(Path(sys.executable).with_name("gunicorn"))
        given = ["--config", "gunicorn.conf.py", "--pid", str(self._pidfile), *arguments]
        self.command = [gunicorn, *given, "wsgi:app"]
        self._master: ProcessHandle | None = None

    def start(self) -> Self:
        """Start the first master."""
        super().start()
        assert self.process is not None
        self._master = ProcessHandle(self.process.pid)
        return self

    @property
    def master(self) -> int:
        """The process id of the present master."""
        assert self._master is not None
        return self._master.pid

    def list_workers(self) -> set[int]:
        """List the process ids of the present workers."""
        return children(self._master.pid) if self._master else set()

    def kill_worker(self) -> None:
        """SIGKILL one of the workers, and wait until another one takes its place.

        Raises:
            TimeoutError: no worker did.
        """
        before = self.list_workers()
        booted = self.output().count("Booting worker")
        os.kill(min(before), signal.SIGKILL)
        self._wait_for(lambda: self.output().count("Booting worker") > booted, "new worker")

    def reload(self) -> None:
        """SIGHUP: start new workers, then end the old ones.

        Raises:
            TimeoutError: that did not happen.
        """
        assert self._master is not None
        before = self.list_workers()
        self._master.send(signal.SIGHUP)
        self._wait_for(
            lambda: bool(self.list_workers()) and not self.list_workers() & before, "reload"
        )

    def restart(self) -> None:
        """SIGTERM, then start again when the old master has ended."""
        self.stop()
        self.start()

    def replace(self) -> None:
        """SIGUSR2: start a second master on the same sockets, then end the first one.

        Raises:
            TimeoutError: that did not happen.
        """
        first = self._master
        assert first is not None
        booted = self.output().count("Booting worker")
        first.send(signal.SIGUSR2)
        second = Path(f"{self._pidfile}.2")
        self._wait_for(lambda: second.exists() and bool(second.read_text("ascii").strip()), "start")
        self._master = ProcessHandle(int(second.read_text("ascii")))
        self._wait_for(lambda: self.output().count("Booting worker") > booted, "boot")
        first.send(signal.SIGTERM)
        if not first.has_ended(STOP_SECONDS):
            raise TimeoutError(f"the first master does not end:\n{self.output()}")
        first.close()
        # The second master renames its file once the first one has removed its own.
        self._wait_for(lambda: not second.exists(), "promotion")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the present master and wait until it has ended."""
        if self._master is not None:
            if not self._master.has_ended():
                self._master.send(signal.Signals(number))
                if not self._master.has_ended(STOP_SECONDS):
                    self._master.send(signal.SIGKILL)
            self._master.close()
            self._master = None
        super().stop(number)

    def close(self) -> None:
        """End it and remove its files."""
        super().close()
        self._folder.cleanup()

    def _wait_for(self, check: Callable[[], bool], what: str) -> None:
        if not eventually(check, STOP_SECONDS):
            raise TimeoutError(f"no {what} of gunicorn:\n{self.output()}")
