"""Who asks too often is told so and when to come back, and costs nothing more."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from config import Settings
from routes import errors, identity, limits, middleware
from services.rate_limits import MemoryCounters, SteadyCounters
from services.sessions import count_sessions
from services.sessions.stores.base import COUNTER_PREFIX, Count, Counters
from services.token_keys import Secret
from services.tokens import Tokens
from tests.support.application import create_app
from tests.support.clock import FakeClock
from tests.support.engines import CutOff
from tests.support.scraping import Scrape
from tests.support.servers import RedisServer, eventually
from tests.support.signing import SECRET, signed
from tests.support.talk import API

ALLOWED = 3
LIMITED = f"{ALLOWED} per hour"
UNLIMITED = {
    "develope.continue_conversation": "changes a conversation that was counted when it began",
    "develope.correct_facts": "the same",
    "develope.analyze_norms": "the same",
    "develope.ask_analysis_question": "the same",
}
REFUSED = "teaser_rate_limited_total"


def begin(client: FlaskClient, address: str = "192.0.2.1", **headers: str) -> Any:
    """Begin a conversation from an address."""
    return client.post(
        f"{API}/start",
        json={"initial_input": "A lamp"},
        headers=headers,
        environ_overrides={"REMOTE_ADDR": address},
    )


def statuses(client: FlaskClient, times: int, **more: str) -> list[int]:
    """What is answered to so many beginnings."""
    return [begin(client, **more).status_code for _ in range(times)]


@pytest.fixture
def limited(settings: Settings) -> Settings:
    """Settings that allow three conversations an hour."""
    return replace(settings, rate_limit_conversations=LIMITED)


@pytest.fixture
def client(limited: Settings) -> FlaskClient:
    """A client of an application with these settings."""
    return create_app(limited).test_client(use_cookies=False)


def little(counters: Counters, **expressions: str | None) -> FlaskClient:
    """A client of an application whose views have a limit of every kind."""
    app = Flask(__name__)
    app.secret_key = "a secret for the tests only"
    middleware.init_app(app)
    errors.init_app(app)
    app.extensions["tokens"] = Tokens(Secret(SECRET))

    def caller() -> tuple[str, str]:
        who = identity.get_identity()
        return who.tenant_id, who.user_id

    @app.post("/one")
    @limits.limit(limits.CONVERSATIONS)
    def one() -> ResponseReturnValue:
        return jsonify(ok=True)

    @app.post("/two")
    @limits.limit(limits.CONVERSATIONS)
    def two() -> ResponseReturnValue:
        return jsonify(ok=True)

    @app.post("/state")
    @limits.limit(limits.STATES)
    def state() -> ResponseReturnValue:
        return jsonify(ok=True)

    @app.put("/context")
    @limits.limit(limits.CONTEXTS, caller)
    def context() -> ResponseReturnValue:
        return jsonify(ok=True)

    chosen = dict.fromkeys(limits.NAMES) | expressions
    limits.init_app(app, chosen, SteadyCounters(None, counters))
    return app.test_client()


def test_one_too_many_is_refused(client: FlaskClient) -> None:
    """With the standard body and whole seconds after which to come back."""
    assert statuses(client, ALLOWED) == [200] * ALLOWED
    response = begin(client)
    assert response.status_code == 429
    assert response.get_json()["code"] == "rate_limited"
    assert response.get_json()["error"].endswith("try again.")
    assert response.get_json()["request_id"] == response.headers["X-Request-ID"]
    assert 3590 <= int(response.headers["Retry-After"]) <= 3600
    assert not [name for name, _ in response.headers if name.startswith("X-RateLimit")]
    assert count_sessions() == ALLOWED


def test_the_next_window_is_open_after_retry_after() -> None:
    """Not before, and never a wait of no time."""
    clock = FakeClock()
    client = little(MemoryCounters(clock=clock), conversations="1 per 10 seconds")
    assert client.post("/one").status_code == 200
    clock.forward(9.9)
    response = client.post("/one")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    clock.forward(0.1)
    assert client.post("/one").status_code == 200
    clock.forward(7.5)
    assert client.post("/one").headers["Retry-After"] == "3"


class JustOver(Counters):
    """A counter whose window ends at this moment."""

    def increment(self, key: str, seconds: int) -> Count:  # noqa: ARG002
        return Count(1000, 0.0)

    def read_count(self, key: str) -> Count:  # noqa: ARG002
        return Count(1000, 0.0)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:  # noqa: ARG002
        return 0.0


def test_a_refusal_never_says_to_come_back_at_once() -> None:
    """A client that obeys would ask again and again."""
    client = little(JustOver(), conversations="1 per second")
    response = client.post("/one")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")


def test_a_refused_request_reads_and_writes_nothing(limited: Settings) -> None:
    """Neither the browser's session nor a conversation, and its body is not looked at."""
    engine = CutOff()
    browser = create_app(limited, engine=engine).test_client()
    assert browser.get("/develope").status_code == 200
    for _ in range(ALLOWED):
        assert begin(browser).status_code == 200
    asked = engine.asked
    assert begin(browser).status_code == 429
    assert (
        browser.post(
            f"{API}/start", data="{", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
        ).status_code
        == 429
    )
    assert engine.asked == asked


def test_only_what_makes_something_is_limited(client: FlaskClient) -> None:
    """A conversation that was begun goes on."""
    session_id = begin(client).get_json()["session_id"]
    assert 429 in statuses(client, ALLOWED)
    for _ in range(2 * ALLOWED):
        response = client.post(
            f"{API}/respond",
            json={"session_id": session_id, "message": "no"},
            environ_overrides={"REMOTE_ADDR": "192.0.2.1"},
        )
        assert response.status_code == 200
    assert client.get("/healthz").status_code == 200


def test_each_address_has_its_own_limit(client: FlaskClient) -> None:
    """One that asks too often costs the others nothing."""
    assert 429 in statuses(client, ALLOWED + 1)
    assert begin(client, "192.0.2.2").status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
        ("unix:", "192.0.2.1", False),
    ],
)
def test_a_customer_is_one_client(
    client: FlaskClient, first: str, second: str, *, same: bool
) -> None:
    """Whoever has a network of IPv6 has more addresses than can be counted."""
    assert statuses(client, ALLOWED, address=first) == [200] * ALLOWED
    assert begin(client, second).status_code == (429 if same else 200)


def test_views_of_one_kind_share_what_is_allowed() -> None:
    """And those of another kind are counted apart."""
    client = little(MemoryCounters(), conversations="2/hour", states="2/hour")
    answers = [client.post(path).status_code for path in ("/one", "/two", "/one", "/state")]
    assert answers == [200, 200, 429, 200]
    assert [client.post("/state").status_code for _ in range(2)] == [200, 429]


def test_several_limits_hold_at_once() -> None:
    """The one that is exceeded says when to come back."""
    clock = FakeClock()
    client = little(MemoryCounters(clock=clock), states="2 per minute; 3 per hour")
    answers = []
    for _ in range(2):
        answers += [client.post("/state") for _ in range(3)]
        clock.forward(60)
    assert [one.status_code for one in answers] == [200, 200, 429, 200, 429, 429]
    assert [answers[at].headers["Retry-After"] for at in (2, 4)] == ["60", "3540"]


def test_a_user_is_counted_by_the_verified_token() -> None:
    """Through any address; another user of the tenant, or a like name elsewhere, is another."""
    client = little(MemoryCounters(), contexts="1/hour")

    def put(address: str = "192.0.2.1", **who: str) -> int:
        headers = {"Authorization": f"Bearer {signed(**who)}"}
        environ = {"REMOTE_ADDR": address}
        return client.put("/context", headers=headers, environ_overrides=environ).status_code

    assert [put(), put("192.0.2.9"), put(sub="bob"), put(tenant_id="other")] == [200, 429, 200, 200]
    assert [put(tenant_id="a", sub="bc"), put(tenant_id="ab", sub="c")] == [200, 200]
    assert client.put("/context").status_code == 401


def is_right() -> bool:
    """Whether the present request has the right word."""
    return request.path == "/right"


def guarded(
    locks: Callable[[], bool] | None, counters: Counters | None = None
) -> Callable[..., TestResponse]:
    """Asks an application that counts wrong words, two a minute."""
    app = Flask(__name__)
    app.secret_key = "a secret for the tests only"
    errors.init_app(app)
    view = limits.limit(limits.OPERATORS, unless=is_right, locks=locks)

    @app.get("/<word>")
    @view
    def guess(word: str) -> ResponseReturnValue:
        return "", 200 if word == "right" else 401

    @app.post("/<word>")
    @view
    def guess_elsewhere(word: str) -> ResponseReturnValue:
        return guess(word)

    chosen = dict.fromkeys(limits.NAMES) | {limits.OPERATORS: "2 per minute"}
    limits.init_app(app, chosen, SteadyCounters(None, counters or MemoryCounters()))
    return lambda word, method="GET", address="192.0.2.1": app.test_client().open(
        f"/{word}", method=method, environ_overrides={"REMOTE_ADDR": address}
    )


def test_what_is_exempt_is_let_through_beyond_the_limit() -> None:
    """Unless the view says otherwise."""
    ask = guarded(None)
    found = [ask(word).status_code for word in ("right", "a", "right", "b", "right", "c", "right")]
    assert found == [200, 401, 200, 401, 200, 429, 200]


def test_a_limit_that_locks_lets_no_right_guess_through() -> None:
    """Whoever was wrong too often learns nothing more; what is right does not count before."""
    ask = guarded(is_right)
    found = [ask(word).status_code for word in ("right", "a", "right", "b", "right", "c", "right")]
    assert found == [200, 401, 200, 401, 429, 429, 429]


def test_a_lock_is_of_one_client_and_ends_with_the_window() -> None:
    """Others go on meanwhile; a refusal says how long, and makes it no longer."""
    clock = FakeClock()
    ask = guarded(is_right, MemoryCounters(clock=clock))
    for word in "ab":
        ask(word)
    for seconds in (0, 30, 29):
        clock.forward(seconds)
        assert (ask("right").status_code, ask("c").status_code) == (429, 429)
        assert ask("right", address="192.0.2.2").status_code == 200
    assert ask("right").headers["Retry-After"] == "1"
    clock.forward(1)
    assert ask("right").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_lock_holds_wherever_the_same_counters_are_asked(method: str) -> None:
    """Through any process, and in any view of the limit."""
    counters = MemoryCounters()
    first, second = (guarded(is_right, counters) for _ in range(2))
    for word in "ab":
        assert first(word).status_code == 401
    assert second("right", method).status_code == 429


def test_without_a_limit_there_is_none() -> None:
    """Of one kind, and of all."""
    client = little(MemoryCounters(), conversations=None, states="1/hour")
    assert {client.post("/one").status_code for _ in range(50)} == {200}
    client = little(MemoryCounters())
    assert {client.post("/state").status_code for _ in range(50)} == {200}
    assert "limiter" not in client.application.extensions


def test_an_unknown_limit_keeps_it_from_starting() -> None:
    """A view cannot ask for one that no setting is for."""
    app = Flask(__name__)
    app.secret_key = "secret"
    app.post("/")(limits.limit("kisses")(lambda: ""))
    with pytest.raises(KeyError, match="kisses"):
        limits.init_app(app, {limits.STATES: "1/hour"}, SteadyCounters(None, MemoryCounters()))


def test_every_view_that_writes_is_limited_or_known_to_need_none(app: Flask) -> None:
    """No route is added without a thought about how often it may be called."""
    writing = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if {"POST", "PUT", "PATCH"} & (rule.methods or set())
    }
    marked = {
        endpoint for endpoint, view in app.view_functions.items() if hasattr(view, "rate_limit")
    }
    assert "develope.start_conversation" in marked
    assert writing - marked == UNLIMITED.keys()


def test_what_a_client_claims_of_itself_is_not_believed(client: FlaskClient) -> None:
    """Without a trusted proxy X-Forwarded-For says nothing."""
    found = [
        begin(client, **{"X-Forwarded-For": f"198.51.100.{at}", "X-Real-IP": f"198.51.100.{at}"})
        for at in range(ALLOWED + 1)
    ]
    assert [one.status_code for one in found] == [200] * ALLOWED + [429]


def test_a_proxy_nobody_trusts_is_logged_once(
    client: FlaskClient, limited: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Its visitors may be refused for each other, which the operator can put right."""
    limits.warn_of_proxy.cache_clear()
    statuses(client, ALLOWED + 1)
    trusting = create_app(replace(limited, trusted_proxies=1)).test_client(use_cookies=False)
    passed_on = {"X-Forwarded-For": "203.0.113.7"}
    for _ in range(ALLOWED + 1):
        begin(trusting, **passed_on)
    assert "TRUSTED_PROXIES" not in caplog.text
    for _ in range(3):
        assert begin(client, **passed_on).status_code == 429
    assert caplog.text.count("TRUSTED_PROXIES") == 1


@pytest.mark.parametrize("proxies", [1, 2])
def test_trusted_proxies_say_who_asks(limited: Settings, proxies: int) -> None:
    """By what they have added; what stood there before is the client's own invention."""
    client = create_app(replace(limited, trusted_proxies=proxies)).test_client(use_cookies=False)
    added = ", ".join(["203.0.113.7", "10.0.0.1"][:proxies])

    def ask(claimed: str, real: str = added) -> int:
        header = ", ".join(filter(None, (claimed, real)))
        return int(begin(client, "127.0.0.1", **{"X-Forwarded-For": header}).status_code)

    assert [ask(f"198.51.100.{at}") for at in range(ALLOWED)] == [200] * ALLOWED
    assert ask("") == 429
    assert ask("198.51.100.1, 198.51.100.2, nonsense") == 429
    assert ask("203.0.113.7", added.replace("203.0.113.7", "203.0.113.8")) == 200


@pytest.mark.parametrize(
    "forms",
    [
        ["203.0.113.7:40000", "203.0.113.7:40001", "::ffff:203.0.113.7", "203.0.113.7"],
        ["[2001:db8::1]:443", "[2001:db8::1]:444", "2001:db8::2", "[2001:DB8::3]"],
        ["unknown", "_hidden", "nonsense:1", "203.0.113.256"],
    ],
    ids=["IPv4", "IPv6", "unreadable"],
)
def test_a_proxy_may_write_an_address_as_it_likes(limited: Settings, forms: list[str]) -> None:
    """A port does not make another client, and what cannot be read is one together."""
    client = create_app(replace(limited, trusted_proxies=1)).test_client(use_cookies=False)

    def ask(address: str) -> int:
        return int(begin(client, "127.0.0.1", **{"X-Forwarded-For": address}).status_code)

    assert len(forms) > ALLOWED
    assert [ask(form) for form in forms] == [200] * ALLOWED + [429] * (len(forms) - ALLOWED)
    assert ask("198.51.100.9:40000") == 200


def test_views_see_an_address_in_one_form() -> None:
    """Whatever counts by it later."""
    app = Flask(__name__)
    middleware.init_app(app, trusted_proxies=1)
    app.get("/")(lambda: repr(request.remote_addr))
    client = app.test_client()
    for given, seen in (("[2001:DB8::1]:443", "2001:db8::1"), ("203.0.113.7:4", "203.0.113.7")):
        assert client.get("/", headers={"X-Forwarded-For": given}).text == repr(seen)
    assert client.get("/", headers={"X-Forwarded-For": "unknown"}).text == repr("")


@pytest.mark.parametrize(("proxies", "scheme"), [(0, "http"), (1, "https")])
def test_a_trusted_proxy_says_how_it_was_asked(proxies: int, scheme: str) -> None:
    """And nobody else does."""
    app = Flask(__name__)
    middleware.init_app(app, trusted_proxies=proxies)
    app.get("/")(lambda: request.scheme)
    assert app.test_client().get("/", headers={"X-Forwarded-Proto": "https"}).text == scheme


def test_refusals_are_counted(client: FlaskClient) -> None:
    """By the limit's name."""
    before = Scrape(client.get("/metrics").text).value(REFUSED, limit="conversations") or 0
    statuses(client, ALLOWED + 2)
    assert Scrape(client.get("/metrics").text).value(REFUSED, limit="conversations") == before + 2


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A redis-server of the test's own, which it may stop."""
    with RedisServer() as running:
        yield running


def on(server: RedisServer, limited: Settings) -> FlaskClient:
    """A client of an application with this Redis, and a spill for what it does not take."""
    app = create_app(replace(limited, store_url=server.url, spill_url="memory://"))
    return app.test_client(use_cookies=False)


def counted(server: RedisServer) -> list[int]:
    """How far the counters in Redis are."""
    client = server.client()
    return sorted(int(client.get(key) or 0) for key in client.keys(f"{COUNTER_PREFIX}*"))


def test_all_processes_count_in_redis(server: RedisServer, limited: Settings) -> None:
    """Under a key that names nobody and ends by itself."""
    clients = [on(server, limited) for _ in range(2)]
    found = [begin(clients[at % 2]).status_code for at in range(ALLOWED + 2)]
    assert found == [200] * ALLOWED + [429, 429]
    assert counted(server) == [ALLOWED + 2]
    redis = server.client()
    (key,) = redis.keys(f"{COUNTER_PREFIX}*")
    assert b"192.0.2.1" not in key
    assert 0 < redis.ttl(key) <= 3600


def test_a_secret_of_its_own_hides_the_address(server: RedisServer, limited: Settings) -> None:
    """Who knows addresses cannot tell from the keys who was here."""
    begin(on(server, limited))
    begin(on(server, replace(limited, secret_key="another secret for the tests")))
    assert counted(server) == [1, 1]


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_the_limit_holds_while_redis_is_away(
    server: RedisServer, limited: Settings, how: str
) -> None:
    """Each process counts for itself then, and in Redis again when it is back."""
    client = on(server, limited)
    assert begin(client).status_code == 200
    assert counted(server) == [1]
    if how == "frozen":
        with server.frozen():
            assert statuses(client, ALLOWED + 1) == [200] * ALLOWED + [429]
    else:
        server.stop()
        assert statuses(client, ALLOWED + 1) == [200] * ALLOWED + [429]
        server.start()
    before = counted(server)
    assert eventually(lambda: bool(statuses(client, 1)) and counted(server) > before)


def test_a_frozen_redis_costs_a_few_requests_a_moment(
    server: RedisServer, limited: Settings
) -> None:
    """Refused requests as well find out together, not one by one, that nothing answers."""
    app = create_app(replace(limited, store_url=server.url, spill_url="memory://"))
    client = app.test_client(use_cookies=False)
    waited = Scrape(client.get("/metrics").text)
    names = {"engine": "redis", "direction": "count", "reason": "timeout"}
    before = waited.value("teaser_engine_unavailable_total", **names) or 0
    with server.frozen():
        statuses(client, 30)
        after = Scrape(client.get("/metrics").text)
    found = (after.value("teaser_engine_unavailable_total", **names) or 0) - before
    assert 1 <= found <= 15  # three, and probes after pauses


def test_redis_that_forbids_counting_keeps_the_sessions(
    server: RedisServer, limited: Settings, tmp_path: Path
) -> None:
    """A user of Redis that may touch sessions only is no outage."""
    redis = server.client()
    redis.execute_command("ACL", "SETUSER", "chat", "on", ">secret", "~chat:*", "~index:*", "+@all")
    url = server.url.replace("127.0.0.1", "chat:secret@127.0.0.1")
    app = create_app(replace(limited, store_url=url, spill_url=f"sqlite:///{tmp_path / 's.db'}"))
    client = app.test_client(use_cookies=False)
    assert statuses(client, ALLOWED + 1) == [200] * ALLOWED + [429]
    assert not app.extensions["migration"].outage.engine.is_degraded
    assert app.extensions["spill"].backlog().count == 0
    assert len(redis.keys("chat:session:*")) == ALLOWED
