"""The one-endpoint chat: the conversations of the teaser chat behind a single endpoint.

A message comes without a word about what it is for: the step it takes is decided here. The steps
are those of services.teaser_chat.turns, and each message is one change to the session.
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
    JsonObject,
    build_exchange,
    check_conversation,
    is_known,
    read_reply,
)
from services.teaser_chat.starts import Starts
from services.teaser_chat.suggestions import store_suggestions
from services.teaser_chat.turns import Limits, build_opening, take_message, take_question

STARTED_OVER = "Your earlier conversation could not be read any more, so this is a new one."
CHECKED_LATER = "The norms are checked again as soon as these questions are answered."


class UnifiedChat:
    """Processes messages; checks that `owner` may reach the conversation they name.

    Args:
        conversations: the sessions that hold conversations.
        starts: opens them.
        limits: how far each may grow.
    """

    def __init__(self, conversations: Sessions, starts: Starts, limits: Limits) -> None:
        self._conversations = conversations
        self._starts = starts
        self._limits = limits

    def send(
        self,
        message: str,
        *,
        session_id: str | None = None,
        owner: str | None = None,
        client_message_id: str | None = None,
    ) -> JsonObject:
        """Process a message: start a conversation with it, or continue one.

        Returns:
            `{session_id, intent, response, suggestions}`; `notice` if a conversation had to start
            over.

        Raises:
            ConversationFull: it has as many messages as it may have.
            MessageIdReused: the id was used with another text.
            SessionError: as services.sessions.update_session and save_session. One that cannot
                be read is no error here: it is quarantined, and another starts under its id.
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
        reply = read_reply(check_conversation(session), message_id, message)
        return {"session_id": session.session_id, **reply}

    def _continue(
        self, session_id: str, message_id: str, message: str, owner: str | None
    ) -> Session:
        def change(session: Session) -> bool:
            try:
                if is_known(check_conversation(session), message_id):
                    return False
            except SessionUnreadable:
                self._conversations.quarantine(session)
                raise
            _take(session, message_id, message, self._limits)
            return True

        try:
            return self._conversations.update(session_id, change, owner=owner)
        except SessionUnreadable:
            pass  # it is quarantined by now, and logged
        except SessionForeign:
            raise
        except SessionNotFound:
            # Another request may have quarantined it. If the engine cannot be reached, yet the
            # session is known to be missing, it was deleted.
            found = False
            with contextlib.suppress(StoreUnavailable):
                found = self._conversations.is_quarantined(session_id, owner=owner)
            if not found:
                raise
        try:
            data = _open(message_id, message, notice=STARTED_OVER)
            return self._conversations.save(session_id, data, owner=owner)
        except SessionConflict:
            # Another message was faster and started it over, or an older copy can be read.
            return self._conversations.update(session_id, change, owner=owner)


def _open(message_id: str, message: str, *, notice: str = "") -> dict[str, Any]:
    """The data of a new conversation, analysed if no question is open."""
    data, reply = build_opening(message_id, message)
    data[UNIFIED_CHAT] = True
    if notice:
        data["history"][-1]["notice"] = notice
    if reply.complete:
        session = Session("", data)
        _add_report(session, reply.understood)
        return session
    return data


def _take(session: Session, message_id: str, message: str, limits: Limits) -> None:
    """Process a message by the step it takes, if one more of its kind fits in."""
    if session["complete"]:
        route = route_message(message, session["interview"], analyzed=session["analyzed"])
    else:
        route = Route(Step.INTERVIEW, message)
    if route.step is Step.QUESTION:
        limits.check_question(session)
    else:
        limits.check_turn(session)
    if route.step is Step.QUESTION:
        analyze(session, None)
        take_question(session, message_id, message)
    elif route.step is Step.ANALYSIS:
        reasoning = session["history"][-1].get("reasoning", "")
        reply = interview.Reply("", complete=True, missing=(), reasoning=reasoning, understood="")
        session["history"] += build_exchange(message_id, message, reply)
        _add_report(session, "")
    else:
        _continue_interview(session, message_id, message, route.statement)


def _continue_interview(session: Session, message_id: str, message: str, statement: str) -> None:
    """Pass a message to the interview, and analyse if no question is open."""
    before = session["interview"] if session["analyzed"] else None
    reply, outdated = take_message(session, message_id, message, statement=statement)
    response = session["history"][-1]
    if reply.complete and not session["analyzed"]:
        _add_report(session, reply.understood, before=before)
        return
    if reply.complete:
        response["content"] = write_unchanged(session["interview"], reply.understood)
    elif outdated:
        response["content"] += f"\n\n{CHECKED_LATER}"
    response["suggestions"] = store_suggestions(session)


def _add_report(
    session: Session, understood: str, *, before: interview.State | None = None
) -> None:
    """Analyse, unless that was done before, and report the result in the last reply."""
    analyze(session, None)
    report = write_report(session["interview"], understood=understood, before=before)
    session["history"][-1] |= {"content": report, "intent": Step.ANALYSIS.value}
    session["history"][-1]["suggestions"] = store_suggestions(session)
