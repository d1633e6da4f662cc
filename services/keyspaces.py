"""The kinds of session that this application has, each with its key and its expiry."""

import re
from collections.abc import Mapping
from typing import Any

from services.keys import PART
from services.sessions.flask.browser import browser_keyspace
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
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CONTEXT = re.compile(f"{PART}:user:{PART}:session:{PART}")
_TENANT = re.compile(PART)


def build_teaser_chat_keyspace(
    ttl: int = SESSION_TTL, analyzed_ttl: int = SESSION_TTL_ANALYZED
) -> Keyspace:
    """The conversations; they live longer from their first analysis on (both in seconds)."""

    def ttl_of(data: Mapping[str, Any]) -> int:
        if data.get("analyzed_at"):
            return analyzed_ttl
        return UNIFIED_CHAT_TTL if data.get(UNIFIED_CHAT) is True else ttl

    return Keyspace(
        name=TEASER_CHAT,
        prefix=SESSION_PREFIX,
        id_pattern=_UUID,
        ttl=ttl_of,
        longest=max(ttl, analyzed_ttl, UNIFIED_CHAT_TTL),
        indexed=True,
        merge=merge_conversations,
    )


def build_start_keyspace(ttl: int = START_TTL) -> Keyspace:
    """Which conversation a client_message_id opened, so that a repeated start finds it."""
    return Keyspace(
        name=STARTS,
        prefix="chat:start:",
        id_pattern=_DIGEST,
        ttl=lambda _data: ttl,
        longest=ttl,
    )


def build_state_keyspace(ttl: int = STATE_TTL) -> Keyspace:
    """The state a front end saves, under an id that it chooses itself (ttl in seconds)."""
    return Keyspace(
        name=STATES,
        prefix="session:",
        id_pattern=_UUID,
        ttl=lambda _data: ttl,
        longest=ttl,
        indexed=True,
        reusable=True,
    )


def build_context_keyspace(ttl: int = CONTEXT_TTL) -> Keyspace:
    """Contexts of a tenant's users; see `keys.build_context_id` for the key (ttl in seconds)."""
    return Keyspace(
        name=CONTEXTS,
        prefix="tenant:",
        id_pattern=_CONTEXT,
        ttl=lambda _data: ttl,
        longest=CONTEXT_TTL_LONGEST,
        indexed=True,
        merge=merge_contexts,
        reusable=True,
        group=lambda session_id: session_id.partition(":")[0],
    )


def build_tenant_keyspace() -> Keyspace:
    """The settings of each tenant; their index is the list of tenants."""
    return Keyspace(
        name=TENANTS,
        prefix="tenant-settings:",
        id_pattern=_TENANT,
        ttl=lambda _data: KEPT,
        longest=KEPT,
        indexed=True,
        reusable=True,
    )


def build_keyspaces(
    ttl: int = SESSION_TTL, analyzed_ttl: int = SESSION_TTL_ANALYZED
) -> tuple[Keyspace, ...]:
    """Every kind of session the application has; the arguments are for the conversations."""
    return (
        build_teaser_chat_keyspace(ttl, analyzed_ttl),
        build_start_keyspace(),
        build_state_keyspace(),
        build_context_keyspace(),
        build_tenant_keyspace(),
        browser_keyspace(),
    )
