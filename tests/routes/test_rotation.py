"""Secrets are replaced step by step; whoever was let in stays in, by whatever was signed."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.tokens import Identity
from tests.support.application import create_app
from tests.support.talk import API, start

OLD, NEW = "a secret of the year that is over", "a secret of the year that begins"
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((OLD, ()), (OLD, (NEW,)), (NEW, (OLD,)), (NEW, ())),
)
SHOP = "https://shop.example"
ANN = Identity("acme", "ann")
EMBEDDED: dict[str, Any] = {"headers": {"Origin": SHOP}, "base_url": "https://localhost"}
OWN: dict[str, Any] = {"base_url": "https://localhost"}


@pytest.fixture
def steps(settings: Settings) -> Iterator[list[Flask]]:
    """A host in each step of the rotation, all over one engine."""
    with ExitStack() as stack:
        apps = []
        for secret, earlier in STEPS:
            changed = replace(
                settings,
                secret_key=secret,
                secret_key_fallbacks=earlier,
                auth_secret=secret,
                auth_secret_fallbacks=earlier,
                ops_token=secret.replace(" ", "-"),
                ops_token_fallbacks=tuple(one.replace(" ", "-") for one in earlier),
                cookie_secure=True,
                embed_origins=frozenset({SHOP}),
            )
            app = create_app(changed)
            stack.callback(app.extensions["session_store"].close)
            apps.append(app)
        yield apps


def move(client: FlaskClient, app: Flask) -> FlaskClient:
    """The same browser at another host."""
    other = app.test_client()
    other._cookies = client._cookies
    return other


@pytest.mark.parametrize("where", [OWN, EMBEDDED], ids=["own page", "embedded"])
def test_a_browser_keeps_its_conversations(steps: list[Flask], where: dict[str, Any]) -> None:
    """While hosts are one step apart, whichever of them it meets."""
    client = steps[0].test_client()
    client.get(f"{API}/conversations", **where)
    body = {"initial_input": "A lamp"}
    session_id = client.post(f"{API}/start", json=body, **where).get_json()["session_id"]
    for before, after in pairwise(steps):
        for host in (after, before, after):
            client = move(client, host)
            response = client.get(f"{API}/session/{session_id}", **where)
            assert response.status_code == 200
    # Without its renewed cookie it would be a stranger in the last step.
    assert steps[-1].test_client().get(f"{API}/session/{session_id}", **where).status_code == 404


def test_a_token_and_an_operator_are_let_in(steps: list[Flask]) -> None:
    """By the value before and the value after, at every host."""
    for at, host in enumerate(steps):
        for neighbour in steps[max(0, at - 1) : at + 2]:
            token = neighbour.extensions["tokens"].issue(ANN, seconds=60)
            headers = {"Authorization": f"Bearer {token}"}
            client = host.test_client(use_cookies=False)
            assert client.get("/api/v1/context", headers=headers).status_code == 200
        for secret in dict.fromkeys((STEPS[at][0], *STEPS[at][1])):
            headers = {"Authorization": f"Bearer {secret.replace(' ', '-')}"}
            assert host.test_client().get("/ops/status", headers=headers).status_code == 200
    gone = {"Authorization": f"Bearer {OLD.replace(' ', '-')}"}
    assert steps[-1].test_client().get("/ops/status", headers=gone).status_code == 401


def test_one_that_was_stolen_is_ended_at_once(steps: list[Flask]) -> None:
    """Without the old value nothing that it signed counts."""
    client = steps[0].test_client()
    client.get("/develope", **OWN)
    session_id = start(client)["session_id"]
    assert move(client, steps[-1]).get(f"{API}/session/{session_id}", **OWN).status_code == 404
