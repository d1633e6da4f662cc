"""The operators' page and its data: there for who has the token, and else as if there were none."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import WRONG_TOKENS, create_app
from config import Settings
from tests.support.engines import CutOff
from tests.support.scraping import Scrape

ALLOWED = int(WRONG_TOKENS.split()[0])
REFUSED = "teaser_rate_limited_total"


def ask(
    client: FlaskClient,
    token: str | None,
    address: str = "192.0.2.1",
    path: str = "/ops/status",
) -> Any:
    """Ask for the data with a token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": address})


@pytest.fixture
def token(settings: Settings) -> str:
    """The right one."""
    assert settings.ops_token
    return settings.ops_token


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/ops", "/ops/status"])
def test_without_the_setting_there_is_nothing(
    settings: Settings, token: str, path: str, method: str
) -> None:
    """Exactly as at an address nobody ever heard of, also with a token."""
    client = create_app(replace(settings, ops_token=None)).test_client()
    headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "1"}
    found, unknown = (
        client.open(address, method=method, headers=headers) for address in (path, "/nowhere")
    )
    assert found.status_code == 404
    assert (found.status, found.data, found.headers) == (
        unknown.status,
        unknown.data,
        unknown.headers,
    )
    if method == "GET":
        assert found.get_json()["code"] == "not_found"


def test_the_page_is_a_shell_under_the_strict_policy(client: FlaskClient, token: str) -> None:
    """The same for everybody, without anything inline and without a cookie."""
    found = client.get("/ops")
    assert found.status_code == 200
    policy = found.headers["Content-Security-Policy"]
    assert "script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    for inline in ("<style", "style=", " on", "<script>"):
        assert inline not in found.text.replace(" one", "").replace(" only", "")
    assert token not in found.text
    assert "Set-Cookie" not in found.headers
    assert client.get("/ops", headers={"Authorization": f"Bearer {token}"}).data == found.data


def test_the_data_wants_the_token(client: FlaskClient, token: str) -> None:
    """Who has none is told what to send; who has a wrong one that it is wrong."""
    missing, wrong = ask(client, None), ask(client, "another-token-than-that")
    for response in (missing, wrong):
        assert (response.status_code, response.get_json()["code"]) == (401, "unauthenticated")
    assert missing.headers["WWW-Authenticate"] == "Bearer"
    assert wrong.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    right = ask(client, token)
    assert (right.status_code, right.headers["Cache-Control"]) == (200, "no-store")
    assert right.get_json()["engine"] == "sqlite"


@pytest.mark.parametrize("how", ["query", "cookie", "basic", "a user's token"])
def test_the_token_is_taken_from_nowhere_else(app: Flask, token: str, how: str) -> None:
    """An address stands in logs, a cookie is sent by other pages."""
    client = app.test_client()
    client.set_cookie("Authorization", token if how == "cookie" else "")
    headers = {"basic": {"Authorization": f"Basic {token}"}}.get(how, {})
    if how == "a user's token":
        headers = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"}
    query = {"token": token, "access_token": token} if how == "query" else {}
    assert client.get("/ops/status", headers=headers, query_string=query).status_code == 401


def test_guessing_is_slow(client: FlaskClient, token: str) -> None:
    """After some wrong tries an address is refused, were the next one right; others go on."""
    before = Scrape(client.get("/metrics").text).value(REFUSED, limit="operators") or 0
    tries = [ask(client, f"wrong-token-number-{at}").status_code for at in range(ALLOWED)]
    assert tries == [401] * ALLOWED
    for guess in (token, "another-wrong-token", token):
        refused = ask(client, guess)
        assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert ask(client, token, "192.0.2.2").status_code == 200
    assert Scrape(client.get("/metrics").text).value(REFUSED, limit="operators") == before + 3


@pytest.mark.parametrize("paths", [("/ops/status", "/readyz"), ("/readyz", "/ops/status")])
def test_a_lock_holds_for_every_worker_and_every_address_of_ours(
    settings: Settings, redis_url: str, token: str, paths: tuple[str, str]
) -> None:
    """Wherever the wrong tokens were tried; who sends none is not guessing, and is answered."""
    here, there = (create_app(replace(settings, store_url=redis_url)) for _ in range(2))
    clients = [app.test_client() for app in (here, there)]
    for at in range(ALLOWED):
        wrong = ask(clients[at % 2], f"wrong-token-number-{at}", path=paths[0])
        assert wrong.status_code in (200, 401)
    for client in clients:
        for path in paths:
            locked = ask(client, token, path=path)
            assert (locked.status_code, locked.get_json()["code"]) == (429, "rate_limited")
            assert 1 <= int(locked.headers["Retry-After"]) <= 60
            assert ask(client, token, "192.0.2.2", path).status_code == 200
        assert ask(client, None, path="/readyz").get_json() == {"status": "ready"}
        assert ask(client, None).status_code == 401


def test_watching_and_asking_without_a_token_do_not_count(client: FlaskClient, token: str) -> None:
    """A page that looks every two seconds is no guess, and neither is a mistyped token or two."""
    for each in ("a-wrong-token-typed-once", token, None):
        found = {ask(client, each).status_code for _ in range(1 if each else 5 * ALLOWED)}
        assert found == {200 if each == token else 401}
    assert {ask(client, token).status_code for _ in range(5 * ALLOWED)} == {200}


def test_looking_is_no_answer_that_counts(client: FlaskClient, token: str) -> None:
    """What the page asks for would dilute what people are answered."""
    before = ask(client, token).get_json()["answers"]
    assert ask(client, token).get_json()["answers"] == before
    client.get("/nowhere")
    after = ask(client, token).get_json()["answers"]
    assert after["404"] == before.get("404", 0) + 1


def test_an_operator_can_look_during_an_outage(settings: Settings, token: str) -> None:
    """It is answered, and says what is unknown."""
    engine = CutOff()
    engine.down = True
    client = create_app(settings, engine=engine).test_client()
    assert client.get("/ops").status_code == 200
    found = ask(client, token)
    assert found.status_code == 200
    assert found.get_json()["migration"] is None
    assert "migration" in found.get_json()["unasked"]
