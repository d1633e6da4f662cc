"""The browser's session: kept by Flask-Session in our store, read late, written when changed."""

from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from services.keyspaces import build_keyspaces
from services.sessions import codec, set_session_store
from services.sessions.flask.browser import BROWSER_TTL, BROWSERS, BrowserSessions
from services.sessions.flask.cookies import Signer
from services.sessions.repository import Sessions
from services.sessions.stores.base import Condition, Put, Record
from services.sessions.stores.memory import MemoryStore
from tests.support.clock import FakeClock

DAY = 86_400


class CountingStore(MemoryStore):
    """A dict that remembers what was asked of it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.calls: list[str] = []

    def get(self, key: str) -> bytes | None:
        self.calls.append("get")
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        self.calls.append("put")
        return super().put(record, condition)

    def touch(self, record: Record) -> bool:
        self.calls.append("touch")
        return super().touch(record)


@pytest.fixture
def clock() -> FakeClock:
    """The store's time."""
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> CountingStore:
    """Where the sessions are."""
    return CountingStore(clock)


@pytest.fixture
def client(store: CountingStore, clock: FakeClock) -> FlaskClient:
    """A browser before a small application that reads and writes its session."""
    set_session_store(store, clock=clock, keyspaces=build_keyspaces())
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a secret for the tests only",
        SESSION_COOKIE_NAME="browser",
        SESSION_COOKIE_NAME_EMBEDDED="embedded",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=7 * DAY,
    )
    app.session_interface = BrowserSessions(
        app,
        Sessions(store, BROWSERS, clock=clock),
        is_embedded=lambda request: "Origin" in request.headers,
    )

    @app.get("/nothing")
    def nothing() -> str:
        return "nothing"

    @app.get("/owner")
    def owner() -> str:
        return str(session.owner)  # type: ignore[attr-defined]

    @app.get("/read")
    def read() -> str:
        return str(session.get("seen"))

    @app.get("/write/<value>")
    def write(value: str) -> str:
        session["seen"] = value
        return value

    @app.get("/introduce")
    def introduce() -> str:
        session.introduce()  # type: ignore[attr-defined]
        return "hello"

    @app.get("/change")
    def change() -> str:
        session.change_identity()  # type: ignore[attr-defined]
        return "changed"

    @app.get("/clear")
    def clear() -> str:
        session.clear()
        return "cleared"

    return app.test_client()


def test_what_is_written_is_read_in_the_next_request(client: FlaskClient) -> None:
    """Under the prefix browser:, not under one that others use."""
    client.get("/write/1")
    assert client.get("/read").text == "1"
    assert client.get("/read").text == "1"


def test_keys_have_their_own_prefix(client: FlaskClient, store: CountingStore) -> None:
    """The id in the key is the cookie's without its signature."""
    client.get("/write/1")
    cookie = client.get_cookie("browser")
    assert cookie is not None
    sid = cookie.value.partition(".")[0]
    assert store.get(f"browser:{sid}") is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_a_request_that_does_not_look_into_it_costs_nothing(
    client: FlaskClient, store: CountingStore
) -> None:
    """Knowing the owner neither."""
    client.get("/write/1")
    store.calls.clear()
    client.get("/nothing")
    assert len(client.get("/owner").text) == 64
    assert store.calls == []


def test_reading_never_writes(client: FlaskClient, store: CountingStore) -> None:
    """One look-up, no cookie set again."""
    client.get("/write/1")
    store.calls.clear()
    response = client.get("/read")
    assert store.calls == ["get"]
    assert "Set-Cookie" not in response.headers


def test_it_is_touched_at_half_life_without_rewriting(
    client: FlaskClient, store: CountingStore, clock: FakeClock
) -> None:
    """The stored session and the cookie both get their full time again."""
    client.get("/write/1")
    clock.forward(3 * DAY)
    client.get("/read")
    assert "touch" not in store.calls
    clock.forward(DAY)
    store.calls.clear()
    response = client.get("/read")
    assert store.calls == ["get", "touch"]
    assert "Set-Cookie" in response.headers
    clock.forward(6 * DAY)
    assert client.get("/read").text == "1"


def test_a_cookie_that_is_only_shown_is_renewed_at_half_life(
    client: FlaskClient, store: CountingStore, clock: FakeClock
) -> None:
    """A tab that stays open for weeks stays the owner of what it began."""
    client.get("/introduce")
    owner = client.get("/owner").text
    clock.forward(3 * DAY)
    assert "Set-Cookie" not in client.get("/owner").headers
    clock.forward(DAY)
    assert "Set-Cookie" in client.get("/owner").headers
    assert "Set-Cookie" not in client.get("/owner").headers
    assert client.get("/owner").text == owner
    assert store.calls == []


def test_it_ends_after_seven_days(client: FlaskClient, clock: FakeClock) -> None:
    """And the browser can begin another under the same cookie."""
    client.get("/write/1")
    clock.forward(7 * DAY)
    assert client.get("/read").text == "None"
    client.get("/write/2")
    assert client.get("/read").text == "2"


def test_a_cookie_counts_for_one_lifetime(client: FlaskClient, clock: FakeClock) -> None:
    """A copy that nobody used meanwhile is nobody's, and is not renewed."""
    client.get("/introduce")
    owner = client.get("/owner").text
    copy = client.get_cookie("browser")
    assert copy is not None
    clock.forward(7 * DAY - 1)
    assert client.get("/owner").text == owner
    clock.forward(1)
    thief = client.application.test_client()
    thief.set_cookie("browser", copy.value)
    assert thief.get("/owner").text not in (owner, "None")
    assert client.get("/owner").text == owner  # it was renewed in time


def test_a_new_identity_leaves_nothing_to_the_old_cookie(
    client: FlaskClient, store: CountingStore
) -> None:
    """What was stored under it is gone, and what comes is another's."""
    client.get("/write/1")
    owner, old = client.get("/owner").text, client.get_cookie("browser")
    assert old is not None
    assert "Set-Cookie" in client.get("/change").headers
    assert store.get(f"browser:{old.value.partition('.')[0]}") is None
    client.get("/write/2")
    assert client.get("/owner").text != owner
    thief = client.application.test_client()
    thief.set_cookie("browser", old.value)
    assert (thief.get("/owner").text, thief.get("/read").text) == (owner, "None")
    assert "Set-Cookie" not in client.application.test_client().get("/change").headers


def test_an_introduced_browser_has_a_cookie_and_nothing_stored(
    client: FlaskClient, store: CountingStore
) -> None:
    """It is the same owner from then on; a crawler fills no store."""
    client.get("/introduce")
    assert store.calls == []
    owner = client.get("/owner").text
    assert len(owner) == 64
    response = client.get("/introduce")
    assert "Set-Cookie" in response.headers
    assert store.calls == ["get"]
    client.get("/write/1")
    assert client.get("/owner").text == owner
    assert "Set-Cookie" not in client.get("/introduce").headers


def test_a_forged_cookie_is_no_session(client: FlaskClient) -> None:
    """The signature decides, before any look-up."""
    client.get("/write/1")
    cookie = client.get_cookie("browser")
    assert cookie is not None
    sid, _, signature = cookie.value.partition(".")
    for forged in (sid, f"{sid}.{signature[::-1]}", f"{sid}x.{signature}", "ü.x", "."):
        client.set_cookie("browser", forged)
        assert client.get("/read").text == "None"


def test_an_emptied_session_is_removed(client: FlaskClient, store: CountingStore) -> None:
    """With its cookie."""
    client.get("/write/1")
    cookie = client.get_cookie("browser")
    assert cookie is not None
    client.get("/clear")
    assert store.get(f"browser:{cookie.value.partition('.')[0]}") is None
    assert client.get_cookie("browser") is None


def test_an_embedded_browser_s_cookie_is_set_and_taken_back_alike(client: FlaskClient) -> None:
    """A browser takes a partitioned cookie back only as it was given it; the other one stays."""
    client.get("/write/here")
    there: dict[str, Any] = {"headers": {"Origin": "any"}, "base_url": "https://localhost"}
    client.get("/write/there", **there)
    for path in ("/write/there", "/clear"):
        (cookie,) = client.get(path, **there).headers.getlist("Set-Cookie")
        said = {part for part in cookie.split("; ")[1:] if "=" not in part or "Site" in part}
        assert cookie.startswith("embedded=")
        assert said == {"Secure", "HttpOnly", "SameSite=None", "Partitioned"}
    assert client.get("/read", **there).text == "None"
    assert client.get("/read").text == "here"


def test_an_unreadable_session_is_begun_anew(client: FlaskClient, store: CountingStore) -> None:
    """A visitor is not locked out by a broken value; it is quarantined."""
    client.get("/write/1")
    cookie = client.get_cookie("browser")
    assert cookie is not None
    key = f"browser:{cookie.value.partition('.')[0]}"
    broken = Record(key, 9, b",broken", int(store._clock() + DAY) * 1000, "x")
    store.put(broken, Condition.ANY)
    value = store.get(key)
    assert client.get("/read").text == "None"
    assert store.get(f"{key}:corrupt") == value
    client.get("/write/3")
    assert client.get("/read").text == "3"


def test_two_browsers_are_two_owners(client: FlaskClient) -> None:
    """Who has no cookie is nobody."""
    client.get("/write/1")
    first = client.get("/owner").text
    assert client.get("/owner").text == first
    other = client.application.test_client()
    assert other.get("/owner").text == "None"
    other.get("/write/1")
    assert other.get("/owner").text not in (first, "None")


def test_a_cookie_signed_with_another_secret_is_no_session(
    client: FlaskClient, clock: FakeClock
) -> None:
    """Only the holder of this deployment's secret can make one."""
    client.get("/write/1")
    cookie = client.get_cookie("browser")
    assert cookie is not None
    stranger = Signer(["another secret"], lifetime=BROWSER_TTL)
    client.set_cookie("browser", stranger.sign(cookie.value.partition(".")[0], clock()))
    assert client.get("/read").text == "None"


def test_a_session_of_a_newer_release_is_left_alone(
    client: FlaskClient, store: CountingStore
) -> None:
    """After a step back the browser works, and nothing it had is overwritten."""
    client.get("/write/1")
    cookie = client.get_cookie("browser")
    assert cookie is not None
    key = f"browser:{cookie.value.partition('.')[0]}"
    value = store.get(key)
    assert value is not None
    parts = codec.split(value.replace(b'"format":1', b'"format":2'))
    assert parts is not None
    store.put(Record(key, *parts, int(store._clock() + DAY) * 1000, "x"), Condition.ANY)
    newer = store.get(key)
    assert client.get("/read").text == "None"
    client.get("/write/2")
    assert store.get(key) == newer
