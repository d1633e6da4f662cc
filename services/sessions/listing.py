"""What lists show of many sessions: read from the heads of their documents, in one round trip.

No document is read whole, however large it is, and no life is extended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import batches, codec
from .errors import InvalidSessionId, SessionFormatUnknown, SessionUnreadable, StoreUnavailable
from .repository import Sessions
from .stores.base import Extract

HEAD_BYTES = 256
"""What the members of every head take besides the id and the owner, and some more."""
ENTRY_BYTES = 768
"""What an entry for lists may take."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as a list knows it.

    Attributes:
        session_id, owner: which one, and whose.
        created_at, updated_at: milliseconds since 1970, UTC.
        ttl: seconds it lives after each use, if that is its own.
        entry: what its keyspace's `list_entry` made; None in documents that have none.
        is_current: whether the entry was made for the document as it is now.
        head, passage: the beginning of the document, and what stands in front of its keyspace's
            landmark, for documents without a current entry.
    """

    session_id: str
    owner: str | None
    created_at: int
    updated_at: int
    ttl: int | None
    entry: Mapping[str, Any] | None
    is_current: bool
    head: bytes
    passage: bytes


def load_listed(
    sessions: Sessions, session_ids: Iterable[str], *, owner: str | None = None
) -> list[Listed]:
    """What lists show of the sessions with these ids that this owner can reach, in this order.

    What cannot be read is left out; it is quarantined, as when it is loaded.

    Raises:
        StoreUnavailable: the engine could not be asked.
    """
    keys: dict[str, str] = {}
    for session_id in session_ids:
        try:
            keys[session_id] = sessions.keyspace.key(session_id)
        except InvalidSessionId:
            continue
    if not keys:
        return []
    extracts = sessions.store.extracts(
        list(keys.values()), _compute_length(sessions, keys, owner), sessions.keyspace.landmark
    )
    found, unreadable = [], []
    for session_id, extract in zip(keys, extracts, strict=True):
        try:
            listed = _read(sessions, session_id, extract, owner) if extract else None
        except SessionUnreadable:
            unreadable.append(session_id)
        else:
            found += [listed] if listed else []
    _quarantine(sessions, unreadable, owner)
    return found


def _compute_length(sessions: Sessions, keys: Mapping[str, str], owner: str | None) -> int:
    """How many bytes of each document hold its head and its entry."""
    entry = ENTRY_BYTES if sessions.keyspace.list_entry else 0
    return HEAD_BYTES + entry + max(map(len, keys)) + len(owner or "")


def _read(
    sessions: Sessions, session_id: str, extract: Extract, owner: str | None
) -> Listed | None:
    """A session as a list knows it; None for one that this owner cannot reach.

    Raises:
        SessionUnreadable: it is no document, or belongs under another key.
        StoreUnavailable: whether it is somebody else's can be known only later.
    """
    key = sessions.keyspace.key(session_id, is_checked=True)
    if codec.is_tombstone(extract.head):
        sessions.check_sure(key, codec.owner_of(extract.head), owner)
        return None
    try:
        members, entry = codec.decode_head(extract.head)
    except SessionFormatUnknown:
        return None
    if members["session_id"] != session_id:
        raise SessionUnreadable("the document belongs under another key")
    sessions.check_sure(key, members["owner"], owner)
    if members["owner"] not in (None, owner):
        return None
    updated_at = members["updated_at"]
    return Listed(
        session_id,
        members["owner"],
        members["created_at"],
        updated_at,
        members.get("ttl"),
        entry,
        entry is not None and entry.get("at") == updated_at,
        extract.head,
        extract.passage,
    )


def _quarantine(sessions: Sessions, session_ids: list[str], owner: str | None) -> None:
    """Load what could not be read from its head, which quarantines what cannot be read at all."""
    found = batches.load(sessions, session_ids, owner=owner) if session_ids else batches.Batch()
    for error in found.failed.values():
        if isinstance(error, StoreUnavailable):
            raise error
