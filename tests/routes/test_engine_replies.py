"""Whatever Redis, a proxy or a provider answers: sheltered and told, never a 500."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.sessions.migration.stages import Stage
from services.sessions.stores.base import Store
from tests.support.application import create_app
from tests.support.proxy import Proxy
from tests.support.redis_users import DEPLOYED, PASSWORD, read_rules
from tests.support.servers import RedisServer, eventually
from tests.support.talk import API, respond, start

WITHOUT_PING = ("~*", "+@read", "+@write", "+@scripting", "+info", "+select")
REPLIES = (
    b"-ERR max daily request limit exceeded\r\n",
    b"-upstream failure\r\n",
    b"-no upstream host\r\n",
    b"-DENIED\r\n",
    b"-ERR unknown command 'EVALSHA'\r\n",
)


@pytest.fixture
def address(redis_url: str, redis_server: RedisServer) -> Iterator[Proxy]:
    """A proxy before a real, empty Redis."""
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def spilling(settings: Settings, address: Proxy, tmp_path: Path) -> Iterator[Flask]:
    """The application over the proxy, with a spill."""
    url, spill = f"redis://127.0.0.1:{address.port}/0", f"sqlite:///{tmp_path / 'spill.db'}"
    app = create_app(replace(settings, store_url=url, spill_url=spill, redis_timeout=1.0))
    yield app
    app.extensions["session_store"].close()


@pytest.mark.parametrize("reply", REPLIES)
def test_a_proxy_that_answers_errors_is_an_outage(
    spilling: Flask, address: Proxy, reply: bytes
) -> None:
    """New conversations go on, one that only Redis has is 503, and readiness says why."""
    client = spilling.test_client(use_cookies=False)
    before = start(client)["session_id"]
    address.answer(reply)
    for _ in range(6):
        begun = client.post(f"{API}/start", json={"initial_input": "A lamp"})
        assert (begun.status_code, begun.headers["X-Session-Store"]) == (200, "degraded")
        assert client.get(f"{API}/session/{before}").status_code == 503
    ready = client.get("/readyz")
    report = ready.get_json()
    assert (ready.status_code, report["degraded"]) == (200, True)
    assert report["reason"]
    assert report["spill"]["backlog"] > 0
    address.up()
    outage = spilling.extensions["migration"].outage
    outage.start()
    assert eventually(lambda: outage.spill_backlog == 0)
    outage.finish()
    assert client.get(f"{API}/session/{before}").status_code == 200


def become(server: RedisServer, *rules: str) -> str:
    """The URL of a user with these rights."""
    server.client().execute_command("ACL", "SETUSER", "user", "reset", "on", *rules, f">{PASSWORD}")
    return f"redis://user:{PASSWORD}@127.0.0.1:{server.port}/0"


def serve(settings: Settings, url: str) -> tuple[FlaskClient, Store]:
    """A client of the application over a Redis, and what to close."""
    app = create_app(replace(settings, store_url=url, redis_timeout=1.0))
    return app.test_client(use_cookies=False), app.extensions["session_store"]


@pytest.mark.parametrize("rules", [WITHOUT_PING, tuple(read_rules(DEPLOYED))], ids=["some", "file"])
def test_a_user_who_may_not_ping_is_served(
    settings: Settings, redis_url: str, redis_server: RedisServer, rules: tuple[str, ...]
) -> None:
    """However often readiness is asked."""
    client, store = serve(settings, become(redis_server, *rules))
    for _ in range(6):
        ready = client.get("/readyz")
        assert (ready.status_code, ready.get_json()["degraded"]) == (200, False)
        assert ready.get_json()["breaker"] == {"read": "closed", "write": "closed"}
    begun = start(client)
    respond(client, begun["session_id"], "It has a plug.")
    assert client.get(f"{API}/session/{begun['session_id']}").status_code == 200
    assert client.get("/metrics").text.count('teaser_sessions{keyspace="chat:session"} 1.0') == 1
    assert client.delete(f"{API}/session/{begun['session_id']}").status_code == 200
    store.close()


def test_a_command_that_is_forbidden_says_nothing_of_the_others(
    settings: Settings, redis_url: str, redis_server: RedisServer
) -> None:
    """A user who may not write is refused that, and reads go on."""
    client, store = serve(settings, redis_url)
    session_id = start(client)["session_id"]
    store.close()
    client, store = serve(settings, become(redis_server, "~*", "+get", "+getrange", "+info"))
    for _ in range(5):
        assert client.post(f"{API}/start", json={"initial_input": "A lamp"}).status_code == 503
        assert client.get(f"{API}/session/{session_id}").status_code == 200
    store.close()


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-random"])
def test_eviction_is_warned_of_in_every_stage(
    settings: Settings, redis_server: RedisServer, stage: Stage | None, policy: str
) -> None:
    """With what to set; and no more once it is set."""
    client = redis_server.client()
    client.config_set("maxmemory-policy", policy)
    try:
        app = create_app(replace(settings, stage=stage, store_url=redis_server.url))
        warnings = app.test_client().get("/readyz").get_json()["warnings"]
        app.extensions["session_store"].close()
        assert f"Redis may evict sessions: set maxmemory-policy {policy} to noeviction" in warnings
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    app = create_app(replace(settings, stage=stage, store_url=redis_server.url))
    assert not any(
        "evict" in one for one in app.test_client().get("/readyz").get_json()["warnings"]
    )
    app.extensions["session_store"].close()
    client.close()


def test_a_server_that_is_too_old_is_an_outage_with_its_reason(
    settings: Settings, tmp_path: Path
) -> None:
    """Nothing is written to it, and what is said meanwhile is kept here."""
    spill = f"sqlite:///{tmp_path / 'spill.db'}"
    with RedisServer("--rename-command", "PEXPIRETIME", "") as server:
        app = create_app(replace(settings, store_url=server.url, spill_url=spill))
        client = app.test_client(use_cookies=False)
        for _ in range(5):
            start(client)  # the spill takes it
        report = client.get("/readyz").get_json()
        assert (report["status"], report["reason"]) == ("ready", "server_too_old")
        assert server.client().dbsize() == 0
        app.extensions["session_store"].close()
