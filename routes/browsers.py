"""The browser that asks, and which conversation it shows."""

from typing import cast

from flask import session

from services.sessions.flask.browser import BrowserSession

CONVERSATION = "conversation"
"""Where a browser's session keeps the id of the conversation it shows."""


def browser() -> BrowserSession:
    """The browser that asks."""
    return cast(BrowserSession, session)


def shown() -> str | None:
    """The conversation it shows, if any.

    Raises:
        StoreUnavailable: what is kept for it cannot be read now.
    """
    found: str | None = browser().get(CONVERSATION)
    return found


def show(session_id: str | None) -> None:
    """Keep which conversation it shows, if that is another one; a script without a cookie has none.

    What cannot be read now is taken to be another one: the new choice counts more.
    """
    asking = browser()
    if asking.has_cookie and (not asking.reachable or shown() != session_id):
        asking[CONVERSATION] = session_id


def leave(session_id: str) -> None:
    """Keep that it shows no conversation, if it is known to show this one."""
    asking = browser()
    if asking.has_cookie and asking.reachable and shown() == session_id:
        show(None)
