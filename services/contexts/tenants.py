"""The settings of each tenant: how long contexts live, and when orphans are cleaned up."""

import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.keys import decode_key_part, encode_key_part
from services.keyspaces import CONTEXT_TTL, CONTEXT_TTL_LONGEST
from services.sessions import Session, Sessions, batches
from services.sessions.errors import SessionConflict, SessionNotFound, StoreUnavailable

log = logging.getLogger(__name__)

DEFAULT_SESSION_TTL = CONTEXT_TTL
"""Seconds a context lives after its last use, unless a setting says otherwise."""
DEFAULT_CLEANUP_THRESHOLD = 48 * 3600
"""Seconds without use after which a context is an orphan."""
DEFAULT_CLEANUP_EVERY = 24 * 3600
"""Seconds from one clean-up of a tenant's orphans to the next."""
LONGEST = CONTEXT_TTL_LONGEST
"""The longest that any of these may be."""
CACHE_SECONDS = 5.0
"""Seconds for which a process caches a tenant's settings."""
MOST_CACHED = 10_000
"""The most tenants a process caches; then it empties its cache."""
PAGE = 200


@dataclass(frozen=True, slots=True, order=True)
class TenantSettings:
    """The settings of a tenant, in seconds.

    Attributes:
        ttl: how long a context lives after its last use.
        orphan_after: how long a context must be unused before it is cleaned up.
        cleanup_every: the time from one clean-up to the next.
        cleaned_at: milliseconds since 1970 of the last clean-up; 0 for never.
    """

    ttl: int = DEFAULT_SESSION_TTL
    orphan_after: int = DEFAULT_CLEANUP_THRESHOLD
    cleanup_every: int = DEFAULT_CLEANUP_EVERY
    cleaned_at: int = 0


NAMES = ("ttl", "orphan_after", "cleanup_every", "cleaned_at")


class Tenants:
    """All tenants and their settings, cached for CACHE_SECONDS seconds.

    A tenant is known from the first context that is stored for it.

    Args:
        sessions: the sessions that hold the settings.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._cache: dict[str, tuple[float, TenantSettings]] = {}

    def get_settings(self, tenant_id: str, *, register: bool = False) -> TenantSettings:
        """The settings of a tenant.

        While the engine cannot be reached, these are the last ones known, or the defaults.

        Args:
            tenant_id: which one.
            register: whether to add it to the list of tenants.
        """
        cached = self._cache.get(tenant_id)
        if cached and time.monotonic() - cached[0] < CACHE_SECONDS:
            return cached[1]
        try:
            settings = self._read(tenant_id, register=register)
        except StoreUnavailable:
            return cached[1] if cached else TenantSettings()
        if register:  # else it would be found in the cache and never registered
            if len(self._cache) >= MOST_CACHED:
                self._cache.clear()
            self._cache[tenant_id] = time.monotonic(), settings
        return settings

    def change(self, tenant_id: str, **settings: int) -> TenantSettings:
        """Change some settings of a tenant.

        Args:
            tenant_id: which one; it is added to the list of tenants.
            settings: members of TenantSettings.

        Raises:
            SessionError: as services.sessions.update_session.
        """
        return self._change(tenant_id, settings, create=True)

    def note_cleaned(self, tenant_id: str, at: int) -> None:
        """Store when a tenant was cleaned up (ms); it does not add the tenant to the list.

        Raises:
            SessionError: as services.sessions.update_session, without SessionNotFound.
        """
        with contextlib.suppress(SessionNotFound):
            self._change(tenant_id, {"cleaned_at": at}, create=False)

    def _change(
        self, tenant_id: str, settings: Mapping[str, int], *, create: bool
    ) -> TenantSettings:
        def change(session: Session) -> None:
            session["settings"] = {**_get_stored(session), **settings}

        changed = self._sessions.update(encode_key_part(tenant_id), change, create=create)
        self._cache.pop(tenant_id, None)  # this process follows at once, others when theirs ends
        return _parse_settings(changed)

    def list_all(self) -> list[tuple[str, TenantSettings]]:
        """Every known tenant with its settings, by name.

        Raises:
            StoreUnavailable: the engine could not be reached.
        """
        names: list[str] = []
        while page := self._sessions.list_all(start=len(names), limit=PAGE):
            names += page
        found = batches.load(self._sessions, names).done
        return sorted(
            (decode_key_part(name), _parse_settings(stored)) for name, stored in found.items()
        )

    def _read(self, tenant_id: str, *, register: bool) -> TenantSettings:
        name = encode_key_part(tenant_id)
        try:
            return _parse_settings(self._sessions.get(name))
        except SessionNotFound:
            if register:
                self._register(name)
            return TenantSettings()

    def _register(self, name: str) -> None:
        try:
            self._sessions.save(name, {})
        except SessionConflict:
            log.debug("another process added the tenant to the list at the same moment")


def _parse_settings(stored: Session) -> TenantSettings:
    """The settings in a stored document; anything that is not a whole number is ignored."""
    members = _get_stored(stored)
    valid = {name: members[name] for name in NAMES if type(members.get(name)) is int}
    return replace(TenantSettings(), **valid)


def _get_stored(stored: Session) -> dict[str, Any]:
    settings = stored.get("settings")
    return settings if isinstance(settings, dict) else {}
