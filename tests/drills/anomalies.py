"""Scenarios of the anomaly drills: unreadable values and files, clients that disconnect."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

from services.keyspaces import SESSION_PREFIX
from services.sessions.stores.base import quarantine_key
from tests.drills.clients import Maker
from tests.drills.http_connection import HttpConnection
from tests.drills.journal import Conversation, Turn, make_unique_text
from tests.drills.outages import DrillRun
from tests.drills.retrying_client import RetryingClient, Tolerance, build_turn_body
from tests.drills.scenarios import inject
from tests.support.proxy import RESET_ON_CLOSE
from tests.support.talk import API

OVERWRITTEN = 6
"""Conversations whose stored documents are overwritten."""
NO_DOCUMENT = b"no document at all"
NO_DATABASE = b"this is no database " * 400
DISCONNECTS = 40
"""Streams that a client leaves in the middle; more than there are threads."""
OUTAGE = Tolerance(outage=True)


def corrupt_documents(run: DrillRun, seconds: float) -> None:
    """Overwrite stored documents with something else; each must be quarantined."""
    time.sleep(seconds / 2)
    chosen = _overwrite(run, lambda _session_id: NO_DOCUMENT)
    _read_each(run, chosen)
    with run.deployment.redis.client() as client:
        for conversation in _select_kept(chosen):
            key = quarantine_key(f"{SESSION_PREFIX}{conversation.session_id}")
            if client.get(key) != NO_DOCUMENT:
                run.journal.record("lost", key, "the unreadable value is not quarantined")
    time.sleep(seconds / 2)


def store_newer_format(run: DrillRun, seconds: float) -> None:
    """Overwrite stored documents with a newer format, which must stay unchanged."""
    time.sleep(seconds / 2)
    chosen = _overwrite(run, _build_newer_document)
    _read_each(run, chosen)
    time.sleep(seconds / 2)
    with run.deployment.redis.client() as client:
        for conversation in _select_kept(chosen):
            session_id = conversation.session_id
            if client.get(f"{SESSION_PREFIX}{session_id}") != _build_newer_document(session_id):
                run.journal.record("lost", session_id, "a newer release's document was changed")


def _select_kept(conversations: list[Conversation]) -> list[Conversation]:
    """Select those that no client has deleted, together with their quarantined values."""
    return [one for one in conversations if not one.delete_sent]


def _build_newer_document(session_id: str) -> bytes:
    members = {"version": 900, "format": 2, "session_id": session_id, "new": ["shape"]}
    return json.dumps(members, separators=(",", ":")).encode()


def _overwrite(run: DrillRun, build_value: Callable[[str], bytes]) -> list[Conversation]:
    """Overwrite the documents of some conversations in Redis."""
    kept = _select_kept([one for one in run.journal.conversations if one.session_id])
    chosen = kept[-OVERWRITTEN:]
    run.journal.excuse(chosen)
    with run.deployment.redis.client() as client:
        for one in chosen:
            client.set(f"{SESSION_PREFIX}{one.session_id}", build_value(one.session_id), ex=3600)
    return chosen


def _read_each(run: DrillRun, conversations: list[Conversation]) -> None:
    """Read each of them once; the refusals are counted with those of all other clients."""
    maker = Maker(run.deployment.nginx.port, run.journal, OUTAGE)
    for conversation in conversations:
        maker.read(conversation)
    maker.close()
    if not run.journal.excuses[410]:
        run.journal.record("errors_5xx", "unreadable", "no client was told that it is unreadable")


def corrupt_spill(run: DrillRun, seconds: float) -> None:
    """Start gunicorn with an unreadable spill file; then take Redis away."""
    gunicorn = run.deployment.gunicorn
    gunicorn.stop()
    gunicorn.spill.write_bytes(NO_DATABASE)
    gunicorn.start()
    inject("refused")(run, seconds)
    if not any(NO_DATABASE in file.read_bytes() for file in _list_files(gunicorn.spill.parent)):
        run.journal.record("lost", "spill", "the unreadable file was not quarantined")


def _list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def disconnect_clients(run: DrillRun, seconds: float) -> None:
    """Disconnect clients in the middle of streams, and before they are answered."""
    maker = Maker(run.deployment.nginx.port, run.journal, OUTAGE)
    conversation = maker.start()
    assert conversation is not None
    maker.finish(conversation)
    path = f"{API}/analyze-stream?session_id={conversation.session_id}"
    port = run.deployment.gunicorn.port
    for _ in range(DISCONNECTS):
        _disconnect_midway(port, f"GET {path} HTTP/1.1")
    maker.stream_analysis(conversation)
    client = RetryingClient(run.deployment.nginx.port, run.journal, OUTAGE)
    for _ in range(DISCONNECTS):
        turn = Turn(make_unique_text())
        conversation.turns.append(turn)
        body = build_turn_body(conversation, turn)
        _disconnect_midway(port, f"POST {API}/respond HTTP/1.1", json.dumps(body))
        reply = client.send_until_answered("POST", f"{API}/respond", body)
        if reply and client.check_reply(reply, conversation, deleted=False):
            turn.acknowledge(reply.body["message"])
    client.close()
    maker.close()
    time.sleep(seconds / 2)
    _check_threads(run)


def _disconnect_midway(port: int, line: str, body: str = "") -> None:
    """Send a request and reset the connection when the first bytes of its answer arrive.

    Where the request has a body, the connection is reset without waiting for an answer.
    """
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"{line}\r\nHost: drill\r\n{about}\r\n{body}".encode())
        if not body:
            connection.recv(16)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def _check_threads(run: DrillRun) -> None:
    """Check that as many connections as there are threads are served."""
    connections = [HttpConnection(run.deployment.gunicorn.port) for _ in range(16)]
    for connection in connections:
        started = time.monotonic()
        if connection.send("GET", "/healthz").status != 200:
            run.journal.record("stuck", "threads", "a thread is not free")
        run.journal.figures["free_ms"] = f"{1000 * (time.monotonic() - started):.0f}"
    for connection in connections:
        connection.close()
