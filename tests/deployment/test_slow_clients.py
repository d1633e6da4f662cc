"""Clients that send a request slowly, or not to its end: others are served, and they are let go."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.http import Http
from tests.support.servers import Gunicorn, eventually
from tests.support.talk import API, LAMP

MANY = 40
"""More than there are threads, twice over."""
SECONDS = 2
START = f"POST {API}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LONG = f"{START}Content-Length: 60000\r\n\r\n{{"
UNFINISHED = {
    "nothing": "",
    "half a head": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Note: a",
    "one byte of the body": LONG,
    "one chunk of the body": f"{START}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n",
    "a body nobody reads": LONG.replace(f"{API}/start", "/nowhere"),
    "a body that was announced": LONG[:-1].replace("Host", "Expect: 100-continue\r\nHost"),
}


@pytest.fixture(scope="module")
def gunicorn() -> Iterator[Gunicorn]:
    """The application with nothing in front of it, and patience for a minute."""
    with Gunicorn(SESSION_STORE_URL="memory://", REQUEST_TIMEOUT="60") as server:
        yield server


@pytest.fixture(scope="module")
def impatient() -> Iterator[Gunicorn]:
    """The same with patience for a moment."""
    settings = {"REQUEST_TIMEOUT": str(SECONDS), "LOG_LEVEL": "INFO"}
    with Gunicorn(SESSION_STORE_URL="memory://", **settings) as server:
        yield server


@contextlib.contextmanager
def connected(gunicorn: Gunicorn, text: str) -> Iterator[socket.socket]:
    """A client that has sent so much."""
    with socket.create_connection(("127.0.0.1", gunicorn.port), timeout=30) as client:
        client.sendall(text.encode())
        yield client


@pytest.mark.parametrize("text", UNFINISHED.values(), ids=UNFINISHED)
def test_a_visitor_is_served_beside_many_slow_clients(gunicorn: Gunicorn, text: str) -> None:
    """Whatever they have sent of a request; whoever sends all of it finds a thread."""
    with contextlib.ExitStack() as held:
        for _ in range(MANY):
            held.enter_context(connected(gunicorn, text))
        for _ in range(5):
            with Http(gunicorn.url, timeout=20) as visitor:
                body = {"initial_input": f"{LAMP}. {'It is grey. ' * 300}"}
                assert visitor.post(f"{API}/start", body).status == 200


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_slow_client_is_let_go(impatient: Gunicorn, name: str) -> None:
    """With a sentence where the application waits for more, and with nothing in the log."""
    before = impatient.output()
    with connected(impatient, UNFINISHED[name]) as client, client.makefile("rb") as answer:
        said = answer.read()  # to the end of the connection
    if name.startswith("one "):
        assert b" 408 " in said.splitlines()[0]
        assert b'"code":"request_timeout"' in said
    assert impatient.output() == before


def test_dripping_is_no_way_around(impatient: Gunicorn) -> None:
    """The time is that for all of a request, however often something comes."""
    over = threading.Event()

    def drip(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not over.wait(0.1):
                client.sendall(b" ")

    with connected(impatient, LONG) as client, client.makefile("rb") as answer:
        thread = threading.Thread(target=drip, args=[client])
        thread.start()
        try:
            assert b" 408 " in answer.readline()
        finally:
            over.set()
            thread.join()


def test_a_request_in_several_pieces_is_served(gunicorn: Gunicorn) -> None:
    """Head and body apart, and the body in two; then another one on the same connection."""
    body = f'{{"initial_input": "{LAMP}"}}'
    head = f"{START}Content-Length: {len(body)}\r\n\r\n"
    with connected(gunicorn, "") as client, client.makefile("rb") as answer:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for piece in (head[:40], head[40:], body[:10], body[10:]):
                client.sendall(piece.encode())
            assert b" 200 " in answer.readline()
            length = 0
            while line := answer.readline().strip():
                name, _, value = line.partition(b": ")
                length = int(value) if name == b"Content-Length" else length
            assert b"session_id" in answer.read(length)


def test_a_client_that_does_not_read_is_let_go(impatient: Gunicorn) -> None:
    """It asks for much and takes nothing; what it was to be sent is given up."""
    ask = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", impatient.port))
        client.setblocking(False)

        def is_reset() -> bool:
            try:
                client.send(ask.encode())
            except BlockingIOError:
                pass
            except OSError:
                return True
            return False

        assert eventually(is_reset)
