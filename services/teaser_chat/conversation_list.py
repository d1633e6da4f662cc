"""All conversations of one browser together: listed for it, and cleared by it."""

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
from services.teaser_chat.messages import Answer, conversation_in

MOST_LISTED = 50
"""How many conversations a list has at most."""
LONGEST_TITLE = 80
"""The longest title, in characters."""
CLEARED_AT_ONCE = 50
"""How many conversations are read, and then removed, in one round trip each."""


class ConversationList:
    """The conversations that belong to an owner; those that belong to nobody are in no list.

    Args:
        conversations: the sessions that hold them.
    """

    def __init__(self, conversations: Sessions) -> None:
        self._conversations = conversations

    def list_conversations(self, owner: str | None, *, shown: str | None = None) -> list[Answer]:
        """An owner's conversations, the one with the newest message first; no life is extended.

        Of more than MOST_LISTED those are listed that live longest, and the one that is shown.

        Args:
            owner: whose they are; None has none.
            shown: the one the owner looks at now, if any.

        Returns:
            `{session_id, title, started_at, last_message_at, complete, analyzed}` of each. Those
            that cannot be read, or have expired this moment, are left out.

        Raises:
            StoreUnavailable: the engine could not be asked, for the list or for one of them.
        """
        if owner is None:
            return []
        ids = self._conversations.list_owned(owner, start=0, limit=MOST_LISTED)
        if shown and shown not in ids:
            ids = [shown, *ids[: MOST_LISTED - 1]]
        batch = batches.load(self._conversations, ids, owner=owner)
        _raise_first(batch.failed.values(), StoreUnavailable)
        entries = [
            _entry(session)
            for session in batch.done.values()
            if session.owner == owner and _is_conversation(session)
        ]
        return sorted(entries, key=lambda entry: str(entry["last_message_at"]), reverse=True)

    def clear(self, owner: str | None) -> int:
        """Remove all conversations of an owner, and what was set aside of them; how many went.

        It may be repeated: what was removed stays removed, whatever came of the rest.

        Args:
            owner: whose they are; None has none.

        Raises:
            StoreUnavailable: the engine could not be asked; some may have been removed.
            SessionFormatUnknown: one of a newer release is left, and none of the others.
        """
        if owner is None:
            return 0
        cleared, tried, start = 0, set[str](), 0
        left: list[SessionError] = []
        while page := self._conversations.list_owned(owner, start=start, limit=CLEARED_AT_ONCE):
            fresh = [session_id for session_id in page if session_id not in tried]
            if fresh:
                tried.update(fresh)
                batch = batches.delete(self._conversations, fresh, owner=owner)
                batches.discard_quarantined_many(self._conversations, fresh, owner=owner)
                cleared += len(batch.done)
                left += batch.failed.values()
            # What went has made room for others on this page, and what was used since is on one
            # before; what cannot go keeps its place, so at last there is nothing new on any.
            start = 0 if fresh else start + CLEARED_AT_ONCE
        _raise_first(left, StoreUnavailable)
        _raise_first(left, SessionFormatUnknown)
        return cleared

    def check(self, session_id: str, *, owner: str | None = None) -> None:
        """Make sure that an owner can reach a conversation, without extending its life.

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
        conversation_in(session)
    except SessionUnreadable:
        return False
    return True


def _entry(session: Session) -> Answer:
    said = [entry.get("timestamp") for entry in (*session["history"], *session["qa_history"])]
    times = [time for time in said if isinstance(time, str)]
    return {
        "session_id": session.session_id,
        "title": title(session["history"][0]["content"]),
        "started_at": timestamps.isoformat(session.created_at),
        "last_message_at": max(times, default=timestamps.isoformat(session.updated_at)),
        "complete": session["complete"],
        "analyzed": session["analyzed"],
    }


def title(text: str) -> str:
    """The first words of a text in one line, as many as fit into LONGEST_TITLE characters."""
    words = " ".join(text.split())
    if len(words) <= LONGEST_TITLE:
        return words
    whole, _, _ = words[: LONGEST_TITLE + 1].rpartition(" ")
    return whole or words[:LONGEST_TITLE]
