"""Opens conversations, each once: which one a client_message_id opened is remembered."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from services.keyspaces import STARTS
from services.sessions import Session, delete_session, get_session, save_session
from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable


def opened_before(owner: str | None, client_message_id: str | None) -> str | None:
    """The id of the conversation that this message opened, whether or not it still is.

    None as well while that cannot be looked up: `open_conversation` finds it when it claims the
    start, if that can be written.
    """
    if client_message_id is None:
        return None
    try:
        return _claimed(_start_key(owner, client_message_id))
    except StoreUnavailable:
        return None


def open_conversation(
    data: Mapping[str, Any], *, owner: str | None, client_message_id: str | None
) -> Session:
    """Store a new conversation; of two that one message opens at once, the first remains.

    Raises:
        SessionNotFound: the one that this message opened first was deleted or has expired.
        SessionError: as services.sessions.save_session.
    """
    session_id = str(uuid.uuid4())
    try:
        session = save_session(session_id, data, owner=owner)
    except SessionConflict:
        # Nobody else draws this id: it is our own first try whose acknowledgement was lost.
        session = get_session(session_id, owner=owner)
    if client_message_id is None:
        return session
    first = _claim(_start_key(owner, client_message_id), session_id)
    if first == session_id:
        return session
    delete_session(session_id, owner=owner)
    return get_session(first, owner=owner)


def _start_key(owner: str | None, client_message_id: str) -> str:
    """Under which id a start is remembered; one per asker, so that nobody meets another's."""
    return hashlib.sha256(f"{owner or ''}\n{client_message_id}".encode()).hexdigest()


def _claimed(start_key: str) -> str | None:
    try:
        return str(get_session(start_key, keyspace=STARTS)["conversation"])
    except SessionNotFound:
        return None


def _claim(start_key: str, session_id: str) -> str:
    """Remember which conversation a start opened; of two at once, answer the first one's.

    The record outlives its conversation, so that a late repetition finds it deleted rather than
    opening it again.
    """
    try:
        save_session(start_key, {"conversation": session_id}, keyspace=STARTS)
    except SessionConflict:
        return _claimed(start_key) or session_id
    return session_id
