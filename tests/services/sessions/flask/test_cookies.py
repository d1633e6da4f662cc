"""The browser's cookie: which one counts, until when, and what the release before makes of it."""

import base64
import hmac

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from services.sessions.flask.browser import BROWSER_TTL, BROWSERS, COOKIE_RENEWED, BrowserSessions
from services.sessions.flask.cookies import CLOCK_SKEW, HOST_PREFIX, Signer
from services.sessions.repository import Sessions
from services.sessions.stores.memory import MemoryStore
from tests.support.clock import FakeClock

SECRET, OLD_SECRET = "a secret for the tests only", "the secret of last year"
NAMES = ("browser", "embedded")
OWNER_LENGTH = 64


@pytest.fixture
def clock() -> FakeClock:
    """The server's time."""
    return FakeClock()


def serve(clock: FakeClock, secret: str = SECRET, *old: str, secure: bool = True) -> FlaskClient:
    """A script before an application that tells whom it takes it for."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret,
        SECRET_KEY_FALLBACKS=list(old),
        SESSION_COOKIE_NAME="browser",
        SESSION_COOKIE_NAME_EMBEDDED="embedded",
        SESSION_COOKIE_SECURE=secure,
        PERMANENT_SESSION_LIFETIME=BROWSER_TTL,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = BrowserSessions(
        app,
        Sessions(MemoryStore(clock=clock), BROWSERS, clock=clock),
        is_embedded=lambda request: "Origin" in request.headers,
    )

    @app.get("/")
    def introduce() -> str:
        session.introduce()  # type: ignore[attr-defined]
        return str(session.owner)  # type: ignore[attr-defined]

    @app.get("/owner")
    def owner() -> str:
        return str(session.owner)  # type: ignore[attr-defined]

    @app.get("/clear")
    def clear() -> str:
        session["a"] = 1
        session.clear()
        return "cleared"

    return app.test_client(use_cookies=False)


def visit(client: FlaskClient, path: str = "/owner", cookie: str = "", **headers: str) -> str:
    """The text for a request with this Cookie header."""
    return client.get(path, headers={**headers, **({"Cookie": cookie} if cookie else {})}).text


def get_set(
    client: FlaskClient, path: str = "/", cookie: str = "", **headers: str
) -> dict[str, str]:
    """What a request sets: the values by their names, each checked for what browsers demand."""
    response = client.get(path, headers={**headers, **({"Cookie": cookie} if cookie else {})})
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        pair, *rest = line.split("; ")
        name, _, value = pair.partition("=")
        if name.startswith(HOST_PREFIX):
            assert {"Secure", "HttpOnly", "Path=/"} <= set(rest)
            assert not [part for part in rest if part.startswith("Domain")]
        found[name] = value
    return found


def read_as_release_before(value: str, secret: str = SECRET) -> str | None:
    """The browser's id, as the release before reads it from the cookie without prefix."""
    sid, issued, proof = value.split(".")
    key = hmac.digest(secret.encode(), b"browser cookie", "sha256")
    mac = base64.urlsafe_b64encode(hmac.digest(key, f"{sid}.{issued}".encode(), "sha256"))
    return sid if mac.decode().rstrip("=") == proof else None


def issue_as_release_before(clock: FakeClock, letter: str = "A", secret: str = SECRET) -> str:
    """A cookie as it sets one: with 43 characters of base64 as the id."""
    return Signer([secret], lifetime=BROWSER_TTL).sign(letter * 43, clock())


@pytest.mark.parametrize("name", NAMES)
def test_with_tls_the_name_has_the_prefix(clock: FakeClock, name: str) -> None:
    """The name without it is set for the release before, which may be put back."""
    client = serve(clock)
    there = {"Origin": "any"} if name == "embedded" else {}
    found = get_set(client, **there)
    assert list(found) == [f"{HOST_PREFIX}{name}", name]
    assert len(set(found.values())) == 1
    assert read_as_release_before(found[name])
    host, plain = (f"{key}={value}" for key, value in found.items())
    owner = visit(client, cookie=host, **there)
    assert len(owner) == OWNER_LENGTH
    assert visit(client, cookie=f"{plain}; {host}", **there) == owner
    assert list(get_set(client, "/clear", host, **there)) == list(found)


def test_without_tls_it_has_none(clock: FakeClock) -> None:
    """A browser would not take it; and what was issued so is known when TLS is turned on."""
    client = serve(clock, secure=False)
    found = get_set(client)
    assert list(found) == ["browser"]
    cookie = f"browser={found['browser']}"
    assert visit(serve(clock), cookie=cookie) == visit(client, cookie=cookie)


@pytest.mark.parametrize("name", NAMES)
def test_the_cookie_of_the_release_before_is_read_for_one_lifetime(
    clock: FakeClock, name: str
) -> None:
    """It gets its new name at once, and is left as it is for the release before."""
    client, there = serve(clock), {"Origin": "any"} if name == "embedded" else {}
    old = f"{name}={issue_as_release_before(clock)}"
    owner = visit(client, cookie=old, **there)
    assert len(owner) == OWNER_LENGTH
    clock.forward(COOKIE_RENEWED / 2)
    (new,) = get_set(client, "/owner", old, **there).items()
    assert new[0] == f"{HOST_PREFIX}{name}"
    assert get_set(client, "/owner", "=".join(new), **there) == {}
    clock.forward(BROWSER_TTL * 0.8)
    assert visit(client, cookie=old, **there) != owner
    assert visit(client, cookie="=".join(new), **there) == owner


def test_a_planted_cookie_does_not_win(clock: FakeClock) -> None:
    """Somebody's own valid cookie, set for another path or by a subdomain, in any order."""
    client = serve(clock)
    mine, planted = get_set(client), get_set(client)
    host = f"{HOST_PREFIX}browser={mine[f'{HOST_PREFIX}browser']}"
    owner = visit(client, cookie=host)
    theirs = visit(client, cookie=f"{HOST_PREFIX}browser={planted['browser']}")
    earlier = issue_as_release_before(clock, "B")
    for value in (planted["browser"], earlier):
        for name in (
            *("browser", "\xa0__Host-browser", "\x85__Host-browser", "\x1f__Host-browser"),
            *(
                "__host-browser",
                "\xe2\x80\x80__Host-browser",
                "__Host-browser\xa0",
                "x__Host-browser",
            ),
        ):
            plant = f"{name}={value}"
            assert visit(client, cookie=f"{plant}; {host}") == owner, plant
            assert visit(client, cookie=f"{host}; {plant}") == owner, plant
            if value != earlier:
                # Also to a browser that has none yet.
                assert visit(client, cookie=plant) not in (owner, theirs), plant


def test_an_id_of_the_release_before_is_never_issued_under_its_name_again(
    clock: FakeClock,
) -> None:
    """Or somebody could keep one alive for planting."""
    client = serve(clock)
    host = f"{HOST_PREFIX}browser={issue_as_release_before(clock)}"
    clock.forward(COOKIE_RENEWED + 1)
    assert list(get_set(client, "/owner", host)) == [f"{HOST_PREFIX}browser"]


def test_without_tls_another_path_does_not_win(clock: FakeClock) -> None:
    """Browsers send the cookies of longer paths first; ours is for all paths."""
    client = serve(clock, secure=False)
    mine, planted = (f"browser={get_set(client)['browser']}" for _ in range(2))
    for cookie in (f"{planted}; {mine}", f"{planted}; a=b;{mine}; browser=x; browser="):
        assert visit(client, cookie=cookie) == visit(client, cookie=mine)


def test_a_cookie_from_the_future_is_refused(clock: FakeClock) -> None:
    """Beyond what the clocks of hosts differ by."""
    client, signer = serve(clock, secure=False), Signer([SECRET], lifetime=BROWSER_TTL)
    ahead, too_far = (
        f"browser={signer.sign('A' * 43, clock() + seconds)}"
        for seconds in (CLOCK_SKEW, CLOCK_SKEW + 1)
    )
    assert visit(client, cookie=ahead) == visit(client, cookie=ahead)
    assert visit(client, cookie=too_far) != visit(client, cookie=ahead)


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "no TLS"])
@pytest.mark.parametrize("name", NAMES)
def test_a_rotation_of_the_secret_strands_nobody(clock: FakeClock, name: str, secure: bool) -> None:
    """Three steps over two hosts that are never restarted at the same time."""
    there = {"Origin": "any"} if name == "embedded" else {}
    steps = [
        *((OLD_SECRET,), (OLD_SECRET, SECRET), (SECRET, OLD_SECRET), (SECRET,)),
    ]
    hosts = [[serve(clock, *step, secure=secure) for step in steps] for _ in "ab"]
    jar = get_set(hosts[0][0], **there)
    owner = visit(hosts[0][0], cookie=join(jar), **there)
    for before, after in zip(range(3), range(1, 4), strict=True):
        if after == len(steps) - 1:
            clock.forward(BROWSER_TTL - 1)  # the last step waits for as long as a cookie counts
        for host in (hosts[0][before], hosts[1][after], hosts[0][after]):
            assert visit(host, cookie=join(jar), **there) == owner
            jar |= get_set(host, "/owner", join(jar), **there)
    assert visit(hosts[0][1], cookie=join(jar), **there) == owner


def test_a_secret_that_was_removed_verifies_nothing(clock: FakeClock) -> None:
    """That is what it was removed for."""
    old = serve(clock, OLD_SECRET)
    cookie = join(get_set(old))
    assert visit(serve(clock), cookie=cookie) != visit(old, cookie=cookie)
    assert visit(serve(clock, SECRET, OLD_SECRET), cookie=cookie) == visit(old, cookie=cookie)


def join(jar: dict[str, str]) -> str:
    """A Cookie header with everything in a jar."""
    return "; ".join(f"{name}={value}" for name, value in jar.items())
