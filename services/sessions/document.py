"""A session as it is stored: one JSON document with its version first.

The document is flat: the members this module owns (ENVELOPE), then the caller's data::

    {"version":3,"format":1,"session_id":"...","owner":null,
     "created_at":1767225600000,"updated_at":1767225660000,"expires_at":1767229260000,
     "history":[...], ...}

`version` stands first so that a script on the server can read it from the first bytes.
Engines are handed the rest (the body) and the number apart: whoever decides the version,
client or server, puts the two together without parsing anything.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from services.errors import (
    SessionFormatUnknown,
    SessionNotSerialisable,
    SessionTooLarge,
    SessionUnreadable,
)

FORMAT = 1
"""The document format this release writes. A higher number is refused, not guessed at."""

ENVELOPE = (
    "version",
    "format",
    "session_id",
    "owner",
    "created_at",
    "updated_at",
    "expires_at",
    "deleted",
)
"""Members this module owns; a caller's data may not use these names."""

_HEAD = re.compile(rb'\{"version":([1-9][0-9]{0,14})(?=[,}])')
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Session(dict[str, Any]):
    """The data of one session, with what the store knows about it.

    It is a dict, so that code written for a dict of dicts keeps working; the version that
    was read travels along and guards the next save.

    Attributes:
        session_id: the id within its keyspace.
        owner: who may reach it; None for everyone who knows the id.
        version: the stored version it was read from; 0 while it was never stored.
        created_at, updated_at, expires_at: milliseconds since 1970, UTC. `expires_at` is the
            instant set with the last write; an extension since then moves only the engine's.
    """

    __slots__ = ("created_at", "expires_at", "owner", "session_id", "updated_at", "version")

    def __init__(
        self, session_id: str, data: Mapping[str, Any] | None = None, *, owner: str | None = None
    ) -> None:
        super().__init__(data or {})
        self.session_id = session_id
        self.owner = owner
        self.version = 0
        self.created_at = 0
        self.updated_at = 0
        self.expires_at = 0


def encode_body(session: Session, max_bytes: int) -> bytes:
    """The document after its version member: `,"format":1,...}`.

    Args:
        session: what to write, its times and owner already set.
        max_bytes: the longest document allowed, in bytes.

    Raises:
        SessionNotSerialisable: a value would not come back as it went in.
        SessionTooLarge: the document is longer than `max_bytes`.
    """
    for name in ENVELOPE:
        if name in session:
            raise SessionNotSerialisable(f"{name!r} is a name the session document keeps to itself")
    members = {
        "format": FORMAT,
        "session_id": session.session_id,
        "owner": session.owner,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "expires_at": session.expires_at,
        **session,
    }
    try:
        encoded = _encode(members)
        same = _decode(encoded) == members
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise SessionNotSerialisable(f"the session is not plain JSON: {error}") from error
    if not same:
        raise SessionNotSerialisable(
            f"{_first_difference(members, _decode(encoded))} is not plain JSON"
        )
    if len(encoded) > max_bytes:
        raise SessionTooLarge(len(encoded), max_bytes)
    return b"," + encoded[1:]


def join(version: int, body: bytes) -> bytes:
    """The whole document, from its version and its body."""
    return b'{"version":%d%b' % (version, body)


def version_of(value: bytes) -> int | None:
    """The version in the first bytes of a stored value; None when it is no document."""
    head = _HEAD.match(value)
    return int(head[1]) if head else None


def decode(value: bytes) -> Session:
    """The session in a stored value.

    Raises:
        SessionUnreadable: the value is no document.
        SessionFormatUnknown: it is one, of a format other than FORMAT.
    """
    try:
        members = _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SessionUnreadable("the stored value is not JSON") from error
    if not isinstance(members, dict) or version_of(value) is None:
        raise SessionUnreadable("the stored value is no session document")
    if members.get("format") != FORMAT:
        raise SessionFormatUnknown(f"document format {members.get('format')!r} is not known here")
    try:
        session = Session(members.pop("session_id"), owner=members.pop("owner"))
        session.version = members.pop("version")
        session.created_at = members.pop("created_at")
        session.updated_at = members.pop("updated_at")
        session.expires_at = members.pop("expires_at")
    except KeyError as error:
        raise SessionUnreadable(f"the stored document has no {error}") from error
    del members["format"]
    session.update(members)
    return session


def _first_difference(before: Any, after: Any, path: str = "") -> str:
    """Where a value changed on its way through JSON, such as `history[2].when`, and its type."""
    if type(before) is dict and isinstance(after, dict) and before.keys() == after.keys():
        pairs = [(f"{path}.{key}" if path else key, before[key], after[key]) for key in before]
    elif type(before) is list and isinstance(after, list):
        pairs = [
            (f"{path}[{at}]", *both) for at, both in enumerate(zip(before, after, strict=True))
        ]
    else:
        return f"{path} ({type(before).__name__})"
    return next(_first_difference(b, a, place) for place, b, a in pairs if b != a)
