"""What nginx answers itself: a program can read it, a person as well, and nobody is locked out."""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from routes.errors import HTTP_RESPONSES, RESPONSES
from services.errors import RateLimited
from services.sessions.repository import SESSION_MAX_BYTES
from tests.support.host import Host, in_pieces, send_piece
from tests.support.http import Answer, Http
from tests.support.nginx import Nginx
from tests.support.servers import Gunicorn, free_port
from tests.support.talk import API

ENOUGH = 3000
"""More requests in a row than nginx lets one client send, however slow the machine is."""
SITE = "https://shop.example"


@pytest.fixture(scope="module")
def gunicorn() -> Iterator[Gunicorn]:
    """The application, with its one state saved."""
    settings = {"SESSION_STORE_URL": "memory://", "RATE_LIMIT_STATES": "1 per day"}
    with Gunicorn(**settings) as server, Http(server.url) as http:
        http.post("/api/session", {})
        yield server


@pytest.fixture
def alone() -> Iterator[Nginx]:
    """An nginx in front of nobody."""
    with Nginx(free_port()) as server:
        yield server


def refusal(nginx: Nginx, path: str, **headers: str) -> Answer:
    """Ask until it is too often."""
    with Http(nginx.url) as http:
        for _ in range(ENOUGH):
            answer = http.get(path, **headers)
            if answer.status == 429:
                return answer
    raise AssertionError("it is never too often")


def test_too_many_requests_are_refused_in_the_applications_words() -> None:
    """With the time to wait, and only for the one who sends them."""
    with Host() as host, Nginx(host.port) as nginx:
        answer = refusal(nginx, f"{API}/session/x")
        found = RESPONSES[RateLimited]
        assert answer.body["error"] == found.sentence
        assert answer.body["code"] == found.code
        assert len(answer.body["request_id"]) == 32
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Cache-Control"] == "no-store"
        with Http(nginx.url, source="127.0.0.2") as other:
            assert other.get(f"{API}/session/x").status == 200
        with Http(nginx.url) as same:
            assert same.get("/static/chat/embed.js").status == 200  # files are counted apart
            assert same.get("/static/chat/nothing.js").status == 429  # unless gunicorn serves them


def test_a_page_of_another_site_can_read_why() -> None:
    """The sentence and the time to wait; a page of this site is told nothing about others."""
    with Host() as host, Nginx(host.port) as nginx:
        headers = refusal(nginx, f"{API}/session/x", Origin=SITE).headers
        assert headers["Access-Control-Allow-Origin"] == SITE
        assert headers["Access-Control-Allow-Credentials"] == "true"
        assert headers["Access-Control-Expose-Headers"] == "Retry-After"
        assert headers["Vary"] == "Origin"
        own = refusal(nginx, f"{API}/session/x").headers
        assert not [name for name in own if name.startswith("Access-Control")]


def test_a_token_cannot_be_guessed_quickly() -> None:
    """/ops has a limit of its own, far below the general one, which it leaves alone."""
    with Host() as host, Nginx(host.port) as nginx:
        refusal(nginx, "/ops/status")
        assert len(host.seen) < 100
        with Http(nginx.url) as http:
            assert http.get("/ops").status == 429
            assert http.get("/opsis").status == 200
            assert http.get("/develope").status == 200


def test_the_public_is_told_the_status_alone(gunicorn: Gunicorn) -> None:
    """What is behind nginx is for operators, even if they ask from the same host."""
    with Nginx(gunicorn.port) as nginx, Http(nginx.url) as http:
        assert http.get("/readyz").body == {"status": "ready"}
    with Http(gunicorn.url) as http:
        assert "stage" in http.get("/readyz").body


def test_one_client_cannot_hold_every_connection() -> None:
    """Beyond a hundred open requests the next is refused; another client is served."""
    over = threading.Event()

    def hold(request: BaseHTTPRequestHandler) -> None:
        in_pieces(request)
        send_piece(request, b": open\n\n")
        over.wait(30)

    with Host(hold) as host:
        nginx = Nginx(host.port)
        site = nginx.folder / "teaser-chat" / "site.conf"
        site.write_text(site.read_text().replace("burst=100", "burst=1000"))
        with nginx, contextlib.ExitStack() as held:
            held.callback(over.set)
            for _ in range(100):
                held.enter_context(opened(nginx.port))
            with Http(nginx.url) as http:
                assert http.get(f"{API}/session/x").status == 429
            held.enter_context(opened(nginx.port, "127.0.0.2"))


@contextlib.contextmanager
def opened(port: int, source: str = "127.0.0.1") -> Iterator[None]:
    """A connection over which an answer has begun."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=10, source_address=(source, 0)
    )
    connection.request("GET", f"{API}/analyze-stream")
    with contextlib.closing(connection), connection.getresponse() as response:
        assert response.status == 200
        yield


@pytest.mark.parametrize("length", [100_000, SESSION_MAX_BYTES - 100, SESSION_MAX_BYTES + 1])
def test_a_body_that_is_too_large_is_refused_readably(gunicorn: Gunicorn, length: int) -> None:
    """By the application, and by nginx what it does not even pass on: in the same words.

    Each time: whoever still sends must not be reset before the answer is read.
    """
    found = HTTP_RESPONSES[413]
    with Nginx(gunicorn.port) as nginx:
        for _ in range(10):
            with Http(nginx.url) as http:
                answer = http.post(f"{API}/start", {"initial_input": "a" * length})
            assert (answer.status, answer.body["code"]) == (413, found.code)
            assert answer.body["error"] == found.sentence
            by_nginx = "X-Request-ID" not in answer.headers
            assert by_nginx is (length > SESSION_MAX_BYTES)


def test_what_is_refused_before_it_is_read_is_told_why(gunicorn: Gunicorn) -> None:
    """Such as what comes too often, or to no address that there is."""
    state = {"session_id": "x", "data": {"note": "a" * 900_000}}
    with Nginx(gunicorn.port) as nginx:
        for path, status in (("/api/session", 429), ("/api/nothing", 404)):
            for _ in range(10):
                with Http(nginx.url) as http:
                    assert http.post(path, state).status == status


@pytest.mark.parametrize(
    ("path", "accepts"), [(f"{API}/session/x", "text/html"), ("/readyz", "*/*")]
)
def test_without_gunicorn_a_program_is_told_so(alone: Nginx, path: str, accepts: str) -> None:
    """And when to ask again; the code is not the one for an engine that is away."""
    with Http(alone.url) as http:
        answer = http.get(path, Accept=accepts)
    assert (answer.status, answer.body["code"]) == (502, "server_unavailable")
    assert set(answer.body) == {"error", "code", "request_id"}
    assert int(answer.headers["Retry-After"]) >= 1


def test_without_gunicorn_a_person_sees_a_page(alone: Nginx) -> None:
    """That runs nothing and can be opened again."""
    with Http(alone.url) as http:
        answer = http.get("/develope", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status == 502
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "please try again in a moment" in answer.body
    assert "nginx" not in answer.body
