"""Clean-up that costs as much as there is to remove, not as much as is stored.

Expired sessions end by themselves, in Redis at once, elsewhere when they are met. What is left
for clean-up are their entries in the lists, rows of a table nobody asks for, and sessions that
live on though nobody has used them for long.
"""

from collections.abc import Callable
from typing import NamedTuple

from .codec import Session
from .errors import SessionError, SessionUnreadable, StoreUnavailable
from .repository import Sessions
from .stores.base import Condition, Outcome, Record

BATCH = 200
"""Sessions in one round trip."""


class Removal(NamedTuple):
    """What became of sessions that nobody had used.

    Attributes:
        removed: sessions that were living, and were removed.
        expired: entries of sessions that had ended by themselves.
    """

    removed: int = 0
    expired: int = 0


def trim(sessions: Sessions, *, owner: str | None = None) -> int:
    """Drop what has expired from an owner's list, or from the list of all; how many went.

    Raises:
        StoreUnavailable: the engine could not be asked.
    """
    keyspace = sessions.keyspace
    if not keyspace.indexed:
        return 0
    return sessions.store.trim(keyspace.index() if owner is None else keyspace.owner_index(owner))


def remove_idle(
    sessions: Sessions, group: str, before: int, owner_in: Callable[[str], str]
) -> Removal:
    """Remove a group's sessions that nobody has used after an instant.

    Whoever uses one at the same moment keeps it: the engine decides, session by session.

    Args:
        sessions: of a kind that is listed by last use.
        group: which of them, see Keyspace.group.
        before: milliseconds since 1970.
        owner_in: whose a session is, from its id.

    Raises:
        StoreUnavailable: the engine could not be asked; what was removed stays removed.
    """
    index = sessions.keyspace.idle_index_of(group)
    removed = expired = 0
    while names := sessions.store.idle(index, before, limit=BATCH):
        records = [_build_removal(sessions, name, owner_in(name), before) for name in names]
        answers = sessions.store.put_many(records, Condition.IDLE)
        outcomes = [answer.outcome for answer in answers]
        removed += outcomes.count(Outcome.STORED)
        expired += outcomes.count(Outcome.MISSING)
        unreadable = [
            name
            for name, outcome in zip(names, outcomes, strict=True)
            if outcome is Outcome.CORRUPT and _quarantine(sessions, name, owner_in(name))
        ]
        if not (unreadable or {Outcome.STORED, Outcome.MISSING} & set(outcomes)):
            break  # all of these are in use again, and stand elsewhere in the list by now
    sessions.count_deleted(removed)
    return Removal(removed, expired)


def _quarantine(sessions: Sessions, session_id: str, owner: str) -> bool:
    """Whether a value that is no document was found so, and thereby leaves the list."""
    try:
        sessions.get(session_id, owner=owner)
    except SessionUnreadable:
        return True
    except StoreUnavailable:
        raise
    except SessionError:
        pass  # it is another one by now, which is looked at the next time
    return False


def _build_removal(sessions: Sessions, session_id: str, owner: str, before: int) -> Record:
    session = Session(session_id, owner=owner)
    return sessions.build_tombstone(session)._replace(active_at=before)
