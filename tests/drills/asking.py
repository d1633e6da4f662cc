"""Requests that are repeated until the application answers, and what an answer means."""

import time
from collections.abc import Mapping
from typing import Any

from tests.drills.journal import Conversation, Journal, Turn
from tests.drills.wire import Reply, Wire

PATIENCE = 30.0
"""Seconds for which the same request is repeated."""
PAUSE = 0.05
"""Seconds between two of these attempts."""


class Asker:
    """One connection, and the judgement on each answer that comes over it.

    Args:
        port: where nginx listens.
        journal: where findings go.
        downtime: whether nginx may say for a while that nobody is there.
    """

    def __init__(self, port: int, journal: Journal, *, downtime: bool = False) -> None:
        self._wire = Wire(port)
        self._journal = journal
        self._downtime = downtime

    def settle(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply | None:
        """Send a request until the application has answered it; None when it never did."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            reply = self._wire.send(method, path, body)
            # Many who write to one conversation at once may be asked to try again.
            if not reply.missing and reply.status < 500 and reply.code != "session_conflict":
                return reply
            self._note(reply)
            time.sleep(PAUSE)
        return None

    def granted(self, reply: Reply, conversation: Conversation, *, deleted: bool) -> bool:
        """Whether it was done; a refusal, or a success after the deletion, is noted."""
        if reply.status == 200:
            if deleted:
                why = f"{reply.request} is served when deleted"
                self._journal.fault("resurrected", conversation.session_id, why)
            return True
        if reply.status != 404 or not conversation.delete_sent:
            why = f"{reply.request} on {conversation.session_id}: {reply.status} {reply.code}"
            for turn in conversation.acknowledged() or conversation.turns:
                self._journal.fault("lost", turn.message_id, why)
        return False

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _note(self, reply: Reply) -> None:
        if reply.missing:
            self._journal.unanswered()
        if reply.status >= 500 and not (reply.missing and self._downtime):
            what = f"{reply.status} {reply.code or 'by nginx'} at {time.monotonic():.3f}"
            self._journal.fault("errors_5xx", what, f"{reply.request}: {reply.body}")


def start_body(conversation: Conversation) -> dict[str, str]:
    """The request that opens a conversation, the same each time."""
    first = conversation.turns[0]
    return {"initial_input": first.text, "client_message_id": first.message_id}


def turn_body(conversation: Conversation, turn: Turn, member: str = "message") -> dict[str, str]:
    """The request with a turn or, as `question`, with a question."""
    return {
        "session_id": conversation.session_id,
        member: turn.text,
        "client_message_id": turn.message_id,
    }
