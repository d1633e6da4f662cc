"""Warns where cookies need TLS and requests come without it.

Browsers drop a Secure cookie that arrives over plain HTTP. Each message then comes from an unknown
browser, and its conversation is open to anybody who knows its id.
"""

import logging

from services.listening import are_local

log = logging.getLogger(__name__)

WHAT_TO_DO = (
    "serve over TLS, with TRUSTED_PROXIES set if a proxy has it, or set SESSION_COOKIE_SECURE=false"
)
AT_START = (
    "SESSION_COOKIE_SECURE is true, and {} is served over plain HTTP without a trusted proxy;"
    f" browsers drop the cookies, and conversations are open to who knows their id: {WHAT_TO_DO}"
)
SEEN = (
    "a cookie that needs TLS was set over plain HTTP, where browsers drop it, so that conversations"
    f" are open to who knows their id: {WHAT_TO_DO}"
)


def find_start_warning(addresses: str, *, cookie_secure: bool, trusted_proxies: int) -> str | None:
    """What can be known before the first request; None if nothing speaks against the settings.

    Args:
        addresses: what the server listens on without TLS, with commas.
        cookie_secure: whether cookies need TLS.
        trusted_proxies: how many proxies are in front.
    """
    # On this machine alone it may be behind a proxy that gunicorn trusts by itself.
    is_suspicious = cookie_secure and not trusted_proxies and not are_local(addresses)
    return AT_START.format(addresses) if is_suspicious else None


class LostCookies:
    """Whether this process has set a cookie that no browser keeps; it never forgets."""

    def __init__(self) -> None:
        self._seen = False

    def note(self) -> None:
        """Remember such a cookie; the log has the first one."""
        if not self._seen:
            self._seen = True
            log.warning("%s", SEEN)

    def find_warnings(self) -> list[str]:
        """What to tell operators."""
        return [SEEN] if self._seen else []
