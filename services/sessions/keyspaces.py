"""The kinds of session: the key each lives under, how long it lives, who may be listed.

Ids that callers choose are checked here, before they become part of a key.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.errors import InvalidSessionId
from services.sessions.merge import Merge, merge_conversations, merge_higher

SESSION_PREFIX = "chat:session:"
SESSION_TTL = 3600
"""Seconds a conversation lives after the last interaction while the maker is chatting."""
SESSION_TTL_ANALYZED = 86_400
"""Seconds it lives after the last interaction once its analysis is done."""
START_TTL = 2 * 86_400
"""Seconds it is remembered which conversation a start opened: longer than one lives unused."""
UNREADABLE_KEPT = 7 * 86_400
"""Seconds an unreadable value stays aside for someone to look at."""
BROWSER_TTL = 7 * 86_400
"""Seconds a browser's session lives; it is touched at half life."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")


@dataclass(frozen=True, slots=True)
class Keyspace:
    """One kind of session.

    Attributes:
        name: names the kind in indexes and logs.
        prefix: what its keys begin with; the id follows.
        id_pattern: what a whole id must look like.
        ttl: seconds a session lives after a write or an extension, from its data.
        longest: seconds that any session of this kind can live unused, and with it a tombstone.
        indexed: whether sessions are counted and listed by owner.
        merge: makes one of two copies that were changed apart; see services.sessions.merge.
        reusable: whether a deleted id may be taken again. A tombstone of any other beats every
            copy, whatever its version.
    """

    name: str
    prefix: str
    id_pattern: re.Pattern[str]
    ttl: Callable[[Mapping[str, Any]], int]
    longest: int
    indexed: bool = False
    merge: Merge = merge_higher
    reusable: bool = False

    def key(self, session_id: str) -> str:
        """The key of the session with this id.

        Raises:
            InvalidSessionId: the id cannot be one of this keyspace.
        """
        if not isinstance(session_id, str) or not self.id_pattern.fullmatch(session_id):
            raise InvalidSessionId(f"no id of a {self.name} session")
        return self.prefix + session_id

    def id_in(self, key: str) -> str:
        """The session's id in one of this keyspace's keys."""
        return key[len(self.prefix) :]

    def indexes(self, owner: str | None) -> tuple[str, ...]:
        """The keys of the indexes a session of this owner stands in."""
        if not self.indexed:
            return ()
        return (self.index(),) if owner is None else (self.index(), self.owner_index(owner))

    def index(self) -> str:
        """The key of the index over all sessions of this kind."""
        return f"index:{self.name}"

    def owner_index(self, owner: str) -> str:
        """The key of the index over one owner's sessions of this kind."""
        return f"index:{self.name}:owner:{owner}"


def teaser_chat_keyspace(
    ttl: int = SESSION_TTL, analyzed_ttl: int = SESSION_TTL_ANALYZED
) -> Keyspace:
    """The conversations; they live longer from their first analysis on (both in seconds)."""
    return Keyspace(
        name="chat:session",
        prefix=SESSION_PREFIX,
        id_pattern=_UUID,
        ttl=lambda data: analyzed_ttl if data.get("analyzed_at") else ttl,
        longest=max(ttl, analyzed_ttl),
        indexed=True,
        merge=merge_conversations,
    )


def browser_keyspace(ttl: int = BROWSER_TTL) -> Keyspace:
    """The browsers' own sessions, kept for Flask-Session (seconds)."""
    return Keyspace(
        name="browser",
        prefix="browser:",
        id_pattern=_TOKEN,
        ttl=lambda _data: ttl,
        longest=ttl,
        reusable=True,
    )


def start_keyspace(ttl: int = START_TTL) -> Keyspace:
    """Which conversation a client_message_id opened, so that a repeated start finds it."""
    return Keyspace(
        name="chat:start",
        prefix="chat:start:",
        id_pattern=_DIGEST,
        ttl=lambda _data: ttl,
        longest=ttl,
    )
