"""Compare what a conversation contains with what its clients were told."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.drills.http_connection import Reply
from tests.drills.journal import Conversation, Journal, Turn


class Expected(NamedTuple):
    """What was acknowledged before a conversation was read, so that the read must show it."""

    turns: Sequence[Turn]
    analyzed: bool
    deleted: bool


def build_expected(conversation: Conversation) -> Expected:
    """Build the expectation from what is acknowledged now."""
    return Expected(conversation.list_acknowledged(), conversation.analyzed, conversation.deleted)


def judge(journal: Journal, conversation: Conversation, expected: Expected, reply: Reply) -> None:
    """Record everything that is wrong with the reply to a read of a conversation.

    Args:
        journal: where findings go.
        conversation: the one that was read.
        expected: what was acknowledged before the read was sent.
        reply: what came back.
    """
    if conversation.excused:
        journal.excuses[reply.status] += 1
    elif reply.status == 200:
        if expected.deleted:
            journal.record_served(conversation, "read after its deletion")
        elif not conversation.deleted:
            _judge_content(journal, conversation, expected, reply.body)
    elif not conversation.delete_sent:
        for turn in expected.turns:
            journal.record("lost", turn.message_id, f"the conversation answers {reply.status}")


def _judge_content(
    journal: Journal, conversation: Conversation, expected: Expected, body: dict[str, Any]
) -> None:
    names = _map_names(conversation, body)
    turns = [names[entry["id"]] for entry in body["history"] if entry["role"] == "user"]
    questions = [entry["id"] for entry in body["qa_history"]]
    replies = {
        names[entry["reply_to"]]: entry["content"]
        for entry in body["history"]
        if entry["role"] == "assistant"
    } | {entry["id"]: entry["answer"] for entry in body["qa_history"]}
    for name, times in Counter(turns + questions).items():
        if times > 1:
            journal.record("doubled", name, f"{times} times in {conversation.session_id}")
    for turn in expected.turns:
        if turn.name not in replies:
            why = f"acknowledged at {turn.answered:.3f} and not in {conversation.session_id}"
            journal.record_missing(conversation, turn, why)
        elif replies[turn.name] != turn.reply:
            journal.record("lost", turn.name, "its reply differs from the one that was given")
    if expected.analyzed and not body["analyzed"]:
        journal.record("lost", conversation.session_id, "its analysis is gone")
    _judge_order(journal, turns, expected.turns)


def _map_names(conversation: Conversation, body: dict[str, Any]) -> dict[str, str]:
    """Map the id of each user's entry to the turn's name in the journal."""
    without_id = {turn.text for turn in conversation.turns if not turn.message_id}
    return {
        entry["id"]: entry["content"] if entry["content"] in without_id else entry["id"]
        for entry in body["history"]
        if entry["role"] == "user"
    }


def _judge_order(journal: Journal, names: Sequence[str], turns: Sequence[Turn]) -> None:
    """Check that a turn sent after another one was answered stands after it."""
    by_name = {turn.name: turn for turn in turns}
    latest = 0.0
    for name in names:
        turn = by_name.get(name)
        if turn is None or turn.answered is None:
            continue
        if turn.answered < latest:
            journal.record("reordered", name, "stands after a turn that was sent later")
        latest = max(latest, turn.invoked)
