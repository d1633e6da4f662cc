"""Session contexts: what several programs know of one user's session with a tenant.

A context has two mappings and two lists. Programs may add to them at the same time, and every
addition is kept. Tenant and user are part of the key and of the document, so that nobody reaches
the contexts of another.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from services.contexts.changes import EMPTY, merge_context
from services.contexts.tenants import DEFAULT_SESSION_TTL, Tenants
from services.errors import TenantIsolationError
from services.keys import build_context_id, build_context_owner, read_context_name
from services.sessions import Session, Sessions, listing
from services.sessions.errors import SessionForeign, SessionNotSerialisable

__all__ = ["DEFAULT_SESSION_TTL", "Context", "ContextEntry", "Contexts", "Page", "Tenants"]

log = logging.getLogger(__name__)

OWN_TTL = "own_ttl"
"""The member that overrides the tenant's time to live for this context."""


class Context(NamedTuple):
    """A context as it is stored.

    Attributes:
        tenant_id, user_id, session_id: whose it is and which one.
        members: conversation_state, interrupted_queries, recent_interactions, user_preferences.
        stored_at: milliseconds since 1970 of the last time it was stored as a whole.
        last_updated: milliseconds since 1970 of the last change.
        ttl: seconds it lives after each use.
    """

    tenant_id: str
    user_id: str
    session_id: str
    members: dict[str, Any]
    stored_at: int
    last_updated: int
    ttl: int


class ContextEntry(NamedTuple):
    """A context in a list; the attributes are those of Context."""

    tenant_id: str
    user_id: str
    session_id: str
    stored_at: int
    last_updated: int
    ttl: int


class Page(NamedTuple):
    """Some of a user's contexts.

    Attributes:
        contexts: the ones used last first.
        next_start: where the next page begins; None after the last.
    """

    contexts: list[ContextEntry]
    next_start: int | None


class Contexts:
    """The contexts of all tenants.

    Args:
        sessions: the sessions that hold them.
        tenants: their settings.

    Attributes:
        tenants: as given.
    """

    def __init__(self, sessions: Sessions, tenants: Tenants) -> None:
        self._sessions = sessions
        self.tenants = tenants

    def store_session_context(
        self,
        tenant_id: str,
        user_id: str,
        session_id: str,
        context: Mapping[str, Any],
        *,
        ttl: int | None = None,
        parsed: bool = False,
    ) -> Context:
        """Store a context, replacing the present one.

        Args:
            tenant_id: whose it is.
            user_id: whose it is.
            session_id: which one; any text of at most 128 characters.
            context: its members; those left out are empty.
            ttl: seconds it lives after each use; None for the tenant's setting.
            parsed: whether the context comes from a JSON decoder, and need not be checked.

        Raises:
            TenantIsolationError: the stored document belongs to somebody else.
            SessionError: as services.sessions.Sessions.replace.
        """
        whole: dict[str, Any] = {**EMPTY, **context}
        if ttl is not None:
            whole[OWN_TTL] = ttl
        default_ttl = self.tenants.get_settings(tenant_id, register=True).ttl
        with _check_isolation():
            session = self._sessions.replace(
                build_context_id(tenant_id, user_id, session_id),
                whole,
                owner=build_context_owner(tenant_id, user_id),
                ttl=ttl or default_ttl,
                parsed=parsed,
            )
        return _build_context(tenant_id, user_id, session_id, session)

    def get_session_context(self, tenant_id: str, user_id: str, session_id: str) -> Context:
        """A context; its time to live starts again.

        Raises:
            TenantIsolationError: the stored document belongs to somebody else.
            SessionError: as services.sessions.get_session.
        """
        with _check_isolation():
            session = self._sessions.get(
                build_context_id(tenant_id, user_id, session_id),
                owner=build_context_owner(tenant_id, user_id),
                extend=True,
            )
        return _build_context(tenant_id, user_id, session_id, session)

    def update_session_context(
        self,
        tenant_id: str,
        user_id: str,
        session_id: str,
        additions: Mapping[str, Any],
        *,
        ttl: int | None = None,
        parsed: bool = False,
    ) -> Context:
        """Add to a context: mappings merge, lists extend; a missing one is created.

        Args:
            tenant_id: whose it is.
            user_id: whose it is.
            session_id: which one.
            additions: see services.contexts.changes.merge_context.
            ttl: seconds it lives after each use from now on; None to keep the present time.
            parsed: whether the additions come from a JSON decoder.

        Raises:
            TenantIsolationError: the stored document belongs to somebody else.
            SessionError: as services.sessions.update_session.
        """
        default_ttl = self.tenants.get_settings(tenant_id, register=True).ttl

        def change(session: Session) -> None:
            try:
                merged = merge_context({**EMPTY, **session}, additions)
            except RecursionError as error:
                raise SessionNotSerialisable("the additions are nested too deeply") from error
            if ttl is not None:
                merged[OWN_TTL] = ttl
            session.update(merged)
            session.ttl = session.get(OWN_TTL, default_ttl)
            session.parsed = parsed

        with _check_isolation():
            session = self._sessions.update(
                build_context_id(tenant_id, user_id, session_id),
                change,
                owner=build_context_owner(tenant_id, user_id),
                create=True,
            )
        return _build_context(tenant_id, user_id, session_id, session)

    def delete_session_context(self, tenant_id: str, user_id: str, session_id: str) -> bool:
        """Delete a context; False when there was none.

        Raises:
            SessionError: as services.sessions.delete_session.
        """
        return self._sessions.delete(
            build_context_id(tenant_id, user_id, session_id),
            owner=build_context_owner(tenant_id, user_id),
        )

    def list_session_contexts(
        self, tenant_id: str, user_id: str, *, start: int, limit: int
    ) -> Page:
        """A page of a user's contexts, the ones used last first.

        Pages follow the order in which contexts expire, which is the order of their last use
        unless their times to live differ. A context that has just expired is missing from its page.

        Raises:
            StoreUnavailable: the engine could not be reached.
        """
        owner = build_context_owner(tenant_id, user_id)
        names = self._sessions.list_owned(owner, start=start, limit=limit)
        contexts = [
            ContextEntry(
                tenant_id,
                user_id,
                read_context_name(found.session_id),
                stored_at=found.created_at,
                last_updated=found.updated_at,
                ttl=found.ttl or DEFAULT_SESSION_TTL,
            )
            for found in listing.load_listed(self._sessions, names, owner=owner)
        ]
        contexts.sort(key=lambda context: context.last_updated, reverse=True)
        return Page(contexts, start + limit if len(names) == limit else None)


def _build_context(tenant_id: str, user_id: str, session_id: str, session: Session) -> Context:
    return Context(
        tenant_id=tenant_id,
        user_id=user_id,
        session_id=session_id,
        members={name: session.get(name, empty) for name, empty in EMPTY.items()},
        stored_at=session.created_at,
        last_updated=session.updated_at,
        ttl=session.ttl or DEFAULT_SESSION_TTL,
    )


@contextlib.contextmanager
def _check_isolation() -> Iterator[None]:
    """Report and log a document whose owner is not the one that its key names."""
    try:
        yield
    except SessionForeign as error:
        log.error("a context's document belongs to another tenant or user than its key says")
        raise TenantIsolationError("the context belongs to somebody else") from error
