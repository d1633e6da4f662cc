"""After a drill: wait until everything is sent, read every conversation, look into Redis."""

import json
from typing import Any

from services.keyspaces import SESSION_PREFIX
from services.sessions import codec
from tests.drills.clients import Maker
from tests.drills.deployment import Deployment
from tests.drills.http_connection import Wire
from tests.drills.journal import Conversation, Journal
from tests.drills.retrying_client import STRICT, Leniency
from tests.support.servers import eventually

SETTLE_SECONDS = 1.0
"""After which everything is read a second time."""
BACKLOG_SECONDS = 40.0
"""How long it may take until nothing waits for Redis any more."""
IN_A_ROW = 8
"""Answers of /readyz that must all be good, so that each worker has very likely given one."""


def read_all(port: int, journal: Journal, leniency: Leniency = STRICT) -> None:
    """Read every conversation and judge it."""
    maker = Maker(port, journal, leniency)
    for conversation in journal.conversations:
        if conversation.session_id:
            maker.read(conversation)
    maker.close()


def read_deleted(port: int, journal: Journal, leniency: Leniency) -> None:
    """Read those that were deleted once more, so that every worker is asked."""
    maker = Maker(port, journal, leniency)
    for conversation in journal.conversations:
        if conversation.deleted:
            maker.read(conversation)
    maker.close()


def readiness(port: int) -> dict[str, Any]:
    """What /readyz says; empty when nobody answers."""
    wire = Wire(port)
    reply = wire.send("GET", "/readyz")
    wire.close()
    said = reply.body if isinstance(reply.body, dict) else {}
    return {"answered": reply.status, **said} if reply.status else {}


def is_settled(said: dict[str, Any]) -> bool:
    """Whether a worker says that it reaches Redis and nothing waits to be sent."""
    waiting = (said.get("spill") or {}).get("backlog", 0) or said.get("backlog", 0)
    return said.get("answered") == 200 and not said["degraded"] and not waiting


def wait_until_settled(deployment: Deployment, journal: Journal) -> None:
    """Wait until nothing waits for Redis any more; a finding when that does not come."""
    for gunicorn in deployment.gunicorns:

        def settled(port: int = gunicorn.port) -> bool:
            return all(is_settled(readiness(port)) for _ in range(IN_A_ROW))

        if not eventually(settled, BACKLOG_SECONDS):
            said = readiness(gunicorn.port)
            journal.fault("stuck", "backlog", f"after {BACKLOG_SECONDS} s /readyz says {said}")


def look_into_redis(deployment: Deployment, journal: Journal) -> None:
    """Every acknowledged conversation must be in Redis itself, and no deleted one."""
    client = deployment.redis.client()
    for conversation in journal.conversations:
        if not conversation.session_id or conversation.excused:
            continue
        value = client.get(f"{SESSION_PREFIX}{conversation.session_id}")
        assert value is None or isinstance(value, bytes)
        gone = value is None or codec.is_tombstone(value)
        if conversation.deleted and not gone:
            journal.fault("resurrected", conversation.session_id, "is in Redis after its deletion")
        elif not conversation.delete_sent:
            _look_at(journal, conversation, None if gone else value)
    client.close()


def _look_at(journal: Journal, conversation: Conversation, value: bytes | None) -> None:
    if value is None:
        journal.fault("lost", conversation.session_id, "the conversation is not in Redis")
        return
    stored = json.loads(value)
    held = {entry["id"] for entry in (*stored["history"], *stored["qa_history"])}
    for turn in conversation.acknowledged():
        if turn.message_id and turn.message_id not in held:
            why = f"acknowledged at {turn.answered:.3f} and not in Redis"
            journal.fault("lost", turn.message_id, f"{why} in {conversation.session_id}")
