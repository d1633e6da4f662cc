"""Sessions of one keyspace over one store: versions, owners, expiry and unreadable values.

Everything here is a sequence of whole documents under one key. A save names the version it
was made from; of two that race, the one that lost gets an error and nothing of the other's is
overwritten.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import codec
from .codec import Session
from .errors import (
    SessionConflict,
    SessionNotFound,
    SessionUnreadable,
    StoreUnavailable,
)
from .records import SESSION_MAX_BYTES, SessionRecords, build_refusal
from .stores.base import Condition, Outcome, Record

__all__ = ["SESSION_MAX_BYTES", "Change", "Sessions", "choose_condition"]

UPDATE_ATTEMPTS = 60
"""How often `update` applies its change before it gives up on a busy session."""
UPDATE_SECONDS = 1.0
"""How long it goes on trying, in seconds."""
UPDATE_PAUSE = 0.002
"""Mean of the first random pause between two attempts, in seconds; it grows with each."""

BUSY = "a session is being changed by too many requests at once"

Change = Callable[[Session], bool | None]
"""Alters a session in place; False means that nothing is to be stored. It may be applied more
than once, each time to a freshly loaded session."""


class Sessions(SessionRecords):
    """The sessions of one keyspace; see SessionRecords for its arguments."""

    def get(self, session_id: str, *, owner: str | None = None, extend: bool = False) -> Session:
        """The session with this id.

        Args:
            session_id: its id.
            owner: who asks; a session that has an owner is found by that owner only.
            extend: whether this is an interaction that keeps the session alive.

        Raises:
            InvalidSessionId, SessionNotFound, StoreUnavailable.
            SessionUnreadable: the stored value is no document; it is quarantined.
            SessionFormatUnknown: it is one of a newer release; it is left alone.
        """
        session = self._load(session_id, owner)
        if extend:
            self.extend(session)
        return session

    def save(
        self,
        session_id: str,
        data: Mapping[str, Any],
        *,
        owner: str | None = None,
        ttl: int | None = None,
    ) -> Session:
        """Store a session: a loaded one if nobody changed it meanwhile, anything else as new.

        Args:
            session_id: its id.
            data: a Session that was loaded, or plain data for an id that is not taken.
            owner: for a new session, whose it is; None lets everyone reach it who knows the id.
            ttl: for a new session, seconds it lives after each use; None for as long as its
                kind does.

        Returns:
            The session with the version it has now; the one that was passed, if it was loaded.

        Raises:
            InvalidSessionId, StoreUnavailable.
            SessionConflict: someone else saved it first, or the id is taken.
            SessionNotFound: it was deleted or has expired meanwhile.
            SessionNotSerialisable, SessionTooLarge: nothing is stored.
        """
        session = self.prepare_session(session_id, data, owner, ttl)
        return self._write(session, choose_condition(session))

    def prepare_session(
        self, session_id: str, data: Mapping[str, Any], owner: str | None, ttl: int | None
    ) -> Session:
        """The session that `save` stores: the loaded one that was passed, or a new one."""
        if not isinstance(data, Session) or not data.version:
            session = Session(session_id, data, owner=owner)
            session.ttl = ttl
            return session
        if data.session_id != session_id:
            raise ValueError("a loaded session is saved under its own id")
        return data

    def replace(
        self,
        session_id: str,
        data: Mapping[str, Any],
        *,
        owner: str | None = None,
        ttl: int | None = None,
        parsed: bool = False,
    ) -> Session:
        """Store a session over whatever this owner has there: the last writer wins.

        It is one round trip; only where the id was used before by somebody else, or was
        deleted, it is looked at first. The version is the present moment, since nobody knows
        what is replaced: so of two copies the later one is the higher one.

        Args:
            session_id: its id.
            data: what it is to hold.
            owner: whose it is if it is new.
            ttl: seconds it lives after each use; None for as long as its kind does.
            parsed: whether all of the data comes out of a JSON decoder.

        Raises:
            As `save`, and SessionForeign: the id belongs to somebody else.
        """
        session = Session(session_id, data, owner=owner)
        session.ttl, session.parsed = ttl, parsed
        session.version = self._now_as_version()
        try:
            return self._write(session, Condition.OWNED)
        except SessionConflict:
            pass  # somebody else's, or deleted before: it is looked at now
        for _ in _attempts():
            with contextlib.suppress(SessionConflict):
                there = self._load_or_begin(session_id, owner, create=True)
                session.version, session.stored = there.version, there.stored
                session.owner = there.owner
                return self._write(session, choose_condition(session))
        raise SessionConflict(BUSY)

    def update(
        self, session_id: str, change: Change, *, owner: str | None = None, create: bool = False
    ) -> Session:
        """Load a session, change it, save it; again from the start while others are faster.

        Args:
            session_id: its id.
            change: what is done to it.
            owner: who asks; whose it is if it is new.
            create: whether an empty session is changed and stored where there is none.

        Raises:
            As `get` and `save`, and whatever `change` raises; nothing is stored then.
            SessionConflict: it never won within UPDATE_ATTEMPTS and UPDATE_SECONDS.
        """
        for _ in _attempts():
            with contextlib.suppress(SessionConflict):
                session = self._load_or_begin(session_id, owner, create=create)
                if change(session) is False:
                    return self.extend(session) if session.created_at else session
                return self._write(session, choose_condition(session))
        raise SessionConflict(BUSY)

    def delete(self, session_id: str, *, owner: str | None = None) -> bool:
        """Remove a session; False when there was none that this owner could reach.

        What cannot be read, now or when it was put into quarantine, is removed as well, so that
        nothing of it stays behind.

        Raises:
            InvalidSessionId, SessionFormatUnknown, StoreUnavailable.
        """
        value = self.store.get(self.keyspace.key(session_id))
        try:
            session = self.decode_stored(session_id, value, owner)
        except SessionNotFound:
            # Whatever left a tombstone has emptied the quarantine, or will where it is sent to.
            if value is not None or not self.is_quarantined(session_id, owner=owner):
                return False
            return self.store.delete(self.quarantine_record(session_id))
        except SessionUnreadable:
            return self._delete_record(self.quarantine_record(session_id))
        return self._delete_record(self.build_tombstone(session))

    def exists(self, session_id: str, *, owner: str | None = None) -> bool:
        """Whether there is a session with this id that this owner can reach.

        Raises:
            As `get`, without SessionNotFound.
        """
        try:
            self._load(session_id, owner)
        except SessionNotFound:
            return False
        return True

    def get_expiry(self, session_id: str, *, owner: str | None = None) -> int:
        """Milliseconds since 1970 at which a session ends if nobody uses it.

        Raises:
            As `get`.
        """
        self._load(session_id, owner)
        until = self.store.expires_at(self.keyspace.key(session_id))
        if until is None:
            raise SessionNotFound(session_id)
        return until

    def is_quarantined(self, session_id: str, *, owner: str | None = None) -> bool:
        """Whether a value of this id is in quarantine that may have been this owner's.

        Raises:
            InvalidSessionId, StoreUnavailable.
        """
        value = self.store.get(self.quarantine_record(session_id).key)
        return value is not None and self.can_belong_to(owner, value)

    def set_ttl(self, session_id: str, seconds: int, *, owner: str | None = None) -> Session:
        """Give a session a life of its own: so long from now on, and after each later use.

        Raises:
            ValueError: it is less than a second, or more than this kind may live.
            As `update`.
        """
        if not 1 <= seconds <= self.keyspace.longest:
            raise ValueError(f"a {self.keyspace.name} lives 1 to {self.keyspace.longest} seconds")

        def change(session: Session) -> None:
            session.ttl = seconds

        return self.update(session_id, change, owner=owner)

    def delete_if(
        self, session_id: str, check: Callable[[Session], None], *, owner: str | None = None
    ) -> None:
        """Remove a session if it is as somebody wants it; nobody changes it in between.

        Args:
            session_id: its id.
            check: raises if it is not; it is asked again when others are faster.
            owner: who asks.

        Raises:
            As `update`.
        """
        for _ in _attempts():
            with contextlib.suppress(SessionConflict):
                session = self._load(session_id, owner)
                check(session)
                done = self.store.put(self.build_tombstone(session), Condition.UNCHANGED)
                if done.outcome is not Outcome.STORED:
                    raise build_refusal(done.outcome, session_id)
                self._count("deleted")
                return
        raise SessionConflict(BUSY)

    def extend(self, session: Session) -> Session:
        """Let a session live its full time again from now, without rewriting the document.

        Where that cannot be written the session is served all the same; it lives as long as its
        last write said, or until the next interaction extends it.
        """
        now = self._now()
        with contextlib.suppress(StoreUnavailable):
            self.store.touch(self._make_record(session, b"", now, now + self._life_ms(session)))
        return session

    def is_past_half_life(self, session: Session) -> bool:
        """Whether less than half of the time remains that the last write gave the session."""
        return session.expires_at - self._now() < self._life_ms(session) / 2

    def count(self) -> int:
        """How many sessions there are; exact but for entries of deletions that were cut short."""
        return self.store.count(self.keyspace.index())

    def list_owned(self, owner: str, *, start: int = 0, limit: int = 50) -> list[str]:
        """Ids of an owner's sessions, the ones used last first, in pages."""
        return self.store.members(self.keyspace.owner_index(owner), start=start, limit=limit)

    def list_all(self, *, start: int = 0, limit: int = 50) -> list[str]:
        """Ids of everybody's sessions, in pages; for those who run it, never for a visitor."""
        return self.store.members(self.keyspace.index(), start=start, limit=limit)

    def _load_or_begin(self, session_id: str, owner: str | None, *, create: bool) -> Session:
        """The session, or where there is none and one may be begun, an empty one.

        One that takes the place of a tombstone has the tombstone's version, to be written over.
        """
        value = self.store.get(self.keyspace.key(session_id))
        is_free = value is None or (self.keyspace.reusable and codec.is_tombstone(value))
        if not create or not is_free:
            return self.decode_stored(session_id, value, owner)
        if value is not None:
            self.check_sure(self.keyspace.key(session_id), codec.owner_of(value), owner)
        session = Session(session_id, owner=owner)
        session.version, session.stored = codec.version_of(value or b"") or 0, value
        return session

    def _load(self, session_id: str, owner: str | None) -> Session:
        value = self.store.get(self.keyspace.key(session_id))
        return self.decode_stored(session_id, value, owner)

    def _write(self, session: Session, condition: Condition) -> Session:
        before = session.times
        try:
            record = self.build_record(session)
            return self.accept(session, record, self.store.put(record, condition))
        except BaseException as error:
            session.times = before
            self.count_failure(error)
            raise

    def _delete_record(self, record: Record) -> bool:
        there_was_one = self.store.delete(record)
        self.count_deleted(int(there_was_one))
        return there_was_one


def _attempts() -> Iterator[int]:
    """Turns to try in, with random pauses between: so many, or for so long."""
    give_up_at = time.monotonic() + UPDATE_SECONDS
    for number in range(UPDATE_ATTEMPTS):
        yield number
        if time.monotonic() > give_up_at:
            return
        pause = UPDATE_PAUSE * min(2**number, 16)
        time.sleep(random.uniform(0, 2 * pause))  # noqa: S311 - jitter, not a secret


def choose_condition(session: Session) -> Condition:
    """How a session is stored: as new, or in the place of what it was made from."""
    return Condition.UNCHANGED if session.version else Condition.ABSENT
