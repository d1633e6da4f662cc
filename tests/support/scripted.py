"""A server that speaks the protocol of Redis and says one thing only."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.support.proxy import COMMAND

SET_UP = b"$11\r\nPEXPIRETIME\r\n"
"""What is sent once, when a connection is set up."""


@contextmanager
def scripted_server(reply: bytes, *, set_up: bytes | None = None) -> Iterator[str]:
    """A server that says the same to everything, but for what sets a connection up; the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(2)
                    while asked := connection.recv(65_536):
                        is_set_up = set_up is not None and SET_UP in asked
                        said = set_up if set_up and is_set_up else reply
                        connection.sendall(said * len(COMMAND.findall(asked)))

        with ThreadPoolExecutor(1) as pool:
            pool.submit(serve)
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
            ended.set()
