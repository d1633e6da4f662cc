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
"""Seconds it is remembered which conversation a start opened: longer than one lives unused."""
STATE_TTL = 86_400
"""Seconds a front end's saved state lives after its last use."""
CONTEXT_TTL = 86_400
"""Seconds a context lives after its last use, unless its tenant or itself says otherwise."""
CONTEXT_TTL_LONGEST = LONGEST_TTL
"""The most that a tenant or a context may say."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CONTEXT = re.compile(f"{PART}:user:{PART}:session:{PART}")
_TENANT = re.compile(PART)


def teaser_chat_keyspace(
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


def start_keyspace(ttl: int = START_TTL) -> Keyspace:
    """Which conversation a client_message_id opened, so that a repeated start finds it."""
    return Keyspace(
        name=STARTS,
        prefix="chat:start:",
        id_pattern=_DIGEST,
        ttl=lambda _data: ttl,
        longest=ttl,
    )


def state_keyspace(ttl: int = STATE_TTL) -> Keyspace:
    """What a front end saves of itself; the id is the front end's own choice (ttl in seconds)."""
    return Keyspace(
        name=STATES,
        prefix="session:",
        id_pattern=_UUID,
        ttl=lambda _data: ttl,
        longest=ttl,
        indexed=True,
        reusable=True,
    )


def context_keyspace(ttl: int = CONTEXT_TTL) -> Keyspace:
    """What is known in a user's session with a tenant; see `keys.context_id` (ttl: seconds)."""
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


def tenant_keyspace() -> Keyspace:
    """What is set for a tenant, and with it the list of tenants there are."""
    return Keyspace(
        name=TENANTS,
        prefix="tenant-settings:",
        id_pattern=_TENANT,
        ttl=lambda _data: KEPT,
        longest=KEPT,
        indexed=True,
        reusable=True,
    )


def application_keyspaces(
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
