"""Saved state of a chat front end: its messages, its agents and its log, to be restored later.

A front end chooses a UUID and saves its state under it. The last save wins, unless a save names
the version it is based on: then a tab with an outdated version gets an error and overwrites
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.sessions import Session, Sessions
from services.sessions.errors import SessionChanged, SessionNotFound

Expectation = Callable[[str | None], bool]
"""Whether to go on, given the tag of the stored state, or None if there is none."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A stored state.

    Attributes:
        session_id: the id the front end chose.
        data: what the front end saved.
        tag: identifies this version among all there ever were under this id.
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
            owner: whose it is; the state of another owner is not overwritten.
            expected: must accept what is stored; None to save in any case.
            parsed: whether the data comes from a JSON decoder, and need not be checked.

        Raises:
            SessionChanged: `expected` did not accept it.
            SessionForeign: the id belongs to someone else.
            SessionError: as services.sessions.Sessions.replace and update.
        """
        if expected is None:
            return _build_state(
                self._sessions.replace(session_id, {"data": data}, owner=owner, parsed=parsed)
            )

        def change(session: Session) -> None:
            # A session that was not stored yet has no time of creation.
            _check_tag(expected, session if session.created_at else None)
            session.clear()
            session["data"] = data
            session.parsed = parsed

        return _build_state(self._sessions.update(session_id, change, owner=owner, create=True))

    def load_session(self, session_id: str, *, owner: str | None = None) -> SavedState:
        """The state under an id; its time to live starts again.

        Raises:
            SessionNotFound: there is none, it has expired, or it is another owner's.
            SessionError: as services.sessions.get_session.
        """
        return _build_state(self._sessions.get(session_id, owner=owner, extend=True))

    def delete_session(
        self, session_id: str, *, owner: str | None = None, expected: Expectation | None = None
    ) -> bool:
        """Delete the state under an id; False when this owner had none.

        Raises:
            SessionChanged: `expected` did not accept what is stored.
            SessionError: as services.sessions.delete_session.
        """
        if expected is None:
            return self._sessions.delete(session_id, owner=owner)
        try:
            self._sessions.delete_if(
                session_id, lambda session: _check_tag(expected, session), owner=owner
            )
        except SessionNotFound:
            _check_tag(expected, None)
            return False
        return True


def _build_state(session: Session) -> SavedState:
    return SavedState(session.session_id, session["data"], _build_tag(session))


def _build_tag(session: Session) -> str:
    """The version; it starts at a timestamp, so that no later state under this id repeats it."""
    return str(session.version)


def _check_tag(expected: Expectation, session: Session | None) -> None:
    if not expected(_build_tag(session) if session else None):
        raise SessionChanged("the state is not the expected version")
