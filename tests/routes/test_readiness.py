"""Who is told what by /readyz: everybody whether it can serve, operators everything."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import WRONG_TOKENS
from config import Settings
from services.plain_http import SEEN
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.talk import API

ALLOWED = int(WRONG_TOKENS.split()[0])
STRANGER = "192.0.2.1"


def ask(
    client: FlaskClient,
    address: str,
    token: str | None = None,
    path: str = "/readyz",
    **headers: str,
) -> Any:
    """Ask from an address."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["Authorization"] = f"Bearer {token}"
    return client.get(path, headers=given, environ_overrides={"REMOTE_ADDR": address})


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        (STRANGER, {}),
        ("2001:db8::1", {}),
        ("127.0.0.1", {"X_Forwarded_For": STRANGER}),
        ("127.0.0.1", {"X_Forwarded_For": "127.0.0.1"}),
        ("127.0.0.1", {"X_Forwarded_For": ""}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        (STRANGER, {"X_Forwarded_For": "127.0.0.1"}),
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_the_public_is_told_the_status_alone(
    settings: Settings, proxies: int, address: str, headers: dict[str, str]
) -> None:
    """Whoever comes through a proxy, or from elsewhere, whatever he claims."""
    client = create_app(replace(settings, trusted_proxies=proxies)).test_client()
    found = ask(client, address, **headers)
    assert (found.status_code, found.get_json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_a_program_of_the_host_is_told_everything(client: FlaskClient, address: str) -> None:
    """It asks gunicorn itself."""
    assert {"stage", "backlog", "warnings"} <= ask(client, address).get_json().keys()


def test_an_operator_is_told_everything(settings: Settings) -> None:
    """From anywhere, with the token; where there is none, nobody has it."""
    token = settings.ops_token
    with_token = create_app(settings).test_client()
    assert "stage" in ask(with_token, STRANGER, token).get_json()
    assert ask(with_token, STRANGER, "another-token-than-that").get_json() == {"status": "ready"}
    without = create_app(replace(settings, ops_token=None)).test_client()
    assert ask(without, STRANGER, token).get_json() == {"status": "ready"}


def test_the_token_cannot_be_guessed_here_either(settings: Settings) -> None:
    """Wrong ones count as at /ops, together with those; asking without one never does."""
    client = create_app(settings).test_client()
    assert {ask(client, STRANGER).status_code for _ in range(3 * ALLOWED)} == {200}
    tries = [ask(client, STRANGER, f"wrong-{at}").status_code for at in range(ALLOWED + 1)]
    assert tries == [200] * ALLOWED + [429]
    assert ask(client, STRANGER, settings.ops_token).status_code == 429
    assert ask(client, "192.0.2.2", settings.ops_token).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "headers", "is_lost"),
    [
        (0, {}, True),
        (0, {"X-Forwarded-Proto": "https"}, True),
        (1, {"X-Forwarded-Proto": "http", "X-Forwarded-For": STRANGER}, True),
        (1, {"X-Forwarded-Proto": "https, http", "X-Forwarded-For": STRANGER}, True),
        (1, {"X-Forwarded-For": STRANGER}, True),
        (1, {"X-Forwarded-Proto": "https", "X-Forwarded-For": STRANGER}, False),
    ],
)
def test_a_cookie_that_browsers_drop_is_a_warning(
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    proxies: int,
    headers: dict[str, str],
    is_lost: bool,
) -> None:
    """One that needs TLS, in answer to plain HTTP as a trusted proxy says; logged once."""
    for address in ("127.0.0.1", STRANGER):
        caplog.clear()
        client = create_app(
            replace(settings, cookie_secure=True, trusted_proxies=proxies)
        ).test_client(use_cookies=False)
        assert ask(client, "127.0.0.1").get_json()["warnings"] == []
        for _ in range(3):
            page = client.get(
                "/develope", headers=headers, environ_overrides={"REMOTE_ADDR": address}
            )
            assert "Secure" in page.headers["Set-Cookie"]
        for path in ("/readyz", "/ops/status"):
            shown = ask(client, STRANGER, settings.ops_token, path=path).get_json()
            assert shown["warnings"] == [SEEN] * is_lost
        assert caplog.text.count(SEEN) == is_lost
        assert ask(client, STRANGER).get_json() == {"status": "ready"}


def test_a_cookie_that_needs_no_tls_is_no_warning(settings: Settings) -> None:
    """Nor is an answer without one; a cookie for an embedding site always needs TLS."""
    site = "https://shop.example"
    plain = replace(settings, cookie_secure=False, embed_origins=frozenset({site}))
    client = create_app(plain).test_client(use_cookies=False)
    assert "Set-Cookie" in client.get("/develope").headers
    assert ask(client, "127.0.0.1").get_json()["warnings"] == []
    embedded = client.get(f"{API}/conversations", headers={"Origin": site})
    assert "Secure" in embedded.headers["Set-Cookie"]
    assert ask(client, "127.0.0.1").get_json()["warnings"] == [SEEN]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
def test_an_answer_without_a_cookie_loses_none(settings: Settings, path: str) -> None:
    """Health checks come over plain HTTP, and are no visitors."""
    client = create_app(replace(settings, cookie_secure=True)).test_client()
    assert "Set-Cookie" not in client.get(path).headers
    assert ask(client, "127.0.0.1").get_json()["warnings"] == []


def test_the_reason_of_an_outage_is_for_operators(settings: Settings) -> None:
    """The status code says enough for a load balancer."""
    engine = CutOff()
    engine.down = True
    client = create_app(settings, engine=engine).test_client()
    found = ask(client, STRANGER)
    assert (found.status_code, found.get_json()) == (503, {"status": "unavailable"})
    assert "reason" in ask(client, STRANGER, settings.ops_token).get_json()
