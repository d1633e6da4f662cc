"""The teaser chat's use cases: start, continue, correct, analyse, ask, read and delete.

The conversation itself is pure (services.conversation); here its steps become changes to a stored
session. Every change may be applied twice: a message whose id is already in the session gets the
same reply again.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from services.conversation import interview
from services.errors import AnalysisMissing, ConversationIncomplete
from services.norms.catalogue import DISCLAIMER
from services.sessions import Session, Sessions
from services.teaser_chat.analyses import DATABASES, AnalysisRun, analyze, read_analysis
from services.teaser_chat.messages import (
    JsonObject,
    check_conversation,
    is_known,
    read_last_turn,
    read_question_reply,
    read_turn_reply,
)
from services.teaser_chat.starts import Starts
from services.teaser_chat.suggestions import read_suggestions, store_suggestions
from services.teaser_chat.turns import (
    Limits,
    build_opening,
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
        limits: how far each may grow.
    """

    def __init__(self, conversations: Sessions, starts: Starts, limits: Limits) -> None:
        self._conversations = conversations
        self._starts = starts
        self._limits = limits

    def start_conversation(
        self,
        initial_input: str,
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> JsonObject:
        """Start a conversation with the maker's first message.

        Returns:
            `{session_id, complete, message, missing, suggestions}`.

        Raises:
            MessageIdReused: the same client_message_id started one with another text.
            SessionNotFound: the one it started was deleted or has expired.
            SessionError: as services.sessions.save_session.
        """
        message_id = client_message_id or str(uuid.uuid4())
        earlier = self._starts.find_opened(owner, client_message_id)
        if earlier:
            session = self._conversations.get(earlier, owner=owner)
            return _build_start_reply(session, message_id, initial_input)
        data, _ = build_opening(message_id, initial_input)
        session = self._starts.open_conversation(
            data, owner=owner, client_message_id=client_message_id
        )
        return _build_start_reply(session, message_id, initial_input)

    def continue_conversation(
        self,
        session_id: str,
        message: str,
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> JsonObject:
        """Process the maker's next message and reply with the next question.

        Returns:
            `{complete, message, missing, suggestions}`, and `reasoning` once complete.

        Raises:
            ConversationFull: it has as many as it may have.
            MessageIdReused: the id was used with another text.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())

        def change(session: Session) -> bool:
            if is_known(check_conversation(session), message_id):
                return False
            self._limits.check_turn(session)
            _, outdated = take_message(session, message_id, message)
            _finish(session, outdated=outdated)
            return True

        session = self._conversations.update(session_id, change, owner=owner)
        return read_turn_reply(session, message_id, message)

    def correct_facts(
        self,
        session_id: str,
        facts: Mapping[str, Any],
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> JsonObject:
        """Correct single facts, at any time, and reply as to a message that does so.

        Args:
            session_id: the conversation.
            facts: new values, as interview.read_corrections takes them.
            owner: who corrects.
            client_message_id: the id of this correction.

        Returns:
            As `continue_conversation`, and `correction`: the correction in words.

        Raises:
            ConversationFull: it has as many as it may have.
            CorrectionRefused: a fact or a value is invalid, or they contradict each other.
            MessageIdReused: the id was used with other facts, or for a message.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())
        values = interview.read_corrections(facts)
        words = interview.write_corrections(values)

        def change(session: Session) -> bool:
            if is_known(check_conversation(session), message_id):
                return False
            self._limits.check_turn(session)
            _, outdated = take_correction(session, message_id, values)
            _finish(session, outdated=outdated)
            return True

        session = self._conversations.update(session_id, change, owner=owner)
        correction = interview.export_corrections(values)
        reply = read_turn_reply(session, message_id, words, correction=correction)
        return {**reply, "correction": words}

    def analyze_norms(self, session_id: str, *, owner: str | None = None) -> JsonObject:
        """Check every norm, or return the stored results.

        Returns:
            `{product_description, norms, total_norms, databases_checked, ...}`.

        Raises:
            ConversationIncomplete: the interview has open questions.
            SessionError: as services.sessions.update_session.
        """
        session = self._conversations.update(
            session_id, lambda session: analyze(session, None), owner=owner
        )
        return {**read_analysis(session), "databases_checked": list(DATABASES)}

    def open_analysis(self, session_id: str, *, owner: str | None = None) -> AnalysisRun:
        """An analysis that reports its steps; it is refused here, before any step.

        Raises:
            As `analyze_norms`.
        """
        session = check_conversation(self._conversations.get(session_id, owner=owner, extend=True))
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
    ) -> JsonObject:
        """Answer a question about a finished analysis, and store both.

        Returns:
            `{answer, relevant_norms, confidence, suggestions}`, sometimes `proposed_description`.

        Raises:
            AnalysisMissing: there is no analysis yet.
            ConversationFull: it has as many as it may have.
            MessageIdReused: the id was used with another text.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())

        def change(session: Session) -> bool:
            if is_known(check_conversation(session), message_id):
                return False
            if not session["analyzed"]:
                raise AnalysisMissing(session_id)
            self._limits.check_question(session)
            take_question(session, message_id, question)
            return True

        session = self._conversations.update(session_id, change, owner=owner)
        return read_question_reply(session, message_id, question)

    def get_conversation(self, session_id: str, *, owner: str | None = None) -> JsonObject:
        """The conversation so far, for a page that was reloaded.

        Returns:
            `{session_id, history, started, complete, qa_history, facts, suggestions, ...}`, after
            the analysis also its results. Questions stay when a correction drops the analysis.

        Raises:
            SessionError: as services.sessions.get_session.
        """
        session = check_conversation(self._conversations.get(session_id, owner=owner, extend=True))
        members = ["history", "started", "complete", "analyzed", "qa_history"]
        view: JsonObject = {"session_id": session_id, **{name: session[name] for name in members}}
        view["missing"] = read_last_turn(session)["missing"]
        view["facts"] = interview.list_product_facts(session["interview"])
        view["suggestions"] = read_suggestions(session)
        if session["analyzed"]:
            members = ["product_description", "matched_norms", "all_norm_results"]
            view |= {name: session[name] for name in members} | {"disclaimer": DISCLAIMER}
        return view

    def delete_conversation(self, session_id: str, *, owner: str | None = None) -> None:
        """Delete a conversation; one that is missing, or not the owner's, is no error.

        Raises:
            SessionError: as services.sessions.delete_session.
        """
        self._conversations.delete(session_id, owner=owner)


def _finish(session: Session, *, outdated: bool) -> None:
    """Add to the last reply whether the analysis is outdated, and the suggestions."""
    reply = session["history"][-1]
    if outdated:
        reply["content"] += f"\n\n{REANALYZE}"
    reply["suggestions"] = store_suggestions(session)


def _build_start_reply(session: Session, message_id: str, text: str) -> JsonObject:
    reply = read_turn_reply(check_conversation(session), message_id, text)
    return {"session_id": session.session_id, **reply}
