"""The conversations of one browser: listing them, and clearing them all."""

from collections.abc import Iterable

from services import timestamps
from services.sessions import Session, Sessions, batches
from services.sessions.errors import (
    SessionError,
    SessionFormatUnknown,
    SessionNotFound,
    SessionUnreadable,
    StoreUnavailable,
)
from services.teaser_chat.messages import JsonObject, check_conversation

MOST_LISTED = 50
"""The most conversations in a list."""
LONGEST_TITLE = 80
"""The longest title, in characters."""
CLEARED_AT_ONCE = 50
"""How many conversations are listed in one round trip, and removed in another."""


class ConversationList:
    """The conversations of an owner; those without an owner are in no list.

    Args:
        conversations: the sessions that hold them.
    """

    def __init__(self, conversations: Sessions) -> None:
        self._conversations = conversations

    def list_conversations(
        self, owner: str | None, *, current: str | None = None
    ) -> list[JsonObject]:
        """An owner's conversations, newest message first; listing them extends no life.

        If there are more than MOST_LISTED, those that live longest are listed, and the current one.

        Args:
            owner: whose they are; None has none.
            current: the one the owner has open, if any.

        Returns:
            `{session_id, title, started_at, last_message_at, complete, analyzed}` of each. Those
            that cannot be read, or have just expired, are left out.

        Raises:
            StoreUnavailable: the list, or one of the conversations, could not be read now.
        """
        if owner is None:
            return []
        ids = self._conversations.list_owned(owner, start=0, limit=MOST_LISTED)
        if current and current not in ids:
            ids = [current, *ids[: MOST_LISTED - 1]]
        batch = batches.load(self._conversations, ids, owner=owner)
        _raise_first(batch.failed.values(), StoreUnavailable)
        entries = [
            _build_entry(session)
            for session in batch.done.values()
            if session.owner == owner and _is_conversation(session)
        ]
        return sorted(entries, key=lambda entry: str(entry["last_message_at"]), reverse=True)

    def clear(self, owner: str | None) -> int:
        """Delete all conversations of an owner, with quarantined copies; how many there were.

        It may be repeated: what was deleted stays deleted, even if the rest fails.

        Args:
            owner: whose they are; None has none.

        Raises:
            StoreUnavailable: the engine could not be reached; some may have been deleted.
            SessionFormatUnknown: only conversations of a newer release are left.
        """
        if owner is None:
            return 0
        cleared, tried, start = 0, set[str](), 0
        left: list[SessionError] = []
        while page := self._conversations.list_owned(owner, start=start, limit=CLEARED_AT_ONCE):
            fresh = [session_id for session_id in page if session_id not in tried]
            if fresh:
                tried.update(fresh)  # what cannot be deleted is tried once, so that it ends
                batch = batches.delete(self._conversations, fresh, owner=owner)
                batches.discard_quarantined_many(self._conversations, fresh, owner=owner)
                cleared += len(batch.done)
                left += batch.failed.values()
            # Deleting moves later conversations to this page, and use moves some to earlier pages.
            # So it starts over until every page has only what could not be deleted.
            start = 0 if fresh else start + CLEARED_AT_ONCE
        _raise_first(left, StoreUnavailable)
        _raise_first(left, SessionFormatUnknown)
        return cleared

    def check(self, session_id: str, *, owner: str | None = None) -> None:
        """Check that an owner can reach a conversation, without extending its life.

        Raises:
            SessionNotFound: there is none for this owner.
            SessionError: as services.sessions.get_session.
        """
        if not self._conversations.exists(session_id, owner=owner):
            raise SessionNotFound(session_id)


def _raise_first(errors: Iterable[SessionError], kind: type[SessionError]) -> None:
    for error in errors:
        if isinstance(error, kind):
            raise error


def _is_conversation(session: Session) -> bool:
    try:
        check_conversation(session)
    except SessionUnreadable:
        return False
    return True


def _build_entry(session: Session) -> JsonObject:
    entries = (*session["history"], *session["qa_history"])
    times = [time for entry in entries if isinstance(time := entry.get("timestamp"), str)]
    return {
        "session_id": session.session_id,
        "title": build_title(session["history"][0]["content"]),
        "started_at": timestamps.isoformat(session.created_at),
        "last_message_at": max(times, default=timestamps.isoformat(session.updated_at)),
        "complete": session["complete"],
        "analyzed": session["analyzed"],
    }


def build_title(text: str) -> str:
    """The first words of a text, as many as fit into LONGEST_TITLE characters."""
    words = " ".join(text.split())
    if len(words) <= LONGEST_TITLE:
        return words
    whole, _, _ = words[: LONGEST_TITLE + 1].rpartition(" ")
    return whole or words[:LONGEST_TITLE]
