"""Keys made of parts that callers choose, encoded so that no part can look like two."""

import functools
import re
from urllib.parse import quote, unquote

from services.sessions.errors import InvalidSessionId

PART = r"[A-Za-z0-9_.~%-]{1,1600}"
"""A part of a key as `encode_key_part` returns it: 128 characters become at most 12 each."""
_PART = re.compile(PART)


@functools.lru_cache(maxsize=8192)
def encode_key_part(text: str) -> str:
    """Encode a caller's text as a part of a key; two different texts give two different parts.

    Letters, digits and `_.-~` stay; every other character is percent-encoded, including the `:`
    that separates parts and the `%` of the encoding.

    Raises:
        InvalidSessionId: it is empty, or not valid Unicode text.
    """
    try:
        part = quote(text, safe="")
    except UnicodeEncodeError as error:
        raise InvalidSessionId("not usable as a part of a key") from error
    if not _PART.fullmatch(part):
        raise InvalidSessionId("not usable as a part of a key")
    return part


def decode_key_part(part: str) -> str:
    """The text that `encode_key_part` encoded."""
    return unquote(part)


def build_context_owner(tenant_id: str, user_id: str) -> str:
    """The owner of a context: its user within its tenant."""
    return f"{encode_key_part(tenant_id)}:{encode_key_part(user_id)}"


def build_context_id(tenant_id: str, user_id: str, session_id: str) -> str:
    """A context's id within its keyspace: `{tenant}:user:{user}:session:{session}`, encoded."""
    parts = map(encode_key_part, (tenant_id, user_id, session_id))
    return "{}:user:{}:session:{}".format(*parts)


def read_context_name(context: str) -> str:
    """The session's own id, from what `build_context_id` returned."""
    return decode_key_part(context.rpartition(":")[2])


def read_context_owner(context: str) -> str:
    """The owner of a context, from what `build_context_id` returned."""
    tenant, _, user, _, _ = context.split(":")
    return f"{tenant}:{user}"
