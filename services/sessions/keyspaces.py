"""The kinds of session: the key each lives under, how long it lives, who may be listed.

Ids that callers choose are checked here, before they become part of a key.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.errors import InvalidSessionId

SESSION_PREFIX = "chat:session:"
SESSION_TTL = 3600
"""Seconds a conversation lives after the last interaction while the maker is chatting."""
SESSION_TTL_ANALYZED = 86_400
"""Seconds it lives after the last interaction once its analysis is done."""
START_TTL = 2 * 86_400
"""Seconds it is remembered which conversation a start opened: longer than one lives unused."""
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
        indexed: whether sessions are counted and listed by owner.
    """

    name: str
    prefix: str
    id_pattern: re.Pattern[str]
    ttl: Callable[[Mapping[str, Any]], int]
    indexed: bool

    def key(self, session_id: str) -> str:
        """The key of the session with this id.

        Raises:
            InvalidSessionId: the id cannot be one of this keyspace.
        """
        if not isinstance(session_id, str) or not self.id_pattern.fullmatch(session_id):
            raise InvalidSessionId(f"no id of a {self.name} session")
        return self.prefix + session_id

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
        indexed=True,
    )


def browser_keyspace(ttl: int = BROWSER_TTL) -> Keyspace:
    """The browsers' own sessions, kept for Flask-Session (seconds)."""
    return Keyspace(
        name="browser",
        prefix="browser:",
        id_pattern=_TOKEN,
        ttl=lambda _data: ttl,
        indexed=False,
    )


def start_keyspace(ttl: int = START_TTL) -> Keyspace:
    """Which conversation a client_message_id opened, so that a repeated start finds it."""
    return Keyspace(
        name="chat:start",
        prefix="chat:start:",
        id_pattern=_DIGEST,
        ttl=lambda _data: ttl,
        indexed=False,
    )
