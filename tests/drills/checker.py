"""Compares what a conversation holds with what its clients were told."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.drills.http_connection import Reply
from tests.drills.journal import Conversation, Journal, Turn


class Known(NamedTuple):
    """What was acknowledged before a conversation was read, so that the read must show it."""

    turns: Sequence[Turn]
    analyzed: bool
    deleted: bool


def known(conversation: Conversation) -> Known:
    """What is acknowledged at this moment."""
    return Known(conversation.acknowledged(), conversation.analyzed, conversation.deleted)


def judge(journal: Journal, conversation: Conversation, before: Known, reply: Reply) -> None:
    """Note everything that is wrong with one reading of a conversation.

    Args:
        journal: where findings go.
        conversation: the one that was read.
        before: what was known when the reading was invoked.
        reply: what the reading gave.
    """
    if conversation.excused:
        journal.excuses[reply.status] += 1
    elif reply.status == 200:
        if before.deleted:
            journal.alive(conversation, "read after its deletion")
        elif not conversation.deleted:
            _judge_content(journal, conversation, before, reply.body)
    elif not conversation.delete_sent:
        for turn in before.turns:
            journal.fault("lost", turn.message_id, f"the conversation answers {reply.status}")


def _judge_content(
    journal: Journal, conversation: Conversation, before: Known, body: dict[str, Any]
) -> None:
    names = _names(conversation, body)
    said = [names[entry["id"]] for entry in body["history"] if entry["role"] == "user"]
    replies = {
        names[entry["reply_to"]]: entry["content"]
        for entry in body["history"]
        if entry["role"] == "assistant"
    } | {entry["id"]: entry["answer"] for entry in body["qa_history"]}
    asked = [entry["id"] for entry in body["qa_history"]]
    for name, times in Counter(said + asked).items():
        if times > 1:
            journal.fault("doubled", name, f"{times} times in {conversation.session_id}")
    for turn in before.turns:
        if turn.name not in replies:
            why = f"acknowledged at {turn.answered:.3f} and not in {conversation.session_id}"
            journal.missing(conversation, turn, why)
        elif replies[turn.name] != turn.reply:
            journal.fault("lost", turn.name, "its answer is not the one that was given")
    if before.analyzed and not body["analyzed"]:
        journal.fault("lost", conversation.session_id, "its analysis is gone")
    _judge_order(journal, said, before.turns)


def _names(conversation: Conversation, body: dict[str, Any]) -> dict[str, str]:
    """What each user's entry is called in the journal, by its id in the conversation."""
    without_id = {turn.text for turn in conversation.turns if not turn.message_id}
    return {
        entry["id"]: entry["content"] if entry["content"] in without_id else entry["id"]
        for entry in body["history"]
        if entry["role"] == "user"
    }


def _judge_order(journal: Journal, said: Sequence[str], turns: Sequence[Turn]) -> None:
    """Of two turns, one invoked after the other was answered must stand after it."""
    by_name = {turn.name: turn for turn in turns}
    latest = 0.0
    for name in said:
        turn = by_name.get(name)
        if turn is None or turn.answered is None:
            continue
        if turn.answered < latest:
            journal.fault("reordered", name, "stands behind one that was said later")
        latest = max(latest, turn.invoked)
