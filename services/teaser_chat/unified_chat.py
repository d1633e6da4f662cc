"""The one-endpoint chat: the conversations of the teaser chat behind a single endpoint.

A message of somebody who says nothing but what they want to say: here it is decided which step
it takes. The steps are those of services.teaser_chat.turns, and what they do is one change.
"""

import contextlib
import uuid
from typing import Any

from services.conversation import interview
from services.conversation.questions import (
    Route,
    Step,
    route_message,
    write_report,
    write_unchanged,
)
from services.keyspaces import UNIFIED_CHAT
from services.sessions import Session, Sessions
from services.sessions.errors import (
    SessionConflict,
    SessionForeign,
    SessionNotFound,
    SessionUnreadable,
    StoreUnavailable,
)
from services.teaser_chat.analyses import analyze
from services.teaser_chat.messages import (
    Answer,
    conversation_in,
    exchange,
    is_known,
    read_message,
)
from services.teaser_chat.starts import Starts
from services.teaser_chat.turns import opening, suggest, take_message, take_question

STARTED_OVER = "Your earlier conversation could not be read any more, so this is a new one."
CHECKED_LATER = "The norms are checked again as soon as these questions are answered."


class UnifiedChat:
    """Takes messages; checks that `owner` may reach the conversation they name.

    Args:
        conversations: the sessions that hold conversations.
        starts: opens them.
    """

    def __init__(self, conversations: Sessions, starts: Starts) -> None:
        self._conversations = conversations
        self._starts = starts

    def send(
        self,
        message: str,
        *,
        session_id: str | None = None,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> Answer:
        """Take in a message: open a conversation with it, or let it take its step in one.

        Returns:
            `{session_id, intent, response, suggestions}`; `notice` where a conversation had to
            begin anew.

        Raises:
            MessageIdReused: the id was used with other words.
            SessionError: as services.sessions.update_session and save_session. One that cannot
                be read is no error here: it is set aside, and another begins under its id.
        """
        message_id = client_message_id or str(uuid.uuid4())
        known = session_id or self._starts.find_opened(owner, client_message_id)
        if known:
            session = self._continue(known, message_id, message, owner)
        else:
            data = _open(message_id, message)
            session = self._starts.open_conversation(
                data, owner=owner, client_message_id=client_message_id
            )
        answer = read_message(conversation_in(session), message_id, message)
        return {"session_id": session.session_id, **answer}

    def _continue(
        self, session_id: str, message_id: str, message: str, owner: str | None
    ) -> Session:
        def change(session: Session) -> bool:
            try:
                if is_known(conversation_in(session), message_id):
                    return False
            except SessionUnreadable:
                self._conversations.quarantine(session)
                raise
            _take(session, message_id, message)
            return True

        try:
            return self._conversations.update(session_id, change, owner=owner)
        except SessionUnreadable:
            pass  # it is set aside by now, and logged
        except SessionForeign:
            raise
        except SessionNotFound:
            # Another request may have set it aside, a moment ago or long before. What is known
            # to be missing while the engine cannot be asked was deleted.
            found = False
            with contextlib.suppress(StoreUnavailable):
                found = self._conversations.is_quarantined(session_id, owner=owner)
            if not found:
                raise
        try:
            data = _open(message_id, message, notice=STARTED_OVER)
            return self._conversations.save(session_id, data, owner=owner)
        except SessionConflict:
            # Another message was faster and began it anew, or an older copy can be read.
            return self._conversations.update(session_id, change, owner=owner)


def _open(message_id: str, message: str, *, notice: str = "") -> dict[str, Any]:
    """The data of a conversation that begins here, analysed if nothing has to be asked."""
    data, reply = opening(message_id, message)
    data[UNIFIED_CHAT] = True
    if notice:
        data["history"][-1]["notice"] = notice
    if reply.complete:
        session = Session("", data)
        _analyze(session, reply.understood)
        return session
    return data


def _take(session: Session, message_id: str, message: str) -> None:
    """Let a message take its step."""
    if session["complete"]:
        wanted = route_message(message, session["interview"], analyzed=session["analyzed"])
    else:
        wanted = Route(Step.INTERVIEW, message)
    if wanted.step is Step.QUESTION:
        analyze(session, None)
        take_question(session, message_id, message)
    elif wanted.step is Step.ANALYSIS:
        reasoning = session["history"][-1].get("reasoning", "")
        reply = interview.Reply("", complete=True, missing=(), reasoning=reasoning, understood="")
        session["history"] += exchange(message_id, message, reply)
        _analyze(session, "")
    else:
        _tell(session, message_id, message, wanted.statement)


def _tell(session: Session, message_id: str, message: str, told: str) -> None:
    """Let the interview take in a message, and analyse if nothing more has to be asked."""
    before = session["interview"]
    known = session["analyzed"]
    reply, outdated = take_message(session, message_id, message, told=told)
    said = session["history"][-1]
    if reply.complete and not session["analyzed"]:
        _analyze(session, reply.understood, before=before if known else None)
        return
    if reply.complete:
        said["content"] = write_unchanged(session["interview"], reply.understood)
    elif outdated:
        said["content"] += f"\n\n{CHECKED_LATER}"
    said["suggestions"] = suggest(session)


def _analyze(session: Session, understood: str, *, before: interview.State | None = None) -> None:
    """Analyse, if that was not done before, and tell the result in the last reply."""
    analyze(session, None)
    told = write_report(session["interview"], understood=understood, before=before)
    session["history"][-1] |= {"content": told, "intent": Step.ANALYSIS.value}
    session["history"][-1]["suggestions"] = suggest(session)
