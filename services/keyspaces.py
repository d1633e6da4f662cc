"""The kinds of session that this application has, each with its key and its expiry."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.keys import PART
from services.list_entries import LANDMARK, build_list_entry
from services.sessions.flask.browser import BROWSERS
from services.sessions.keyspaces import KEPT, LONGEST_TTL, SESSION_TTL, Keyspace
from services.sessions.merge import merge_contexts, merge_conversations

TEASER_CHAT = "chat:session"
STARTS = "chat:start"
STATES = "state"
CONTEXTS = "context"
TENANTS = "tenant"

SESSION_PREFIX = "chat:session:"
SESSION_TTL_ANALYZED = 86_400
"""Seconds a conversation lives after the last interaction once its analysis is done."""
UNIFIED_CHAT = "one_door"
"""The member that marks a conversation begun at the one-endpoint chat; stored under this name."""
UNIFIED_CHAT_TTL = 1800
"""Seconds such a conversation lives after the last interaction until its analysis is done."""
START_TTL = 2 * 86_400
"""Seconds for which a start remembers its conversation: longer than one lives unused."""
STATE_TTL = 86_400
"""Seconds a front end's saved state lives after its last use."""
CONTEXT_TTL = 86_400
"""Seconds a context lives after its last use, unless it or its tenant sets another time."""
CONTEXT_TTL_LONGEST = LONGEST_TTL
"""The longest time that a tenant or a context may set."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


STATE_MAX_BYTES = 262_144
"""The longest saved state, in bytes, unless the settings say otherwise."""

START_SESSIONS = Keyspace(STARTS, "chat:start:", re.compile(r"[0-9a-f]{64}"), START_TTL)
"""Which conversation a client_message_id opened, so that a repeated start finds it."""
STATE_SESSIONS = Keyspace(
    STATES,
    "session:",
    _UUID,
    STATE_TTL,
    indexed=True,
    reusable=True,
    max_bytes=STATE_MAX_BYTES,
)
"""The state a front end saves, under an id that it chooses itself."""
CONTEXT_SESSIONS = Keyspace(
    CONTEXTS,
    "tenant:",
    re.compile(f"{PART}:user:{PART}:session:{PART}"),
    CONTEXT_TTL,
    CONTEXT_TTL_LONGEST,
    indexed=True,
    merge=merge_contexts,
    reusable=True,
    group=lambda session_id: session_id.partition(":")[0],
)
"""Contexts of a tenant's users; see `keys.build_context_id` for the key."""
TENANT_SESSIONS = Keyspace(
    TENANTS, "tenant-settings:", re.compile(PART), KEPT, indexed=True, reusable=True
)
"""The settings of each tenant; their index is the list of tenants."""


def build_teaser_chat_keyspace(
    ttl: int = SESSION_TTL, analyzed_ttl: int = SESSION_TTL_ANALYZED
) -> Keyspace:
    """The conversations; they live longer from their first analysis on (both in seconds)."""

    def choose_ttl(data: Mapping[str, Any]) -> int:
        if data.get("analyzed_at"):
            return analyzed_ttl
        return UNIFIED_CHAT_TTL if data.get(UNIFIED_CHAT) is True else ttl

    return Keyspace(
        TEASER_CHAT,
        SESSION_PREFIX,
        _UUID,
        choose_ttl,
        max(ttl, analyzed_ttl, UNIFIED_CHAT_TTL),
        indexed=True,
        merge=merge_conversations,
        list_entry=build_list_entry,
        landmark=LANDMARK,
    )


def build_keyspaces(
    ttl: int = SESSION_TTL,
    analyzed_ttl: int = SESSION_TTL_ANALYZED,
    state_max_bytes: int = STATE_MAX_BYTES,
) -> tuple[Keyspace, ...]:
    """Every kind of session the application has.

    Args:
        ttl: seconds a conversation lives after its last use.
        analyzed_ttl: the same from its first analysis on.
        state_max_bytes: the longest saved state.
    """
    return (
        build_teaser_chat_keyspace(ttl, analyzed_ttl),
        START_SESSIONS,
        replace(STATE_SESSIONS, max_bytes=state_max_bytes),
        CONTEXT_SESSIONS,
        TENANT_SESSIONS,
        BROWSERS,
    )
