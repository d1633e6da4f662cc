"""Saved state of a chat front end: its messages, its agents and its log, to be restored later.

A front end chooses an id, a UUID, and saves under it what it wants to find again. The last save
wins, unless it names the version it was made from: then a second tab is told that it has an old
one, and overwrites nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.sessions import Session, Sessions
from services.sessions.errors import SessionChanged, SessionNotFound

Expectation = Callable[[str | None], bool]
"""Whether to go on with what is stored: its tag, or None where there is nothing."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What was saved.

    Attributes:
        session_id: the front end's id for it.
        data: what it is.
        tag: names this version of it, and no other that ever was under this id.
    """

    session_id: str
    data: dict[str, Any]
    tag: str


class SavedStates:
    """The saved states of all front ends.

    Args:
        sessions: the sessions that hold them.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def save_session(
        self,
        session_id: str,
        data: Mapping[str, Any],
        *,
        owner: str | None = None,
        expected: Expectation | None = None,
        parsed: bool = False,
    ) -> SavedState:
        """Save a state under an id.

        Args:
            session_id: a UUID.
            data: what to save, plain JSON.
            owner: whose it is; what belongs to someone else is not overwritten.
            expected: must accept what is stored; None to save whatever is.
            parsed: whether the data comes out of a JSON decoder, and need not be looked through.

        Raises:
            SessionChanged: `expected` did not accept it.
            SessionForeign: the id belongs to someone else.
            SessionError: as services.sessions.Sessions.replace and update.
        """
        if expected is None:
            return _saved(
                self._sessions.replace(session_id, {"data": data}, owner=owner, parsed=parsed)
            )

        def change(session: Session) -> None:
            _check(expected, session if session.created_at else None)
            session.clear()
            session["data"] = data
            session.parsed = parsed

        return _saved(self._sessions.update(session_id, change, owner=owner, create=True))

    def load_session(self, session_id: str, *, owner: str | None = None) -> SavedState:
        """What was saved under an id; it lives its full time again from now.

        Raises:
            SessionNotFound: nothing, or it has expired, or it is someone else's.
            SessionError: as services.sessions.get_session.
        """
        return _saved(self._sessions.get(session_id, owner=owner, extend=True))

    def delete_session(
        self, session_id: str, *, owner: str | None = None, expected: Expectation | None = None
    ) -> bool:
        """Remove what was saved under an id; False when there was nothing of this owner.

        Raises:
            SessionChanged: `expected` did not accept what is stored.
            SessionError: as services.sessions.delete_session.
        """
        if expected is None:
            return self._sessions.delete(session_id, owner=owner)
        try:
            self._sessions.delete_if(
                session_id, lambda session: _check(expected, session), owner=owner
            )
        except SessionNotFound:
            _check(expected, None)
            return False
        return True


def _saved(session: Session) -> SavedState:
    return SavedState(session.session_id, session["data"], _tag(session))


def _tag(session: Session) -> str:
    """The version, which begins with a moment: no later life of the same id has it again."""
    return str(session.version)


def _check(expected: Expectation, session: Session | None) -> None:
    if not expected(_tag(session) if session else None):
        raise SessionChanged("the state is not the one that was expected")
