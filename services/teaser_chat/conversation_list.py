"""The conversations of one browser: listing them, and clearing them all."""

from collections.abc import Iterable

from services.list_entries import read_list_entry
from services.sessions import Session, Sessions, batches, listing
from services.sessions.errors import SessionNotFound, SessionUnreadable
from services.teaser_chat.messages import JsonObject, check_conversation
from services.teaser_chat.starts import Starts

MOST_LISTED = 50
"""The most conversations in a list."""


class ConversationList:
    """The conversations of an owner; those without an owner are in no list.

    Args:
        conversations: the sessions that hold them.
        starts: knows which message started which one.
    """

    def __init__(self, conversations: Sessions, starts: Starts) -> None:
        self._conversations = conversations
        self._starts = starts

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
        found = listing.load_listed(self._conversations, ids, owner=owner)
        own = (read_list_entry(listed) for listed in found if listed.owner == owner)
        entries = [entry for entry in own if entry]
        return sorted(entries, key=lambda entry: str(entry["last_message_at"]), reverse=True)

    def clear(self, owner: str | None) -> int:
        """Delete all conversations of an owner, with starts and quarantined copies; how many.

        It may be repeated: what was deleted stays deleted, even if the rest fails.

        Args:
            owner: whose they are; None has none.

        Raises:
            StoreUnavailable: the engine could not be reached; some may have been deleted.
            SessionFormatUnknown: only conversations of a newer release are left.
        """
        if owner is None:
            return 0

        def forget_starts(found: Iterable[Session]) -> None:
            self._starts.forget(owner, map(_get_first_id, filter(_is_conversation, found)))

        return batches.delete_owned(self._conversations, owner, before=forget_starts)

    def check(self, session_id: str, *, owner: str | None = None) -> None:
        """Check that an owner can reach a conversation, without extending its life.

        Raises:
            SessionNotFound: there is none for this owner.
            SessionError: as services.sessions.get_session.
        """
        if not self._conversations.exists(session_id, owner=owner):
            raise SessionNotFound(session_id)


def _is_conversation(session: Session) -> bool:
    try:
        check_conversation(session)
    except SessionUnreadable:
        return False
    return True


def _get_first_id(session: Session) -> str:
    """The id of the message that started a conversation."""
    return str(session["history"][0].get("id", ""))
