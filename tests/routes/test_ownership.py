"""What belongs to a browser or to a tenant's user: every route, walked from the URL map."""

import uuid

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.keys import build_context_id
from services.keyspaces import CONTEXTS as CONTEXTS_KIND
from services.keyspaces import STATES as STATES_KIND
from services.keyspaces import TEASER_CHAT
from services.sessions import sessions_of
from tests.support.owned_routes import (
    BY_BROWSER,
    CONTEXTS,
    CONVERSATIONS,
    HISTORIES,
    MAKING,
    OWNED,
    PUBLIC,
    STATES,
    redact,
)
from tests.support.signing import claims, signed
from tests.support.talk import API, conversation, finish, start, start_analyzed

SAVE, LOAD, DELETE = STATES.values()
OTHER_SECRET = "another secret than that of the tests"


@pytest.fixture
def app(app_on_each_engine: Flask) -> Flask:
    """The application over every engine."""
    return app_on_each_engine


@pytest.fixture(params=["another browser", "no cookie", "a forged cookie", "a cut cookie"])
def stranger(request: pytest.FixtureRequest, app: Flask, browser: FlaskClient) -> FlaskClient:
    """Somebody who knows the id and is not the browser that began with it."""
    client = app.test_client()
    if request.param == "another browser":
        client.get("/develope")
    cookie = browser.get_cookie("browser")
    assert cookie is not None
    sid, issued, mac = cookie.value.split(".")
    if request.param == "a forged cookie":
        client.set_cookie("browser", f"{sid}.{issued}.{mac[::-1]}")
    if request.param == "a cut cookie":
        client.set_cookie("browser", sid)
    return client


def stored(kind: str, session_id: str) -> bytes | None:
    """The document itself, as the engine has it."""
    sessions = sessions_of(kind)
    return sessions.store.get(sessions.keyspace.key(session_id))


def saved(client: FlaskClient) -> tuple[str, str]:
    """The id and the ETag of a state that this client saved."""
    session_id = str(uuid.uuid4())
    response = SAVE.send(client, session_id)
    assert response.status_code == 200
    return session_id, response.headers["ETag"]


def test_every_route_is_public_on_purpose_or_checked_here(app: Flask) -> None:
    """A route that is added has to be put on one of the lists."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints == set(PUBLIC) | set(OWNED)
    assert not set(PUBLIC) & set(OWNED)
    assert all(PUBLIC.values())


def test_every_owned_route_is_tried_in_each_way_it_answers(app: Flask) -> None:
    """A method that a route is given later is not left out; HEAD is GET without its body."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OWNED:
            tried = OWNED[rule.endpoint].method
            assert (rule.methods or set()) - {"HEAD", "OPTIONS"} == {tried}, rule.endpoint


def test_for_a_stranger_it_does_not_exist(browser: FlaskClient, stranger: FlaskClient) -> None:
    """Every route answers as for an id nobody has, and nothing changes."""
    ids = {TEASER_CHAT: start_analyzed(browser), STATES_KIND: saved(browser)[0]}
    before = {kind: stored(kind, session_id) for kind, session_id in ids.items()}
    for endpoint, call in BY_BROWSER.items():
        session_id, nobodys = ids[STATES_KIND if endpoint in STATES else TEASER_CHAT], uuid.uuid4()
        answer = redact(call.send(stranger, session_id), session_id)
        if endpoint in MAKING:
            assert answer == redact(LOAD.send(stranger, str(nobodys)))
        else:
            assert answer == redact(call.send(stranger, str(nobodys)), str(nobodys)), endpoint
        if call.method in ("GET", "POST"):
            assert answer[0] == 404, endpoint
            assert "session_not_found" in answer[1]
    assert {kind: stored(kind, session_id) for kind, session_id in ids.items()} == before
    assert conversation(browser, ids[TEASER_CHAT])["analyzed"]
    assert LOAD.send(browser, ids[STATES_KIND]).get_json()["data"]["n"] == "changed"


def test_a_stranger_sees_changes_and_clears_nothing_of_a_history(
    browser: FlaskClient, stranger: FlaskClient
) -> None:
    """It has a history of its own, and clears that."""
    shown, listing, clearing, exporting, erasing = HISTORIES.values()
    ids = [start(browser)["session_id"] for _ in range(2)]
    before = [stored(TEASER_CHAT, session_id) for session_id in ids]
    mine = listing.send(browser, "").get_json()
    assert listing.send(stranger, "").get_json() == {"conversations": [], "current": None}
    assert shown.send(stranger, "").get_json() == {"current": None}
    own = start(stranger)["session_id"]
    found = listing.send(stranger, "").get_json()
    assert [entry["session_id"] for entry in found["conversations"]] == [own]
    showing = CONVERSATIONS["conversations.show_conversation"]
    assert showing.send(stranger, ids[0]).status_code == 404
    assert shown.send(stranger, "").get_json() == {"current": own}
    assert clearing.send(stranger, "").get_json() == {"status": "deleted", "deleted": 1}
    assert CONVERSATIONS["develope.get_session_route"].send(stranger, own).status_code == 404
    assert [stored(TEASER_CHAT, session_id) for session_id in ids] == before
    exported = exporting.send(stranger, "").get_json()
    assert exported["conversations"] == exported["states"] == []
    assert erasing.send(stranger, "").get_json() == {"status": "deleted", "deleted": 0}
    assert [stored(TEASER_CHAT, session_id) for session_id in ids] == before
    assert listing.send(browser, "").get_json() == mine


def test_a_stranger_learns_nothing_from_the_state(
    browser: FlaskClient, stranger: FlaskClient
) -> None:
    """Not complete, not analysed: the same 404, not the 409 its owner gets."""
    session_id = start(browser)["session_id"]
    for endpoint in ("develope.analyze_norms", "develope.ask_analysis_question"):
        assert CONVERSATIONS[endpoint].send(stranger, session_id).status_code == 404
        assert CONVERSATIONS[endpoint].send(browser, session_id).status_code == 409


def test_a_start_is_repeated_by_whoever_began(browser: FlaskClient, stranger: FlaskClient) -> None:
    """A stranger who knows its message id begins a conversation of its own."""
    again = {"client_message_id": str(uuid.uuid4())}
    session_id = start(browser, **again)["session_id"]
    assert start(stranger, **again)["session_id"] != session_id
    assert start(browser, **again)["session_id"] == session_id


def test_no_condition_opens_somebody_else_s_state(
    browser: FlaskClient, stranger: FlaskClient
) -> None:
    """Neither for saving nor for deleting, and nobody learns whether its tag is right."""
    session_id, etag = saved(browser)
    before = stored(STATES_KIND, session_id)
    for header in ("If_Match", "If_None_Match"):
        for tag in ("*", etag, '"another"', "no tag at all"):
            condition = {header: tag}
            for call in (SAVE, LOAD):
                assert call.send(stranger, session_id, **condition).status_code == 404, condition
            nobodys = DELETE.send(stranger, str(uuid.uuid4()), **condition)
            assert redact(DELETE.send(stranger, session_id, **condition)) == redact(nobodys), (
                condition
            )
            assert stored(STATES_KIND, session_id) == before, condition


def test_without_a_cookie_the_id_is_the_key(app: Flask, client: FlaskClient) -> None:
    """A conversation started by a script is reached by its id, also from a browser."""
    session_id = start(client)["session_id"]
    other = app.test_client()
    other.get("/develope")
    assert conversation(other, session_id)["session_id"] == session_id


@pytest.mark.parametrize("condition", [{}, {"If_Match": "*"}, {"If_None_Match": '"another"'}])
def test_a_browser_that_changes_a_script_s_state_does_not_become_its_owner(
    browser: FlaskClient, client: FlaskClient, condition: dict[str, str]
) -> None:
    """It is reached by its id alone, by everyone, before and after."""
    session_id, _ = saved(client)
    assert SAVE.send(browser, session_id, **condition).status_code == 200
    for anyone in (client, browser):
        assert LOAD.send(anyone, session_id).status_code == 200
    assert sessions_of(STATES_KIND).get(session_id).owner is None
    assert DELETE.send(client, session_id).get_json()["message"] == "The session is deleted."


def test_a_script_gets_no_cookie(client: FlaskClient) -> None:
    """Otherwise its next request would be a browser's."""
    response = client.post(f"{API}/start", json={"initial_input": "A lamp"})
    assert "Set-Cookie" not in response.headers


def test_a_browser_with_a_worthless_cookie_gets_a_new_one(app: Flask) -> None:
    """After the secret was changed a browser can go on, with conversations of its own."""
    client = app.test_client()
    client.set_cookie("browser", "signed-with-another-secret.xyz")
    session_id = start(client)["session_id"]
    cookie = client.get_cookie("browser")
    assert cookie is not None
    assert not cookie.value.startswith("signed-with-another-secret")
    finish(client, session_id)
    assert app.test_client().get(f"{API}/session/{session_id}").status_code == 404


OTHERS = (
    *(("acme", "bob"), ("other", "ann"), ("acme", "Ann"), ("acme ", "ann"), ("acme", "ann\u200b")),
    *(("acme:user:ann", "ann"), ("acme:user", "ann"), ("acme%3Auser", "ann"), ("*", "*")),
)
"""Tenants and users who are not ann of acme."""


def test_a_context_is_its_user_s_alone(client: FlaskClient) -> None:
    """Another user of the tenant, and the same name with another tenant, have their own."""
    ann, name = f"Bearer {signed()}", str(uuid.uuid4())
    put, patch, get, delete, listed = CONTEXTS.values()
    assert put.send(client, name, Authorization=ann).status_code == 200
    before = stored(CONTEXTS_KIND, build_context_id("acme", "ann", name))
    for tenant_id, user_id in OTHERS:
        other = f"Bearer {signed(tenant_id=tenant_id, sub=user_id)}"
        for call in (get, delete):
            nobodys = redact(call.send(client, "nobody's", Authorization=other))
            assert redact(call.send(client, name, Authorization=other)) == nobodys
        assert get.send(client, name, Authorization=other).status_code == 404
        assert listed.send(client, name, Authorization=other).get_json()["sessions"] == []
        for call in (put, patch):
            answer = call.send(client, name, Authorization=other).get_json()
            assert (answer["tenant_id"], answer["user_id"]) == (tenant_id, user_id)
        assert delete.send(client, name, Authorization=other).status_code == 200
        assert get.send(client, name, Authorization=other).status_code == 404
    assert before is not None
    assert stored(CONTEXTS_KIND, build_context_id("acme", "ann", name)) == before
    entries = listed.send(client, name, Authorization=ann).get_json()["sessions"]
    assert [entry["session_id"] for entry in entries] == [name]


def forgeries() -> dict[str, dict[str, str]]:
    """Authorization headers that name ann of acme and prove nothing."""
    head, payload, signature = signed().split(".")
    swapped = signed(sub="bob").split(".")
    return {
        "none": {},
        "signed by another": {"Authorization": f"Bearer {signed(OTHER_SECRET)}"},
        "of no algorithm": {
            "Authorization": f"Bearer {jwt.encode(claims(), '', algorithm='none')}"
        },
        "unsigned": {"Authorization": f"Bearer {head}.{payload}."},
        "signed for another": {"Authorization": f"Bearer {head}.{payload}.{swapped[2]}"},
        "cut": {"Authorization": f"Bearer {head}.{payload}.{signature[:-2]}"},
        "named beside": {"X_Tenant_Id": "acme", "X_User_Id": "ann"},
    }


def test_without_a_good_token_nobody_learns_or_changes_anything(client: FlaskClient) -> None:
    """401 on every route, whether or not there is such a context."""
    name = str(uuid.uuid4())
    good = {"Authorization": f"Bearer {signed()}"}
    assert CONTEXTS["context.store_context"].send(client, name, **good).status_code == 200
    before = stored(CONTEXTS_KIND, build_context_id("acme", "ann", name))
    for kind, headers in forgeries().items():
        for endpoint, call in CONTEXTS.items():
            answer = call.send(client, name, **headers)
            assert answer.status_code == 401, (kind, endpoint)
            assert redact(answer) == redact(call.send(client, "nobody's", **headers))
    assert stored(CONTEXTS_KIND, build_context_id("acme", "ann", name)) == before
