"""A conversation belongs to the browser that started it: every route, walked from the URL map."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.talk import API, analyzed, conversation, finish, start

PUBLIC = {
    "static": "files of the page, the same for everyone",
    "develope.home": "leads to the page",
    "develope.page": "shows only what the asking browser's own session names",
    "agents.page": "shows nothing; what it loads is the asking browser's own",
    "develope.start_conversation": "makes a conversation; there is none to reach yet",
    "docs.description": "tells what can be asked, not what was",
    "docs.page": "shows the same",
    "docs.file": "files of the page, the same for everyone",
    "operations.healthz": "says nothing about any conversation",
    "operations.readyz": "says nothing about any conversation",
    "operations.scrape": "says how many there are; nginx keeps it from the public",
}

Call = Callable[[FlaskClient, str], Any]
OWNED: dict[str, Call] = {
    "develope.continue_conversation": lambda client, session_id: client.post(
        f"{API}/respond", json={"session_id": session_id, "message": "it has Wi-Fi"}
    ),
    "develope.analyze_norms": lambda client, session_id: client.post(
        f"{API}/analyze", json={"session_id": session_id}
    ),
    "develope.analyze_norms_stream": lambda client, session_id: client.get(
        f"{API}/analyze-stream?session_id={session_id}"
    ),
    "develope.ask_analysis_question": lambda client, session_id: client.post(
        f"{API}/ask-analysis", json={"session_id": session_id, "question": "Why?"}
    ),
    "develope.get_session_route": lambda client, session_id: client.get(
        f"{API}/session/{session_id}"
    ),
    "develope.delete_session_route": lambda client, session_id: client.delete(
        f"{API}/session/{session_id}"
    ),
    "chat.send_message": lambda client, session_id: client.post(
        "/api/v1/chat", json={"session_id": session_id, "message": "it has Wi-Fi"}
    ),
    "chat.clear_session": lambda client, session_id: client.delete(
        f"/api/v1/chat/session/{session_id}"
    ),
}


def test_every_route_is_public_on_purpose_or_checked_here(app: Flask) -> None:
    """A route that is added has to be put on one of the two lists."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints == set(PUBLIC) | set(OWNED)
    assert not set(PUBLIC) & set(OWNED)


@pytest.fixture(params=["another browser", "no cookie", "a forged cookie", "a cut cookie"])
def stranger(request: pytest.FixtureRequest, app: Flask, browser: FlaskClient) -> FlaskClient:
    """Somebody who knows the id and is not the browser that started the conversation."""
    client = app.test_client()
    if request.param == "another browser":
        client.get("/develope")
    cookie = browser.get_cookie("browser")
    assert cookie is not None
    if request.param == "a forged cookie":
        client.set_cookie("browser", cookie.value.partition(".")[0] + ".forged")
    if request.param == "a cut cookie":
        client.set_cookie("browser", cookie.value.partition(".")[0])
    return client


@pytest.mark.parametrize("endpoint", OWNED)
def test_for_a_stranger_it_does_not_exist(
    browser: FlaskClient, stranger: FlaskClient, endpoint: str
) -> None:
    """404 as for an id nobody has, whatever its state, and nothing changes."""
    session_id = analyzed(browser)
    before = conversation(browser, session_id)
    response = OWNED[endpoint](stranger, session_id)
    if endpoint == "develope.delete_session_route":
        assert response.get_json() == {"status": "deleted"}
    elif endpoint == "chat.clear_session":
        assert (response.status_code, response.data) == (204, b"")
    else:
        assert (response.status_code, response.get_json()["code"]) == (404, "session_not_found")
    assert conversation(browser, session_id) == before


def test_a_stranger_learns_nothing_from_the_state(
    browser: FlaskClient, stranger: FlaskClient
) -> None:
    """Not complete, not analysed: the same 404, not the 409 its owner gets."""
    session_id = start(browser)["session_id"]
    for endpoint in ("develope.analyze_norms", "develope.ask_analysis_question"):
        assert OWNED[endpoint](stranger, session_id).status_code == 404
        assert OWNED[endpoint](browser, session_id).status_code == 409


def test_without_a_cookie_the_id_is_the_key(app: Flask, client: FlaskClient) -> None:
    """A conversation started by a script is reached by its id, also from a browser."""
    session_id = start(client)["session_id"]
    other = app.test_client()
    other.get("/develope")
    assert conversation(other, session_id)["session_id"] == session_id


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
