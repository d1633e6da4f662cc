"""Load on a real server: keep-alive connections over plain sockets, limited in number and time."""

import json
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

PATH = "/api/develope"
PRODUCTS = (
    "USB-powered LED desk lamp", "Bluetooth wireless earbuds", "Electric standing desk",
    "Portable power bank", "WiFi smart light bulb with RGB LEDs", "Kettle, {} V AC",
    "Cordless drill with an {} V battery", "Robot vacuum with an app", "Wooden toy train",
    "LED strip {} V DC with adapter", "Baby monitor with camera", "Ceramic mug",
)  # fmt: skip
ANSWERS = (
    "no, there is no radio in it", "it runs on {} V", "consumers use it at home", "no",
    "it has Bluetooth and an app", "rechargeable lithium battery, {} mAh", "none of these",
    "I don't know", "yes, {} V AC and 60 W", "it stores no personal data",
)  # fmt: skip
"""Answers of makers, some with a number, so that not all requests are alike."""


class Load(NamedTuple):
    """The result of a run of requests."""

    requests: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Client:
    """One keep-alive connection that does as little work of its own as possible."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cookie = cookie

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """POST a JSON body; return the status and the decoded body."""
        return self._request("POST", path, json.dumps(body).encode())

    def get(self, path: str) -> tuple[int, Any]:
        """GET a path."""
        return self._request("GET", path, b"")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _request(self, method: str, path: str, data: bytes) -> tuple[int, Any]:
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + data)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        headers, _, rest = received.partition(b"\r\n\r\n")
        length = 0
        for line in headers.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"set-cookie":
                self.cookie = value.partition(b";")[0].decode()
        while len(rest) < length:
            rest += self._receive()
        is_json = b"application/json" in headers
        return int(headers.split(b" ", 2)[1]), json.loads(rest) if is_json else rest

    def _receive(self) -> bytes:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def open_conversation(port: int, *, browser: bool) -> tuple[Client, str]:
    """Open a conversation with a new client, as a browser with a cookie or without one."""
    client = Client(port)
    if browser:
        client.get("/develope")
    _, body = client.post(f"{PATH}/start", {"initial_input": draw_text(PRODUCTS)})
    return client, body["session_id"]


def draw_text(texts: Sequence[str]) -> str:
    """Draw one of these texts and put a number into it."""
    number = random.randint(3, 240)  # noqa: S311 - variety, not a secret
    return random.choice(texts).format(number)  # noqa: S311 - as above


def respond(client: Client, session_id: str) -> bool:
    """Send one turn as the page does; return whether it succeeded."""
    body = {
        "session_id": session_id,
        "message": draw_text(ANSWERS),
        "client_message_id": str(uuid.uuid4()),
    }
    return client.post(f"{PATH}/respond", body)[0] == 200


def run(jobs: Sequence[Callable[[], bool]], *, each: int, seconds: float) -> Load:
    """Run each job in its own thread, at most so many times and for so many seconds."""
    counts: list[tuple[int, int]] = []
    gate = threading.Barrier(len(jobs) + 1)

    def loop(job: Callable[[], bool]) -> None:
        done = failed = 0
        gate.wait()
        until = time.monotonic() + seconds
        for _ in range(each):
            failed += not job()
            done += 1
            if time.monotonic() > until:
                break
        counts.append((done, failed))

    threads = [threading.Thread(target=loop, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    gate.wait()
    begin = time.monotonic()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begin
    return Load(sum(done for done, _ in counts), sum(failed for _, failed in counts), took)
