"""The turns of a conversation as changes to its session; each may be applied more than once."""

from collections.abc import Mapping
from typing import Any

from services.conversation import interview, questions
from services.conversation.interview import Reply
from services.sessions import Session
from services.teaser_chat.analyses import drop_analysis, facts_differ
from services.teaser_chat.messages import Answer, exchange, question_entry


def opening(message_id: str, text: str) -> tuple[dict[str, Any], Reply]:
    """The data of a conversation that begins with these words, and the reply to them."""
    state, reply = interview.begin(text)
    data: dict[str, Any] = {
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
    data["history"][-1]["suggestions"] = suggest(data)
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
    state, reply = interview.respond(session["interview"], text if told is None else told)
    session["history"] += exchange(message_id, text, reply)
    return reply, _replace(session, state, reply)


def take_correction(
    session: Session, message_id: str, values: Mapping[str, Any]
) -> tuple[Reply, bool]:
    """Let the interview take in corrected facts, as a message whose words are made here.

    Args:
        session: the conversation, changed in place.
        message_id: the message's id.
        values: as interview.read_corrections gives them.

    Returns:
        As `take_message`.
    """
    state, reply = interview.correct(session["interview"], values)
    said, told = interview.write_corrections(values), interview.export_corrections(values)
    session["history"] += exchange(message_id, said, reply, correction=told)
    return reply, _replace(session, state, reply)


def _replace(session: Session, state: interview.State, reply: Reply) -> bool:
    """Put the interview's new state in; whether an analysis of other facts was dropped."""
    outdated = session["analyzed"] and facts_differ(session["interview"], state)
    session["interview"] = state
    session["complete"] = reply.complete
    if outdated:
        drop_analysis(session)
    return bool(outdated)


def suggest(session: Mapping[str, Any]) -> list[str]:
    """What may be said next in a conversation as it stands."""
    said = (entry["content"] for entry in session["history"] if entry["role"] == "user")
    asked = (entry["question"] for entry in session["qa_history"])
    return questions.suggest(
        session["interview"],
        complete=session["complete"],
        analyzed=session["analyzed"],
        asked=[*said, *asked],
    )


def take_question(session: Session, message_id: str, question: str) -> None:
    """Answer a question about the analysis, with what was said before it, and keep both."""
    answer = questions.answer_question(_with_history(session, question), session["interview"])
    session["qa_history"].append(question_entry(message_id, question, answer))
    session["qa_history"][-1]["suggestions"] = suggest(session)


def _with_history(session: Session, question: str) -> str:
    """The question with the window of the last turns and questions, in order of their time."""
    asked = (
        {"role": role, "content": entry.get(member), "timestamp": entry.get("timestamp")}
        for entry in session["qa_history"][-questions.MAX_PAIRS :]
        for role, member in (("user", "question"), ("assistant", "answer"))
    )
    entries: list[Answer] = [*session["history"][-2 * questions.MAX_PAIRS :], *asked]
    entries.sort(key=lambda entry: str(entry.get("timestamp")))
    return questions.build_enriched_query(question, questions.select_recent_pairs(entries))
