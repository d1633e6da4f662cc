"""The teaser chat's use cases: a conversation in a session, from the first words to questions.

The conversation itself is pure (services.conversation); here its steps become changes to a
stored session. Every change can be applied twice without harm: a message whose id is already
in the session gets the answer it got then.
"""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from services.conversation import interview
from services.errors import AnalysisMissing, ConversationIncomplete
from services.norms.catalogue import DISCLAIMER
from services.sessions import Session, Sessions
from services.sessions.errors import StoreUnavailable
from services.teaser_chat.analyses import DATABASES, AnalysisRun, analysis_of, analyze
from services.teaser_chat.messages import (
    Answer,
    conversation_in,
    is_known,
    last_turn,
    question_answer,
    turn_answer,
)
from services.teaser_chat.starts import Starts
from services.teaser_chat.turns import (
    opening,
    suggest,
    take_correction,
    take_message,
    take_question,
)

REANALYZE = "The norms have to be checked again to see what this changes."


class TeaserChat:
    """Conversations by id; every method checks that `owner` may reach the one it names.

    Args:
        conversations: the sessions that hold them.
        starts: opens them.
    """

    def __init__(self, conversations: Sessions, starts: Starts) -> None:
        self._conversations = conversations
        self._starts = starts

    def start_conversation(
        self,
        initial_input: str,
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> Answer:
        """Open a conversation with the maker's first words.

        Returns:
            `{session_id, complete, message, missing, suggestions}`.

        Raises:
            MessageIdReused: the same client_message_id opened one with other words.
            SessionNotFound: the one it opened was deleted or has expired.
            SessionError: as services.sessions.save_session.
        """
        message_id = client_message_id or str(uuid.uuid4())
        earlier = self._starts.find_opened(owner, client_message_id)
        if earlier:
            session = self._conversations.get(earlier, owner=owner)
            return _start_answer(session, message_id, initial_input)
        data, _ = opening(message_id, initial_input)
        session = self._starts.open_conversation(
            data, owner=owner, client_message_id=client_message_id
        )
        return _start_answer(session, message_id, initial_input)

    def continue_conversation(
        self,
        session_id: str,
        message: str,
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> Answer:
        """Take the maker's next message and answer with the next question.

        Returns:
            `{complete, message, missing, suggestions}`, once complete with `reasoning`.

        Raises:
            MessageIdReused: the id was used with other words.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())

        def change(session: Session) -> bool:
            if is_known(conversation_in(session), message_id):
                return False
            _, outdated = take_message(session, message_id, message)
            _finish(session, outdated=outdated)
            return True

        session = self._conversations.update(session_id, change, owner=owner)
        return turn_answer(session, message_id, message)

    def correct_facts(
        self,
        session_id: str,
        facts: Mapping[str, Any],
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> Answer:
        """Correct single facts, at any time, and answer as to a message that says so.

        Args:
            session_id: the conversation.
            facts: new values, as interview.read_corrections takes them.
            owner: who corrects.
            client_message_id: the id of this correction.

        Returns:
            As `continue_conversation`, and `correction`: the words of the maker's message.

        Raises:
            CorrectionRefused: a fact or a value is none, or they contradict each other.
            MessageIdReused: the id was used with other facts, or for a message.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())
        values = interview.read_corrections(facts)
        words = interview.write_corrections(values)

        def change(session: Session) -> bool:
            if is_known(conversation_in(session), message_id):
                return False
            _, outdated = take_correction(session, message_id, values)
            _finish(session, outdated=outdated)
            return True

        session = self._conversations.update(session_id, change, owner=owner)
        told = interview.export_corrections(values)
        return {**turn_answer(session, message_id, words, correction=told), "correction": words}

    def analyze_norms(self, session_id: str, *, owner: str | None = None) -> Answer:
        """Check every norm, or answer from the session when that was done before.

        Returns:
            `{product_description, norms, total_norms, databases_checked, ...}`.

        Raises:
            ConversationIncomplete: the interview has open questions.
            SessionError: as services.sessions.update_session.
        """
        session = self._conversations.update(
            session_id, lambda session: analyze(session, None), owner=owner
        )
        return {**analysis_of(session), "databases_checked": list(DATABASES)}

    def open_analysis(self, session_id: str, *, owner: str | None = None) -> AnalysisRun:
        """An analysis whose steps can be watched; the refusals come here, before any step.

        Raises:
            As `analyze_norms`.
        """
        session = conversation_in(self._conversations.get(session_id, owner=owner, extend=True))
        if not session["complete"]:
            raise ConversationIncomplete(session_id)
        return AnalysisRun(self._conversations, session, owner)

    def ask_analysis_question(
        self,
        session_id: str,
        question: str,
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> Answer:
        """Answer a question about a finished analysis, and keep both.

        Returns:
            `{answer, relevant_norms, confidence, suggestions}`, sometimes
            `proposed_description`.

        Raises:
            AnalysisMissing: there is no analysis yet.
            MessageIdReused: the id was used with other words.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())

        def change(session: Session) -> bool:
            if is_known(conversation_in(session), message_id):
                return False
            if not session["analyzed"]:
                raise AnalysisMissing(session_id)
            take_question(session, message_id, question)
            return True

        session = self._conversations.update(session_id, change, owner=owner)
        return question_answer(session, message_id, question)

    def get_conversation(self, session_id: str, *, owner: str | None = None) -> Answer:
        """The conversation so far, for a page that was reloaded.

        Returns:
            `{session_id, history, started, complete, qa_history, facts, suggestions, ...}`, after
            the analysis also its results. Questions stay when a correction makes the analysis
            start over.

        Raises:
            SessionError: as services.sessions.get_session.
        """
        session = conversation_in(self._conversations.get(session_id, owner=owner, extend=True))
        view: Answer = {
            "session_id": session_id,
            "history": session["history"],
            "started": session["started"],
            "complete": session["complete"],
            "analyzed": session["analyzed"],
            "qa_history": session["qa_history"],
            "missing": last_turn(session)["missing"],
            "facts": interview.list_product_facts(session["interview"]),
            "suggestions": suggest(session),
        }
        if session["analyzed"]:
            members = ("product_description", "matched_norms", "all_norm_results")
            view |= {name: session[name] for name in members}
            view["disclaimer"] = DISCLAIMER
        return view

    def delete_conversation(self, session_id: str, *, owner: str | None = None) -> None:
        """Remove a conversation; one that is not there, or not the owner's, is no error.

        Raises:
            SessionError: as services.sessions.delete_session.
        """
        found = self._conversations.delete(session_id, owner=owner)
        # What could not be read of it goes as well, or the next message would begin it anew.
        with contextlib.suppress(StoreUnavailable):
            if found or self._conversations.is_quarantined(session_id, owner=owner):
                self._conversations.discard_quarantined(session_id)


def _finish(session: Session, *, outdated: bool) -> None:
    """Add to the last reply that the analysis is outdated, if it is, and what may be said next."""
    reply = session["history"][-1]
    if outdated:
        reply["content"] += f"\n\n{REANALYZE}"
    reply["suggestions"] = suggest(session)


def _start_answer(session: Session, message_id: str, text: str) -> Answer:
    answer = turn_answer(conversation_in(session), message_id, text)
    return {"session_id": session.session_id, **answer}
