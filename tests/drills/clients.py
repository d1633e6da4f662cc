"""A maker at the page: writes, asks, reads, repeats and deletes, and records every answer."""

import json
import threading
import time
from typing import Any

from routes.errors import RESPONSES
from services.sessions.errors import StoreUnavailable
from tests.drills.checker import build_expected, judge
from tests.drills.http_connection import Reply
from tests.drills.journal import Conversation, Journal, Turn, make_unique_text
from tests.drills.retrying_client import (
    RETRY_SECONDS,
    STRICT,
    RetryingClient,
    Tolerance,
    build_start_body,
    build_turn_body,
)
from tests.support.talk import API

PRODUCT = "Ceramic mug for consumers, no electricity, no radio, no battery, no data"
"""A product that needs few answers before it can be analysed."""


class Maker:
    """One client.

    Args:
        port: where nginx listens.
        journal: what is recorded, shared by all clients.
        tolerance: what is no finding.
    """

    def __init__(self, port: int, journal: Journal, tolerance: Tolerance = STRICT) -> None:
        self._port = port
        self._client = RetryingClient(port, journal, tolerance)
        self._journal = journal
        self.tolerance = tolerance

    def start(self) -> Conversation | None:
        """Open a conversation; None when nobody answered, or it was refused."""
        conversation = self._journal.open(f"{PRODUCT}. {make_unique_text()}")
        path, body = f"{API}/start", build_start_body(conversation)
        reply = self._client.send_until_answered("POST", path, body)
        if reply is None or not self._client.check_reply(reply, conversation, deleted=False):
            if conversation.refused:
                first = conversation.turns[0].message_id
                self._journal.record("starts_refused", first, "a new conversation was refused")
            return None
        conversation.session_id = reply.body["session_id"]
        conversation.turns[0].acknowledge(reply.body["message"])
        return conversation

    def say(self, conversation: Conversation, text: str | None = None) -> None:
        """Send one turn, with a text of its own unless one is given."""
        self._say(conversation, Turn(text or make_unique_text()))

    def say_without_id(self, conversation: Conversation) -> None:
        """Send one turn without an id, which cannot be repeated."""
        self._say(conversation, Turn(make_unique_text(), message_id=""), once=True)

    def ask(self, conversation: Conversation) -> None:
        """Ask a question about the analysis."""
        question = Turn(f"Which are the most important? {make_unique_text()}")
        conversation.questions.append(question)
        body = build_turn_body(conversation, question, "question")
        if reply := self._post("ask-analysis", conversation, body):
            question.acknowledge(reply.body["answer"])
        question.left = time.monotonic()

    def finish(self, conversation: Conversation) -> None:
        """Answer "no" until no question is left."""
        for _ in range(10):
            if conversation.complete or conversation.delete_sent or conversation.refused:
                return
            self.say(conversation, "no")

    def analyze(self, conversation: Conversation) -> None:
        """Have every norm checked, in one answer."""
        if self._post("analyze", conversation, {"session_id": conversation.session_id}):
            conversation.analyzed = True

    def stream_analysis(self, conversation: Conversation) -> None:
        """Have every norm checked, step by step; start over when the stream breaks."""
        deleted = conversation.deleted
        path = f"{API}/analyze-stream?session_id={conversation.session_id}"
        deadline = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < deadline:
            reply = self._client.send_until_answered("GET", path)
            if reply is None or not self._client.check_reply(reply, conversation, deleted=deleted):
                return
            last = _read_last_event(reply.body)
            if last.get("phase") == "complete":
                conversation.analyzed = True
                return
            if "error" in last and not conversation.delete_sent:
                self._record_failed_stream(conversation, str(last["error"]))
                return
            self._journal.count_unanswered()

    def read(self, conversation: Conversation) -> None:
        """Read the conversation, which must contain everything acknowledged before."""
        expected = build_expected(conversation)
        path = f"{API}/session/{conversation.session_id}"
        reply = self._client.send_until_answered("GET", path)
        if reply is None:
            return
        conversation.refused = self.tolerance.outage and reply.refused
        if not conversation.refused:
            judge(self._journal, conversation, expected, reply)

    def repeat(self, conversation: Conversation, turn: Turn) -> None:
        """Send an acknowledged turn again; the answer must be the same."""
        is_first = turn is conversation.turns[0]
        body = build_start_body(conversation) if is_first else build_turn_body(conversation, turn)
        reply = self._post("start" if is_first else "respond", conversation, body)
        if reply is None:
            return
        if is_first and reply.body["session_id"] != conversation.session_id:
            self._journal.record("doubled", turn.message_id, "opened a second conversation")
        elif reply.body["message"] != turn.reply:
            self._journal.record("doubled", turn.message_id, "was answered anew")

    def delete(self, conversation: Conversation) -> None:
        """Delete the conversation."""
        conversation.delete_sent = True
        started = time.monotonic()
        path = f"{API}/session/{conversation.session_id}"
        reply = self._client.send_until_answered("DELETE", path)
        conversation.deletion = started, time.monotonic()
        if reply is not None and self._client.check_reply(reply, conversation, deleted=False):
            conversation.deleted = True

    def delete_while_speaking(self, conversation: Conversation) -> None:
        """Delete it while turns are under way on a second connection."""
        conversation.delete_sent = True
        speaking = threading.Thread(target=self._speak, args=(conversation,))
        speaking.start()
        self.delete(conversation)
        speaking.join()
        self.read(conversation)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _say(self, conversation: Conversation, turn: Turn, *, once: bool = False) -> None:
        conversation.turns.append(turn)
        body = build_turn_body(conversation, turn)
        if reply := self._post("respond", conversation, body, once=once):
            turn.acknowledge(reply.body["message"])
            conversation.complete = conversation.complete or reply.body["complete"]
        turn.left = time.monotonic()

    def _speak(self, conversation: Conversation) -> None:
        other = Maker(self._port, self._journal, self.tolerance)
        for _ in range(3):
            other.say(conversation)
        other.close()

    def _record_failed_stream(self, conversation: Conversation, why: str) -> None:
        if self.tolerance.outage and why == RESPONSES[StoreUnavailable].sentence:
            conversation.refused = True
        elif not conversation.excused:
            self._journal.record("errors_5xx", conversation.session_id, f"stream: {why}")

    def _post(
        self, path: str, conversation: Conversation, body: dict[str, str], *, once: bool = False
    ) -> Reply | None:
        """Send something that belongs to a conversation; None unless it succeeded."""
        deleted = conversation.deleted
        reply = self._client.send_until_answered("POST", f"{API}/{path}", body, once=once)
        if reply is None or not self._client.check_reply(reply, conversation, deleted=deleted):
            return None
        return reply


def _read_last_event(stream: str) -> dict[str, Any]:
    """Read the data of a stream's last whole event; empty when there is none."""
    lines = [line for line in stream.splitlines() if line.startswith("data: ")]
    try:
        last: dict[str, Any] = json.loads(lines[-1].removeprefix("data: "))
    except (IndexError, ValueError):
        return {}
    return last
