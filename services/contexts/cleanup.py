"""Clean-up: what has expired leaves the lists, and orphans, contexts nobody uses, are removed.

It works on the engine itself and costs as much as there is to remove. Whoever uses a context at
the same moment keeps it.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from services.contexts.tenants import DEFAULT_CLEANUP_THRESHOLD, Tenants, TenantSettings
from services.keys import context_owner_in, key_part
from services.sessions import maintenance
from services.sessions.keyspaces import Keyspace
from services.sessions.repository import Sessions
from services.sessions.stores.base import Clock, Store

__all__ = ["DEFAULT_CLEANUP_THRESHOLD", "Cleaned", "Cleanup"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a clean-up removed for one tenant.

    Attributes:
        tenant_id: whose contexts.
        cleanup_threshold_seconds: for how long nobody had used them.
        cleaned_count: contexts that were living.
        expired_count: entries of contexts that had ended by themselves.
    """

    tenant_id: str
    cleanup_threshold_seconds: int
    cleaned_count: int
    expired_count: int


class Cleanup:
    """Removes what nobody uses any more.

    Args:
        engine: where the sessions are.
        keyspaces: the kinds of session; the one named "context" has the orphans.
        tenants: what is set for each of them.
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
        """Drop what has expired from the list of each kind of session; how many went.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        return {
            name: maintenance.trim(sessions)
            for name, sessions in self._by_name.items()
            if sessions.keyspace.indexed
        }

    def cleanup_orphaned_sessions(
        self, tenant_id: str, threshold_seconds: int | None = None
    ) -> Cleaned:
        """Remove a tenant's contexts that nobody has used for so long.

        Args:
            tenant_id: whose.
            threshold_seconds: how long; None for what is set for the tenant.

        Raises:
            StoreUnavailable: the engine could not be asked; what was removed stays removed.
        """
        threshold = threshold_seconds
        if threshold is None:
            threshold = self._tenants.of(tenant_id).orphan_after
        before = int((self._clock() - threshold) * 1000)
        removal = maintenance.remove_idle(
            self._by_name["context"], key_part(tenant_id), before, context_owner_in
        )
        self._tenants.note_cleaned(tenant_id, int(self._clock() * 1000))
        if removal.removed:
            log.info("removed %d contexts of a tenant that nobody used", removal.removed)
        return Cleaned(tenant_id, threshold, removal.removed, removal.expired)

    def due(self) -> list[str]:
        """The tenants whose clean-up is due.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        now = self._clock() * 1000
        return [
            tenant_id for tenant_id, settings in self._tenants.all() if now >= _next_time(settings)
        ]


def _next_time(settings: TenantSettings) -> int:
    """Milliseconds since 1970 at which a tenant's clean-up is due."""
    return settings.cleaned_at + settings.cleanup_every * 1000 if settings.cleaned_at else 0
