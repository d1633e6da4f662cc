"""Look up what this machine has: installed programs and free ports."""

import os
import random
import shutil
import socket

PORTS = (15_000, 32_000)


class ProgramMissing(Exception):
    """A program is not installed; the message says how to install it."""


def find_program(name: str) -> str:
    """Find the path of a program.

    Raises:
        ProgramMissing: it is not installed.
    """
    # Servers are installed in /usr/sbin, which is not in every user's PATH.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if not found:
        raise ProgramMissing(
            f"{name} is not installed; `make test-servers` installs it or says how"
        )
    return found


def find_free_port() -> int:
    """Find a port of 127.0.0.1 on which nobody listens now.

    It is below the ephemeral ports, any of which the system may give to a connection before the
    server listens.
    """
    while True:
        port = random.randrange(*PORTS)  # noqa: S311 - no secret
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do, so that recently closed connections do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Whether a server accepts connections on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False
