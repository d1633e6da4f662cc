"""Many sessions at once: each with its own outcome, all in one round trip to the engine.

While a migration has two copies of every session, each is brought into line by itself, and there
are as many round trips as sessions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .codec import Session
from .errors import InvalidSessionId, SessionError, SessionFormatUnknown, StoreUnavailable
from .repository import Sessions, choose_condition
from .stores.base import Condition, Record

OWNED_AT_ONCE = 50
"""How many of an owner's sessions are listed in one round trip, and removed in another."""


@dataclass(slots=True)
class Batch:
    """What became of many sessions.

    Attributes:
        done: those that were loaded, saved or deleted, by id, in the order they were named.
        failed: why the others were not: SessionNotFound, SessionConflict and so on.
    """

    done: dict[str, Session] = field(default_factory=dict)
    failed: dict[str, SessionError] = field(default_factory=dict)


def load(sessions: Sessions, session_ids: Iterable[str], *, owner: str | None = None) -> Batch:
    """The sessions with these ids that this owner can reach.

    Raises:
        StoreUnavailable: the engine could not be asked.
    """
    batch = Batch()
    keys = _keys(sessions, session_ids, batch)
    for session_id, value in zip(keys, sessions.store.get_many(list(keys.values())), strict=True):
        try:
            batch.done[session_id] = sessions.decode_stored(session_id, value, owner)
        except SessionError as error:
            batch.failed[session_id] = error
    return batch


def save(
    sessions: Sessions,
    items: Mapping[str, Mapping[str, Any]],
    *,
    owner: str | None = None,
    ttl: int | None = None,
) -> Batch:
    """Store sessions, each as `Sessions.save` would: loaded ones and new ones.

    The new ones are one round trip and the loaded ones another.

    Args:
        sessions: which kind.
        items: loaded sessions or plain data, by id.
        owner: whose the new ones are.
        ttl: seconds the new ones live after each use; None for as long as their kind does.

    Raises:
        StoreUnavailable: the engine could not be asked; some may have been stored.
    """
    batch = Batch()
    prepared: dict[Condition, list[tuple[Session, Record]]] = {}
    for session_id, data in items.items():
        session = sessions.prepare_session(session_id, data, owner, ttl)
        before = session.times
        try:
            record = sessions.build_record(session)
        except SessionError as error:
            session.times = before
            _note_failure(sessions, batch, session_id, error)
        else:
            prepared.setdefault(choose_condition(session), []).append((session, record))
    for condition, some in prepared.items():
        _put(sessions, some, condition, batch)
    return batch


def delete(sessions: Sessions, session_ids: Iterable[str], *, owner: str | None = None) -> Batch:
    """Remove the sessions with these ids that this owner can reach.

    It takes two round trips: one to see whose they are, and one to remove them.

    Raises:
        StoreUnavailable: the engine could not be asked; some may have been removed.
    """
    return _delete_loaded(sessions, load(sessions, session_ids, owner=owner))


def delete_owned(
    sessions: Sessions, owner: str, *, before: Callable[[Iterable[Session]], None] | None = None
) -> int:
    """Remove all sessions of an owner, with what is in quarantine of them; how many there were.

    It may be repeated: what was removed stays removed, even if the rest fails.

    Args:
        sessions: of a kind that is listed by owner.
        owner: whose they are.
        before: gets those that are about to be removed.

    Raises:
        StoreUnavailable: the engine could not be asked; some may have been removed.
        SessionFormatUnknown: only sessions of a newer release are left.
    """
    removed, tried, start = 0, set[str](), 0
    left: list[SessionError] = []
    while page := sessions.list_owned(owner, start=start, limit=OWNED_AT_ONCE):
        fresh = [session_id for session_id in page if session_id not in tried]
        if fresh:
            tried.update(fresh)  # what cannot be removed is tried once, so that it ends
            batch = load(sessions, fresh, owner=owner)
            if before and batch.done:
                before(batch.done.values())
            _delete_loaded(sessions, batch)
            discard_quarantined_many(sessions, fresh, owner=owner)
            removed += len(batch.done)
            left += batch.failed.values()
        # Removing moves later sessions to this page, and use moves some to earlier pages. So it
        # starts over until every page has only what could not be removed.
        start = 0 if fresh else start + OWNED_AT_ONCE
    raise_first(left, StoreUnavailable)
    raise_first(left, SessionFormatUnknown)
    return removed


def raise_first(errors: Iterable[SessionError], kind: type[SessionError]) -> None:
    """Raise the first of some errors that is of a kind, if any is."""
    for error in errors:
        if isinstance(error, kind):
            raise error


def _delete_loaded(sessions: Sessions, batch: Batch) -> Batch:
    if batch.done:
        records = [sessions.build_tombstone(session) for session in batch.done.values()]
        sessions.count_deleted(sum(sessions.store.delete_many(records)))
    return batch


def discard_quarantined_many(
    sessions: Sessions, session_ids: Iterable[str], *, owner: str | None = None
) -> None:
    """Remove what is in quarantine under these ids, as far as it may have been this owner's.

    It takes two round trips, the second only where there is any.

    Raises:
        StoreUnavailable: the engine could not be asked; some may have been removed.
    """
    records = [sessions.quarantine_record(session_id) for session_id in session_ids]
    values = sessions.store.get_many([record.key for record in records])
    found = [
        record
        for record, value in zip(records, values, strict=True)
        if value is not None and sessions.can_belong_to(owner, value)
    ]
    if found:
        sessions.store.delete_many(found)


def _keys(sessions: Sessions, session_ids: Iterable[str], batch: Batch) -> dict[str, str]:
    """The keys by id; an id that is none has failed."""
    keys: dict[str, str] = {}
    for session_id in session_ids:
        try:
            keys[session_id] = sessions.keyspace.key(session_id)
        except InvalidSessionId as error:
            batch.failed[session_id] = error
    return keys


def _put(
    sessions: Sessions, some: list[tuple[Session, Record]], condition: Condition, batch: Batch
) -> None:
    """Store what was prepared, under one condition."""
    answers = sessions.store.put_many([record for _, record in some], condition)
    for (session, record), answer in zip(some, answers, strict=True):
        try:
            batch.done[session.session_id] = sessions.accept(session, record, answer)
        except SessionError as error:
            _note_failure(sessions, batch, session.session_id, error)


def _note_failure(sessions: Sessions, batch: Batch, session_id: str, error: SessionError) -> None:
    sessions.count_failure(error)
    batch.failed[session_id] = error
