"""What is said where cookies need TLS and requests come without it."""

import pytest

from services.plain_http import SEEN, LostCookies, find_start_warning


@pytest.mark.parametrize(
    ("addresses", "cookie_secure", "trusted_proxies", "is_told"),
    [
        ("0.0.0.0:8000", True, 0, True),
        ("[::]:8000", True, 0, True),
        ("127.0.0.1:8000,192.0.2.1:8000", True, 0, True),
        ("chat.example:8000", True, 0, True),
        ("0.0.0.0:8000", True, 1, False),
        ("0.0.0.0:8000", False, 0, False),
        ("127.0.0.1:8000", True, 0, False),
        ("[::1]:8000,unix:/run/teaser-chat.sock", True, 0, False),
    ],
)
def test_a_start_that_others_reach_without_tls_is_told(
    addresses: str, cookie_secure: bool, trusted_proxies: int, is_told: bool
) -> None:
    """With the address and what to do; nothing is said where a proxy may have TLS."""
    said = find_start_warning(
        addresses, cookie_secure=cookie_secure, trusted_proxies=trusted_proxies
    )
    assert (said is not None) == is_told
    for word in (addresses, "TLS", "TRUSTED_PROXIES", "SESSION_COOKIE_SECURE=false"):
        assert said is None or word in said


def test_the_first_lost_cookie_is_logged_and_all_are_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One is enough; a service that loses every cookie does not fill the log."""
    lost = LostCookies()
    assert lost.find_warnings() == []
    for _ in range(3):
        lost.note()
    assert lost.find_warnings() == [SEEN]
    assert [record.message for record in caplog.records] == [SEEN]
