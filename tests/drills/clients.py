"""A maker at the page: says, asks, reads, repeats and deletes, and remembers every answer."""

import json
import threading
import time
from typing import Any

from routes.errors import ANSWERS
from services.sessions.errors import StoreUnavailable
from tests.drills.checker import judge, known
from tests.drills.http_connection import Reply
from tests.drills.journal import Conversation, Journal, Turn, note
from tests.drills.retrying_client import (
    PROBE_GRACE_SECONDS,
    STRICT,
    Asker,
    Leniency,
    start_body,
    turn_body,
)
from tests.support.talk import API

PRODUCT = "Ceramic mug for consumers, no electricity, no radio, no battery, no data"
"""What needs few answers until it can be analysed."""


class Maker:
    """One client.

    Args:
        port: where nginx listens.
        journal: what is remembered, shared by all clients.
        leniency: what is no finding.
    """

    def __init__(self, port: int, journal: Journal, leniency: Leniency = STRICT) -> None:
        self._again = (port, journal, leniency)
        self._asker = Asker(port, journal, leniency)
        self._journal = journal
        self.leniency = leniency

    def start(self) -> Conversation | None:
        """Open a conversation; None when nobody answered, or it was refused."""
        conversation = self._journal.open(f"{PRODUCT}. {note()}")
        reply = self._asker.settle("POST", f"{API}/start", start_body(conversation))
        if reply is None or not self._asker.granted(reply, conversation, deleted=False):
            if conversation.refused:
                first = conversation.turns[0].message_id
                self._journal.fault("starts_refused", first, "a new conversation was refused")
            return None
        conversation.session_id = reply.body["session_id"]
        conversation.turns[0].acknowledge(reply.body["message"])
        return conversation

    def say(self, conversation: Conversation, text: str | None = None) -> None:
        """One turn, with a text of its own unless one is given."""
        turn = Turn(text or note())
        conversation.turns.append(turn)
        reply = self._post("respond", conversation, turn_body(conversation, turn))
        if reply:
            turn.acknowledge(reply.body["message"])
            conversation.complete = conversation.complete or reply.body["complete"]
        turn.left = time.monotonic()

    def whisper(self, conversation: Conversation) -> None:
        """One turn without an id, which cannot be repeated."""
        turn = Turn(note(), message_id="")
        conversation.turns.append(turn)
        reply = self._post("respond", conversation, turn_body(conversation, turn), once=True)
        if reply:
            turn.acknowledge(reply.body["message"])
        turn.left = time.monotonic()

    def ask(self, conversation: Conversation) -> None:
        """A question about the analysis."""
        question = Turn(f"Which are the most important? {note()}")
        conversation.questions.append(question)
        body = turn_body(conversation, question, "question")
        reply = self._post("ask-analysis", conversation, body)
        if reply:
            question.acknowledge(reply.body["answer"])
        question.left = time.monotonic()

    def finish(self, conversation: Conversation) -> None:
        """Answer "no" until nothing is asked any more."""
        for _ in range(10):
            if conversation.complete or conversation.delete_sent or conversation.refused:
                return
            self.say(conversation, "no")

    def analyze(self, conversation: Conversation) -> None:
        """Have every norm checked, in one answer."""
        if self._post("analyze", conversation, {"session_id": conversation.session_id}):
            conversation.analyzed = True

    def watch(self, conversation: Conversation) -> None:
        """Have every norm checked, step by step; from the start again if the stream breaks."""
        deleted = conversation.deleted
        path = f"{API}/analyze-stream?session_id={conversation.session_id}"
        give_up = time.monotonic() + PROBE_GRACE_SECONDS
        while time.monotonic() < give_up:
            reply = self._asker.settle("GET", path)
            if reply is None or not self._asker.granted(reply, conversation, deleted=deleted):
                return
            last = _last_event(reply.body)
            if last.get("phase") == "complete":
                conversation.analyzed = True
                return
            if "error" in last and not conversation.delete_sent:
                self._broken_off(conversation, str(last["error"]))
                return
            self._journal.unanswered()

    def read(self, conversation: Conversation) -> None:
        """Read the conversation; everything acknowledged before must be in it."""
        before = known(conversation)
        reply = self._asker.settle("GET", f"{API}/session/{conversation.session_id}")
        if reply is None:
            return
        conversation.refused = self.leniency.outage and reply.refused
        if not conversation.refused:
            judge(self._journal, conversation, before, reply)

    def repeat(self, conversation: Conversation, turn: Turn) -> None:
        """Say again what was acknowledged; the answer must be the same."""
        first = turn is conversation.turns[0]
        body = start_body(conversation) if first else turn_body(conversation, turn)
        reply = self._post("start" if first else "respond", conversation, body)
        if reply is None:
            return
        if first and reply.body["session_id"] != conversation.session_id:
            self._journal.fault("doubled", turn.message_id, "opened a second conversation")
        elif reply.body["message"] != turn.reply:
            self._journal.fault("doubled", turn.message_id, "was answered anew")

    def delete(self, conversation: Conversation) -> None:
        """Delete the conversation."""
        conversation.delete_sent = True
        begun = time.monotonic()
        reply = self._asker.settle("DELETE", f"{API}/session/{conversation.session_id}")
        conversation.deletion = begun, time.monotonic()
        if reply is not None and self._asker.granted(reply, conversation, deleted=False):
            conversation.deleted = True

    def delete_while_speaking(self, conversation: Conversation) -> None:
        """Delete it while turns are on their way over a second connection."""
        conversation.delete_sent = True
        speaking = threading.Thread(target=self._speak, args=(conversation,))
        speaking.start()
        self.delete(conversation)
        speaking.join()
        self.read(conversation)

    def close(self) -> None:
        """Close the connection."""
        self._asker.close()

    def _speak(self, conversation: Conversation) -> None:
        other = Maker(*self._again)
        for _ in range(3):
            other.say(conversation)
        other.close()

    def _broken_off(self, conversation: Conversation, why: str) -> None:
        """A stream ended with an error."""
        if self.leniency.outage and why == ANSWERS[StoreUnavailable].sentence:
            conversation.refused = True
        elif not conversation.excused:
            self._journal.fault("errors_5xx", conversation.session_id, f"stream: {why}")

    def _post(
        self, path: str, conversation: Conversation, body: dict[str, str], *, once: bool = False
    ) -> Reply | None:
        """Send something that belongs to a conversation; None unless it was done."""
        deleted = conversation.deleted
        reply = self._asker.settle("POST", f"{API}/{path}", body, once=once)
        if reply is None or not self._asker.granted(reply, conversation, deleted=deleted):
            return None
        return reply


def _last_event(stream: str) -> dict[str, Any]:
    """The data of the last whole event of a stream; empty when there is none."""
    lines = [line for line in stream.splitlines() if line.startswith("data: ")]
    try:
        last: dict[str, Any] = json.loads(lines[-1].removeprefix("data: "))
    except (IndexError, ValueError):
        return {}
    return last
