"""Kinds of session: the key each lives under, how long it lives, and how copies are merged.

Ids that callers choose are checked here, before they become part of a key.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InvalidSessionId
from .merge import Merge, merge_contexts, merge_higher

SESSION_TTL = 3600
"""Seconds a session lives after its last use, unless its keyspace says otherwise."""
LONGEST_TTL = 30 * 86_400
"""The longest life that a single session of a named keyspace can be given, in seconds."""
UNREADABLE_KEPT = 7 * 86_400
"""Seconds an unreadable value is kept in quarantine for someone to look at."""
KEPT = 10 * 365 * 86_400
"""Seconds for what is kept until somebody removes it."""
RESERVED_NAMES = frozenset({"browser", "index", "lease", "migration", "rate"})
"""First parts of the keys that the library uses for itself."""

_NAME = re.compile(r"[A-Za-z0-9_.~-]{1,128}")


@dataclass(frozen=True, slots=True)
class Keyspace:
    """One kind of session.

    Attributes:
        name: names the kind in indexes and logs.
        prefix: what its keys begin with; the id follows.
        id_pattern: what a whole id must look like.
        lifetime: seconds a session lives after a write or an extension, fixed or from its data.
        longest: seconds that any session of this kind can live unused, and with it a tombstone;
            a fixed lifetime when left out.
        indexed: whether sessions are counted and listed by owner.
        merge: makes one of two copies that were changed apart; see services.sessions.merge.
        reusable: whether a deleted id may be taken again. A tombstone of any other beats every
            copy, whatever its version.
        max_bytes: the longest document of this kind; 0 for as long as any may be.
        list_entry: what lists show of a session, made of its data and stored at the head of its
            document; None for data that does not belong in a list. None where lists show only
            what every document's head has.
        landmark: what follows, in the documents of a release that stored no such entry, the
            members that a list needs; empty if nothing does.
        group: the part of an id by which sessions are listed by last use; None for no such list.
            No session of such a kind may live longer than INDEX_KEPT.
    """

    name: str
    prefix: str
    id_pattern: re.Pattern[str]
    lifetime: int | Callable[[Mapping[str, Any]], int]
    longest: int = 0
    indexed: bool = False
    merge: Merge = merge_higher
    reusable: bool = False
    max_bytes: int = 0
    list_entry: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    landmark: bytes = b""
    group: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.lifetime, int) and not self.longest:
            object.__setattr__(self, "longest", self.lifetime)

    def key(self, session_id: str, *, is_checked: bool = False) -> str:
        """The key of the session with this id.

        Args:
            session_id: the id.
            is_checked: whether a key was made of it before.

        Raises:
            InvalidSessionId: the id cannot be one of this keyspace.
        """
        if is_checked:
            return self.prefix + session_id
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
        usual = self.lifetime if isinstance(self.lifetime, int) else self.lifetime(data)
        return min(ttl or usual, self.longest)

    def build_list_entry(self, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What lists show of a session with this data; None for nothing of its own."""
        return self.list_entry(data) if self.list_entry else None

    def index(self) -> str:
        """The key of the index over all sessions of this kind."""
        return f"index:{self.name}"

    def owner_index(self, owner: str) -> str:
        """The key of the index over one owner's sessions of this kind."""
        return f"index:{self.name}:owner:{owner}"


def named_keyspace(name: str, ttl: int = SESSION_TTL) -> Keyspace:
    """A kind of session for a program of your own.

    Args:
        name: lower-case letters, digits and `-`; keys are `<name>:<id>`, and an id is up to 128
            of the characters that need no encoding in a URL.
        ttl: seconds a session lives after its last use, unless it is given another.

    Raises:
        ValueError: it is no such name, or the library uses it for itself.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name in RESERVED_NAMES:
        raise ValueError(f"{name!r} cannot name a kind of session")
    return Keyspace(
        name=name,
        prefix=f"{name}:",
        id_pattern=_NAME,
        lifetime=ttl,
        longest=max(ttl, LONGEST_TTL),
        indexed=True,
        merge=merge_contexts,
        reusable=True,
    )
