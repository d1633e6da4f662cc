"""Keys made of parts that callers chose: encoded, so that no part can look like two."""

import functools
import re
from urllib.parse import quote, unquote

from services.sessions.errors import InvalidSessionId

PART = r"[A-Za-z0-9_.~%-]{1,1600}"
"""A part of a key as `key_part` makes it: 128 characters of at most 4 bytes, 12 signs each."""
_PART = re.compile(PART)


@functools.lru_cache(maxsize=8192)
def key_part(text: str) -> str:
    """Text that a caller chose as a part of a key: two different texts are two different parts.

    Letters, digits and `_.-~` stay; every other character is percent-encoded, the `:` that
    separates parts and the `%` of the encoding among them.

    Raises:
        InvalidSessionId: it is empty, or no valid Unicode text.
    """
    try:
        part = quote(text, safe="")
    except UnicodeEncodeError as error:
        raise InvalidSessionId("no part of a key") from error
    if not _PART.fullmatch(part):
        raise InvalidSessionId("no part of a key")
    return part


def part_text(part: str) -> str:
    """The text that `key_part` made this of."""
    return unquote(part)


def context_owner(tenant_id: str, user_id: str) -> str:
    """Whose a context is."""
    return f"{key_part(tenant_id)}:{key_part(user_id)}"


def context_id(tenant_id: str, user_id: str, session_id: str) -> str:
    """A context's id within its keyspace: `{tenant}:user:{user}:session:{session}`, encoded."""
    parts = map(key_part, (tenant_id, user_id, session_id))
    return "{}:user:{}:session:{}".format(*parts)


def context_name(context: str) -> str:
    """The session's own id in what `context_id` made."""
    return part_text(context.rpartition(":")[2])


def context_owner_in(context: str) -> str:
    """Whose a context is, from what `context_id` made."""
    tenant, _, user, _, _ = context.split(":")
    return f"{tenant}:{user}"
