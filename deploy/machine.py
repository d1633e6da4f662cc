"""What this machine has: programs, and ports nobody listens on."""

import os
import random
import shutil
import socket

PORTS = (15_000, 32_000)


class ProgramMissing(Exception):
    """A program is not installed; the message says what to do."""


def program(name: str) -> str:
    """The path of a program.

    Raises:
        ProgramMissing: it is not installed.
    """
    # Where servers are, also for users whose PATH leaves it out.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if not found:
        raise ProgramMissing(
            f"{name} is not installed; `make test-servers` installs it or says how"
        )
    return found


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on at this moment.

    It is below those that the system gives to connections: one of them may be anybody's by the
    time a server listens.
    """
    while True:
        port = random.randrange(*PORTS)  # noqa: S311 - no secret
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do, so that connections that were closed just now are in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False
