"""Who stores too much within an hour is told so, and what others stored stays where it is."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from config import Settings
from tests.support.application import create_app
from tests.support.scraping import Scrape
from tests.support.servers import RedisServer, eventually
from tests.support.signing import signed
from tests.support.talk import API, start, start_analyzed

STATE_BYTES = 50_000
HERE, THERE = "192.0.2.1", "192.0.2.2"


def save(
    client: FlaskClient,
    size: int = STATE_BYTES,
    *,
    address: str = HERE,
    state: str = "",
    **more: Any,
) -> Any:
    """Save a state of so many bytes, a new one unless it is named."""
    body = {"session_id": state or str(uuid.uuid4()), "data": {"text": "x" * size}}
    return client.post(
        "/api/session", json=body, environ_overrides={"REMOTE_ADDR": address}, **more
    )


def save_until_refused(client: FlaskClient, *, address: str = HERE, most: int = 50) -> int:
    """Save states until one is refused; how many were saved."""
    for number in range(most):
        response = save(client, address=address)
        if response.status_code != 200:
            assert_refused(response)
            return number
    raise AssertionError("nothing was refused")


def assert_refused(response: Any) -> None:
    """It is refused in the usual form, with the time to wait."""
    assert response.status_code == 429
    body = response.get_json()
    assert body["code"] == "rate_limited"
    assert "stored" in body["error"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert 0 < int(response.headers["Retry-After"]) <= 3900


@pytest.fixture
def build(settings: Settings) -> Callable[..., FlaskClient]:
    """Makes a client of an application with some other settings."""

    def make(*, cookies: bool = False, **changes: Any) -> FlaskClient:
        return create_app(replace(settings, **changes)).test_client(use_cookies=cookies)

    return make


def test_an_address_stores_so_many_bytes_in_an_hour(build: Callable[..., FlaskClient]) -> None:
    """Under whatever ids; another address has its own budget, and what is there stays."""
    client = build(rate_limit_bytes_address=500_000)
    mine = str(uuid.uuid4())
    assert save(client, state=mine, address=THERE).status_code == 200
    assert save_until_refused(client) == 9
    assert_refused(save(client))
    assert save(client, address=THERE).status_code == 200
    assert client.get(f"/api/session/{mine}").get_json()["data"] == {"text": "x" * STATE_BYTES}
    assert Scrape(client.get("/metrics").text).value("teaser_rate_limited_total", limit="bytes")


def test_an_owner_stores_so_many_bytes_from_any_address(
    build: Callable[..., FlaskClient],
) -> None:
    """Another browser, and a client without a cookie, has not stored them."""
    client = build(cookies=True, rate_limit_bytes_owner=300_000)
    client.get("/develope")
    for at in range(5):
        assert save(client, address=f"192.0.2.{at}").status_code == 200
    assert_refused(save(client, address="192.0.2.99"))
    other = client.application.test_client()
    other.get("/develope")
    assert save(other).status_code == 200


def test_saving_over_it_again_takes_no_more_room(build: Callable[..., FlaskClient]) -> None:
    """Only what makes it longer is counted; a shorter one is always taken."""
    client = build(rate_limit_bytes_address=200_000)
    mine = str(uuid.uuid4())
    for _ in range(20):
        assert save(client, state=mine).status_code == 200
    assert save(client, 180_000, state=mine).status_code == 200
    assert_refused(save(client, 250_000, state=mine))
    assert save(client, 100, state=mine).status_code == 200
    tag = client.get(f"/api/session/{mine}").headers["ETag"]
    assert save(client, 100, state=mine, headers={"If-Match": tag}).status_code == 200


def test_conversations_count_by_what_is_stored_of_them(
    build: Callable[..., FlaskClient],
) -> None:
    """A short message that starts an analysis stores much; what was answered stays."""
    client = build(rate_limit_bytes_address=100_000)
    analyzed = start_analyzed(client)
    session_id = start(client)["session_id"]
    while True:
        body = {"session_id": session_id, "message": "no"}
        response = client.post(f"{API}/respond", json=body)
        if response.status_code != 200 or response.get_json()["complete"]:
            break
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    assert_refused(response)
    stream = client.get(f"{API}/analyze-stream?session_id={session_id}")
    assert "Too much has been stored" in stream.text
    assert client.get(f"{API}/session/{analyzed}").get_json()["analyzed"]
    assert not client.get(f"{API}/session/{session_id}").get_json()["analyzed"]
    assert client.delete(f"{API}/session/{session_id}").status_code == 200


def test_contexts_count_by_user_and_not_by_address(build: Callable[..., FlaskClient]) -> None:
    """A program stores those of many users from one address."""
    client = build(rate_limit_bytes_address=100_000, rate_limit_bytes_owner=100_000)

    def put(user: str, name: str, method: str = "PUT") -> Any:
        headers = {"Authorization": f"Bearer {signed(sub=user)}"}
        body = {"recent_interactions": ["x" * 40_000]}
        return client.open(f"/api/v1/context/{name}", method=method, json=body, headers=headers)

    for user in ("anna", "ben", "cem"):
        assert [put(user, name).status_code for name in ("a", "b")] == [200, 200]
    assert_refused(put("anna", "c"))
    assert_refused(put("anna", "a", "PATCH"))


def test_all_processes_count_together_and_by_themselves_in_an_outage(
    build: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    """Under keys that name nobody and end by themselves; the sessions go into the spill."""
    with RedisServer() as server:
        more = {"store_url": server.url, "rate_limit_bytes_address": 500_000}
        clients = [build(spill_url=f"sqlite:///{tmp_path / 'spill.db'}", **more) for _ in range(2)]
        for at in range(9):
            assert save(clients[at % 2]).status_code == 200
        for client in clients:
            assert_refused(save(client))
        redis = server.client()
        (key,) = redis.keys("rate:*")
        assert HERE.encode() not in key
        assert 0 < redis.ttl(key) <= 3900
        server.stop()
        assert save_until_refused(clients[0]) == 9
        server.start()
        assert eventually(lambda: save_until_refused(clients[0], address=THERE) > 0)


def test_a_full_spill_refuses_and_loses_nothing(
    build: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    """A file that never grows beyond its limit takes what fits; what it took, it sends."""
    file = tmp_path / "spill.db"
    with RedisServer() as server:
        client = build(
            store_url=server.url, spill_url=f"sqlite:///{file}", session_spill_max_bytes=1_048_576
        )
        server.stop()
        saved: list[str] = []
        while len(saved) < 50:
            state = str(uuid.uuid4())
            response = save(client, state=state)
            if response.status_code != 200:
                break
            saved.append(state)
        assert response.status_code == 503
        assert response.get_json()["code"] == "store_unavailable"
        assert int(response.headers["Retry-After"]) > 0
        assert 5 < len(saved) < 20
        assert sum(part.stat().st_size for part in tmp_path.glob("spill.db*")) <= 1_048_576
        server.start()
        assert eventually(lambda: client.get(f"/api/session/{saved[0]}").status_code == 200)
        for state in saved:
            assert client.get(f"/api/session/{state}").status_code == 200


def test_a_full_dict_refuses_and_loses_nothing(build: Callable[..., FlaskClient]) -> None:
    """In bytes, though there is room for more sessions; the chat that is there goes on."""
    client = build(store_url="memory://", memory_max_bytes=1_048_576)
    session_id = start(client)["session_id"]
    for _ in range(50):
        response = save(client)
        if response.status_code != 200:
            break
    assert response.status_code == 503
    assert response.get_json()["code"] == "store_unavailable"
    body = {"session_id": session_id, "message": "no"}
    assert client.post(f"{API}/respond", json=body).status_code == 200


def test_a_state_is_as_long_as_the_setting_says(build: Callable[..., FlaskClient]) -> None:
    """A longer one is refused before it is read, by what is sent and by what is stored."""
    client = build(state_max_bytes=10_000)
    assert save(client, 9_000).status_code == 200
    long = save(client, 11_000)
    assert (long.status_code, long.get_json()["code"]) == (413, "request_too_large")
    at_most = save(client, 9_900)
    assert (at_most.status_code, at_most.get_json()["code"]) == (413, "session_too_large")


def test_no_budget_is_no_limit(build: Callable[..., FlaskClient]) -> None:
    """Nothing is counted then."""
    client = build()
    assert [save(client).status_code for _ in range(30)] == [200] * 30


def test_a_long_name_counts_where_it_is_listed_too(build: Callable[..., FlaskClient]) -> None:
    """The name of a context stands in its key and in the lists, which may outweigh its content."""
    client = build(rate_limit_bytes_owner=500_000)
    header = {"Authorization": f"Bearer {signed(tenant_id='acme', sub='anna')}"}
    for number in range(100):
        name = "\U0001f600" * 120 + str(number)
        response = client.put(f"/api/v1/context/{name}", json={}, headers=header)
        if response.status_code != 200:
            break
    assert_refused(response)
