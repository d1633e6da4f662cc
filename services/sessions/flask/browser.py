"""The browser's own session: Flask-Session over the same store as the conversations.

Flask-Session keeps its place in Flask and its ids; this module gives it our store, a signed
cookie, and a session that is not read before someone looks into it. The signature makes the
cookie proof enough of who asks, so a request that only needs the owner costs no look-up.

A page of another site that embeds the chat has a cookie of its own, which browsers send from there
too. The caller says which request comes from such a page; that decides which of the two cookies
is looked at, and the other one then does not count. A browser is thus two, here and embedded there.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SessionMixin
from flask_session.base import ServerSideSessionInterface

from ..codec import Session
from ..errors import (
    SessionFormatUnknown,
    SessionNotFound,
    SessionUnreadable,
    StoreUnavailable,
)
from ..keyspaces import Keyspace
from ..repository import Sessions
from . import cookies

BROWSER = "browser"
BROWSER_TTL = 7 * 86_400
"""Seconds a browser's session lives; it is touched at half life."""
COOKIE_RENEWED = BROWSER_TTL / 2
"""Seconds after which a browser gets its cookie anew, with its full life."""

BROWSERS = Keyspace(
    BROWSER, "browser:", re.compile(r"[A-Za-z0-9_-]{22,128}"), BROWSER_TTL, reusable=True
)
"""The browsers' own sessions, kept for Flask-Session."""


class BrowserSession(SessionMixin):
    """What `flask.session` is: a mapping that is loaded when it is first looked into.

    Attributes:
        sid: the browser's id, as in its signed cookie or freshly drawn.
        has_cookie: whether the request brought a cookie, valid or not: whether this is a browser.
        embedded: whether its cookie is the one for pages of other sites.
        renew: whether less than half of its life was left when it was loaded.
        introduced: whether a cookie is to be set though nothing is stored.
        untouchable: whether what is stored must not be written.
    """

    permanent = True

    def __init__(
        self,
        sid: str | None,
        sessions: Sessions,
        draw_sid: Callable[[], str],
        *,
        has_cookie: bool,
        embedded: bool = False,
    ) -> None:
        self.sid = sid or draw_sid()
        self.has_cookie = has_cookie
        self.embedded = embedded
        self.modified = False
        self.accessed = False
        self.renew = False
        self.introduced = False
        self.untouchable = False
        self._sessions = sessions
        self._draw_sid = draw_sid
        self._known = sid is not None
        self._data: Session | None = None if self._known else Session(self.sid)

    @property
    def owner(self) -> str | None:
        """Who this browser is to the conversations: a digest, so that they hold no cookie."""
        if not self.has_cookie:
            return None
        # Whoever owns something under a fresh id must be given it, or nobody finds it again.
        self.introduced = self.introduced or not self._known
        return hashlib.sha256(b"owner:" + self.sid.encode()).hexdigest()

    def change_identity(self) -> None:
        """Forget what is stored for this browser, and make it another one from now on.

        Who has a copy of its cookie then finds nothing of what it does later.

        Raises:
            StoreUnavailable: the engine could not be reached; the browser is who it was.
        """
        if not self.has_cookie:
            return
        if self._known:
            with contextlib.suppress(SessionFormatUnknown):  # a newer release's is left alone
                self._sessions.delete(self.sid)
        self.sid = self._draw_sid()
        self._data, self._known, self.introduced = Session(self.sid), False, True
        self.modified = self.renew = self.untouchable = False

    def introduce(self) -> None:
        """Give the browser a cookie to be known by, without storing anything for it yet.

        A page that is only looked at, by a person or a crawler, leaves nothing in the store.
        """
        self.introduced = self.introduced or self.data.version == 0

    def forget(self) -> None:
        """Remove what is stored of this browser, and take back its cookie.

        It has a new id the next time, so that a copy of the cookie opens nothing of its later.
        """
        self._data = Session(self.sid)
        self.renew = self.introduced = False
        self.modified = self.has_cookie

    @property
    def reachable(self) -> bool:
        """Whether what is stored for this browser can be read now."""
        try:
            return self.data is not None
        except StoreUnavailable:
            return False

    @property
    def data(self) -> Session:
        """The session's content, read from the store the first time."""
        self.accessed = True
        if self._data is None:
            try:
                self._data = self._sessions.get(self.sid)
            except SessionFormatUnknown:
                # A newer release wrote it and will read it again; until then it is left alone.
                self._data, self.untouchable = Session(self.sid), True
            except (SessionNotFound, SessionUnreadable):
                self._data = Session(self.sid)
            self.renew = bool(self._data.version) and self._sessions.is_past_half_life(self._data)
        return self._data

    def __bool__(self) -> bool:
        return self.introduced or bool(self._data)

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if not self.reachable:
            # The new value counts more than the rest, which the engine that decides may take.
            self._data = Session(self.sid)
        self.data[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self.data[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class BrowserSessions(ServerSideSessionInterface):  # type: ignore[misc] # the package has no types
    """Flask-Session's interface over our store: three storage methods, the opening, the cookie.

    Args:
        app: the application, for its settings.
        sessions: the keyspace of the browsers.
        is_embedded: tells whether a request comes from a page of another site that may embed
            the chat; None for an application that nobody embeds.
        note_lost_cookie: called when a cookie that needs TLS is set over plain HTTP.
    """

    def __init__(
        self,
        app: Flask,
        sessions: Sessions,
        *,
        is_embedded: Callable[[Request], bool] | None = None,
        note_lost_cookie: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(
            app,
            key_prefix="",
            permanent=True,
            sid_length=cookies.SID_BYTES,
            serialization_format="json",
        )
        self._sessions = sessions
        self._is_embedded = is_embedded
        self._note_lost_cookie = note_lost_cookie
        secrets = (str(app.secret_key), *(app.config.get("SECRET_KEY_FALLBACKS") or ()))
        self._signer = cookies.Signer(secrets, lifetime=BROWSER_TTL)

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        """The session of the browser that asks; nothing is read from the store yet."""
        embedded = self._is_embedded is not None and self._is_embedded(request)
        names = self._names(app, embedded=embedded)
        has_cookie, signed = cookies.find_cookie(
            request.headers.get("Cookie", ""), names, self._signer, self._sessions.clock()
        )
        session = BrowserSession(
            signed.sid if signed else None,
            self._sessions,
            lambda: self._draw_sid(app),
            has_cookie=has_cookie,
            embedded=embedded,
        )
        if signed:
            # A tab that stays open looks into nothing, and keeps its cookie all the same.
            session.introduced = signed.age > COOKIE_RENEWED or not signed.is_current
        return session

    def save_session(self, app: Flask, session: BrowserSession, response: Response) -> None:
        """Store the session and set its cookie, if there is anything to store or to set.

        Flask-Session's own would set one cookie only, and none that is partitioned.
        """
        if not self.should_set_storage(app, session):
            return
        response.vary.add("Cookie")
        names, how = self._names(app, embedded=session.embedded), self._cookie(app, session)
        if session:
            self._upsert_session(app.permanent_session_lifetime, session, session.sid)
            ends = self.get_expiration_time(app, session)
            value = self._signer.sign(session.sid, self._sessions.clock())
            if how["secure"] and not request.is_secure and self._note_lost_cookie:
                self._note_lost_cookie()
            for name in cookies.list_names_to_set(names, session.sid):
                response.set_cookie(name, value, expires=ends, **how)
        elif session.modified:
            self._delete_session(session.sid)
            for name in names:
                response.delete_cookie(name, **how)

    def should_set_storage(self, _app: Flask, session: BrowserSession) -> bool:
        """Only a change or the passing of half its life writes; reading never does."""
        wanted = session.modified or session.renew or session.introduced
        return wanted and not session.untouchable

    def _names(self, app: Flask, *, embedded: bool) -> tuple[str, ...]:
        """The names of the cookie that counts, see `cookies`."""
        name = app.config["SESSION_COOKIE_NAME_EMBEDDED" if embedded else "SESSION_COOKIE_NAME"]
        return cookies.list_names(str(name), is_host_only=self._is_host_only(app))

    def _is_host_only(self, app: Flask) -> bool:
        """Whether a browser would take the cookie under a name with the prefix."""
        is_narrower = self.get_cookie_domain(app) or self.get_cookie_path(app) != "/"
        return self.get_cookie_secure(app) and not is_narrower

    def _draw_sid(self, app: Flask) -> str:
        size = cookies.HOST_SID_BYTES if self._is_host_only(app) else cookies.SID_BYTES
        return str(self._generate_sid(size))

    def _cookie(self, app: Flask, session: BrowserSession) -> dict[str, Any]:
        """How the cookie is set and taken back.

        One for pages of other sites is sent from there over TLS only, and kept apart for each
        site that embeds the chat (partitioned), so that it follows nobody from one to another.
        """
        how = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
        }
        if session.embedded:
            how |= {"secure": True, "samesite": "None", "partitioned": True}
        return how

    def _retrieve_session_data(self, store_id: str) -> dict[str, Any] | None:
        # Flask-Session demands it; only its own open_session, replaced above, would call it.
        try:
            return self._sessions.get(store_id)
        except SessionNotFound:
            return None

    def _upsert_session(self, _lifetime: timedelta, session: BrowserSession, store_id: str) -> None:
        if session.modified:
            self._sessions.replace(store_id, dict(session.data))
        elif session.renew:
            self._sessions.extend(session.data)

    def _delete_session(self, store_id: str) -> None:
        self._sessions.delete(store_id)
