"""The messages of a conversation as a session stores them, and the replies read from them.

The reply to a turn is always read from the stored messages, so that a repeated message gets the
same one.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from services.conversation import interview, questions
from services.conversation.questions import Step
from services.errors import MessageIdReused
from services.norms.facts import FACTS
from services.sessions import Session
from services.sessions.errors import SessionUnreadable
from services.timestamps import format_now

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
"""The members, with their types, that a session must have to be a conversation."""

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
"""The members, with their types, that the state of its interview must have."""

MESSAGE_MEMBERS = {"history": ("role", "content"), "qa_history": ("question", "answer")}
"""The text members that an entry of these lists must have."""

JsonObject = dict[str, Any]


def check_conversation(session: Session) -> Session:
    """Check that a session holds a conversation, and return it.

    Raises:
        SessionUnreadable: a member is missing or of another type; another program wrote it.
    """
    for name, kind in MEMBERS.items():
        if not isinstance(session.get(name), kind):
            raise SessionUnreadable(f"the session's {name} is not a {kind.__name__}")
    for name, members in MESSAGE_MEMBERS.items():
        if not all(_is_message(entry, *members) for entry in session[name]):
            raise SessionUnreadable(f"the session's {name} has an entry that is not a message")
    if not session["history"]:
        raise SessionUnreadable("the session's history is empty")
    state = session["interview"]
    for name, kind in INTERVIEW_MEMBERS.items():
        if not isinstance(state.get(name), kind):
            raise SessionUnreadable(f"the interview's {name} is not a {kind.__name__}")
    return session


def _is_message(entry: Any, *members: str) -> bool:
    return type(entry) is dict and all(isinstance(entry.get(name), str) for name in members)


def build_exchange(
    message_id: str, text: str, reply: interview.Reply, *, correction: JsonObject | None = None
) -> list[JsonObject]:
    """Build the two history entries of a turn: the maker's message and the reply.

    Args:
        message_id: the message's id.
        text: its text.
        reply: the interview's reply.
        correction: the corrected facts, if the message is a correction of facts.
    """
    now = format_now()
    message: JsonObject = {"role": "user", "content": text, "id": message_id, "timestamp": now}
    if correction is not None:
        message["correction"] = correction
    response: JsonObject = {
        "role": "assistant",
        "content": reply.message,
        "id": str(uuid.uuid4()),
        "timestamp": now,
        "reply_to": message_id,
        "complete": reply.complete,
        "open_facts": list(reply.missing),
    }
    if reply.complete:
        response["reasoning"] = reply.reasoning
    return [message, response]


def read_reply(session: Session, message_id: str, text: str) -> JsonObject:
    """The reply to a message, whichever step it took.

    Returns:
        `{intent, response, suggestions}`, and `notice` if there was one.

    Raises:
        MessageIdReused: the message with this id has another text.
    """
    if _find(session["qa_history"], message_id):
        answer = read_question_reply(session, message_id, text)
        return {
            "intent": Step.QUESTION.value,
            "response": answer["answer"],
            "suggestions": answer["suggestions"],
        }
    reply = _find_reply(session, message_id, text)
    result = {
        "intent": reply.get("intent", Step.INTERVIEW.value),
        "response": reply["content"],
        "suggestions": _get_suggestions(reply),
    }
    return {**result, "notice": reply["notice"]} if "notice" in reply else result


def read_turn_reply(
    session: Session, message_id: str, text: str, *, correction: JsonObject | None = None
) -> JsonObject:
    """The reply to a turn, from the session alone, so that it is the same every time.

    Raises:
        MessageIdReused: the message with this id has another text, or corrects other facts.
    """
    return _convert_reply(_find_reply(session, message_id, text, correction))


def _find_reply(
    session: Session, message_id: str, text: str, correction: JsonObject | None = None
) -> JsonObject:
    message = _find(session["history"], message_id)
    if message is None or message["role"] != "user" or message["content"] != text:
        raise MessageIdReused(message_id)
    if message.get("correction") != correction:  # rounded numbers may have the same words
        raise MessageIdReused(message_id)
    replies = (entry for entry in session["history"] if entry.get("reply_to") == message_id)
    return next(replies)


def read_last_turn(session: Session) -> JsonObject:
    """The reply to the last turn."""
    return _convert_reply(session["history"][-1])


def _convert_reply(reply: Mapping[str, Any]) -> JsonObject:
    """A stored reply in the form that clients get."""
    result = {
        "complete": reply["complete"],
        "message": reply["content"],
        "suggestions": _get_suggestions(reply),
    }
    if reply["complete"]:
        return {**result, "missing": [], "reasoning": reply["reasoning"]}
    missing = [FACTS[name].label for name in reply["open_facts"] if name in FACTS]
    return {**result, "missing": missing}


def _get_suggestions(entry: Mapping[str, Any]) -> list[str]:
    """The suggestions of a reply or an answer; earlier releases stored none."""
    found: list[str] = entry.get("suggestions", [])
    return found


def build_question_entry(message_id: str, question: str, answer: questions.Answer) -> JsonObject:
    """A question and its answer, as the session stores them."""
    entry: JsonObject = {
        "question": question,
        "answer": answer.answer,
        "timestamp": format_now(),
        "id": message_id,
        "relevant_norms": list(answer.relevant_norms),
        "confidence": answer.confidence,
    }
    if answer.proposed_description is not None:
        entry["proposed_description"] = answer.proposed_description
    return entry


def read_question_reply(session: Session, message_id: str, question: str) -> JsonObject:
    """The answer to a question.

    Raises:
        MessageIdReused: the message with this id has another text, or is not a question.
    """
    entry = _find(session["qa_history"], message_id)
    if entry is None or entry["question"] != question:
        raise MessageIdReused(message_id)
    members = ("answer", "relevant_norms", "confidence", "proposed_description")
    answer = {name: entry[name] for name in members if name in entry}
    return {**answer, "suggestions": _get_suggestions(entry)}


def is_known(session: Session, message_id: str) -> bool:
    """Whether a message with this id is in the conversation already."""
    return bool(_find(session["history"], message_id) or _find(session["qa_history"], message_id))


def _find(entries: list[JsonObject], message_id: str) -> JsonObject | None:
    """The entry with this id, looked for from the end, where repeated ones usually are."""
    return next((entry for entry in reversed(entries) if entry.get("id") == message_id), None)
