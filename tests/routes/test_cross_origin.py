"""Pages of other sites: listed ones may read, by a cookie of their own; others may do nothing."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from config import Settings
from routes.cross_origin import PREFLIGHT_SECONDS
from services.sessions import get_session
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.talk import API, LAMP, UNIFIED_CHAT, events, finish, start_analyzed

SHOP, OTHER_SHOP = "https://shop.example", "http://localhost:3000"
OWN = "https://chat.example"
UNLISTED = (
    *(
        "https://evil.example",
        "null",
        "",
        "https://shop.example.evil.example",
        "http://shop.example",
    ),
    *("https://shop.example:8443", "https://SHOP.example", "https://shop.example/", "shop.example"),
    *("https://a.shop.example", f"{SHOP}, {OTHER_SHOP}", f"{SHOP} {OTHER_SHOP}", "*"),
)
LIST = f"{API}/conversations"
SCRIPT = "/static/chat/teaser-chat.js"
HEADERS = (
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Expose-Headers",
)


@pytest.fixture
def engine() -> CutOff:
    """An engine that can be cut off."""
    return CutOff()


@pytest.fixture
def app(settings: Settings, engine: CutOff) -> Iterator[Flask]:
    """An application that two shops, and in vain the site itself, may embed."""
    listed = frozenset({SHOP, OTHER_SHOP, OWN})
    application = create_app(
        replace(settings, embed_origins=listed, rate_limit_states="3 per hour"), engine=engine
    )
    yield application
    application.extensions["session_store"].close()


def embedded(app: Flask, origin: str = SHOP, *, use_cookies: bool = True) -> FlaskClient:
    """The browser of a visitor of a shop's page, over TLS, as its widget uses it."""
    client = app.test_client(use_cookies=use_cookies)
    client.environ_base |= {"HTTP_ORIGIN": origin, "wsgi.url_scheme": "https"}
    return client


def allowed(response: Response) -> bool:
    """Whether a browser lets the shop's page read this answer."""
    assert "Origin" in response.vary
    found = [response.headers.get(name) for name in HEADERS]
    if found == [None] * 3:
        return False
    assert found == [SHOP, "true", "Retry-After, X-Request-ID, X-Session-Store"]
    return True


def attributes(response: Response) -> tuple[str, set[str]]:
    """The name of the cookie that was set, and what is said of it beside its end."""
    (cookie,) = response.headers.getlist("Set-Cookie")
    first, *rest = cookie.split("; ")
    return first.partition("=")[0], {one for one in rest if not one.startswith("Expires=")}


def begin(client: FlaskClient, text: str = LAMP) -> str:
    """The id of a conversation begun by this client."""
    response = client.post(f"{API}/start", json={"initial_input": text})
    assert response.status_code == 200
    return str(response.get_json()["session_id"])


def ids(client: FlaskClient) -> list[str]:
    """The ids in this client's list."""
    return [entry["session_id"] for entry in client.get(LIST).get_json()["conversations"]]


class TestReading:
    """What the page of a listed origin may read."""

    def test_every_answer_of_the_interface(self, app: Flask) -> None:
        """Of every route of the teaser chat, and of those of its one door."""
        shop = embedded(app)
        assert allowed(shop.get(LIST))
        session_id = start_analyzed(shop)
        for response in (
            shop.post(f"{API}/start", json={"initial_input": LAMP}),
            shop.post(f"{API}/respond", json={"session_id": session_id, "message": "no"}),
            shop.post(f"{API}/analyze", json={"session_id": session_id}),
            shop.get(f"{API}/session/{session_id}"),
            shop.post(f"{API}/current", json={"session_id": session_id}),
            shop.post(UNIFIED_CHAT, json={"message": LAMP}),
            shop.delete(f"{UNIFIED_CHAT}/session/{session_id}"),
            shop.delete(LIST),
        ):
            assert response.status_code < 300, response.get_json()
            assert allowed(response)

    def test_an_event_stream(self, app: Flask) -> None:
        """Whole, and where it is resumed at its end."""
        shop = embedded(app)
        session_id = begin(shop)
        finish(shop, session_id)
        address = f"{API}/analyze-stream?session_id={session_id}"
        response = shop.get(address)
        found = events(response.data)
        assert allowed(response)
        assert found[-1][1]["phase"] == "complete"
        over = shop.get(address, headers={"Last-Event-ID": found[-1][0]})
        assert (over.status_code, allowed(over)) == (204, True)

    def test_static_files_also_where_they_are_known(self, app: Flask) -> None:
        """A module script is fetched like any other answer of another site."""
        shop = embedded(app)
        with shop.get(SCRIPT) as response:
            assert (response.status_code, allowed(response)) == (200, True)
        with shop.get(SCRIPT, headers={"If-None-Match": response.headers["ETag"]}) as known:
            assert (known.status_code, allowed(known)) == (304, True)
        assert allowed(shop.get("/static/nothing.js"))

    def test_errors(self, app: Flask, engine: CutOff) -> None:
        """Whatever made them: a view, the routing, a limit, the size, or what is around views."""
        shop = embedded(app)
        shop.get(LIST)
        session_id = begin(shop)
        unknown = {"session_id": str(uuid.uuid4())}
        limited = [shop.post(f"{API}/current", json={"session_id": None}) for _ in range(4)]
        assert [response.status_code for response in limited] == [200, 200, 200, 429]
        found = {
            400: shop.post(f"{API}/start", data="{", content_type="application/json"),
            404: shop.post(f"{API}/respond", json={**unknown, "message": "no"}),
            405: shop.put(f"{API}/start"),
            409: shop.post(f"{API}/analyze", json={"session_id": session_id}),
            413: shop.post(f"{API}/start", json={"initial_input": "x" * 70_000}),
            422: shop.post(f"{API}/start", json={}),
            429: limited[-1],
        }
        engine.down = True
        found[503] = shop.get(LIST)
        for status, response in found.items():
            assert (response.status_code, allowed(response)) == (status, True)
            assert "error" in response.get_json()
        assert allowed(shop.get(f"{API}/nothing"))
        assert allowed(shop.get(f"{API}/session/x", headers={"Host": "no host"}))

    def test_an_error_of_the_session_around_the_views(
        self, app: Flask, engine: CutOff, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The conversation is begun and the browser's session cannot be stored."""
        shop = embedded(app)
        shop.get(LIST)
        chat = app.extensions["teaser_chat"]
        start = chat.start_conversation

        def start_and_lose_the_engine(**words: Any) -> Any:
            answer = start(**words)
            engine.down = True
            return answer

        monkeypatch.setattr(chat, "start_conversation", start_and_lose_the_engine)
        response = shop.post(f"{API}/start", json={"initial_input": LAMP})
        assert (response.status_code, allowed(response)) == (503, True)

    @pytest.mark.parametrize("path", ["/develope", "/agents", "/api/session/x", "/readyz", "/docs"])
    def test_nothing_else(self, app: Flask, path: str) -> None:
        """Neither pages nor other interfaces; and their answers do not differ by origin."""
        response = embedded(app).get(path)
        assert not any(name.startswith("Access-Control") for name, _ in response.headers)
        assert "Origin" not in response.vary

    @pytest.mark.parametrize("path", [LIST, f"{API}/nothing", UNIFIED_CHAT, SCRIPT])
    def test_no_page_of_another_origin(self, app: Flask, path: str) -> None:
        """However much alike they look; the site itself needs no leave."""
        for origin, method in itertools.product((*UNLISTED, OWN), ("GET", "OPTIONS")):
            client = embedded(app, origin)
            response = client.open(path, method=method, base_url=OWN)
            assert not any(name.startswith("Access-Control") for name, _ in response.headers)
            assert "Origin" in response.vary
            response.close()

    def test_where_nobody_is_listed_nothing_is_announced(self, settings: Settings) -> None:
        """Answers are as they always were."""
        plain = create_app(settings)
        for path in (LIST, SCRIPT):
            for method in ("GET", "OPTIONS"):
                response = embedded(plain).open(path, method=method)
                assert not any(name.startswith("Access-Control") for name, _ in response.headers)
                assert "Origin" not in response.vary
                response.close()
        assert attributes(embedded(plain).get(LIST))[0] == "browser"
        plain.extensions["session_store"].close()

    def test_the_policy_of_the_page_is_as_strict_as_ever(self, app: Flask) -> None:
        """Who embeds the chat is nobody the page itself talks to, or is framed by."""
        policy = app.test_client().get("/develope").headers["Content-Security-Policy"]
        assert "connect-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "shop.example" not in policy


class TestPreflight:
    """What a browser asks before it sends a page's request."""

    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            (LIST, "GET, POST, DELETE"),
            (f"{API}/nothing", "GET, POST, DELETE"),
            (UNIFIED_CHAT, "GET, POST, DELETE"),
            (f"{UNIFIED_CHAT}/session/x", "GET, POST, DELETE"),
            (SCRIPT, "GET"),
        ],
    )
    def test_a_listed_origin_gets_the_methods(self, app: Flask, path: str, methods: str) -> None:
        """Without a body, and without a cookie or anything stored."""
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-other",
        }
        response = embedded(app).options(path, headers=asked)
        assert (response.status_code, response.data) == (204, b"")
        assert allowed(response)
        assert response.headers["Access-Control-Allow-Methods"] == methods
        assert response.headers["Access-Control-Allow-Headers"] == "Content-Type, Last-Event-ID"
        assert response.headers["Access-Control-Max-Age"] == str(PREFLIGHT_SECONDS)
        assert "Set-Cookie" not in response.headers

    @pytest.mark.parametrize(
        "path", ["/develope", "/api/session", "/api/v1/context", "/api/v1/chats", "/staticfiles"]
    )
    def test_elsewhere_nothing_is(self, app: Flask, path: str) -> None:
        """What Flask itself answers there names no origin."""
        asked = {"Access-Control-Request-Method": "POST"}
        response = embedded(app).options(path, headers=asked)
        assert response.status_code in (200, 401, 404)
        assert not any(name.startswith("Access-Control") for name, _ in response.headers)


class TestCookies:
    """A browser here and the same browser in a shop's page are two."""

    def test_an_embedded_browser_has_a_cookie_of_its_own(self, app: Flask) -> None:
        """It is sent from another site, over TLS only, and to no script."""
        name, said = attributes(embedded(app).get(LIST))
        assert name == "embedded"
        assert said == {"Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"}

    @pytest.mark.parametrize("origin", [None, OWN, "https://evil.example", "null"])
    def test_any_other_has_the_site_s(self, app: Flask, origin: str | None) -> None:
        """The site's own pages, and pages that are not listed."""
        client = app.test_client()
        headers = {"Host": "chat.example", **({"Origin": origin} if origin else {})}
        name, said = attributes(client.get(LIST, headers=headers))
        assert name == "browser"
        assert said == {"HttpOnly", "Path=/", "SameSite=Lax"}

    @pytest.mark.parametrize("host", ["chat.example", "CHAT.example"])
    def test_the_site_s_own_origin_is_known_without_its_scheme(self, app: Flask, host: str) -> None:
        """Behind a proxy that ends TLS the application is asked by http."""
        client = app.test_client()
        response = client.get(LIST, headers={"Host": host, "Origin": OWN})
        assert attributes(response)[0] == "browser"
        elsewhere = client.get(LIST, headers={"Host": f"{host}:8443", "Origin": OWN})
        assert attributes(elsewhere)[0] == "embedded"

    def test_neither_is_taken_for_the_other(self, app: Flask) -> None:
        """With both cookies at hand: the Origin alone decides which of them counts."""
        both = app.test_client()
        at_shop = {"headers": {"Origin": SHOP}, "base_url": "https://localhost"}
        here: dict[str, Any] = {"base_url": "https://localhost"}
        both.get(LIST, **here)
        both.get(LIST, **at_shop)
        assert both.get_cookie("browser")
        assert both.get_cookie("embedded")
        body = {"initial_input": LAMP}
        mine = both.post(f"{API}/start", json=body, **here).get_json()["session_id"]
        shops = both.post(f"{API}/start", json=body, **at_shop).get_json()["session_id"]
        for where, own, other in ((here, mine, shops), (at_shop, shops, mine)):
            found = both.get(LIST, **where).get_json()
            assert [entry["session_id"] for entry in found["conversations"]] == [own]
            assert found["current"] == own
            assert both.get(f"{API}/session/{own}", **where).status_code == 200
            assert both.get(f"{API}/session/{other}", **where).status_code == 404
            shown = both.post(f"{API}/current", json={"session_id": other}, **where)
            assert shown.status_code == 404
        assert both.delete(LIST, **at_shop).get_json()["deleted"] == 1
        assert both.get(f"{API}/session/{mine}", **here).status_code == 200

    def test_a_page_that_is_not_listed_acts_for_no_embedded_visitor(self, app: Flask) -> None:
        """Though its request brings the visitor's cookie (CSRF), nothing is reached by it."""
        shop = embedded(app)
        shop.get(LIST)
        session_id = begin(shop)
        cookie = shop.get_cookie("embedded", "localhost")
        assert cookie is not None
        forger = app.test_client(use_cookies=False)
        said = {"session_id": session_id, "message": "no"}
        for origin in (None, *UNLISTED):
            headers = {"Cookie": f"embedded={cookie.value}"}
            headers |= {} if origin is None else {"Origin": origin}
            assert forger.get(LIST, headers=headers).get_json()["conversations"] == []
            assert forger.delete(LIST, headers=headers).get_json()["deleted"] == 0
            forger.delete(f"{API}/session/{session_id}", headers=headers)
            forger.delete(f"{UNIFIED_CHAT}/session/{session_id}", headers=headers)
            assert forger.post(f"{API}/respond", json=said, headers=headers).status_code == 404
        assert ids(shop) == [session_id]

    def test_a_listed_page_acts_for_no_visitor_of_the_site(self, app: Flask) -> None:
        """Though it is of the same site to a browser, which sends it the site's own cookie."""
        browser = app.test_client()
        browser.get("/develope")
        session_id = begin(browser)
        cookie = browser.get_cookie("browser")
        assert cookie is not None
        shop = embedded(app, use_cookies=False)
        headers = {"Cookie": f"browser={cookie.value}"}
        assert shop.get(f"{API}/session/{session_id}", headers=headers).status_code == 404
        shop.delete(LIST, headers=headers)
        own = str(uuid.uuid4())
        state = {"session_id": own, "data": {}}
        assert shop.post("/api/session", json=state, headers=headers).status_code == 200
        assert get_session(own, keyspace="state").owner is None
        assert ids(browser) == [session_id]

    def test_without_any_cookie_the_id_is_the_key(self, app: Flask) -> None:
        """A browser that keeps no cookie of another site talks all the same."""
        shop = embedded(app, use_cookies=False)
        session_id = start_analyzed(shop)
        assert shop.get(f"{API}/session/{session_id}").status_code == 200
        assert ids(shop) == []
        assert embedded(app, OTHER_SHOP).get(f"{API}/session/{session_id}").status_code == 200
        assert get_session(session_id).owner is None
