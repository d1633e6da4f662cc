"""The kinds of session: the key each lives under, how long it lives, who may be listed.

Ids that callers choose are checked here, before they become part of a key.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.errors import InvalidSessionId
from services.sessions.keys import PART
from services.sessions.merge import Merge, merge_contexts, merge_conversations, merge_higher

SESSION_PREFIX = "chat:session:"
SESSION_TTL = 3600
"""Seconds a conversation lives after the last interaction while the maker is chatting."""
SESSION_TTL_ANALYZED = 86_400
"""Seconds it lives after the last interaction once its analysis is done."""
ONE_DOOR = "one_door"
"""The member that marks a conversation begun at the one-endpoint chat."""
ONE_DOOR_TTL = 1800
"""Seconds such a conversation lives after the last interaction until its analysis is done."""
START_TTL = 2 * 86_400
"""Seconds it is remembered which conversation a start opened: longer than one lives unused."""
UNREADABLE_KEPT = 7 * 86_400
"""Seconds an unreadable value stays aside for someone to look at."""
BROWSER_TTL = 7 * 86_400
"""Seconds a browser's session lives; it is touched at half life."""

STATE_TTL = 86_400
"""Seconds a front end's saved state lives after its last use."""
CONTEXT_TTL = 86_400
"""Seconds a context lives after its last use, unless its tenant or itself says otherwise."""
CONTEXT_TTL_LONGEST = 30 * 86_400
"""The most that a tenant or a context may say."""
OTHER_PREFIXES = frozenset({"index", "lease", "migration", "rate"})
"""How keys begin that are no sessions of a kind named here."""
KEPT = 10 * 365 * 86_400
"""Seconds for what is kept until somebody removes it."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")
_NAME = re.compile(r"[A-Za-z0-9_.~-]{1,128}")
_CONTEXT = re.compile(f"{PART}:user:{PART}:session:{PART}")
_TENANT = re.compile(PART)


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
        group: the part of an id by which sessions are listed by last use; None for no such list.
            No session of such a kind may live longer than INDEX_KEPT.
    """

    name: str
    prefix: str
    id_pattern: re.Pattern[str]
    ttl: Callable[[Mapping[str, Any]], int]
    longest: int
    indexed: bool = False
    merge: Merge = merge_higher
    reusable: bool = False
    group: Callable[[str], str] | None = None

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

    def idle_index(self, session_id: str) -> str:
        """The key of the index by last use a session stands in; empty for none."""
        return self.idle_index_of(self.group(session_id)) if self.group else ""

    def idle_index_of(self, group: str) -> str:
        """The key of the index by last use over the sessions of a group."""
        return f"index:{self.name}:idle:{group}"

    def life(self, data: Mapping[str, Any], ttl: int | None) -> int:
        """Seconds a session lives after a use: its own ttl, or what its kind gives it."""
        return min(ttl or self.ttl(data), self.longest)

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

    def ttl_of(data: Mapping[str, Any]) -> int:
        if data.get("analyzed_at"):
            return analyzed_ttl
        return ONE_DOOR_TTL if data.get(ONE_DOOR) is True else ttl

    return Keyspace(
        name="chat:session",
        prefix=SESSION_PREFIX,
        id_pattern=_UUID,
        ttl=ttl_of,
        longest=max(ttl, analyzed_ttl, ONE_DOOR_TTL),
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


def state_keyspace(ttl: int = STATE_TTL) -> Keyspace:
    """What a front end saves of itself; the id is the front end's own choice (ttl in seconds)."""
    return Keyspace(
        name="state",
        prefix="session:",
        id_pattern=_UUID,
        ttl=lambda _data: ttl,
        longest=ttl,
        indexed=True,
        reusable=True,
    )


def context_keyspace(ttl: int = CONTEXT_TTL) -> Keyspace:
    """What is known in a user's session with a tenant; see `keys.context_id` (ttl in seconds)."""
    return Keyspace(
        name="context",
        prefix="tenant:",
        id_pattern=_CONTEXT,
        ttl=lambda _data: ttl,
        longest=CONTEXT_TTL_LONGEST,
        indexed=True,
        merge=merge_contexts,
        reusable=True,
        group=lambda session_id: session_id.partition(":")[0],
    )


def tenant_keyspace() -> Keyspace:
    """What is set for a tenant, and with it the list of tenants there are."""
    return Keyspace(
        name="tenant",
        prefix="tenant-settings:",
        id_pattern=_TENANT,
        ttl=lambda _data: KEPT,
        longest=KEPT,
        indexed=True,
        reusable=True,
    )


def named_keyspace(name: str, ttl: int = SESSION_TTL) -> Keyspace:
    """A kind of session for a program of your own.

    Args:
        name: lower-case letters, digits and `-`; keys are `<name>:<id>`, and an id is up to 128
            of the characters that need no encoding in a URL.
        ttl: seconds a session lives after its last use, unless it is given another.

    Raises:
        ValueError: the name is none, or belongs to a kind of this package.
    """
    used = {part.partition(":")[0] for one in usual_keyspaces() for part in (one.name, one.prefix)}
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name in used | OTHER_PREFIXES:
        raise ValueError(f"{name!r} cannot name a kind of session")
    return Keyspace(
        name=name,
        prefix=f"{name}:",
        id_pattern=_NAME,
        ttl=lambda _data: ttl,
        longest=max(ttl, CONTEXT_TTL_LONGEST),
        indexed=True,
        merge=merge_contexts,
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


def usual_keyspaces(
    ttl: int = SESSION_TTL, analyzed_ttl: int = SESSION_TTL_ANALYZED
) -> tuple[Keyspace, ...]:
    """Every kind of session the application has; the arguments are for the conversations."""
    return (
        teaser_chat_keyspace(ttl, analyzed_ttl),
        start_keyspace(),
        state_keyspace(),
        context_keyspace(),
        tenant_keyspace(),
        browser_keyspace(),
    )
