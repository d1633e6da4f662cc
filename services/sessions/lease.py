"""A lease: of several processes that could do a job, one does it, for as long as it renews."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from .errors import SessionConflict, SessionNotFound
from .keyspaces import Keyspace
from .repository import Sessions
from .stores.base import Clock, Store

LEASE_SECONDS = 120
"""Seconds after its last renewal that a lease ends by itself."""

LEASES = Keyspace("lease", "lease:", re.compile(r"[a-z-]{1,40}"), LEASE_SECONDS, reusable=True)


class Lease:
    """The right to do a job.

    Args:
        engine: where everybody who could do it looks.
        name: of the job, lower-case letters and `-`.
        about: what others can read about the holder.
        clock: seconds since 1970.
    """

    def __init__(
        self, engine: Store, name: str, about: Mapping[str, Any], *, clock: Clock = time.time
    ) -> None:
        self._sessions = Sessions(engine, LEASES, clock=clock)
        self._name = name
        self._mine = {**about, "lease": secrets.token_hex(8)}

    def take(self) -> bool:
        """Take it or renew it; False when another has it.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        try:
            session = self._sessions.get(self._name)
            if session["lease"] != self._mine["lease"]:
                return False
            self._sessions.save(self._name, session)
        except SessionNotFound:
            return self._begin()
        except SessionConflict:
            return False
        return True

    def holder(self) -> dict[str, Any]:
        """What the holder says about itself; empty without one.

        Raises:
            StoreUnavailable: the engine could not be asked.
        """
        try:
            return dict(self._sessions.get(self._name))
        except SessionNotFound:
            return {}

    def release(self) -> None:
        """Give it back, if it is ours.

        Raises:
            StoreUnavailable: the engine could not be asked; it ends by itself.
        """
        if self.holder().get("lease") == self._mine["lease"]:
            self._sessions.delete(self._name)

    def _begin(self) -> bool:
        try:
            self._sessions.save(self._name, self._mine)
        except SessionConflict:
            return False
        return True
