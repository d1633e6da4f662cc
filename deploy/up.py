"""`make up`: Redis, gunicorn and nginx on this machine, from the files of a deployment.

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

from deploy.machine import ProgramMissing, free_port, is_free, listens, program
from deploy.rendering import HERE, render

ROOT = HERE.parent
START_SECONDS = 30.0
LOOK_SECONDS = 0.1
"""How often it looks whether to end."""
WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the end of `make`, and a terminal that is closed."""


class NotUp(Exception):
    """One of the servers does not run; the message says which."""


class Plan(NamedTuple):
    """One server.

    Attributes:
        name: what it is called for people.
        command: what starts it.
        port: where it listens.
        stop: the signal on which it ends when its requests are done.
        stop_seconds: how long that may take.
        given: what it reads from its standard input, which no list of processes shows.
        settings: environment variables.
        log: where what it says is kept, and shown only if it does not start; None to show it all.
    """

    name: str
    command: list[str]
    port: int
    stop: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    given: str = ""
    settings: Mapping[str, str] = MappingProxyType({})
    log: Path | None = None


def main() -> int:
    """Run the three until somebody wants an end of it.

    Returns:
        1 when one of them is missing or ended by itself, else 0.
    """
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--tls", action="store_true", help="serve over TLS, self-signed")
    parser.add_argument("--port", type=int, default=0, help="where to serve; 0: any free port")
    arguments = parser.parse_args()
    wishes: list[int] = []

    def wish(number: int, _frame: FrameType | None) -> None:
        # Only noted: an exception at any moment might lose a server that was just started.
        wishes.append(number)

    for number in WISHES:
        signal.signal(number, wish)
    with tempfile.TemporaryDirectory(prefix="teaser-up-") as folder:
        try:
            port = arguments.port or free_port()
            plans = _plans(Path(folder), port, tls=arguments.tls)
            _run(plans, _welcome(plans, tls=arguments.tls), lambda: bool(wishes))
        except (ProgramMissing, NotUp) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _plans(folder: Path, port: int, *, tls: bool) -> list[Plan]:
    """The servers, in the order in which they are started."""
    if not is_free(port):
        raise NotUp(f"Port {port} is taken; name another one with `make up PORT=`, or none.")
    redis, gunicorn = free_port(), free_port()
    plain = free_port() if tls else port
    password = secrets.token_hex()
    # Started as root, nginx's worker runs as another user, who has no business in the rest.
    folder.chmod(0o711)
    site, data = folder / "nginx", folder / "data"
    for one in (site, data):
        one.mkdir(mode=0o700)
    return [
        Plan(
            "Redis", [program("redis-server"), str(HERE / "redis.conf"), "-"], redis,
            log=data / "redis.log",
            given=f'bind 127.0.0.1\nport {redis}\ndir "{data}"\nrequirepass {password}\n',
        ),
        Plan(
            "gunicorn",
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"],
            gunicorn,
            stop_seconds=40.0,
            settings={
                "SECRET_KEY": secrets.token_hex(),
                "REDIS_URL": f"redis://:{password}@127.0.0.1:{redis}/0",
                "SESSION_STORE_URL": "",
                "SESSION_SPILL_URL": f"sqlite:///{data / 'spill.db'}",
                "SESSION_COOKIE_SECURE": str(tls),
                "TRUSTED_PROXIES": "1",
                "BIND": f"127.0.0.1:{gunicorn}",
            },
        ),
        Plan(
            "nginx",
            render(site, plain, [gunicorn], tls_port=port if tls else None),
            port,
            stop=signal.SIGQUIT,
        ),
    ]  # fmt: skip


def _welcome(plans: list[Plan], *, tls: bool) -> str:
    served = f"{'https' if tls else 'http'}://127.0.0.1:{plans[-1].port}/develope"
    ports = ", ".join(f"{plan.name} {plan.port}" for plan in reversed(plans))
    lines = [
        f"Teaser chat: {served}   (Ctrl-C ends it and removes its conversations)",
        f"Ports of 127.0.0.1: {ports}.",
    ]
    if tls:
        lines.append("The certificate is made for this run; the browser asks whether to trust it.")
    return "\n".join(["", *(f"  {line}" for line in lines), ""])


def _run(plans: list[Plan], welcome: str, unwanted: Callable[[], bool]) -> None:
    """Start the servers, wait until they are not wanted any more, and end them in reverse.

    Raises:
        NotUp: one of them did not start, or ended by itself.
    """
    running: list[tuple[Plan, subprocess.Popen[bytes]]] = []
    try:
        for plan in plans:
            running.append((plan, _start(plan)))
            _await(*running[-1], unwanted)
        if not unwanted():
            print(welcome, flush=True)
        while not unwanted():
            for plan, process in running:
                if process.poll() is not None:
                    raise NotUp(f"{plan.name} has ended by itself, and so the others are ended.")
            time.sleep(LOOK_SECONDS)
    finally:
        for plan, process in reversed(running):
            _stop(plan, process)


def _start(plan: Plan) -> "subprocess.Popen[bytes]":
    with contextlib.ExitStack() as stack:
        given = stack.enter_context(tempfile.TemporaryFile())
        said = stack.enter_context(plan.log.open("wb")) if plan.log else None
        given.write(plan.given.encode())
        given.seek(0)
        # In a session of its own: Ctrl-C reaches the whole group, and would end all at once.
        return subprocess.Popen(
            plan.command,
            cwd=ROOT,
            env={**os.environ, **plan.settings},
            stdin=given,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def _await(plan: Plan, process: "subprocess.Popen[bytes]", unwanted: Callable[[], bool]) -> None:
    """Wait until a server takes connections.

    Raises:
        NotUp: it ended or took too long.
    """
    give_up = time.monotonic() + START_SECONDS
    while not listens(plan.port) and not unwanted():
        if process.poll() is not None or time.monotonic() > give_up:
            said = plan.log.read_text(encoding="utf-8") if plan.log else ""
            raise NotUp(f"{said}{plan.name} did not start; what it says about it stands above.")
        time.sleep(LOOK_SECONDS)


def _stop(plan: Plan, process: "subprocess.Popen[bytes]") -> None:
    """End a server, by force if it does not want to."""
    process.send_signal(plan.stop)
    try:
        process.wait(plan.stop_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
