"""Saved state over HTTP: restored as it was saved, refused where it is none, tagged by version."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.keyspaces import STATES
from services.sessions import count_sessions, sessions_of
from services.sessions.stores import Store
from tests.support.application import create_app
from tests.support.engines import CutOff

URL = "/api/session"
STATE = {
    "messages": [
        {"id": "m1", "role": "user", "content": "Hello <b>", "timestamp": "2026-01-02T03:04:05Z"},
        {"id": "m2", "role": "assistant", "content": "", "timestamp": 1767323045.5, "mood": "calm"},
    ],
    "agents": {
        "writer": {
            "status": "idle",
            "model": "m-1",
            "metrics": {"tokens": 12, "cost": 0.0021, "latency": 830, "cached": True},
        },
        "critic": {"status": "failed"},
    },
    "logs": [
        {"timestamp": 1, "agent": "writer", "event": "answered", "details": {"to": "m1"}},
        {"event": "quiet", "details": None},
    ],
    "last_updated": "2026-01-02T03:04:06Z",
    "version": 7,
    "owner": "the front end's own",
    "theme": {"dark": [1, None, "x"]},
}


def save(client: FlaskClient, session_id: str, data: Any, **headers: str) -> Any:
    """POST a state."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(URL, json={"session_id": session_id, "data": data}, headers=named)


def load(client: FlaskClient, session_id: str, **headers: str) -> Any:
    """GET a state."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"{URL}/{session_id}", headers=named)


@pytest.fixture
def session_id() -> str:
    """An id a front end has chosen."""
    return str(uuid.uuid4())


@pytest.fixture
def small(settings: Settings) -> Iterator[FlaskClient]:
    """An application for sessions of at most 2000 bytes."""
    app = create_app(replace(settings, session_max_bytes=2000))
    yield app.test_client(use_cookies=False)
    store: Store = app.extensions["session_store"]
    store.close()


def test_it_is_restored_as_it_was_saved(browser: FlaskClient, session_id: str) -> None:
    """Messages, agents, log and everything else, also what is called like our own members."""
    answer = save(browser, session_id, STATE)
    assert answer.status_code == 200
    assert answer.get_json() == {"success": True, "message": "The session is saved."}
    restored = load(browser, session_id)
    assert restored.get_json() == {
        "session_id": session_id,
        "data": STATE,
        "message": "The session was restored.",
    }


@pytest.mark.parametrize("data", [{}, {"messages": []}, {"agents": {}, "logs": []}, {"x": None}])
def test_no_member_is_demanded(client: FlaskClient, session_id: str, data: Any) -> None:
    """A front end may have less, or other things."""
    assert save(client, session_id, data).status_code == 200
    assert load(client, session_id).get_json()["data"] == data


def test_the_last_save_wins(client: FlaskClient, session_id: str) -> None:
    """The whole state is replaced, not merged."""
    save(client, session_id, {"messages": [], "a": 1})
    save(client, session_id, {"b": 2})
    assert load(client, session_id).get_json()["data"] == {"b": 2}


def test_a_deleted_state_is_gone_and_its_id_is_free(client: FlaskClient, session_id: str) -> None:
    """Deleting what is not there succeeds as well."""
    save(client, session_id, {"a": 1})
    first, second = (client.delete(f"{URL}/{session_id}") for _ in range(2))
    assert first.get_json() == {"success": True, "message": "The session is deleted."}
    assert second.get_json() == {"success": True, "message": "There was nothing to delete."}
    missing = load(client, session_id)
    assert (missing.status_code, missing.get_json()["code"]) == (404, "session_not_found")
    assert save(client, session_id, {"again": True}).status_code == 200


def test_a_second_tab_overwrites_nothing(client: FlaskClient, session_id: str) -> None:
    """It says which version it has, and is told that there is another."""
    first = save(client, session_id, {"n": 1}).headers["ETag"]
    assert load(client, session_id).headers["ETag"] == first
    second = save(client, session_id, {"n": 2}, If_Match=first)
    assert second.status_code == 200
    late = save(client, session_id, {"n": 3}, If_Match=first)
    assert (late.status_code, late.get_json()["code"]) == (412, "precondition_failed")
    assert load(client, session_id).get_json()["data"] == {"n": 2}
    either = save(client, session_id, {"n": 4}, If_Match=f"{first}, {second.headers['ETag']}")
    assert either.status_code == 200
    plain = save(client, session_id, {"n": 5})
    assert plain.status_code == 200


@pytest.mark.parametrize("tag", ['"0-0"', "*", 'W/"1-0"', "garbage", ""])
def test_nothing_matches_where_nothing_is(client: FlaskClient, session_id: str, tag: str) -> None:
    """Whoever expects a version creates none."""
    assert save(client, session_id, {}, If_Match=tag).status_code == 412
    assert load(client, session_id).status_code == 404


def test_any_version_may_be_expected(client: FlaskClient, session_id: str) -> None:
    """With `*` there must be one; a weak tag matches none."""
    tag = save(client, session_id, {"n": 1}).headers["ETag"]
    assert save(client, session_id, {"n": 2}, If_Match=f"W/{tag}").status_code == 412
    assert save(client, session_id, {"n": 2}, If_Match="*").status_code == 200


def test_only_a_new_one_may_be_wanted(client: FlaskClient, session_id: str) -> None:
    """Of two that begin at once, one does."""
    assert save(client, session_id, {"n": 1}, If_None_Match="*").status_code == 200
    assert save(client, session_id, {"n": 2}, If_None_Match="*").status_code == 412
    assert load(client, session_id).get_json()["data"] == {"n": 1}


def test_what_is_known_is_not_sent_again(client: FlaskClient, session_id: str) -> None:
    """The same version has no body; another one has."""
    tag = save(client, session_id, {"n": 1}).headers["ETag"]
    same = load(client, session_id, If_None_Match=tag)
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    save(client, session_id, {"n": 2})
    assert load(client, session_id, If_None_Match=tag).get_json()["data"] == {"n": 2}


def test_a_deletion_may_expect_a_version(client: FlaskClient, session_id: str) -> None:
    """What was changed since is not deleted."""
    old = save(client, session_id, {"n": 1}).headers["ETag"]
    new = save(client, session_id, {"n": 2}).headers["ETag"]
    assert client.delete(f"{URL}/{session_id}", headers={"If-Match": old}).status_code == 412
    assert load(client, session_id).status_code == 200
    assert client.delete(f"{URL}/{session_id}", headers={"If-Match": new}).status_code == 200
    assert client.delete(f"{URL}/{session_id}", headers={"If-Match": new}).status_code == 412


def test_a_tag_is_good_for_one_life_of_an_id(client: FlaskClient, session_id: str) -> None:
    """However it begins again after a deletion, the old tag names nothing of it."""
    for new in ({}, {"If_None_Match": "*"}):
        old = save(client, session_id, {"n": 1}, **new).headers["ETag"]
        client.delete(f"{URL}/{session_id}")
        save(client, session_id, {"n": 2}, **new)
        assert save(client, session_id, {"n": 3}, If_Match=old).status_code == 412
        client.delete(f"{URL}/{session_id}")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "data"),
        ("text", "data"),
        (None, "data"),
        ({"messages": {}}, "data.messages"),
        ({"messages": [{"id": "1", "role": "user"}]}, "data.messages.0.content"),
        ({"messages": [{"id": 1, "role": "user", "content": "x"}]}, "data.messages.0.id"),
        ({"messages": ["x"]}, "data.messages.0"),
        (
            {"messages": [{"id": "1", "role": "u", "content": "x", "timestamp": True}]},
            "data.messages.0.timestamp",
        ),
        ({"agents": []}, "data.agents"),
        ({"agents": {"a": {}}}, "data.agents.a.value.status"),
        (
            {"agents": {"a": {"status": "idle", "metrics": {"tokens": "12"}}}},
            "data.agents.a.value.metrics.tokens",
        ),
        (
            {"agents": {"a": {"status": "idle", "metrics": {"cost": -1}}}},
            "data.agents.a.value.metrics.cost",
        ),
        ({"logs": [{}]}, "data.logs.0.event"),
        ({"last_updated": {}}, "data.last_updated"),
    ],
)
def test_what_is_no_state_is_named_and_changes_nothing(
    client: FlaskClient, session_id: str, data: Any, place: str
) -> None:
    """The sentence says where it is wrong."""
    save(client, session_id, {"n": 1})
    answer = save(client, session_id, data)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
    assert f"({place})" in answer.get_json()["error"]
    assert load(client, session_id).get_json()["data"] == {"n": 1}


@pytest.mark.parametrize("session_id", ["x", "", 5, None, "0" * 36])
def test_an_id_is_a_uuid(client: FlaskClient, session_id: Any) -> None:
    """In the body and in the address."""
    answer = save(client, session_id, {})
    assert answer.status_code == 422
    assert "session_id" in answer.get_json()["errors"]
    if isinstance(session_id, str) and session_id:
        assert load(client, session_id).status_code == 422
        assert client.delete(f"{URL}/{session_id}").status_code == 422


def test_a_state_may_be_longer_than_a_message(client: FlaskClient, session_id: str) -> None:
    """Up to the size of a state, which is less than that of a session."""
    assert save(client, session_id, {"x": "y" * 250_000}).status_code == 200
    too_long = save(client, session_id, {"x": "y" * 1_100_000})
    assert (too_long.status_code, too_long.get_json()["code"]) == (413, "request_too_large")


def test_a_session_too_large_is_refused(small: FlaskClient, session_id: str) -> None:
    """With what it takes to store it beside it; what was saved before stays."""
    assert save(small, session_id, {"x": "y" * 500}).status_code == 200
    refused = save(small, session_id, {"x": "y" * 1880})
    assert (refused.status_code, refused.get_json()["code"]) == (413, "session_too_large")
    assert "session has grown too long" in refused.get_json()["error"]
    assert load(small, session_id).get_json()["data"] == {"x": "y" * 500}


def test_its_key_and_its_life(app: Flask, client: FlaskClient, session_id: str) -> None:
    """`session:{uuid}`, a day from the last use."""
    save(client, session_id, {"n": 1})
    store: Store = app.extensions["session_store"]
    until = store.expires_at(f"session:{session_id}")
    stored = sessions_of(STATES).get(session_id)
    assert until == stored.expires_at == stored.updated_at + 86_400_000
    assert count_sessions(keyspace=STATES) == 1


def test_while_the_engine_is_away_clients_get_an_error(settings: Settings, session_id: str) -> None:
    """503 with a sentence, and nothing is lost afterwards."""
    engine = CutOff()
    app = create_app(settings, engine=engine)
    client = app.test_client(use_cookies=False)
    save(client, session_id, {"n": 1})
    engine.down = True
    for answer in (
        save(client, session_id, {"n": 2}),
        load(client, session_id),
        client.delete(f"{URL}/{session_id}"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (503, "store_unavailable")
        assert answer.headers["Retry-After"]
    engine.down = False


def test_with_a_spill_it_goes_on(settings: Settings, session_id: str) -> None:
    """This host keeps it meanwhile, and says so."""
    engine = CutOff()
    app = create_app(replace(settings, spill_url="memory://"), engine=engine)
    client = app.test_client(use_cookies=False)
    engine.down = True
    answer = save(client, session_id, {"n": 1})
    assert (answer.status_code, answer.headers["X-Session-Store"]) == (200, "degraded")
    assert load(client, session_id).get_json()["data"] == {"n": 1}
    tag = load(client, session_id).headers["ETag"]
    assert save(client, session_id, {"n": 2}, If_Match=tag).status_code == 200


def test_a_browser_whose_cookie_is_worthless_gets_one_for_what_it_saves(
    app: Flask, session_id: str
) -> None:
    """Or it could never load it again."""
    client = app.test_client()
    client.set_cookie("browser", "signed-with-another-secret")
    assert save(client, session_id, {"n": 1}).status_code == 200
    assert load(client, session_id).get_json()["data"] == {"n": 1}
    assert app.test_client().get(f"{URL}/{session_id}").status_code == 404


def test_a_weakened_tag_is_still_the_one_that_is_not_wanted(
    client: FlaskClient, session_id: str
) -> None:
    """A proxy may have weakened it."""
    tag = save(client, session_id, {"n": 1}).headers["ETag"]
    assert save(client, session_id, {"n": 2}, If_None_Match=f"W/{tag}").status_code == 412
    assert load(client, session_id, If_None_Match=f"W/{tag}").status_code == 304


@pytest.mark.parametrize(("levels", "status"), [(50, 200), (51, 422), (900, 422)])
def test_a_body_is_nested_so_deep_at_most(
    client: FlaskClient, session_id: str, levels: int, status: int
) -> None:
    """What is taken can be read again, saved again and added to."""
    held: Any = 1
    for _ in range(levels - 2):
        held = {"a": held}
    for _ in range(2):
        answer = save(client, session_id, {"x": held})
        assert answer.status_code == status
        if status == 200:
            tag = answer.headers["ETag"]
            assert load(client, session_id).get_json()["data"] == {"x": held}
            assert save(client, session_id, {"x": held}, If_Match=tag).status_code == 200
        else:
            assert "at most 50 levels" in answer.get_json()["error"]
