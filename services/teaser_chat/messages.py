"""The messages of a conversation as a session keeps them, and the answers read from them.

An answer to a turn is always read from the stored messages, so that a repeated message gets what
it got the first time.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.conversation import interview, questions
from services.conversation.questions import Step
from services.errors import MessageIdReused
from services.norms.facts import FACTS
from services.sessions import Session
from services.sessions.errors import SessionUnreadable

MEMBERS = {
    "history": list,
    "qa_history": list,
    "interview": dict,
    "started": bool,
    "complete": bool,
    "analyzed": bool,
    "product_description": str,
    "matched_norms": list,
    "all_norm_results": list,
}
"""What a session must hold to be a conversation, and of which type."""

INTERVIEW_MEMBERS = {
    "description": str,
    "facts": dict,
    "likely": dict,
    "of_kind": dict,
    "said": dict,
    "unsure": list,
    "asked": list,
    "pending": list,
    "turns": int,
}
"""What the state of its interview must hold at least, and of which type."""

MESSAGE_MEMBERS = {"history": ("role", "content"), "qa_history": ("question", "answer")}
"""What an entry of these lists must hold, as text."""

Answer = dict[str, Any]


def conversation_in(session: Session) -> Session:
    """The session itself, if it holds a conversation.

    Raises:
        SessionUnreadable: a member is missing or of another type; someone else wrote it.
    """
    for name, kind in MEMBERS.items():
        if not isinstance(session.get(name), kind):
            raise SessionUnreadable(f"the session's {name} is no {kind.__name__}")
    for name, members in MESSAGE_MEMBERS.items():
        if not all(_is_message(entry, *members) for entry in session[name]):
            raise SessionUnreadable(f"the session's {name} holds what is no message")
    if not session["history"]:
        raise SessionUnreadable("the session's history is empty")
    state = session["interview"]
    for name, kind in INTERVIEW_MEMBERS.items():
        if not isinstance(state.get(name), kind):
            raise SessionUnreadable(f"the interview's {name} is no {kind.__name__}")
    return session


def _is_message(entry: Any, said_by: str, said: str) -> bool:
    return (
        type(entry) is dict
        and isinstance(entry.get(said_by), str)
        and isinstance(entry.get(said), str)
    )


def exchange(
    message_id: str, text: str, reply: interview.Reply, *, correction: Answer | None = None
) -> list[Answer]:
    """The two history entries of a turn: the maker's words and the reply to them.

    Args:
        message_id: the message's id.
        text: the words.
        reply: what they are answered.
        correction: the facts that were corrected, if the words only say that.
    """
    now = timestamp()
    said: Answer = {"role": "user", "content": text, "id": message_id, "timestamp": now}
    if correction is not None:
        said["correction"] = correction
    answered: Answer = {
        "role": "assistant",
        "content": reply.message,
        "id": str(uuid.uuid4()),
        "timestamp": now,
        "reply_to": message_id,
        "complete": reply.complete,
        "open_facts": list(reply.missing),
    }
    if reply.complete:
        answered["reasoning"] = reply.reasoning
    return [said, answered]


def read_message(session: Session, message_id: str, text: str) -> Answer:
    """How a message was answered, whichever kind of turn it was.

    Returns:
        `{intent, response, suggestions}`, and a `notice` if there was one.

    Raises:
        MessageIdReused: the message with this id has other words.
    """
    if _find(session["qa_history"], message_id):
        answer = question_answer(session, message_id, text)
        return {
            "intent": Step.QUESTION.value,
            "response": answer["answer"],
            "suggestions": answer["suggestions"],
        }
    reply = _reply_to(session, message_id, text)
    told = {
        "intent": reply.get("intent", Step.INTERVIEW.value),
        "response": reply["content"],
        "suggestions": _suggested(reply),
    }
    return {**told, "notice": reply["notice"]} if "notice" in reply else told


def turn_answer(
    session: Session, message_id: str, text: str, *, correction: Answer | None = None
) -> Answer:
    """What a turn is answered with, from the session alone: the same the first and every time.

    Raises:
        MessageIdReused: the message with this id has other words, or corrects other facts.
    """
    return _told(_reply_to(session, message_id, text, correction))


def _reply_to(
    session: Session, message_id: str, text: str, correction: Answer | None = None
) -> Answer:
    said = _find(session["history"], message_id)
    if said is None or said["role"] != "user" or said["content"] != text:
        raise MessageIdReused(message_id)
    if said.get("correction") != correction:  # numbers may differ more than their words
        raise MessageIdReused(message_id)
    replies = (entry for entry in session["history"] if entry.get("reply_to") == message_id)
    return next(replies)


def last_turn(session: Session) -> Answer:
    """What the last turn was answered with."""
    return _told(session["history"][-1])


def _told(reply: Mapping[str, Any]) -> Answer:
    answer = {
        "complete": reply["complete"],
        "message": reply["content"],
        "suggestions": _suggested(reply),
    }
    if reply["complete"]:
        return {**answer, "missing": [], "reasoning": reply["reasoning"]}
    return {
        **answer,
        "missing": [FACTS[name].label for name in reply["open_facts"] if name in FACTS],
    }


def _suggested(entry: Mapping[str, Any]) -> list[str]:
    """The suggestions that a reply or answer came with; an earlier release made none."""
    found: list[str] = entry.get("suggestions", [])
    return found


def question_entry(message_id: str, question: str, answer: questions.Answer) -> Answer:
    """A question and its answer, as the session keeps them."""
    entry: Answer = {
        "question": question,
        "answer": answer.answer,
        "timestamp": timestamp(),
        "id": message_id,
        "relevant_norms": list(answer.relevant_norms),
        "confidence": answer.confidence,
    }
    if answer.proposed_description is not None:
        entry["proposed_description"] = answer.proposed_description
    return entry


def question_answer(session: Session, message_id: str, question: str) -> Answer:
    """What a question was answered with.

    Raises:
        MessageIdReused: the message with this id has other words, or is no question.
    """
    entry = _find(session["qa_history"], message_id)
    if entry is None or entry["question"] != question:
        raise MessageIdReused(message_id)
    members = ("answer", "relevant_norms", "confidence", "proposed_description")
    told = {name: entry[name] for name in members if name in entry}
    return {**told, "suggestions": _suggested(entry)}


def is_known(session: Session, message_id: str) -> bool:
    """Whether a message with this id is in the conversation already."""
    return bool(_find(session["history"], message_id) or _find(session["qa_history"], message_id))


def _find(entries: list[Answer], message_id: str) -> Answer | None:
    """The entry with this id; a repeated one is most likely among the last."""
    return next((entry for entry in reversed(entries) if entry.get("id") == message_id), None)


def timestamp() -> str:
    """This moment in UTC, in ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
