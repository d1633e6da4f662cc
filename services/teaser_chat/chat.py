"""The teaser chat's use cases: a conversation in a session, from the first words to questions.

The conversation itself is pure (services.conversation); here its steps become changes to a
stored session. Every change can be applied twice without harm: a message whose id is already
in the session gets the answer it got then.
"""

import hashlib
import uuid

from services.conversation import interview, questions
from services.errors import (
    AnalysisMissing,
    ConversationIncomplete,
    SessionConflict,
    SessionNotFound,
    StoreUnavailable,
)
from services.norms.catalogue import DISCLAIMER
from services.sessions import (
    STARTS,
    Session,
    delete_session,
    get_session,
    save_session,
    update_session,
)
from services.teaser_chat.analyses import (
    DATABASES,
    AnalysisRun,
    analysis_of,
    analyze,
    facts_differ,
    forget_analysis,
)
from services.teaser_chat.messages import (
    Answer,
    conversation_in,
    exchange,
    is_known,
    last_turn,
    question_answer,
    question_entry,
    turn_answer,
)


class TeaserChat:
    """Conversations by id; every method checks that `owner` may reach the one it names."""

    def start_conversation(
        self,
        initial_input: str,
        *,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> Answer:
        """Open a conversation with the maker's first words.

        Returns:
            `{session_id, complete, message, missing}`.

        Raises:
            MessageIdReused: the same client_message_id opened one with other words.
            SessionNotFound: the one it opened was deleted or has expired.
            SessionError: as services.sessions.save_session.
        """
        start_key = _start_key(owner, client_message_id)
        try:
            earlier = _started_before(start_key)
        except StoreUnavailable:
            earlier = None  # it is found when the start is claimed, if that can be written
        message_id = client_message_id or str(uuid.uuid4())
        if earlier:
            return _start_answer(get_session(earlier, owner=owner), message_id, initial_input)
        session_id = str(uuid.uuid4())
        state, reply = interview.begin(initial_input)
        data = {
            "history": exchange(message_id, initial_input, reply),
            "started": True,
            "product_description": initial_input,
            "complete": reply.complete,
            "analyzed": False,
            "matched_norms": [],
            "all_norm_results": [],
            "qa_history": [],
            "interview": state,
        }
        try:
            session = save_session(session_id, data, owner=owner)
        except SessionConflict:
            # Nobody else draws this id: it is our own first try whose acknowledgement was lost.
            session = get_session(session_id, owner=owner)
        first = _claim_start(start_key, session_id) if start_key else session_id
        if first != session_id:
            delete_session(session_id, owner=owner)
            session = get_session(first, owner=owner)
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
            `{complete, message, missing}`, or once complete `{complete, message, reasoning}`.

        Raises:
            MessageIdReused: the id was used with other words.
            SessionError: as services.sessions.update_session.
        """
        message_id = client_message_id or str(uuid.uuid4())

        def change(session: Session) -> bool:
            if is_known(conversation_in(session), message_id):
                return False
            state, reply = interview.answer(session["interview"], message)
            session["history"] += exchange(message_id, message, reply)
            if session["analyzed"] and facts_differ(session["interview"], state):
                forget_analysis(session)
            session["interview"] = state
            session["complete"] = reply.complete
            return True

        session = update_session(session_id, change, owner=owner)
        return turn_answer(session, message_id, message)

    def analyze_norms(self, session_id: str, *, owner: str | None = None) -> Answer:
        """Check every norm, or answer from the session when that was done before.

        Returns:
            `{product_description, norms, total_norms, databases_checked, ...}`.

        Raises:
            ConversationIncomplete: the interview has open questions.
            SessionError: as services.sessions.update_session.
        """
        session = update_session(session_id, lambda session: analyze(session, None), owner=owner)
        return {**analysis_of(session), "databases_checked": list(DATABASES)}

    def open_analysis(self, session_id: str, *, owner: str | None = None) -> AnalysisRun:
        """An analysis whose steps can be watched; the refusals come here, before any step.

        Raises:
            As `analyze_norms`.
        """
        session = conversation_in(get_session(session_id, owner=owner, extend=True))
        if not session["complete"]:
            raise ConversationIncomplete(session_id)
        return AnalysisRun(session, owner)

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
            `{answer, relevant_norms, confidence}`, sometimes `proposed_description`.

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
            answer = questions.ask(question, session["interview"])
            session["qa_history"].append(question_entry(message_id, question, answer))
            return True

        session = update_session(session_id, change, owner=owner)
        return question_answer(session, message_id, question)

    def get_conversation(self, session_id: str, *, owner: str | None = None) -> Answer:
        """The conversation so far, for a page that was reloaded.

        Returns:
            `{session_id, history, started, complete, qa_history, ...}`, after the analysis also
            its results. Questions stay when a correction makes the analysis start over.

        Raises:
            SessionError: as services.sessions.get_session.
        """
        session = conversation_in(get_session(session_id, owner=owner, extend=True))
        view: Answer = {
            "session_id": session_id,
            "history": session["history"],
            "started": session["started"],
            "complete": session["complete"],
            "analyzed": session["analyzed"],
            "qa_history": session["qa_history"],
            "missing": last_turn(session)["missing"],
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
        delete_session(session_id, owner=owner)


def _start_key(owner: str | None, client_message_id: str | None) -> str | None:
    """Under which id a start is remembered; one per asker, so that nobody meets another's."""
    if client_message_id is None:
        return None
    return hashlib.sha256(f"{owner or ''}\n{client_message_id}".encode()).hexdigest()


def _started_before(start_key: str | None) -> str | None:
    """The conversation that an earlier start with this id opened, whether or not it still is."""
    if start_key is None:
        return None
    try:
        return str(get_session(start_key, keyspace=STARTS)["conversation"])
    except SessionNotFound:
        return None


def _claim_start(start_key: str, session_id: str) -> str:
    """Remember which conversation a start opened; of two at once, answer the first one's.

    The record outlives its conversation, so that a late repetition finds it deleted rather than
    opening it again.
    """
    try:
        save_session(start_key, {"conversation": session_id}, keyspace=STARTS)
    except SessionConflict:
        return _started_before(start_key) or session_id
    return session_id


def _start_answer(session: Session, message_id: str, text: str) -> Answer:
    answer = turn_answer(conversation_in(session), message_id, text)
    return {"session_id": session.session_id, **answer}
