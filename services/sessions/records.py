"""Sessions on their way into a store and out of it: keys, records, owners, unreadable values."""

import contextlib
import logging
import time
from collections.abc import Callable

from . import codec, metrics
from .codec import Session
from .errors import (
    OWNER_UNKNOWN,
    SessionConflict,
    SessionError,
    SessionForeign,
    SessionFormatUnknown,
    SessionNotFound,
    SessionTooLarge,
    SessionUnreadable,
    StoreUnavailable,
)
from .keyspaces import UNREADABLE_KEPT, Keyspace
from .stores.base import Clock, Outcome, Put, Record, Store, quarantine_key
from .stores.clocks import make_steady

log = logging.getLogger(__name__)

MOMENTS = 100_000
"""Moments in a second, as a version counts them: more than one session can be written in, and
few enough for the 15 digits of a version until the year 2286."""
SESSION_MAX_BYTES = 1_048_576
"""The longest document that is stored, in bytes, unless the settings say otherwise."""

Spend = Callable[[Keyspace, Record, str | None], None]
"""Is told what a session of this kind and owner is about to be stored as."""

EVENTS: dict[type[BaseException], str] = {
    SessionConflict: "conflict",
    SessionForeign: "missing",
    SessionFormatUnknown: "unknown_format",
    SessionNotFound: "missing",
    SessionTooLarge: "too_large",
    SessionUnreadable: "corrupt",
}
"""What a failure is counted as; one of the engine is counted where it is asked."""


class SessionRecords:
    """What the sessions of one keyspace are as stored documents.

    Args:
        store: where they are.
        keyspace: which kind they are.
        max_bytes: the longest document that is stored, in bytes, unless its kind allows less.
        clock: seconds since 1970.
        spend: gets every document before it is stored, with its owner; what it raises refuses it.
    """

    def __init__(
        self,
        store: Store,
        keyspace: Keyspace,
        *,
        max_bytes: int = SESSION_MAX_BYTES,
        clock: Clock = time.time,
        spend: Spend | None = None,
    ) -> None:
        self.store = store
        self.keyspace = keyspace
        self._max_bytes = min(max_bytes, keyspace.max_bytes or max_bytes)
        self._spend = spend
        self.clock = make_steady(clock)
        metrics.announce_keyspace(keyspace.name)

    def decode_stored(self, session_id: str, value: bytes | None, owner: str | None) -> Session:
        """The session in what is stored under its key, counted as a load.

        Args:
            session_id: its id, which was checked when its key was made.
            value: what is stored; None for nothing.
            owner: who asks.

        Raises:
            As `get`.
        """
        try:
            session = self._decode_checked(session_id, value, owner)
        except SessionError as error:
            self.count_failure(error)
            raise
        self._count("loaded")
        return session

    def _decode_checked(self, session_id: str, value: bytes | None, owner: str | None) -> Session:
        key = self.keyspace.key(session_id, is_checked=True)
        if value is None:
            raise SessionNotFound(session_id)
        if codec.is_tombstone(value):
            self.check_sure(key, codec.owner_of(value), owner)
            raise SessionNotFound(session_id)
        try:
            session = codec.decode(value)
            if session.session_id != session_id:
                raise SessionUnreadable("the document belongs under another key")
        except SessionUnreadable:
            self._quarantine(key, value, session_id)
            raise
        except SessionFormatUnknown:
            with contextlib.suppress(SessionUnreadable):  # it may name its owner otherwise
                if codec.owner_of(value) not in (None, owner):
                    raise SessionForeign(session_id) from None
            raise
        self.check_sure(key, session.owner, owner)
        if session.owner is not None and session.owner != owner:
            raise SessionForeign(session_id)
        return session

    def check_sure(self, key: str, whose: str | None, owner: str | None) -> None:
        """Make sure that nobody is shown what somebody else may have put under their id.

        Raises:
            StoreUnavailable: it can be known only when the engine can be asked.
        """
        if whose != owner and self.store.is_unsure(key):
            raise StoreUnavailable(OWNER_UNKNOWN)

    def build_record(self, session: Session) -> Record:
        """A session with its times set, as a record to be stored.

        Raises:
            SessionNotSerialisable, SessionTooLarge, InvalidSessionId, and what `spend` raises.
        """
        now = session.updated_at = self._now()
        session.created_at = session.created_at or now
        session.expires_at = now + self._life_ms(session)
        entry = self.keyspace.build_list_entry(session)
        body = codec.encode_body(session, self._max_bytes, entry)
        record = self._make_record(session, body, now, session.expires_at)
        if self._spend:
            self._spend(self.keyspace, record, session.owner)
        return record

    def accept(self, session: Session, record: Record, done: Put) -> Session:
        """The session as it is stored now, if the store took it.

        Raises:
            SessionConflict, SessionNotFound, SessionUnreadable: it did not.
        """
        if done.outcome is not Outcome.STORED:
            raise build_refusal(done.outcome, session.session_id)
        self._count("saved" if session.version else "created")
        session.version, session.stored = done.version, codec.join(done.version, record.body)
        metrics.observe_document_bytes(self.keyspace.name, len(record.body))
        return session

    def count_failure(self, error: BaseException) -> None:
        """Count what went wrong with one session."""
        event = EVENTS.get(type(error))
        if event:
            self._count(event)

    def count_deleted(self, number: int) -> None:
        """Count sessions that were removed."""
        for _ in range(number):
            self._count("deleted")

    def _count(self, event: str) -> None:
        metrics.count_session_event(self.keyspace.name, event)

    def _now(self) -> int:
        return int(self.clock() * 1000)

    def _now_as_version(self) -> int:
        """The present moment as a version."""
        return int(self.clock() * MOMENTS)

    def _life_ms(self, session: Session) -> int:
        """Milliseconds it lives after each use."""
        return self.keyspace.life(session, session.ttl) * 1000

    def _make_record(self, session: Session, body: bytes, now: int, expires_at: int) -> Record:
        version = session.version + 1
        if not session.version and self.keyspace.reusable:
            # Counting from 1 once more, an id's second life would pass for its first.
            version = self._now_as_version()
        return Record(
            key=self.keyspace.key(session.session_id, is_checked=session.stored is not None),
            version=version,
            body=body,
            expires_at=expires_at,
            member=session.session_id,
            indexes=self.keyspace.indexes(session.owner),
            base=session.stored,
            idle_index=self.keyspace.idle_index(session.session_id),
            active_at=now,
        )

    def build_tombstone(self, session: Session) -> Record:
        """What takes the place of a session that is removed."""
        # No copy made before this moment can live longer.
        now = self._now()
        until = now + self.keyspace.longest * 1000
        body = codec.tombstone_body(session.owner)
        return self._make_record(session, body, now, until)._replace(deleted=True)

    def _quarantine(
        self, key: str, value: bytes, session_id: str, owner: str | None = None
    ) -> None:
        keep_until = self._now() + UNREADABLE_KEPT * 1000
        indexes = [*self.keyspace.indexes(owner), self.keyspace.idle_index(session_id)]
        if self.store.quarantine(key, value, keep_until, session_id, list(filter(None, indexes))):
            # The id gives access, so the log has only enough of it to find the key.
            shown = 0 if self.keyspace.group else 8
            start = key[: len(self.keyspace.prefix) + shown]
            log.warning("quarantined an unreadable session: %s... (%d bytes)", start, len(value))

    def quarantine_record(self, session_id: str) -> Record:
        """Where an unreadable value of this session is in quarantine, as a record to be removed."""
        record = self.build_tombstone(Session(session_id))
        return record._replace(
            key=quarantine_key(record.key), indexes=(), idle_index="", deleted=False
        )

    def can_belong_to(self, owner: str | None, value: bytes) -> bool:
        """Whether a value in quarantine may have been this owner's, or everybody's."""
        try:
            return codec.owner_of(value) in (None, owner)
        except SessionUnreadable:
            return True

    def quarantine(self, session: Session) -> None:
        """Quarantine a loaded session whose data its reader cannot use, as an unreadable value.

        Raises:
            StoreUnavailable.
        """
        key = self.keyspace.key(session.session_id)
        self._count("corrupt")
        self._quarantine(key, session.stored or b"", session.session_id, session.owner)


def build_refusal(outcome: Outcome, session_id: str) -> Exception:
    """What is raised for a write that a store did not take."""
    if outcome is Outcome.CONFLICT:
        return SessionConflict(session_id)
    if outcome is Outcome.MISSING:
        return SessionNotFound(session_id)
    return SessionUnreadable(session_id)
