"""Who asks, by the Authorization header alone; and what everybody else is answered."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

from config import Settings
from routes.identity import get_identity
from tests.support.application import create_app
from tests.support.signing import signed


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application with a route that needs an identity."""
    return knows_who_asks(app)


def knows_who_asks(app: Flask) -> FlaskClient:
    """A client of this application with such a route."""

    @app.route("/api/whoami", methods=["GET", "POST"])
    def whoami() -> ResponseReturnValue:
        return jsonify(tenant_id=get_identity().tenant_id, user_id=get_identity().user_id)

    return app.test_client(use_cookies=False)


def assert_unauthenticated(response: Any, challenge: str) -> None:
    """The standard error body, and what should have been sent."""
    assert response.status_code == 401
    assert response.get_json()["code"] == "unauthenticated"
    assert response.get_json()["error"].endswith(".")
    assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer ", "  bEaReR  "])
def test_a_bearer_token_says_who_asks(client: FlaskClient, scheme: str) -> None:
    """The scheme may be written in any case."""
    response = client.get("/api/whoami", headers={"Authorization": f"{scheme} {signed()}"})
    assert response.get_json() == {"tenant_id": "acme", "user_id": "ann"}


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic YW5uOmFubg==", "Bearer", "Bearer   ", "Bearertoken", "Token {}", "{}"],
)
def test_no_bearer_token_is_asked_for(client: FlaskClient, header: str | None) -> None:
    """A client that sent none is told no error."""
    headers = {} if header is None else {"Authorization": header.format(signed())}
    assert_unauthenticated(client.get("/api/whoami", headers=headers), "Bearer")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer {} {}", "Bearer {}, Bearer {}", "Bearer é"])
def test_a_bad_token_is_refused(
    client: FlaskClient, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client learns that it is bad, the log why; neither learns the token."""
    caplog.set_level("INFO")
    token = header.format(signed(), signed())
    response = client.get("/api/whoami", headers={"Authorization": token})
    assert_unauthenticated(response, 'Bearer error="invalid_token"')
    assert "malformed" not in response.get_data(as_text=True)
    assert "malformed" in caplog.text
    assert signed() not in caplog.text


def test_nothing_else_says_who_asks(client: FlaskClient) -> None:
    """No other header, no argument, no cookie and no body."""
    token = signed()
    response = client.post(
        "/api/whoami?access_token=" + token + "&tenant_id=acme&sub=ann",
        headers={
            "X-Tenant-Id": "acme",
            "X-User-Id": "ann",
            "Proxy-Authorization": f"Bearer {token}",
            "Cookie": f"Authorization=Bearer {token}",
        },
        json={"tenant_id": "acme", "user_id": "ann", "access_token": token},
    )
    assert_unauthenticated(response, "Bearer")
    response = client.post(
        "/api/whoami",
        headers={"Authorization": f"Bearer {token}", "X-Tenant-Id": "other"},
        json={"tenant_id": "other"},
    )
    assert response.get_json()["tenant_id"] == "acme"


def test_each_request_is_asked_anew(client: FlaskClient) -> None:
    """What one request was is nothing to the next."""
    good = {"Authorization": f"Bearer {signed()}"}
    assert client.get("/api/whoami", headers=good).status_code == 200
    assert client.get("/api/whoami").status_code == 401


def test_without_keys_it_is_our_fault(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """With a token and without one; the log holds no stack trace for each."""
    client = knows_who_asks(create_app(replace(settings, auth_secret=None)))
    for headers in ({}, {"Authorization": f"Bearer {signed()}"}):
        response = client.get("/api/whoami", headers=headers)
        assert response.status_code == 503
        assert response.get_json()["code"] == "authentication_not_configured"
        assert "WWW-Authenticate" not in response.headers
    assert "Traceback" not in caplog.text
