"""A client that repeats requests until the application answers, and judges each answer."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.drills.http_connection import HttpConnection, Reply
from tests.drills.journal import Conversation, Journal, TimedAnswer, Turn

RETRY_SECONDS = 30.0
"""How long the same request is repeated."""
PAUSE_SECONDS = 0.05
"""The pause between two attempts."""


class Tolerance(NamedTuple):
    """What counts as no finding, because the fault of the drill implies it.

    Attributes:
        downtime: nginx may answer for a while that no server is there.
        outage: the application may answer that sessions are unavailable. Clients then give up
            and repeat no start: while the engine is away nobody can know the first attempt.
        repeats_refused: in an outage, clients repeat such a request until it is served.
        seconds: how long an answer may take; 0 for no limit.
    """

    downtime: bool = False
    outage: bool = False
    repeats_refused: bool = False
    seconds: float = 0.0


STRICT = Tolerance()


class RetryingClient:
    """One connection, and the judgement on each answer that it brings.

    Args:
        port: where nginx listens.
        journal: where findings go.
        tolerance: what is no finding.
    """

    def __init__(self, port: int, journal: Journal, tolerance: Tolerance = STRICT) -> None:
        self._connection = HttpConnection(port)
        self._journal = journal
        self._tolerance = tolerance

    def send_until_answered(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        once: bool = False,
    ) -> Reply | None:
        """Send a request until the application answers it; None when it never did.

        With `once` it is not repeated when its outcome is unknown.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < deadline:
            reply = self._send(method, path, body)
            if self._tolerance.outage and reply.refused:
                if not self._tolerance.repeats_refused:
                    return reply
                time.sleep(PAUSE_SECONDS)
                continue
            # Concurrent writers of one conversation may be asked to try again.
            if not reply.missing and reply.status < 500 and reply.code != "session_conflict":
                return reply
            self._record_failure(reply)
            if once and reply.code != "session_conflict":
                return None
            time.sleep(PAUSE_SECONDS)
        return None

    def check_reply(self, reply: Reply, conversation: Conversation, *, deleted: bool) -> bool:
        """Answer whether the request succeeded; record a reply that should not have come."""
        conversation.refused = self._tolerance.outage and reply.refused
        if conversation.refused:
            return False
        if conversation.excused:
            self._journal.excuses[reply.status] += 1
            return reply.status == 200
        if reply.status == 200:
            if deleted:
                self._journal.record_served(conversation, f"{reply.request} after its deletion")
            return True
        if reply.status != 404 or not conversation.delete_sent:
            why = f"{reply.request} on {conversation.session_id}: {reply.status} {reply.code}"
            for turn in conversation.list_acknowledged() or conversation.turns:
                self._journal.record("lost", turn.message_id, why)
        return False

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        started = time.monotonic()
        reply = self._connection.send(method, path, body)
        seconds = time.monotonic() - started
        if reply.by_app:
            answer = TimedAnswer(started, seconds, reply.status)
            self._journal.record_answer(answer, degraded=reply.degraded, refused=reply.refused)
        if 0 < self._tolerance.seconds < seconds:
            what = f"{reply.request} at {started:.3f}"
            self._journal.record("slow", what, f"took {seconds:.1f} s")
        return reply

    def _record_failure(self, reply: Reply) -> None:
        if reply.missing:
            self._journal.count_unanswered()
        if reply.status >= 500 and not (reply.missing and self._tolerance.downtime):
            what = f"{reply.status} {reply.code or 'by nginx'} at {time.monotonic():.3f}"
            self._journal.record("errors_5xx", what, f"{reply.request}: {reply.body}")


def build_start_body(conversation: Conversation) -> dict[str, str]:
    """Build the request that opens a conversation, the same each time."""
    first = conversation.turns[0]
    return {"initial_input": first.text, "client_message_id": first.message_id}


def build_turn_body(
    conversation: Conversation, turn: Turn, member: str = "message"
) -> dict[str, str]:
    """Build the request with a turn or, with the member `question`, a question."""
    body = {"session_id": conversation.session_id, member: turn.text}
    return body | ({"client_message_id": turn.message_id} if turn.message_id else {})
