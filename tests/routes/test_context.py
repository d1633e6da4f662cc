"""Contexts over HTTP: who asks comes from the token, additions add, every answer tells its time."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from routes import context as routes_context
from services.keyspaces import CONTEXTS
from services.sessions import count_sessions
from services.tokens import Identity, Tokens

URL = "/api/v1/context"
Headers = Mapping[str, str]
Bearer = Callable[..., Headers]


@pytest.fixture
def bearer(app: Flask) -> Bearer:
    """Makes the header of a user of a tenant."""
    tokens: Tokens = app.extensions["tokens"]

    def header(tenant_id: str = "acme", user_id: str = "anna") -> Headers:
        token = tokens.issue(Identity(tenant_id, user_id), seconds=60)
        return {"Authorization": f"Bearer {token}"}

    return header


@pytest.fixture
def anna(bearer: Bearer) -> Headers:
    """Anna's token."""
    return bearer()


def test_a_context_is_stored_and_loaded(client: FlaskClient, anna: Headers) -> None:
    """With whose it is, when, and how long the answer took."""
    body = {"conversation_state": {"step": 2}, "interrupted_queries": ["why?"]}
    stored = client.put(f"{URL}/chat-1", json=body, headers=anna).get_json()
    loaded = client.get(f"{URL}/chat-1", headers=anna).get_json()
    assert loaded.pop("response_time_ms") > 0
    assert stored.pop("response_time_ms") > 0
    assert loaded == stored
    assert stored == {
        "session_id": "chat-1",
        "tenant_id": "acme",
        "user_id": "anna",
        "conversation_state": {"step": 2},
        "interrupted_queries": ["why?"],
        "recent_interactions": [],
        "user_preferences": {},
        "stored_at": stored["stored_at"],
        "last_updated": stored["stored_at"],
        "ttl": 86_400,
    }
    assert datetime.fromisoformat(stored["stored_at"]).utcoffset() is not None


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("1732999999.123", "1.732999999123e9", "1732999999.124"),
        ("1", "1.0", "true"),
        ("10000000000000000000000", "1e22", "10000000000000000000001"),
        ('"1"', '"\\u0031"', "1"),
        ('[1,{"a":2,"b":3}]', '[1.0,{"b":3.0,"a":2}]', "[1]"),
    ],
)
def test_an_addition_that_is_sent_again_is_stored_once(
    client: FlaskClient, anna: Headers, one: str, same: str, other: str
) -> None:
    """Whatever JSON value its id is, and however that is written."""
    for written in (one, one, same, other, same, other):
        body = '{"recent_interactions":[{"id":%s}],"conversation_state":{"a":[{"id":%s}]}}'
        client.patch(
            f"{URL}/chat-1",
            data=body % (written, written),
            content_type="application/json",
            headers=anna,
        )
    held = client.get(f"{URL}/chat-1", headers=anna).get_json()
    assert len(held["recent_interactions"]) == 2
    assert len(held["conversation_state"]["a"]) == 2


def test_an_addition_adds(client: FlaskClient, anna: Headers) -> None:
    """And creates where there is nothing."""
    for body in (
        {"recent_interactions": [{"id": "1"}]},
        {"recent_interactions": [{"id": "2"}], "user_preferences": {"tone": "dry"}},
        {"recent_interactions": [{"id": "2"}]},
    ):
        answer = client.patch(f"{URL}/s", json=body, headers=anna)
        assert answer.status_code == 200
    assert answer.get_json()["recent_interactions"] == [{"id": "1"}, {"id": "2"}]
    assert answer.get_json()["user_preferences"] == {"tone": "dry"}


def test_twenty_additions_at_once_all_count(app: Flask, anna: Headers) -> None:
    """Over HTTP as in the service."""

    def add(number: int) -> int:
        client = app.test_client(use_cookies=False)
        body = {"recent_interactions": [number]}
        return client.patch(f"{URL}/s", json=body, headers=anna).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(add, range(20))) == {200}
    found = app.test_client().get(f"{URL}/s", headers=anna).get_json()
    assert sorted(found["recent_interactions"]) == list(range(20))


def test_a_deleted_context_is_gone(client: FlaskClient, anna: Headers) -> None:
    """One that is not there is deleted already."""
    client.put(f"{URL}/s", json={}, headers=anna)
    for _ in range(2):
        answer = client.delete(f"{URL}/s", headers=anna)
        assert answer.get_json()["status"] == "deleted"
        assert answer.get_json()["response_time_ms"] > 0
    missing = client.get(f"{URL}/s", headers=anna)
    assert (missing.status_code, missing.get_json()["code"]) == (404, "session_not_found")
    assert "no such context" in missing.get_json()["error"]


def test_the_callers_contexts_come_in_pages(
    client: FlaskClient, bearer: Bearer, anna: Headers
) -> None:
    """Only theirs, the ones used last first."""
    for name in ("a", "b", "c"):
        client.put(f"{URL}/{name}", json={}, headers=anna)
    client.put(f"{URL}/d", json={}, headers=bearer("acme", "bob"))
    client.put(f"{URL}/e", json={}, headers=bearer("other", "anna"))
    found = []
    start: int | None = 0
    while start is not None:
        page = client.get(f"{URL}?start={start}&limit=2", headers=anna).get_json()
        found += [entry["session_id"] for entry in page["sessions"]]
        start = page["next_start"]
    assert sorted(found) == ["a", "b", "c"]
    assert len(client.get(URL, headers=anna).get_json()["sessions"]) == 3


@pytest.mark.parametrize("name", ["a:b", "c{x}", "50%", "ü", "a b", "%3a", "*", "x" * 128])
def test_an_id_is_any_text(client: FlaskClient, anna: Headers, name: str) -> None:
    """And comes back as it was."""
    address = f"{URL}/{quote(name, safe='')}"
    assert client.put(address, json={}, headers=anna).get_json()["session_id"] == name
    assert client.get(address, headers=anna).get_json()["session_id"] == name


@pytest.mark.parametrize("name", ["x" * 129, "a%00b", "a%0Ab", "x" * 10_000])
def test_an_id_that_is_none_is_refused(client: FlaskClient, anna: Headers, name: str) -> None:
    """On every method, and nothing is stored."""
    for answer in (
        client.put(f"{URL}/{name}", json={}, headers=anna),
        client.patch(f"{URL}/{name}", json={}, headers=anna),
        client.get(f"{URL}/{name}", headers=anna),
        client.delete(f"{URL}/{name}", headers=anna),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
        assert "session_id" in answer.get_json()["error"]
    assert count_sessions(keyspace=CONTEXTS) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"conversation_state": []}, "conversation_state"),
        ({"conversation_state": None}, "conversation_state"),
        ({"user_preferences": "x"}, "user_preferences"),
        ({"interrupted_queries": {}}, "interrupted_queries"),
        ({"recent_interactions": "abc"}, "recent_interactions"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": "60"}, "ttl"),
        ({"ttl": 1.5}, "ttl"),
        ({"ttl": 2_592_001}, "ttl"),
        ({"tenant_id": "other"}, "tenant_id"),
        ({"user_id": "bob"}, "user_id"),
    ],
)
def test_what_is_no_context_is_named_and_changes_nothing(
    client: FlaskClient, anna: Headers, body: Any, field: str
) -> None:
    """Tenant and user are not the body's to say."""
    for method in (client.put, client.patch):
        answer = method(f"{URL}/s", json=body, headers=anna)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
        assert field in answer.get_json()["errors"]
    assert count_sessions(keyspace=CONTEXTS) == 0


@pytest.mark.parametrize("query", ["start=-1", "start=x", "limit=0", "limit=201", "limit=2.5"])
def test_a_page_that_is_none_is_refused(client: FlaskClient, anna: Headers, query: str) -> None:
    """The argument is named."""
    answer = client.get(f"{URL}?{query}", headers=anna)
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.get_json()["errors"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "DELETE"])
def test_without_a_token_nothing_else_is_looked_at(client: FlaskClient, method: str) -> None:
    """Not even whether the body is one."""
    answer = client.open(f"{URL}/s", method=method, data=b"no json")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert client.get(URL).status_code == 401


def test_a_slow_request_is_named_in_the_log(
    client: FlaskClient,
    anna: Headers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By its id, without anything of the context."""
    monkeypatch.setattr(routes_context, "SLOW_MS", 0.0)
    with caplog.at_level(logging.WARNING):
        answer = client.put(f"{URL}/secret-name", json={}, headers=anna)
    assert answer.headers["X-Request-ID"] in caplog.text
    assert "secret-name" not in caplog.text


def test_a_life_can_be_given(client: FlaskClient, anna: Headers) -> None:
    """With the context, and later."""
    assert client.put(f"{URL}/s", json={"ttl": 60}, headers=anna).get_json()["ttl"] == 60
    assert client.patch(f"{URL}/s", json={}, headers=anna).get_json()["ttl"] == 60
    assert client.patch(f"{URL}/s", json={"ttl": 90}, headers=anna).get_json()["ttl"] == 90
    assert client.put(f"{URL}/s", json={}, headers=anna).get_json()["ttl"] == 86_400


def test_the_member_at_fault_is_named_as_it_is(client: FlaskClient, anna: Headers) -> None:
    """Though a context is no conversation."""
    answer = client.put(f"{URL}/s", json={"conversation_state": []}, headers=anna)
    assert "(conversation_state)" in answer.get_json()["error"]


@pytest.mark.parametrize(("levels", "status"), [(50, 200), (51, 422)])
def test_what_is_added_is_nested_so_deep_at_most(
    client: FlaskClient, anna: Headers, levels: int, status: int
) -> None:
    """Adding the same again goes as deep."""
    held: Any = 1
    for _ in range(levels - 2):
        held = {"a": held}
    for _ in range(2):
        answer = client.patch(f"{URL}/s", json={"user_preferences": {"x": held}}, headers=anna)
        assert answer.status_code == status
