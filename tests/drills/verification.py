"""Verify a drill: wait for an empty backlog, read every conversation, look into Redis."""

import json
from typing import Any

from services.keyspaces import SESSION_PREFIX
from services.sessions import codec
from tests.drills.clients import Maker
from tests.drills.deployment import Deployment
from tests.drills.http_connection import HttpConnection
from tests.drills.journal import Conversation, Journal
from tests.drills.retrying_client import STRICT, Tolerance
from tests.support.servers import eventually

SECOND_READ_SECONDS = 1.0
"""The pause before everything is read a second time."""
BACKLOG_SECONDS = 40.0
"""How long it may take until nothing is left to be sent to Redis."""
ANSWERS_IN_A_ROW = 8
"""Good answers of /readyz in a row, so that very likely each worker gave one."""


def read_all(port: int, journal: Journal, tolerance: Tolerance = STRICT) -> None:
    """Read and judge every conversation."""
    maker = Maker(port, journal, tolerance)
    for conversation in journal.conversations:
        if conversation.session_id:
            maker.read(conversation)
    maker.close()


def read_deleted(port: int, journal: Journal, tolerance: Tolerance) -> None:
    """Read the deleted conversations once more, so that another worker is asked, too."""
    maker = Maker(port, journal, tolerance)
    for conversation in journal.conversations:
        if conversation.deleted:
            maker.read(conversation)
    maker.close()


def read_readiness(port: int) -> dict[str, Any]:
    """Read /readyz, with the status as `answered`; empty when there is no answer."""
    connection = HttpConnection(port)
    reply = connection.send("GET", "/readyz")
    connection.close()
    report = reply.body if isinstance(reply.body, dict) else {}
    return {"answered": reply.status, **report} if reply.status else {}


def is_caught_up(report: dict[str, Any]) -> bool:
    """Whether a worker reports that it reaches Redis and has nothing left to send."""
    backlog = (report.get("spill") or {}).get("backlog", 0) or report.get("backlog", 0)
    return report.get("answered") == 200 and not report["degraded"] and not backlog


def wait_until_caught_up(deployment: Deployment, journal: Journal) -> None:
    """Wait until nothing is left to be sent to Redis; it is a finding if that never happens."""
    for gunicorn in deployment.gunicorns:

        def is_ready(port: int = gunicorn.port) -> bool:
            return all(is_caught_up(read_readiness(port)) for _ in range(ANSWERS_IN_A_ROW))

        if not eventually(is_ready, BACKLOG_SECONDS):
            report = read_readiness(gunicorn.port)
            why = f"after {BACKLOG_SECONDS} s /readyz answers {report}"
            journal.record("stuck", "backlog", why)


def check_redis(deployment: Deployment, journal: Journal) -> None:
    """Check that Redis holds every acknowledged conversation, and no deleted one."""
    client = deployment.redis.client()
    for conversation in journal.conversations:
        if not conversation.session_id or conversation.excused:
            continue
        value = client.get(f"{SESSION_PREFIX}{conversation.session_id}")
        assert value is None or isinstance(value, bytes)
        is_gone = value is None or codec.is_tombstone(value)
        if conversation.deleted and not is_gone:
            journal.record("resurrected", conversation.session_id, "in Redis after its deletion")
        elif not conversation.delete_sent:
            _check_stored(journal, conversation, None if is_gone else value)
    client.close()


def _check_stored(journal: Journal, conversation: Conversation, value: bytes | None) -> None:
    if value is None:
        journal.record("lost", conversation.session_id, "the conversation is not in Redis")
        return
    stored = json.loads(value)
    stored_ids = {entry["id"] for entry in (*stored["history"], *stored["qa_history"])}
    for turn in conversation.list_acknowledged():
        if turn.message_id and turn.message_id not in stored_ids:
            why = f"acknowledged at {turn.answered:.3f} and not in Redis"
            journal.record("lost", turn.message_id, f"{why} in {conversation.session_id}")
