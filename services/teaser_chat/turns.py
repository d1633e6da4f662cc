"""The turns of a conversation as changes to its session; each may be applied more than once."""

from typing import Any

from services.conversation import interview, questions
from services.conversation.interview import Reply
from services.conversation.window import MAX_PAIRS, build_enriched_query, recent_pairs
from services.sessions import Session
from services.teaser_chat.analyses import drop_analysis, facts_differ
from services.teaser_chat.messages import Answer, exchange, question_entry


def opening(message_id: str, text: str) -> tuple[dict[str, Any], Reply]:
    """The data of a conversation that begins with these words, and the reply to them."""
    state, reply = interview.begin(text)
    data = {
        "history": exchange(message_id, text, reply),
        "started": True,
        "product_description": text,
        "complete": reply.complete,
        "analyzed": False,
        "matched_norms": [],
        "all_norm_results": [],
        "qa_history": [],
        "interview": state,
    }
    return data, reply


def take_message(
    session: Session, message_id: str, text: str, *, told: str | None = None
) -> tuple[Reply, bool]:
    """Let the interview take in a message; an analysis whose facts it changes is dropped.

    Args:
        session: the conversation, changed in place.
        message_id: the message's id.
        text: the message, kept as it came.
        told: what the interview reads instead of it.

    Returns:
        The interview's reply, and whether an analysis was dropped.
    """
    before = session["interview"]
    state, reply = interview.answer(before, text if told is None else told)
    session["history"] += exchange(message_id, text, reply)
    session["interview"] = state
    session["complete"] = reply.complete
    outdated = session["analyzed"] and facts_differ(before, state)
    if outdated:
        drop_analysis(session)
    return reply, outdated


def take_question(session: Session, message_id: str, question: str) -> None:
    """Answer a question about the analysis, with what was said before it, and keep both."""
    answer = questions.ask(_with_history(session, question), session["interview"])
    session["qa_history"].append(question_entry(message_id, question, answer))


def _with_history(session: Session, question: str) -> str:
    """The question with the window of the last turns and questions, in order of their time."""
    asked = (
        {"role": role, "content": entry.get(member), "timestamp": entry.get("timestamp")}
        for entry in session["qa_history"][-MAX_PAIRS:]
        for role, member in (("user", "question"), ("assistant", "answer"))
    )
    entries: list[Answer] = [*session["history"][-2 * MAX_PAIRS :], *asked]
    entries.sort(key=lambda entry: str(entry.get("timestamp")))
    return build_enriched_query(question, recent_pairs(entries))
