"""deploy/nginx.conf and what it includes, in a real nginx: what it passes on and what it adds."""

import http.client
import json
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import MappingProxyType

import pytest

from deploy import rendering
from tests.support.host import Host, in_pieces, send_piece
from tests.support.http import Http
from tests.support.nginx import Nginx
from tests.support.servers import Gunicorn, eventually
from tests.support.talk import API

MAY_REPEAT = {"vary", "set-cookie"}
NONE: Mapping[str, str] = MappingProxyType({})
STREAM = f"{API}/analyze-stream?session_id={uuid.uuid4()}"


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """The application as it is behind nginx."""
    folder = tmp_path_factory.mktemp("sessions")
    settings = {"SESSION_STORE_URL": f"sqlite:///{folder / 'sessions.db'}", "TRUSTED_PROXIES": "1"}
    with Gunicorn(**settings, WEB_CONCURRENCY="1") as server:
        yield server


@pytest.fixture(scope="module")
def nginx(gunicorn: Gunicorn) -> Iterator[Nginx]:
    """What is in front of it."""
    with Nginx(gunicorn.port) as server:
        yield server


def answered(
    nginx: Nginx, path: str, headers: Mapping[str, str] = NONE, *, body: bytes | None = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, every header, and the body as it came."""
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        named = [(name.lower(), value) for name, value in response.getheaders()]
        return response.status, named, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_nginx_accepts_the_files(tls: bool) -> None:
    """Without an error or a warning, but for one of newer releases that older ones need."""
    server = Nginx(1, tls=tls)
    done = subprocess.run([*server.command, "-t"], capture_output=True, text=True, check=False)
    server.close()
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "[warn]" in line]
    assert [
        line for line in warnings if '"listen ... http2" directive is deprecated' not in line
    ] == []


def test_a_file_without_what_is_to_be_replaced_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the tests run would else be something other than what is deployed."""
    monkeypatch.setattr(rendering, "PLAIN_SITE", rendering.HERE / "nginx" / "hosts.conf")
    with pytest.raises(ValueError, match=r"teaser-chat.conf must contain 'listen 80;'"):
        rendering.render(tmp_path, 1, [2])


@pytest.mark.parametrize(
    "path", ["/develope", "/static/chat/chat.js", "/healthz", "/api/session/none", "/nowhere"]
)
def test_every_header_comes_once(nginx: Nginx, path: str) -> None:
    """Nothing that the application says is repeated."""
    _, headers, _ = answered(nginx, path, {"Accept": "text/html"})
    names = [name for name, _ in headers if name not in MAY_REPEAT]
    assert sorted(names) == sorted(set(names))
    assert {"x-request-id", "x-content-type-options", "permissions-policy"} <= set(names)
    assert "strict-transport-security" not in names
    assert dict(headers)["server"] == "nginx"


def test_one_id_is_in_the_answer_and_in_both_logs(gunicorn: Gunicorn, nginx: Nginx) -> None:
    """It is drawn by nginx, whatever the client sends."""
    _, headers, body = answered(nginx, f"{API}/nothing", {"X-Request-ID": "chosen"})
    given = dict(headers)["x-request-id"]
    assert given != "chosen"
    assert json.loads(body)["request_id"] == given
    assert eventually(lambda: given in (nginx.folder / "access.log").read_text())


def test_the_log_names_no_session(nginx: Nginx) -> None:
    """Some conversations are open to whoever knows their id."""
    secret = str(uuid.uuid4())
    paths = (
        f"{API}/session/{secret}", f"{API}//session/{secret}", f"/api/session/{secret}",
        f"/api/v1/chat/session/{secret}", f"/api/v1/context/{secret}",
        f"{API}/analyze-stream?session_id={secret}",
    )  # fmt: skip
    for path in paths:
        answered(nginx, path)
    log = nginx.folder / "access.log"
    assert eventually(lambda: log.read_text().count("analyze-stream") >= 1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"/api/session/...", f"{API}/session/..."} <= {line["path"] for line in lines}
    assert secret not in log.read_text()


def test_an_etag_that_is_a_version_stays_as_it_is(gunicorn: Gunicorn, nginx: Nginx) -> None:
    """Compressed it would be weak, and a client could not save over it."""
    session_id = str(uuid.uuid4())
    state = {"messages": [], "note": "a" * 5000}
    with Http(nginx.url) as http:
        saved = http.post("/api/session", {"session_id": session_id, "data": state})
    assert saved.status == 200
    path = f"/api/session/{session_id}"
    _, headers, _ = answered(nginx, path, {"Accept-Encoding": "gzip"})
    with Http(gunicorn.url) as http:
        assert dict(headers)["etag"] == http.get(path).headers["ETag"] == saved.headers["ETag"]
    assert "content-encoding" not in dict(headers)
    _, described, _ = answered(nginx, "/openapi.json", {"Accept-Encoding": "gzip"})
    assert dict(described)["content-encoding"] == "gzip"


def test_a_stream_arrives_step_by_step() -> None:
    """The second step is made only when the first was read, which no buffer would let happen."""
    read = threading.Event()

    def stream(request: BaseHTTPRequestHandler) -> None:
        # Not in chunks, which nginx passes on at once even where it is told to buffer.
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.end_headers()
        request.wfile.write(b"data: first\n\n")
        arrived = read.wait(5)
        request.wfile.write(b"data: second\n\n" if arrived else b"data: nobody read\n\n")
        request.close_connection = True

    with Host(stream) as host, Nginx(host.port) as nginx:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=20)
        connection.request("GET", STREAM, headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        assert response.readline() == b"data: first\n"
        read.set()
        assert response.read() == b"\ndata: second\n\n"
        connection.close()


def test_an_answer_that_breaks_off_is_seen_to_be_broken() -> None:
    """A client never takes half a stream for a whole one."""

    def break_off(request: BaseHTTPRequestHandler) -> None:
        in_pieces(request)
        send_piece(request, b"data: first\n\n")
        request.close_connection = True

    broken = (http.client.IncompleteRead, ConnectionError)
    with Host(break_off) as host, Nginx(host.port) as nginx, pytest.raises(broken):
        answered(nginx, STREAM)


def test_no_connection_to_a_host_is_kept() -> None:
    """It could be closed at the moment at which a message is sent on it."""
    wanted = []

    def note(request: BaseHTTPRequestHandler) -> None:
        wanted.append(request.headers["Connection"])
        request.send_response(204)
        request.end_headers()

    with Host(note) as host, Nginx(host.port) as nginx, Http(nginx.url) as http:
        assert [http.get("/").status for _ in range(2)] == [204, 204]
    assert wanted == ["close", "close"]


def test_a_request_is_never_sent_twice_to_be_sure() -> None:
    """A message that a host got and did not answer is not given to the next one."""

    def hang_up(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True

    with Host(hang_up) as one, Host(hang_up) as other, Nginx(one.port, other.port) as nginx:
        assert answered(nginx, f"{API}/respond", body=b"{}")[0] == 502
        assert len(one.seen + other.seen) == 1
