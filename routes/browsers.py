"""The browser that sent the request, and the conversation it shows."""

from typing import cast

from flask import session

from services.sessions.flask.browser import BrowserSession

CONVERSATION = "conversation"
"""The member of a browser's session with the id of the conversation it shows."""


def get_browser() -> BrowserSession:
    """The browser that sent the request."""
    return cast(BrowserSession, session)


def get_current() -> str | None:
    """The conversation it shows, if any.

    Raises:
        StoreUnavailable: its session cannot be read now.
    """
    found: str | None = get_browser().get(CONVERSATION)
    return found


def set_current(session_id: str | None) -> None:
    """Store which conversation it shows; nothing is stored for a client without a cookie.

    While its session cannot be read, the choice is stored as well: the newer one matters.
    """
    browser = get_browser()
    if browser.has_cookie and (not browser.reachable or get_current() != session_id):
        browser[CONVERSATION] = session_id


def clear_current(session_id: str) -> None:
    """Store that it shows no conversation, if it is known to show this one."""
    browser = get_browser()
    if browser.has_cookie and browser.reachable and get_current() == session_id:
        set_current(None)
