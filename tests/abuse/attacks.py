"""The attacks: each prepares what it needs, then goes on for some seconds and is counted."""

import concurrent.futures
import functools
import http.client
import itertools
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.abuse.measures import Traffic
from tests.support.servers import ROOT, RedisServer
from tests.support.talk import API

ADDRESS = "127.0.0.7"
HEADERS = {"Content-Type": "application/json"}
LAMP = (
    "USB-powered LED desk lamp, 5 V DC, 1 A, no battery, no charger in the box, no radio, no data,"
    " consumers use it at home, no medical purpose, no laser, no AI, not antibacterial, no"
    " explosive atmospheres"
)
QUESTIONS = 165
LONG = "why does RoHS apply and what would change if it had a battery of 3.7 V and radio? " * 24
LARGE = 900_000
"""Bytes of a large conversation, as an earlier release stored them."""


class Attacker:
    """One connection of an attacker, who sends bytes as they are and reads all that comes."""

    def __init__(self, url: str, traffic: Traffic) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=60, source_address=(ADDRESS, 0)
        )
        self._traffic = traffic
        self.cookie = ""

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send one request and count it; a connection that was closed counts as status 0."""
        headers = {**HEADERS, **({"Cookie": self.cookie} if self.cookie else {})}
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            found = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._traffic.add(len(body or b""), 0, 0)
            return 0, b""
        if given := response.headers.get("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        self._traffic.add(len(body or b""), len(found), response.status)
        return response.status, found

    def post(self, path: str, **members: object) -> tuple[int, dict[str, object]]:
        """Send JSON and read JSON."""
        status, found = self.send("POST", path, json.dumps(members).encode())
        return status, json.loads(found) if found.startswith(b"{") else {}


@dataclass(frozen=True)
class Target:
    """What is attacked.

    Attributes:
        url: where it is served.
        redis: what it stores in.
        traffic: where everything is counted.
    """

    url: str
    redis: RedisServer
    traffic: Traffic

    def connect(self) -> Attacker:
        """Open a connection."""
        return Attacker(self.url, self.traffic)


Run = Callable[[float], None]
"""Goes on for so many seconds."""
Attack = Callable[[Target], Run]
"""Prepares an attack and returns what makes it."""


def repeat(target: Target, threads: int, work: Callable[[Attacker], object]) -> Run:
    """Do something over and over in several threads, each with a connection of its own."""

    def run(seconds: float) -> None:
        deadline = time.monotonic() + seconds

        def run_thread(_number: int) -> None:
            attacker = target.connect()
            while time.monotonic() < deadline:
                work(attacker)

        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            list(pool.map(run_thread, range(threads)))

    return run


def send_large_refusals(target: Target) -> Run:
    """Send states with 346,000 faulty messages, five at once."""
    session_id = str(uuid.uuid4())
    messages = ",".join(itertools.repeat("{}", 346_000))
    body = f'{{"session_id": "{session_id}", "data": {{"messages": [{messages}]}}}}'.encode()
    return repeat(target, 5, lambda attacker: attacker.send("POST", "/api/session", body))


def read_long_conversation(target: Target) -> Run:
    """Ask as many long questions as are taken, then read the conversation over and over."""
    attacker = target.connect()
    _, begun = attacker.post(f"{API}/start", initial_input=LAMP)
    session_id = begun["session_id"]
    attacker.post(f"{API}/analyze", session_id=session_id)
    for number in range(QUESTIONS):
        question = f"{number} {LONG}"[:1900]
        status, _ = attacker.post(f"{API}/ask-analysis", session_id=session_id, question=question)
        if status != 200:
            break
    return repeat(target, 8, lambda one: one.send("GET", f"{API}/session/{session_id}"))


def fill_store(target: Target, size: int) -> Run:
    """Save one state of so many bytes after the other, each under an id of its own."""
    text = "x" * size

    def save(attacker: Attacker) -> None:
        data = {"messages": [], "log": text}
        status, _ = attacker.post("/api/session", session_id=str(uuid.uuid4()), data=data)
        time.sleep(0 if status == 200 else 0.05)

    return repeat(target, 4, save)


def list_large_conversations(target: Target) -> Run:
    """Own 25 conversations of 0.9 MB and list them over and over."""
    owner = target.connect()
    owner.send("GET", "/develope")
    client = target.redis.client()
    for _ in range(25):
        _, begun = owner.post(f"{API}/start", initial_input=LAMP)
        (key,) = client.keys(f"chat:session:{begun['session_id']}")
        document = json.loads(client.get(key) or b"")
        members = next(one for one in find_members(document) if "history" in one)
        members["history"][0]["content"] += " " + "x" * LARGE
        client.set(key, json.dumps(document, separators=(",", ":")), keepttl=True)

    def read(attacker: Attacker) -> None:
        attacker.cookie = owner.cookie
        attacker.send("GET", f"{API}/conversations")

    return repeat(target, 8, read)


def find_members(document: object) -> Iterator[dict[str, list[dict[str, str]]]]:
    """Every mapping in a document."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from find_members(value)


def send_slow_bodies(target: Target) -> Run:
    """Open 40 connections that announce a body and send one byte of it every second."""
    address = urlsplit(target.url)
    head = f"POST {API}/start HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 4000\r\n"
    head += "Content-Type: application/json\r\n\r\n{"

    def run(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        opened: list[socket.socket] = []
        while time.monotonic() < deadline:
            while len(opened) < 40:
                place = (address.hostname or "", address.port or 80)
                one = socket.create_connection(place, timeout=5, source_address=(ADDRESS, 0))
                one.sendall(head.encode())
                opened.append(one)
                target.traffic.add(len(head), 0, 0)
            time.sleep(1)
            for one in list(opened):
                try:
                    one.sendall(b" ")
                except OSError:
                    opened.remove(one)
                    one.close()
        for one in opened:
            one.close()

    return run


def fetch_static_files(target: Target) -> Run:
    """Fetch the page's files as fast as they come."""
    files = sorted(f"/static/chat/{one.name}" for one in (ROOT / "static" / "chat").glob("*.js"))
    names = itertools.cycle(files)
    return repeat(target, 8, lambda attacker: attacker.send("GET", next(names)))


ATTACKS: dict[str, tuple[Attack, bool]] = {
    "large refusals": (send_large_refusals, False),
    "long conversation": (read_long_conversation, False),
    "states of 1 MB": (functools.partial(fill_store, size=1_000_000), False),
    "states of 250 kB": (functools.partial(fill_store, size=250_000), False),
    "large lists": (list_large_conversations, False),
    "slow bodies": (send_slow_bodies, False),
    "static files": (fetch_static_files, True),
}
"""Each attack by its name, and whether it is made through nginx."""
