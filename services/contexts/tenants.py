"""What is set for each tenant: how long contexts live, and when orphans are cleaned up."""

import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.keys import key_part, part_text
from services.keyspaces import CONTEXT_TTL, CONTEXT_TTL_LONGEST
from services.sessions import Session, Sessions, batches
from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable

log = logging.getLogger(__name__)

DEFAULT_SESSION_TTL = CONTEXT_TTL
"""Seconds a context lives after its last use, where nothing else is set."""
DEFAULT_CLEANUP_THRESHOLD = 48 * 3600
"""Seconds without any use after which a context counts as an orphan."""
DEFAULT_CLEANUP_EVERY = 24 * 3600
"""Seconds from one clean-up of a tenant's orphans to the next."""
LONGEST = CONTEXT_TTL_LONGEST
"""The most that any of these may be."""
REMEMBERED = 5.0
"""Seconds a process goes by what it read of a tenant."""
MOST_REMEMBERED = 10_000
"""Tenants a process remembers; then it begins anew."""
PAGE = 200


@dataclass(frozen=True, slots=True, order=True)
class TenantSettings:
    """What is set for a tenant, in seconds.

    Attributes:
        ttl: how long a context lives after its last use.
        orphan_after: how long nobody must have used it before it is cleaned up.
        cleanup_every: how often that is done.
        cleaned_at: milliseconds since 1970 of the last time; 0 for never.
    """

    ttl: int = DEFAULT_SESSION_TTL
    orphan_after: int = DEFAULT_CLEANUP_THRESHOLD
    cleanup_every: int = DEFAULT_CLEANUP_EVERY
    cleaned_at: int = 0


NAMES = ("ttl", "orphan_after", "cleanup_every", "cleaned_at")


class Tenants:
    """The tenants there are and what is set for them, remembered for REMEMBERED seconds.

    A tenant is known from the first context that is stored for it.

    Args:
        sessions: the sessions that hold what is set.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: dict[str, tuple[float, TenantSettings]] = {}

    def of(self, tenant_id: str, *, register: bool = False) -> TenantSettings:
        """What is set for a tenant.

        While the engine cannot be asked it is what was known last, or the usual.

        Args:
            tenant_id: which one.
            register: whether it is put on the list of tenants if it is not there.
        """
        known = self._known.get(tenant_id)
        if known and time.monotonic() - known[0] < REMEMBERED:
            return known[1]
        try:
            settings = self._read(tenant_id, register=register)
        except StoreUnavailable:
            return known[1] if known else TenantSettings()
        if register:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[tenant_id] = time.monotonic(), settings
        return settings

    def change(self, tenant_id: str, **settings: int) -> TenantSettings:
        """Set something for a tenant, and leave the rest as it is.

        Args:
            tenant_id: which one; it is put on the list if it is not there.
            settings: members of TenantSettings.

        Raises:
            SessionError: as services.sessions.update_session.
        """
        return self._change(tenant_id, settings, create=True)

    def note_cleaned(self, tenant_id: str, at: int) -> None:
        """Remember when a tenant was cleaned up (ms); one that is not on the list stays off it.

        Raises:
            SessionError: as services.sessions.update_session, without SessionNotFound.
        """
        with contextlib.suppress(SessionNotFound):
            self._change(tenant_id, {"cleaned_at": at}, create=False)

    def _change(
        self, tenant_id: str, settings: Mapping[str, int], *, create: bool
    ) -> TenantSettings:
        def change(session: Session) -> None:
            session["settings"] = {**_told(session), **settings}

        changed = self._sessions.update(key_part(tenant_id), change, create=create)
        self._known.pop(tenant_id, None)
        return _settings(changed)

    def all(self) -> list[tuple[str, TenantSettings]]:
        """Every tenant that is known, by name, with what is set for it.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        names: list[str] = []
        while page := self._sessions.list_all(start=len(names), limit=PAGE):
            names += page
        found = batches.load(self._sessions, names).done
        return sorted((part_text(name), _settings(stored)) for name, stored in found.items())

    def _read(self, tenant_id: str, *, register: bool) -> TenantSettings:
        name = key_part(tenant_id)
        try:
            return _settings(self._sessions.get(name))
        except SessionNotFound:
            if register:
                self._register(name)
            return TenantSettings()

    def _register(self, name: str) -> None:
        try:
            self._sessions.save(name, {})
        except SessionConflict:
            log.debug("another process put the tenant on the list at the same moment")


def _settings(stored: Session) -> TenantSettings:
    """What a stored document sets; what is no number of seconds is not set."""
    told = _told(stored)
    known = {name: told[name] for name in NAMES if type(told.get(name)) is int}
    return replace(TenantSettings(), **known)


def _told(stored: Session) -> dict[str, Any]:
    told = stored.get("settings")
    return told if isinstance(told, dict) else {}
