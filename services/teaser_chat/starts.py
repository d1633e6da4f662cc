"""Starts conversations, each once: it stores which one a client_message_id started."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from services.sessions import Session, Sessions, batches
from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable


class Starts:
    """Starts conversations.

    Args:
        conversations: the sessions that hold them.
        starts: the sessions that store which message started which one.
    """

    def __init__(self, conversations: Sessions, starts: Sessions) -> None:
        self._conversations = conversations
        self._starts = starts

    def find_opened(self, owner: str | None, client_message_id: str | None) -> str | None:
        """The id of the conversation that this message started, whether or not it still exists.

        None also while that cannot be read: `open_conversation` finds it when it claims the
        start, if that can be written.
        """
        if client_message_id is None:
            return None
        try:
            return self._find(_build_start_key(owner, client_message_id))
        except StoreUnavailable:
            return None

    def open_conversation(
        self, data: Mapping[str, Any], *, owner: str | None, client_message_id: str | None
    ) -> Session:
        """Store a new conversation; of two that one message starts at once, the first remains.

        Raises:
            SessionNotFound: the first one that this message started was deleted or has expired.
            SessionError: as services.sessions.save_session.
        """
        session_id = str(uuid.uuid4())
        try:
            session = self._conversations.save(session_id, data, owner=owner)
        except SessionConflict:
            # The id is random, so this is our own first attempt, whose acknowledgement was lost.
            session = self._conversations.get(session_id, owner=owner)
        if client_message_id is None:
            return session
        first = self._claim(_build_start_key(owner, client_message_id), session_id)
        if first == session_id:
            return session
        self._conversations.delete(session_id, owner=owner)  # ours came second
        return self._conversations.get(first, owner=owner)

    def forget(self, owner: str | None, message_ids: Iterable[str]) -> None:
        """Forget which conversations these messages started.

        Raises:
            StoreUnavailable: the engine could not be asked; some may be forgotten.
        """
        keys = [_build_start_key(owner, message_id) for message_id in message_ids]
        batch = batches.delete(self._starts, keys)
        batches.raise_first(batch.failed.values(), StoreUnavailable)

    def _find(self, start_key: str) -> str | None:
        try:
            return str(self._starts.get(start_key)["conversation"])
        except SessionNotFound:
            return None

    def _claim(self, start_key: str, session_id: str) -> str:
        """Store which conversation a message started; of two at once, return the first one's id.

        The record outlives the conversation, so that a late repetition finds it deleted instead
        of starting another.
        """
        try:
            self._starts.save(start_key, {"conversation": session_id})
        except SessionConflict:
            return self._find(start_key) or session_id
        return session_id


def _build_start_key(owner: str | None, client_message_id: str) -> str:
    """The id of a start's record; it includes the owner, so that nobody finds another's."""
    return hashlib.sha256(f"{owner or ''}\n{client_message_id}".encode()).hexdigest()
