"""The turns of a conversation as changes to its session; each may be applied more than once."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.conversation import interview, questions
from services.conversation.interview import Reply
from services.errors import ConversationFull
from services.sessions import Session
from services.teaser_chat.analyses import drop_analysis, has_changed_facts
from services.teaser_chat.messages import JsonObject, build_exchange, build_question_entry
from services.teaser_chat.suggestions import store_suggestions

MOST_TURNS = 200
"""The most messages and corrections of a conversation, unless the settings say otherwise."""
MOST_QUESTIONS = 100
"""The most questions about its results, unless the settings say otherwise."""


class Limits(NamedTuple):
    """How far a conversation may grow; what is over is refused, and what is there stays.

    Attributes:
        turns: the most messages and corrections.
        questions: the most questions about the results.
    """

    turns: int = MOST_TURNS
    questions: int = MOST_QUESTIONS

    def check_turn(self, session: Mapping[str, Any]) -> None:
        """Check that one more message or correction fits in.

        Raises:
            ConversationFull: it does not.
        """
        if len(session["history"]) >= 2 * self.turns:  # each has a reply
            raise ConversationFull("turns")

    def check_question(self, session: Mapping[str, Any]) -> None:
        """Check that one more question fits in.

        Raises:
            ConversationFull: it does not.
        """
        if len(session["qa_history"]) >= self.questions:
            raise ConversationFull("questions")


def build_opening(message_id: str, text: str) -> tuple[dict[str, Any], Reply]:
    """The data of a conversation that starts with this message, and the reply to it."""
    state, reply = interview.begin(text)
    data: dict[str, Any] = {
        "history": build_exchange(message_id, text, reply),
        "started": True,
        "product_description": text,
        "complete": reply.complete,
        "analyzed": False,
        "matched_norms": [],
        "all_norm_results": [],
        "qa_history": [],
        "interview": state,
    }
    data["history"][-1]["suggestions"] = store_suggestions(data)
    return data, reply


def take_message(
    session: Session, message_id: str, text: str, *, statement: str | None = None
) -> tuple[Reply, bool]:
    """Pass a message to the interview; an analysis whose facts it changes is dropped.

    Args:
        session: the conversation, changed in place.
        message_id: the message's id.
        text: the message, stored unchanged.
        statement: what the interview reads instead, if not the message.

    Returns:
        The interview's reply, and whether an analysis was dropped.
    """
    state, reply = interview.respond(session["interview"], text if statement is None else statement)
    session["history"] += build_exchange(message_id, text, reply)
    return reply, _replace(session, state, reply)


def take_correction(
    session: Session, message_id: str, values: Mapping[str, Any]
) -> tuple[Reply, bool]:
    """Pass corrected facts to the interview, and store them as a message in words.

    Args:
        session: the conversation, changed in place.
        message_id: the message's id.
        values: as interview.read_corrections gives them.

    Returns:
        As `take_message`.
    """
    state, reply = interview.correct(session["interview"], values)
    words, correction = interview.write_corrections(values), interview.export_corrections(values)
    session["history"] += build_exchange(message_id, words, reply, correction=correction)
    return reply, _replace(session, state, reply)


def _replace(session: Session, state: interview.State, reply: Reply) -> bool:
    """Store the interview's new state; whether an analysis of other facts was dropped."""
    outdated = session["analyzed"] and has_changed_facts(session["interview"], state)
    session["interview"] = state
    session["complete"] = reply.complete
    if outdated:
        drop_analysis(session)
    return bool(outdated)


def take_question(session: Session, message_id: str, question: str) -> None:
    """Answer a question about the analysis in view of the history, and store both."""
    answer = questions.answer_question(_add_history(session, question), session["interview"])
    session["qa_history"].append(build_question_entry(message_id, question, answer))
    session["qa_history"][-1]["suggestions"] = store_suggestions(session)


def _add_history(session: Session, question: str) -> str:
    """The question with the last turns and questions before it, in order of time."""
    questions_before = (
        {"role": role, "content": entry.get(member), "timestamp": entry.get("timestamp")}
        for entry in session["qa_history"][-questions.MAX_PAIRS :]
        for role, member in (("user", "question"), ("assistant", "answer"))
    )
    entries: list[JsonObject] = [*session["history"][-2 * questions.MAX_PAIRS :], *questions_before]
    entries.sort(key=lambda entry: str(entry.get("timestamp")))
    return questions.build_enriched_query(question, questions.select_recent_pairs(entries))
