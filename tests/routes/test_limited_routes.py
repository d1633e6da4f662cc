"""Each route that makes something has its limit, and counts whom it is meant to count."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from config import Settings
from services.keyspaces import CONTEXTS, STATES
from services.sessions import count_sessions
from services.sessions.stores import Store
from services.tokens import Identity, Tokens
from tests.support.application import create_app

TWICE = "2 per hour"


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    """A client of an application that allows everything twice an hour."""
    app = create_app(
        replace(
            settings,
            rate_limit_conversations=TWICE,
            rate_limit_states=TWICE,
            rate_limit_contexts=TWICE,
        )
    )
    yield app.test_client(use_cookies=False)
    store: Store = app.extensions["session_store"]
    store.close()


def bearer(client: FlaskClient, tenant_id: str, user_id: str) -> dict[str, str]:
    """The header of a user of a tenant."""
    tokens: Tokens = client.application.extensions["tokens"]
    return {"Authorization": f"Bearer {tokens.issue(Identity(tenant_id, user_id), seconds=60)}"}


def chat(client: FlaskClient, message: str, session_id: str | None = None) -> Any:
    """A message to the one-endpoint chat."""
    named = {"session_id": session_id} if session_id else {}
    return client.post("/api/v1/chat", json={"message": message, **named})


def save(client: FlaskClient, address: str = "192.0.2.1") -> Any:
    """A state, saved from an address."""
    return client.post(
        "/api/session",
        json={"session_id": str(uuid.uuid4()), "data": {}},
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_beginning_a_chat_counts_and_going_on_does_not(client: FlaskClient) -> None:
    """Both doors share the limit, as they make the same thing."""
    begun = chat(client, "A kettle, 230 V AC").get_json()["session_id"]
    for _ in range(5):
        assert chat(client, "no", begun).status_code == 200
    assert client.post("/api/develope/start", json={"initial_input": "A lamp"}).status_code == 200
    refused = chat(client, "A toaster")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert count_sessions() == 2
    assert chat(client, "no", begun).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b'{"session_id": ""}', b'{"session_id": null}'])
def test_what_names_no_session_counts(client: FlaskClient, body: bytes) -> None:
    """Whatever else it is."""
    found = [
        client.post("/api/v1/chat", data=body, content_type="application/json").status_code
        for _ in range(3)
    ]
    assert found[-1] == 429
    assert 429 not in found[:-1]


def test_saving_a_state_counts_by_address(client: FlaskClient) -> None:
    """A refused one is not saved; loading and deleting go on."""
    assert [save(client).status_code for _ in range(3)] == [200, 200, 429]
    assert save(client, "192.0.2.2").status_code == 200
    assert count_sessions(keyspace=STATES) == 3
    assert client.get(f"/api/session/{uuid.uuid4()}").status_code == 404
    assert client.delete(f"/api/session/{uuid.uuid4()}").status_code == 200


def test_what_a_page_shows_counts_as_a_state(client: FlaskClient) -> None:
    """Both are kept for a browser; reading the list and clearing it go on."""
    browser = client.application.test_client()
    browser.get("/develope")
    shown = [browser.post("/api/develope/current", json={"session_id": None}) for _ in range(3)]
    assert [answer.status_code for answer in shown] == [200, 200, 429]
    assert browser.get("/api/develope/conversations").status_code == 200
    assert browser.delete("/api/develope/conversations").status_code == 200


def test_changing_contexts_counts_by_user(client: FlaskClient) -> None:
    """Storing and adding together; another user, or the same name elsewhere, is another one."""
    anna = bearer(client, "acme", "anna")
    assert client.put("/api/v1/context/a", json={}, headers=anna).status_code == 200
    assert client.patch("/api/v1/context/a", json={}, headers=anna).status_code == 200
    refused = client.put("/api/v1/context/b", json={}, headers=anna)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert count_sessions(keyspace=CONTEXTS) == 1
    assert client.get("/api/v1/context/a", headers=anna).status_code == 200
    for other in (bearer(client, "acme", "bob"), bearer(client, "other", "anna")):
        assert client.put("/api/v1/context/a", json={}, headers=other).status_code == 200
    for _ in range(3):
        assert client.put("/api/v1/context/a", json={}).status_code == 401
