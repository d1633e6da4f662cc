"""Clean-up: expired entries leave the lists, and orphans, which are unused contexts, are removed.

It works on the engine itself, and its cost grows with what there is to remove. A context that is
used at the same moment is kept.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from services.contexts.tenants import DEFAULT_CLEANUP_THRESHOLD, Tenants, TenantSettings
from services.keys import encode_key_part, read_context_owner
from services.keyspaces import CONTEXTS
from services.sessions import maintenance
from services.sessions.keyspaces import Keyspace
from services.sessions.repository import Sessions
from services.sessions.stores.base import Clock, Store

__all__ = ["DEFAULT_CLEANUP_THRESHOLD", "Cleanup", "CleanupResult"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """What a clean-up removed for one tenant.

    Attributes:
        tenant_id: whose contexts.
        cleanup_threshold_seconds: how long they had been unused.
        cleaned_count: contexts that were still alive.
        expired_count: entries of contexts that had expired by themselves.
    """

    tenant_id: str
    cleanup_threshold_seconds: int
    cleaned_count: int
    expired_count: int


class Cleanup:
    """Removes what nobody uses anymore.

    Args:
        engine: where the sessions are.
        keyspaces: the kinds of session; orphans are looked for in CONTEXTS.
        tenants: their settings.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        engine: Store,
        keyspaces: Iterable[Keyspace],
        tenants: Tenants,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._by_name = {
            keyspace.name: Sessions(engine, keyspace, clock=clock) for keyspace in keyspaces
        }
        self._tenants = tenants
        self._clock = clock

    def trim_lists(self) -> dict[str, int]:
        """Remove expired entries from the index of each kind of session; how many there were.

        Raises:
            StoreUnavailable: the engine could not be reached.
        """
        return {
            name: maintenance.trim(sessions)
            for name, sessions in self._by_name.items()
            if sessions.keyspace.indexed
        }

    def cleanup_orphaned_sessions(
        self, tenant_id: str, threshold_seconds: int | None = None
    ) -> CleanupResult:
        """Remove a tenant's contexts that were unused for too long.

        Args:
            tenant_id: whose.
            threshold_seconds: for how long; None for the tenant's setting.

        Raises:
            StoreUnavailable: the engine could not be reached; what was removed stays removed.
        """
        threshold = threshold_seconds
        if threshold is None:
            threshold = self._tenants.get_settings(tenant_id).orphan_after
        before = int((self._clock() - threshold) * 1000)
        removal = maintenance.remove_idle(
            self._by_name[CONTEXTS], encode_key_part(tenant_id), before, read_context_owner
        )
        # Noted last: a clean-up that was interrupted is due again at once.
        self._tenants.note_cleaned(tenant_id, int(self._clock() * 1000))
        if removal.removed:
            log.info("removed %d unused contexts of a tenant", removal.removed)
        return CleanupResult(tenant_id, threshold, removal.removed, removal.expired)

    def list_due(self) -> list[str]:
        """The tenants whose clean-up is due.

        Raises:
            StoreUnavailable: the engine could not be reached.
        """
        now = self._clock() * 1000
        return [
            tenant_id
            for tenant_id, settings in self._tenants.list_all()
            if now >= _get_due_time(settings)
        ]


def _get_due_time(settings: TenantSettings) -> int:
    """Milliseconds since 1970 at which a tenant's clean-up is due."""
    return settings.cleaned_at + settings.cleanup_every * 1000 if settings.cleaned_at else 0
