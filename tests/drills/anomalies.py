"""What happens in the drills about oddities: unreadable values and files, clients that leave."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

from services.keyspaces import SESSION_PREFIX
from services.sessions.stores.base import quarantine_key
from tests.drills.clients import Maker
from tests.drills.http_connection import Wire
from tests.drills.journal import Conversation, Turn, note
from tests.drills.outages import Scene
from tests.drills.retrying_client import Asker, Leniency, turn_body
from tests.drills.scenarios import once
from tests.support.proxy import RESET_ON_CLOSE
from tests.support.talk import API

SPOILED = 6
"""Conversations whose stored documents are overwritten."""
GARBAGE = b"this is no database " * 400
CLOSINGS = 40
"""Streams a client leaves in the middle; more than there are threads."""


def corrupt(scene: Scene, seconds: float) -> None:
    """Stored documents are overwritten with what is none; each is set aside."""
    time.sleep(seconds / 2)
    chosen = _spoil(scene, lambda _session_id: b"no document at all")
    _ask_for(scene, chosen)
    with scene.deployment.redis.client() as client:
        for conversation in _not_deleted(chosen):
            key = quarantine_key(f"{SESSION_PREFIX}{conversation.session_id}")
            if client.get(key) != b"no document at all":
                scene.journal.fault("lost", key, "the unreadable value is not set aside")
    time.sleep(seconds / 2)


def from_a_newer_release(scene: Scene, seconds: float) -> None:
    """Stored documents are overwritten with a newer format; they are left as they are."""
    time.sleep(seconds / 2)
    chosen = _spoil(scene, _newer_document)
    _ask_for(scene, chosen)
    time.sleep(seconds / 2)
    with scene.deployment.redis.client() as client:
        for conversation in _not_deleted(chosen):
            session_id = conversation.session_id
            if client.get(f"{SESSION_PREFIX}{session_id}") != _newer_document(session_id):
                scene.journal.fault("lost", session_id, "a newer release's document was changed")


def _not_deleted(conversations: list[Conversation]) -> list[Conversation]:
    """Those no client has deleted, and with them what was set aside."""
    return [one for one in conversations if not one.delete_sent]


def _newer_document(session_id: str) -> bytes:
    members = {"version": 900, "format": 2, "session_id": session_id, "new": ["shape"]}
    return json.dumps(members, separators=(",", ":")).encode()


def _spoil(scene: Scene, value: Callable[[str], bytes]) -> list[Conversation]:
    """Overwrite some living conversations in Redis."""
    living = [one for one in scene.journal.conversations if one.session_id and not one.delete_sent]
    chosen = living[-SPOILED:]
    scene.journal.excuse(chosen)
    with scene.deployment.redis.client() as client:
        for one in chosen:
            client.set(f"{SESSION_PREFIX}{one.session_id}", value(one.session_id), ex=3600)
    return chosen


def _ask_for(scene: Scene, conversations: list[Conversation]) -> None:
    """Ask for them, once each; how they are refused is counted with all other askers'."""
    maker = Maker(scene.deployment.nginx.port, scene.journal, Leniency(outage=True))
    for conversation in conversations:
        maker.read(conversation)
    maker.close()
    if not scene.journal.excuses[410]:
        scene.journal.fault("errors_5xx", "unreadable", "nobody was told that it is unreadable")


def spoil_spill(scene: Scene, seconds: float) -> None:
    """The spill's file is garbage when gunicorn starts; then Redis is away."""
    gunicorn = scene.deployment.gunicorn
    gunicorn.stop()
    gunicorn.spill.write_bytes(GARBAGE)
    gunicorn.start()
    once("refused")(scene, seconds)
    if not any(GARBAGE in kept.read_bytes() for kept in _files(gunicorn.spill.parent)):
        scene.journal.fault("lost", "spill", "the unreadable file was not kept aside")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def leave(scene: Scene, seconds: float) -> None:
    """A client goes away in the middle of streams, and before it is answered."""
    leniency = Leniency(outage=True)
    maker = Maker(scene.deployment.nginx.port, scene.journal, leniency)
    conversation = maker.start()
    assert conversation is not None
    maker.finish(conversation)
    path = f"{API}/analyze-stream?session_id={conversation.session_id}"
    for _ in range(CLOSINGS):
        _leave_in_the_middle(scene.deployment.gunicorn.port, f"GET {path} HTTP/1.1")
    maker.watch(conversation)
    asker = Asker(scene.deployment.nginx.port, scene.journal, leniency)
    for _ in range(CLOSINGS):
        turn = Turn(note())
        conversation.turns.append(turn)
        body = turn_body(conversation, turn)
        _leave_in_the_middle(
            scene.deployment.gunicorn.port, f"POST {API}/respond HTTP/1.1", json.dumps(body)
        )
        reply = asker.settle("POST", f"{API}/respond", body)
        if reply and asker.granted(reply, conversation, deleted=False):
            turn.acknowledge(reply.body["message"])
    asker.close()
    maker.close()
    time.sleep(seconds / 2)
    _threads_are_free(scene)


def _leave_in_the_middle(port: int, line: str, body: str = "") -> None:
    """Send a request and reset the connection when the first bytes of its answer are there.

    Where the request has a body, it is reset without waiting for an answer.
    """
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"{line}\r\nHost: drill\r\n{about}\r\n{body}".encode())
        if not body:
            connection.recv(16)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def _threads_are_free(scene: Scene) -> None:
    """As many clients as there are threads are served at once."""
    wires = [Wire(scene.deployment.gunicorn.port) for _ in range(16)]
    for wire in wires:
        begun = time.monotonic()
        if wire.send("GET", "/healthz").status != 200:
            scene.journal.fault("stuck", "threads", "a thread is not free")
        scene.journal.figures["free_ms"] = f"{1000 * (time.monotonic() - begun):.0f}"
    for wire in wires:
        wire.close()
