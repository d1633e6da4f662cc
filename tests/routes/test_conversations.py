"""A browser's conversations together: its list, the one it shows, and clearing all of them."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.sessions import count_sessions, sessions_of
from services.sessions.flask.browser import BROWSER
from services.teaser_chat.conversation_list import MOST_LISTED
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.servers import eventually
from tests.support.talk import API, conversation, get_current, respond, say, start, start_analyzed

LIST = f"{API}/conversations"
CURRENT = f"{API}/current"


def listed(client: FlaskClient) -> Any:
    """What the list answers."""
    response = client.get(LIST)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def ids(client: FlaskClient) -> list[str]:
    """The ids in the list."""
    return [entry["session_id"] for entry in listed(client)["conversations"]]


def show(client: FlaskClient, session_id: str | None) -> Any:
    """Say which conversation is shown."""
    return client.post(CURRENT, json={"session_id": session_id})


def test_a_list_describes_each_conversation(browser: FlaskClient) -> None:
    """The last one spoken to is first, from whichever door it was begun."""
    lamp = start_analyzed(browser, "USB-powered LED desk lamp")
    mug = start(browser, "A ceramic mug, " + "very " * 30 + "big")["session_id"]
    kettle = say(browser, "A kettle")["session_id"]
    found = listed(browser)
    assert [entry["session_id"] for entry in found["conversations"]] == [kettle, mug, lamp]
    assert found["current"] == mug
    told = found["conversations"][2]
    history = conversation(browser, lamp)["history"]
    assert told == {
        "session_id": lamp,
        "title": "USB-powered LED desk lamp",
        "started_at": told["started_at"],
        "last_message_at": history[-1]["timestamp"],
        "complete": True,
        "analyzed": True,
    }
    assert found["conversations"][1]["title"] == "A ceramic mug, " + ("very " * 13).strip()
    respond(browser, mug, "no battery")
    assert ids(browser) == [mug, kettle, lamp]


def test_a_client_without_a_cookie_has_none_and_gets_a_cookie(app: Flask) -> None:
    """What it starts from then on is its own."""
    client = app.test_client()
    assert listed(client) == {"conversations": [], "current": None}
    assert client.get_cookie("browser") is not None
    session_id = start(client)["session_id"]
    assert ids(client) == [session_id]
    assert app.test_client().get(f"{API}/session/{session_id}").status_code == 404
    assert count_sessions() == 1


def test_listing_stores_nothing(browser: FlaskClient) -> None:
    """A crawler fills no store; nor does clearing what is not there, or showing nothing."""
    cookie = browser.get_cookie("browser")
    assert cookie is not None
    assert browser.get(LIST).status_code == 200
    assert browser.delete(LIST).get_json() == {"status": "deleted", "deleted": 0}
    assert show(browser, None).get_json() == {"current": None}
    browsers = sessions_of(BROWSER)
    assert browsers.store.get(browsers.keyspace.key(cookie.value.partition(".")[0])) is None


def test_a_list_has_so_many_at_most(browser: FlaskClient) -> None:
    """The one that is shown among them; and clearing is not held to that."""
    begun = [start(browser, "A mug")["session_id"] for _ in range(MOST_LISTED + 5)]
    last = begun[-1]
    assert ids(browser) == begun[: -MOST_LISTED - 1 : -1]
    show(browser, begun[0])
    assert len(ids(browser)) == MOST_LISTED
    assert begun[0] in ids(browser)
    show(browser, last)
    assert browser.delete(LIST).get_json() == {"status": "deleted", "deleted": MOST_LISTED + 5}
    assert listed(browser) == {"conversations": [], "current": None}
    assert count_sessions() == 0
    assert last not in browser.get("/develope").text
    assert browser.delete(LIST).get_json()["deleted"] == 0


def test_what_is_shown_is_kept(browser: FlaskClient) -> None:
    """One that was opened in the list, or none, which deletes nothing."""
    first, second = (start(browser)["session_id"] for _ in range(2))
    assert show(browser, first.upper()).get_json() == {"current": first}
    assert listed(browser)["current"] == first
    assert get_current(browser) == first
    assert show(browser, None).get_json() == {"current": None}
    assert listed(browser)["current"] is get_current(browser) is None
    assert set(ids(browser)) == {first, second}


def test_who_asks_what_is_shown_is_known_from_then_on(app: Flask) -> None:
    """A browser without a cookie gets one, and what it begins next is its own."""
    client = app.test_client()
    answer = client.get(CURRENT)
    assert answer.get_json() == {"current": None}
    assert "Set-Cookie" in answer.headers
    assert start(client)["session_id"] == get_current(client) == ids(client)[0]
    assert "Set-Cookie" not in client.get(CURRENT).headers


@pytest.mark.parametrize("body", [{}, {"session_id": "x"}, {"session_id": 7}, {"session_id": ""}])
def test_what_is_no_conversation_is_not_shown(browser: FlaskClient, body: Any) -> None:
    """Nothing changes."""
    session_id = start(browser)["session_id"]
    assert browser.post(CURRENT, json=body).status_code == 422
    assert show(browser, str(uuid.uuid4())).status_code == 404
    assert listed(browser)["current"] == session_id


def test_for_a_script_nothing_is_kept(client: FlaskClient) -> None:
    """It is told so, and reaches its conversation by the id all the same."""
    session_id = start(client)["session_id"]
    for chosen in (session_id, None):
        answer = show(client, chosen)
        assert answer.get_json() == {"current": None}
        assert "Set-Cookie" not in answer.headers
    assert show(client, str(uuid.uuid4())).status_code == 404
    assert ids(client) == []
    assert client.delete(LIST).get_json()["deleted"] == 0
    assert conversation(client, session_id)["session_id"] == session_id


@pytest.fixture
def engine() -> CutOff:
    """An engine that can be cut off."""
    return CutOff()


@pytest.fixture(params=["alone", "with a spill"])
def browser_there(
    request: pytest.FixtureRequest, settings: Settings, engine: CutOff, tmp_path: Path
) -> Iterator[FlaskClient]:
    """A browser before an application on that engine."""
    spill = f"sqlite:///{tmp_path / 'spill.db'}" if request.param == "with a spill" else None
    app = create_app(replace(settings, spill_url=spill), engine=engine)
    browser = app.test_client()
    browser.get("/develope")
    yield browser
    app.extensions["session_store"].close()


def test_while_the_engine_is_away_it_is_503(browser_there: FlaskClient, engine: CutOff) -> None:
    """Never an empty list, and nothing that is not done is said to be done."""
    session_id = start(browser_there)["session_id"]
    engine.down = True
    answers = [browser_there.get(LIST), browser_there.delete(LIST), show(browser_there, session_id)]
    for answer in answers:
        assert (answer.status_code, answer.get_json()["code"]) == (503, "store_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    engine.down = False
    assert eventually(lambda: browser_there.get(LIST).status_code == 200)
    assert listed(browser_there)["current"] == session_id
    assert browser_there.delete(LIST).get_json()["deleted"] == 1


def test_clearing_gives_a_new_identity(browser: FlaskClient, app: Flask) -> None:
    """A copy of the old cookie finds nothing of what comes after."""
    start(browser)
    copy = browser.get_cookie("browser")
    assert copy is not None
    old = copy.value
    response = browser.delete(LIST)
    assert response.get_json()["deleted"] == 1
    assert "browser=" in response.headers["Set-Cookie"]
    later = start(browser)["session_id"]
    assert listed(browser) == {"conversations": listed(browser)["conversations"], "current": later}
    thief = app.test_client()
    thief.set_cookie("browser", old)
    assert listed(thief) == {"conversations": [], "current": None}
    assert thief.get(f"{API}/session/{later}").status_code == 404
    browsers = sessions_of(BROWSER)
    assert browsers.store.get(browsers.keyspace.key(old.partition(".")[0])) is None


def test_with_tls_the_cookie_has_the_prefix(settings: Settings) -> None:
    """What starts under it is found under it, and under no other."""
    application = create_app(replace(settings, cookie_secure=True))
    client = application.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    client.get("/develope")
    cookie = client.get_cookie("__Host-browser")
    assert cookie is not None
    assert cookie.secure
    session_id = start(client)["session_id"]
    assert ids(client) == [session_id]
    stranger = application.test_client(use_cookies=False)
    planted = {"Cookie": f"browser={cookie.value}"}
    assert stranger.get(f"{API}/session/{session_id}", headers=planted).status_code == 404
    own = {"Cookie": f"browser=planted; __Host-browser={cookie.value}"}
    assert stranger.get(f"{API}/session/{session_id}", headers=own).status_code == 200
    application.extensions["session_store"].close()
