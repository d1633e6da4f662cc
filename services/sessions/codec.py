"""A session as it is stored: one JSON document with its version first.

The document is flat: the members this module owns (ENVELOPE), then the caller's data::

    {"version":3,"format":1,"session_id":"...","owner":null,
     "created_at":1767225600000,"updated_at":1767225660000,"expires_at":1767229260000,
     "history":[...], ...}

A session with a life of its own also has `"ttl"`, in seconds, and one that stands in lists has
`"list_entry"`: what they show of it, and in `"at"` the `updated_at` it was made for. An earlier
release keeps that member unchanged, so one that is older than its document does not count.

`version` stands first so that a script on the server can read it from the first bytes.
Engines are handed the rest (the body) and the number apart: whoever decides the version,
client or server, puts the two together without parsing anything.
"""

import gc
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from .errors import (
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
    "ttl",
    "deleted",
    "list_entry",
)
"""Members this module owns; a caller's data may not use these names."""

MAX_DEPTH = 100
"""How deeply a session's data may be nested. Decoders stop at some depth that depends on where
they are called, and what was stored must be readable everywhere."""
_ENVELOPE = frozenset(ENVELOPE)
OWNER_BYTES = 512
"""The bytes of a value in which its owner is looked for where it cannot be read as a whole."""
_OWNER = re.compile(rb'"owner":("?[^",}]*)')
_TOMBSTONE = re.compile(rb'\{"version":[1-9][0-9]{0,14},"deleted":true[,}]')
_HEAD = re.compile(rb'\{"version":([1-9][0-9]{0,14})(?=[,}])')
_ENVELOPE_HEAD = re.compile(
    rb'\{"version":[1-9][0-9]{0,14},"format":.*?,"created_at":[0-9]+,"updated_at":[0-9]+'
    rb',"expires_at":[0-9]+(?:,"ttl":[1-9][0-9]*)?(?=[,}])',
    re.DOTALL,
)
_LIST_ENTRY = re.compile(rb',"list_entry":(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})', re.DOTALL)
# No text inside the document can look like this: its quotes would be escaped.
_AFTER_OWNER = b',"created_at":'
_CONTAINERS = frozenset((dict, list))
_PLAIN = frozenset((str, int, float, bool, type(None))) | _CONTAINERS
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
        ttl: seconds it lives after each use; None for as long as its kind does.
        parsed: whether all of its data is known to come out of a JSON decoder, so that it need
            not be looked through before it is stored.
        stored: the whole stored value it was read from or saved as; None before.
    """

    __slots__ = (
        "created_at",
        "expires_at",
        "owner",
        "parsed",
        "session_id",
        "stored",
        "ttl",
        "updated_at",
        "version",
    )

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
        self.ttl: int | None = None
        self.parsed = False
        self.stored: bytes | None = None

    @property
    def times(self) -> tuple[int, int, int]:
        """When it was created and updated, and when it ends."""
        return self.created_at, self.updated_at, self.expires_at

    @times.setter
    def times(self, times: tuple[int, int, int]) -> None:
        self.created_at, self.updated_at, self.expires_at = times


def encode_body(
    session: Session, max_bytes: int, list_entry: Mapping[str, Any] | None = None
) -> bytes:
    """The document after its version member: `,"format":1,...}`.

    Args:
        session: what to write, its times and owner already set.
        max_bytes: the longest document allowed, in bytes.
        list_entry: what lists show of it; None for what stands in none.

    Raises:
        SessionNotSerialisable: a value would not come back as it went in.
        SessionTooLarge: the document is longer than `max_bytes`.
    """
    if not _ENVELOPE.isdisjoint(session):
        taken = next(name for name in ENVELOPE if name in session)
        raise SessionNotSerialisable(f"{taken!r} is a name the session document keeps to itself")
    members = {
        "format": FORMAT,
        "session_id": session.session_id,
        "owner": session.owner,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "expires_at": session.expires_at,
        **({} if session.ttl is None else {"ttl": session.ttl}),
        **({"list_entry": {"at": session.updated_at, **list_entry}} if list_entry else {}),
        **session,
    }
    try:
        encoded = _encode(members)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise SessionNotSerialisable(f"the session is not plain JSON: {error}") from error
    if not (session.parsed or _is_plain(members)):
        raise SessionNotSerialisable(f"{_first_foreign(members)} is not plain JSON")
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


def tombstone_body(owner: str | None) -> bytes:
    """What stands after the version of a session that was deleted while two copies existed."""
    return b',"deleted":true,' + _encode({"format": FORMAT, "owner": owner})[1:]


def identity_in(body: bytes) -> bytes:
    """The beginning of a body that tells its format, session and owner; empty without one.

    Two documents are one session's and one owner's if they begin alike after their version.
    """
    end = body.find(_AFTER_OWNER)
    return body[: end + len(_AFTER_OWNER)] if end > 0 else b""


def is_tombstone(value: bytes) -> bool:
    """Whether a stored value says that its session was deleted."""
    return _TOMBSTONE.match(value) is not None


def owner_of(value: bytes) -> str | None:
    """The owner named in a stored document or tombstone.

    Raises:
        SessionUnreadable: the value is neither.
    """
    try:
        owner = _decode(value)["owner"]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError) as error:
        raise SessionUnreadable("the stored value is no session document") from error
    return owner if isinstance(owner, str) else None


def names_other_owner(value: bytes, body: bytes) -> bool:
    """Whether a value that may be unreadable names an owner, and not the one of a body.

    Args:
        value: its first OWNER_BYTES or more; the owner stands among them.
        body: of a document or tombstone.
    """
    found, own = _OWNER.search(value[:OWNER_BYTES]), _OWNER.search(body)
    return found is not None and found[1] not in (b"null", own and own[1])


def split(value: bytes) -> tuple[int, bytes] | None:
    """Version and body of a stored value, as `join` takes them; None when it is no document."""
    head = _HEAD.match(value)
    return (int(head[1]), value[head.end() :]) if head else None


def decode_head(head: bytes) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The members of ENVELOPE in the first bytes of a document, and its entry for lists, if any.

    Raises:
        SessionUnreadable: it is not the beginning of a document, or too little of it.
        SessionFormatUnknown: it is one, of a format other than FORMAT.
    """
    found = _ENVELOPE_HEAD.match(head)
    if not found:
        raise SessionUnreadable("the stored value is no session document")
    entry = _LIST_ENTRY.match(head, found.end())
    try:
        members = _decode(found[0] + b"}")
        listed = _decode(entry[1]) if entry else None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SessionUnreadable("the stored value is not JSON") from error
    if members.get("format") != FORMAT:
        raise SessionFormatUnknown(f"document format {members.get('format')!r} is not known here")
    if not {"session_id", "owner"} <= members.keys():  # _ENVELOPE_HEAD has asked for the times
        raise SessionUnreadable("the document's head is damaged")
    return members, listed


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
    session.ttl = members.pop("ttl", None)
    if session.ttl is not None and (type(session.ttl) is not int or session.ttl < 1):
        raise SessionUnreadable("the stored document's ttl is no number of seconds")
    del members["format"]
    members.pop("list_entry", None)  # it is made anew with every write
    session.stored = value
    session.update(members)
    return session


def _is_plain(members: dict[str, Any]) -> bool:
    """Whether there are only JSON's own types in it, so that it comes back as it went in.

    The encoder would also take a date or a set and make something else of it. The collector
    knows what a container holds without a loop of ours, which matters for every turn.
    """
    level: list[Any] = [members]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise SessionNotSerialisable(f"the session is nested deeper than {MAX_DEPTH} levels")
        held = gc.get_referents(*level)
        kinds = set(map(type, held))
        if not kinds <= _PLAIN:
            return False
        if float in kinds and not all(math.isfinite(x) for x in held if type(x) is float):
            return False
        nested = not kinds.isdisjoint(_CONTAINERS)
        level = [one for one in held if type(one) in _CONTAINERS] if nested else []
    return True


def _first_foreign(value: Any, path: str = "") -> str | None:
    """Where the first value stands that is not JSON's own, such as `history[2].when (date)`."""
    kind = type(value)
    if kind is dict:
        inside = ((f"{path}.{name}" if path else str(name), held) for name, held in value.items())
    elif kind is list:
        inside = ((f"{path}[{at}]", held) for at, held in enumerate(value))
    elif kind in _PLAIN and not (kind is float and not math.isfinite(value)):
        return None
    else:
        return f"{path} ({kind.__name__})"
    return next(filter(None, (_first_foreign(held, place) for place, held in inside)), None)
