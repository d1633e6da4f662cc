"""Several hosts behind nginx: a browser stays with one, because a spill is its host's own."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.support.host import Host
from tests.support.http import Http
from tests.support.nginx import Nginx
from tests.support.servers import Gunicorn, RedisServer
from tests.support.talk import API, LAMP

BROWSERS = 12
MOST_BROWSERS = 40
"""It is a matter of chance which host a browser gets."""
TURNS = 3
MANY = 400
"""More requests in a row than nginx lets a client send that it counts."""
SITE = "https://shop.example"


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts that tell their names."""
    with Host() as one, Host() as other:
        yield [one, other]


@pytest.fixture
def nginx(hosts: list[Host]) -> Iterator[Nginx]:
    """What is in front of them."""
    with Nginx(*(host.port for host in hosts)) as server:
        yield server


def met(nginx: Nginx, cookie: str = "", *, source: str = "127.0.0.1", **headers: str) -> str:
    """The name of the host that answers."""
    sent = {**headers, **({"Cookie": cookie} if cookie else {})}
    with Http(nginx.url, source=source) as http:
        answer = http.post("/api/develope/respond", {}, **sent)
    assert answer.status == 200
    return str(answer.body)


def cookie(browser: int, issued: str = "6745a0c1", name: str = "browser") -> str:
    """A cookie as the application signs it, at some time."""
    return f"{name}=id-of_{browser}.{issued}.proof-{issued}"


def test_a_browser_stays_with_its_host_and_not_all_have_the_same(nginx: Nginx) -> None:
    """Also when its cookie is renewed, and beside other cookies."""
    at = [met(nginx, cookie(browser)) for browser in range(BROWSERS)]
    assert len(set(at)) == 2
    # Not in the same order, or taking turns would look the same.
    for browser in reversed(range(BROWSERS)):
        assert met(nginx, f"a=b; {cookie(browser, '67500000')}; c=d") == at[browser]
    elsewhere = [met(nginx, cookie(one), source=f"127.0.0.{one + 2}") for one in range(BROWSERS)]
    assert elsewhere == at


def test_without_a_cookie_the_address_decides(nginx: Nginx) -> None:
    """A script meets one host, and so does who sends something else as a cookie."""
    at = {source: met(nginx, source=source) for source in (f"127.0.1.{n}" for n in range(1, 20))}
    assert len(set(at.values())) == 2
    for source, name in at.items():
        assert met(nginx, source=source) == name
        for nonsense in ("browser=nonsense", "__Host-browser=nonsense", "xbrowser=id.1.x"):
            assert met(nginx, nonsense, source=source) == name


def test_where_the_chat_is_embedded_the_other_cookie_counts(nginx: Nginx) -> None:
    """As it does for the application: for a page of another site, and for that one only."""
    own = {f"http://{nginx.url.removeprefix('http://')}", ""}
    for browser in range(BROWSERS):
        name = met(nginx, cookie(browser))
        both = f"{cookie(browser + 100)}; {cookie(browser, name='embedded')}"
        assert met(nginx, both, Origin=SITE) == name
        reverse = f"{cookie(browser)}; {cookie(browser + 100, name='embedded')}"
        for origin in own:
            assert met(nginx, reverse, **({"Origin": origin} if origin else {})) == name


@pytest.mark.parametrize("name", ["browser", "embedded"])
def test_the_name_with_the_prefix_counts_before_the_other(nginx: Nginx, name: str) -> None:
    """Wherever it stands; whoever plants another cookie sends nobody to another host."""
    there = {"Origin": SITE} if name == "embedded" else {}
    for browser in range(BROWSERS):
        at = met(nginx, cookie(browser, name=name), **there)
        own, planted = cookie(browser, name=f"__Host-{name}"), cookie(browser + 100, name=name)
        for both in (own, f"{own}; {planted}", f"{planted}; a=b; {own}"):
            assert met(nginx, both, **there) == at


def test_a_host_that_is_down_is_stood_in_for(hosts: list[Host], nginx: Nginx) -> None:
    """Its browsers are served by the other one at once, and the other's notice nothing."""
    at = [met(nginx, cookie(browser)) for browser in range(BROWSERS)]
    down, up = hosts
    down.close()
    assert {met(nginx, cookie(browser)) for browser in range(BROWSERS)} == {up.name}
    assert down.name in at


def test_drills_meet_the_hosts_in_turn_and_are_not_limited(hosts: list[Host]) -> None:
    """A drill about what hosts do to each other would else meet one of them only."""
    with Nginx(*(host.port for host in hosts), for_drills=True) as nginx:
        for sent in ("", cookie(1)):
            first, second, third = (met(nginx, sent) for _ in range(3))
            assert first == third != second
        assert len({met(nginx) for _ in range(MANY)}) == 2


def test_an_outage_goes_unnoticed_on_two_hosts() -> None:
    """What only one host's spill has is found there at every turn, by the browsers of both."""
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        hosts = [
            stack.enter_context(Gunicorn(REDIS_URL=redis.url, TRUSTED_PROXIES="1")) for _ in "ab"
        ]
        nginx = stack.enter_context(Nginx(*(host.port for host in hosts)))
        redis.stop()
        for browser in range(MOST_BROWSERS):
            converse(nginx)
            if browser >= 3 and all(backlog(host) for host in hosts):
                return
    raise AssertionError("one host got no browser")


def converse(nginx: Nginx) -> None:
    """A browser begins a conversation while Redis is away, and goes on with it."""
    with Http(nginx.url, cookies=True) as http:
        assert http.get("/develope").status == 200
        begun = http.post(f"{API}/start", {"initial_input": LAMP})
        assert begun.headers["X-Session-Store"] == "degraded"
        body = {"session_id": begun.body["session_id"], "message": "no radio"}
        assert [http.post(f"{API}/respond", body).status for _ in range(TURNS)] == [200] * TURNS


def backlog(host: Gunicorn) -> int:
    """How much waits on a host."""
    with Http(host.url) as http:
        return int(http.get("/readyz").body["spill"]["backlog"])
