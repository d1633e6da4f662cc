"""Requests that are repeated until the application answers, and what an answer means."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.drills.http_connection import Reply, Wire
from tests.drills.journal import Answered, Conversation, Journal, Turn

PROBE_GRACE_SECONDS = 30.0
"""Seconds for which the same request is repeated."""
PAUSE = 0.05
"""Seconds between two of these attempts."""


class Leniency(NamedTuple):
    """What is no finding in a drill, by the nature of its fault.

    Attributes:
        downtime: nginx may say for a while that nobody is there.
        outage: the application may say that sessions cannot be reached. Clients then leave it at
            that, and repeat no start: while the engine is away nobody knows the first one.
        insists: in an outage, clients ask again instead, until they are served.
        seconds: how long an answer may take; 0 for as long as it likes.
    """

    downtime: bool = False
    outage: bool = False
    insists: bool = False
    seconds: float = 0.0


STRICT = Leniency()


class Asker:
    """One connection, and the judgement on each answer that comes over it.

    Args:
        port: where nginx listens.
        journal: where findings go.
        leniency: what is no finding.
    """

    def __init__(self, port: int, journal: Journal, leniency: Leniency = STRICT) -> None:
        self._wire = Wire(port)
        self._journal = journal
        self._leniency = leniency

    def settle(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        once: bool = False,
    ) -> Reply | None:
        """Send a request until the application has answered it; None when it never did.

        With `once` it is not sent again when nobody knows what became of it.
        """
        give_up = time.monotonic() + PROBE_GRACE_SECONDS
        while time.monotonic() < give_up:
            reply = self._send(method, path, body)
            if self._leniency.outage and reply.refused:
                if not self._leniency.insists:
                    return reply
                time.sleep(PAUSE)
                continue
            # Many who write to one conversation at once may be asked to try again.
            if not reply.missing and reply.status < 500 and reply.code != "session_conflict":
                return reply
            self._note(reply)
            if once and reply.code != "session_conflict":
                return None
            time.sleep(PAUSE)
        return None

    def granted(self, reply: Reply, conversation: Conversation, *, deleted: bool) -> bool:
        """Whether it was done; a refusal, or a success after the deletion, is noted."""
        conversation.refused = self._leniency.outage and reply.refused
        if conversation.refused:
            return False
        if conversation.excused:
            self._journal.excuses[reply.status] += 1
            return reply.status == 200
        if reply.status == 200:
            if deleted:
                self._journal.alive(conversation, f"{reply.request} is served when deleted")
            return True
        if reply.status != 404 or not conversation.delete_sent:
            why = f"{reply.request} on {conversation.session_id}: {reply.status} {reply.code}"
            for turn in conversation.acknowledged() or conversation.turns:
                self._journal.fault("lost", turn.message_id, why)
        return False

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        begun = time.monotonic()
        reply = self._wire.send(method, path, body)
        seconds = time.monotonic() - begun
        if reply.by_app:
            answered = Answered(begun, seconds, reply.status)
            self._journal.note(answered, degraded=reply.degraded, refused=reply.refused)
        if 0 < self._leniency.seconds < seconds:
            self._journal.fault("slow", f"{reply.request} at {begun:.3f}", f"took {seconds:.1f} s")
        return reply

    def _note(self, reply: Reply) -> None:
        if reply.missing:
            self._journal.unanswered()
        if reply.status >= 500 and not (reply.missing and self._leniency.downtime):
            what = f"{reply.status} {reply.code or 'by nginx'} at {time.monotonic():.3f}"
            self._journal.fault("errors_5xx", what, f"{reply.request}: {reply.body}")


def start_body(conversation: Conversation) -> dict[str, str]:
    """The request that opens a conversation, the same each time."""
    first = conversation.turns[0]
    return {"initial_input": first.text, "client_message_id": first.message_id}


def turn_body(conversation: Conversation, turn: Turn, member: str = "message") -> dict[str, str]:
    """The request with a turn or, as `question`, with a question."""
    body = {"session_id": conversation.session_id, member: turn.text}
    return body | ({"client_message_id": turn.message_id} if turn.message_id else {})
