"""What a reply of the server is, where it should be one kind of thing.

Whatever else stands in its place means that the engine would not; nothing else leaves the store.
"""

from typing import Any, TypeVar

from redis.exceptions import NoScriptError

from ...errors import SessionUnreadable, StoreReplyUnknown, StoreUnavailable

UNREADABLE = b""
"""Stands for a value that is no string at all; no document is empty."""
_Kind = TypeVar("_Kind")


def raise_error(reply: Any, key: str = "") -> None:
    """Raise a reply that is an error.

    Args:
        reply: any.
        key: what was asked about.

    Raises:
        SessionError: it is one.
    """
    if isinstance(reply, NoScriptError):  # although the script was sent along
        raise StoreReplyUnknown("noscript", key=key) from reply
    if isinstance(reply, StoreReplyUnknown):
        reply.key = key
    if isinstance(reply, Exception):
        raise reply


def read_value(reply: Any, key: str) -> bytes | None:
    """A stored value; None for none, UNREADABLE for one that is no string."""
    if isinstance(reply, SessionUnreadable):
        return UNREADABLE
    raise_error(reply, key)
    return None if reply is None else _expect(bytes, reply)


def expect_number(reply: Any, key: str = "") -> int:
    """A whole number."""
    raise_error(reply, key)
    return _expect(int, reply)


def expect_within(reply: Any, least: int, most: int) -> int:
    """A whole number of a script of ours, which answers none below or above these."""
    number = expect_number(reply)
    if not least <= number <= most:
        raise _build_failure()
    return number


def expect_list(reply: Any, length: int | None = None) -> list[Any]:
    """A list, of some length where one is given."""
    found = _expect(list, reply)
    if length not in (None, len(found)):
        raise _build_failure()
    return found


def expect_text(reply: Any) -> str:
    """A text."""
    try:
        return _expect(bytes, reply).decode()
    except UnicodeDecodeError:
        raise _build_failure() from None


def read_info(*replies: Any) -> dict[str, str]:
    """The members in sections of INFO; a section that was refused has none."""
    text = b"\r\n".join(one for one in replies if isinstance(one, bytes))
    lines = text.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _expect(kind: type[_Kind], reply: Any) -> _Kind:
    if not isinstance(reply, kind):
        raise _build_failure()
    return reply


def _build_failure() -> StoreUnavailable:
    return StoreUnavailable("protocol", retry_after=5)
