"""Run `make up`: Redis, gunicorn and nginx on this machine, from the files of a deployment.

It runs until Ctrl-C, keeps everything in a temporary folder, and leaves nothing behind.
"""

import argparse
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import NamedTuple

from deploy.machine import ProgramMissing, find_free_port, find_program, is_free, is_listening
from deploy.rendering import HERE, render

ROOT = HERE.parent
START_SECONDS = 30.0
LOOK_SECONDS = 0.1
"""How often it checks whether to stop."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the end of `make`, and the closing of the terminal."""


class NotUp(Exception):
    """A server is not running; the message says which."""


class ServerPlan(NamedTuple):
    """How to run one server.

    Attributes:
        name: its name in messages.
        command: the command that starts it.
        port: where it listens.
        stop: the signal that stops it after its requests are finished.
        stop_seconds: how long stopping may take.
        stdin: what it reads from standard input, which no list of processes shows.
        settings: environment variables.
        log: the file for its output, shown only if it does not start; None to show all output.
    """

    name: str
    command: list[str]
    port: int
    stop: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    stdin: str = ""
    settings: Mapping[str, str] = MappingProxyType({})
    log: Path | None = None


def main() -> int:
    """Run the three servers until a signal stops them.

    Returns:
        1 when one of them is missing or has ended by itself, else 0.
    """
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--tls", action="store_true", help="serve over TLS, self-signed")
    parser.add_argument("--port", type=int, default=0, help="where to serve; 0: any free port")
    arguments = parser.parse_args()
    received: list[int] = []

    def note_signal(number: int, _frame: FrameType | None) -> None:
        # Raising here could lose track of a server that has just been started.
        received.append(number)

    for number in STOP_SIGNALS:
        signal.signal(number, note_signal)
    with tempfile.TemporaryDirectory(prefix="teaser-up-") as folder:
        try:
            port = arguments.port or find_free_port()
            plans = _build_plans(Path(folder), port, tls=arguments.tls)
            welcome = _build_welcome(plans, tls=arguments.tls)
            _run(plans, welcome, lambda: bool(received))
        except (ProgramMissing, NotUp) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _build_plans(folder: Path, port: int, *, tls: bool) -> list[ServerPlan]:
    """Build the plans of the servers, in the order in which they are started."""
    if not is_free(port):
        raise NotUp(f"Port {port} is taken; choose another one with `make up PORT=`, or omit it.")
    redis, gunicorn = find_free_port(), find_free_port()
    plain = find_free_port() if tls else port
    password = secrets.token_hex()
    # Started as root, nginx runs its worker as another user, which needs only its own folder.
    folder.chmod(0o711)
    site, data = folder / "nginx", folder / "data"
    for one in (site, data):
        one.mkdir(mode=0o700)
    settings = {
        "SECRET_KEY": secrets.token_hex(),
        "REDIS_URL": f"redis://:{password}@127.0.0.1:{redis}/0",
        "SESSION_STORE_URL": "",
        "SESSION_SPILL_URL": f"sqlite:///{data / 'spill.db'}",
        "SESSION_COOKIE_SECURE": str(tls),
        "TRUSTED_PROXIES": "1",
        "BIND": f"127.0.0.1:{gunicorn}",
    }
    nginx = render(site, plain, [gunicorn], tls_port=port if tls else None)
    _publish(site / "site", settings)
    return [
        ServerPlan(
            "Redis", [find_program("redis-server"), str(HERE / "redis.conf"), "-"], redis,
            log=data / "redis.log",
            stdin=f'bind 127.0.0.1\nport {redis}\ndir "{data}"\nrequirepass {password}\n',
        ),
        ServerPlan(
            "gunicorn",
            [sys.executable, "-m", "deploy.serve"],
            gunicorn,
            stop_seconds=40.0,
            settings=settings,
        ),
        ServerPlan("nginx", nginx, port, stop=signal.SIGQUIT),
    ]  # fmt: skip


def _publish(folder: Path, settings: Mapping[str, str]) -> None:
    """Hand nginx the files, and the settings it shares, with the command that a deployment uses.

    Raises:
        NotUp: a setting is wrong.
    """
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "site", "publish", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotUp(f"{done.stderr}{done.stdout}".strip())


def _build_welcome(plans: list[ServerPlan], *, tls: bool) -> str:
    url = f"{'https' if tls else 'http'}://127.0.0.1:{plans[-1].port}/develope"
    ports = ", ".join(f"{plan.name} {plan.port}" for plan in reversed(plans))
    lines = [
        f"Teaser chat: {url}   (Ctrl-C stops it and deletes its conversations)",
        f"Ports of 127.0.0.1: {ports}.",
    ]
    if tls:
        lines.append("The certificate is made for this run; the browser asks whether to trust it.")
    return "\n".join(["", *(f"  {line}" for line in lines), ""])


def _run(plans: list[ServerPlan], welcome: str, should_stop: Callable[[], bool]) -> None:
    """Start the servers, wait for a signal to stop, and stop them in reverse order.

    Raises:
        NotUp: one of them did not start, or has ended by itself.
    """
    running: list[tuple[ServerPlan, subprocess.Popen[bytes]]] = []
    try:
        for plan in plans:
            running.append((plan, _start(plan)))
            _wait_until_listening(*running[-1], should_stop)
        if not should_stop():
            print(welcome, flush=True)
        while not should_stop():
            for plan, process in running:
                if process.poll() is not None:
                    raise NotUp(f"{plan.name} has ended by itself; the others are stopped.")
            time.sleep(LOOK_SECONDS)
    finally:
        for plan, process in reversed(running):
            _stop(plan, process)


def _start(plan: ServerPlan) -> "subprocess.Popen[bytes]":
    with contextlib.ExitStack() as stack:
        stdin = stack.enter_context(tempfile.TemporaryFile())
        log = stack.enter_context(plan.log.open("wb")) if plan.log else None
        stdin.write(plan.stdin.encode())
        stdin.seek(0)
        # In its own session, because Ctrl-C reaches a whole group and would stop all at once.
        return subprocess.Popen(
            plan.command,
            cwd=ROOT,
            env={**os.environ, **plan.settings},
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_listening(
    plan: ServerPlan, process: "subprocess.Popen[bytes]", should_stop: Callable[[], bool]
) -> None:
    """Wait until a server accepts connections.

    Raises:
        NotUp: it has ended or takes too long.
    """
    give_up = time.monotonic() + START_SECONDS
    while not is_listening(plan.port) and not should_stop():
        if process.poll() is not None or time.monotonic() > give_up:
            output = plan.log.read_text(encoding="utf-8") if plan.log else ""
            raise NotUp(f"{output}{plan.name} did not start; its output is above.")
        time.sleep(LOOK_SECONDS)


def _stop(plan: ServerPlan, process: "subprocess.Popen[bytes]") -> None:
    """Stop a server, by force if it does not stop in time."""
    process.send_signal(plan.stop)
    try:
        process.wait(plan.stop_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
