"""Everything that is stored of one browser, to be handed out to its visitor or to be erased."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services import timestamps
from services.sessions import Session, Sessions, batches
from services.sessions.errors import (
    SessionError,
    SessionFormatUnknown,
    SessionUnreadable,
    StoreUnavailable,
)
from services.teaser_chat import ConversationList

IDS_AT_ONCE = 200
"""How many ids are listed in one round trip."""
EXPORTED_AT_ONCE = 5
"""How many documents are loaded in one round trip, and held in memory."""

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """What is stored of a browser; documents are loaded while they are iterated.

    Attributes:
        exported_at: when it was listed.
        conversations: each conversation as it is stored.
        states: each saved state.
        unreadable: ids of what could not be read, complete once the others are exhausted.
    """

    exported_at: str
    conversations: Iterator[Entry]
    states: Iterator[Entry]
    unreadable: list[str]


class BrowserData:
    """The data of all browsers.

    Args:
        conversation_list: clears conversations.
        conversations: the sessions that hold them.
        states: the sessions that hold saved states.
    """

    def __init__(
        self, conversation_list: ConversationList, conversations: Sessions, states: Sessions
    ) -> None:
        self._list = conversation_list
        self._conversations = conversations
        self._states = states

    def open_export(self, owner: str | None) -> Export:
        """Everything of an owner; None has nothing. Exporting extends no life.

        Raises:
            StoreUnavailable: it cannot be listed now; the iterators raise it as well.
        """
        unreadable: list[str] = []
        conversations, states = (
            _load_all(sessions, _list_ids(sessions, owner), owner, unreadable)
            for sessions in (self._conversations, self._states)
        )
        now = timestamps.isoformat(int(time.time() * 1000))
        return Export(now, conversations, states, unreadable)

    def erase(self, owner: str | None) -> tuple[int, int]:
        """Delete everything of an owner; after an error it can be repeated.

        Returns:
            How many conversations, and how many saved states, there were.

        Raises:
            StoreUnavailable: the engine could not be reached; some may have been deleted.
            SessionFormatUnknown: only sessions of a newer release are left.
        """
        if owner is None:
            return 0, 0
        try:
            conversations = self._list.clear(owner)
        except SessionError:
            batches.delete_owned(self._states, owner)  # as much as can be
            raise
        return conversations, batches.delete_owned(self._states, owner)


def _list_ids(sessions: Sessions, owner: str | None) -> list[str]:
    ids: dict[str, None] = {}
    start = 0
    while owner and (page := sessions.list_owned(owner, start=start, limit=IDS_AT_ONCE)):
        ids.update(dict.fromkeys(page))  # use moves some to other pages meanwhile
        start += IDS_AT_ONCE
    return list(ids)


def _load_all(
    sessions: Sessions, ids: list[str], owner: str | None, unreadable: list[str]
) -> Iterator[Entry]:
    for start in range(0, len(ids), EXPORTED_AT_ONCE):
        batch = batches.load(sessions, ids[start : start + EXPORTED_AT_ONCE], owner=owner)
        batches.raise_first(batch.failed.values(), StoreUnavailable)
        unreadable += [
            session_id
            for session_id, error in batch.failed.items()
            if isinstance(error, SessionUnreadable | SessionFormatUnknown)
        ]
        yield from map(_build_entry, batch.done.values())


def _build_entry(session: Session) -> Entry:
    return {
        "session_id": session.session_id,
        "created_at": timestamps.isoformat(session.created_at),
        "updated_at": timestamps.isoformat(session.updated_at),
        "data": dict(session),
    }
