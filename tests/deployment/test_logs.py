"""Whatever goes wrong with a request for a conversation, no log of the run has its id."""

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from tests.support.http import Http
from tests.support.servers import RedisServer, eventually
from tests.support.sites import Site
from tests.support.talk import API, LAMP


@pytest.fixture(scope="module")
def site(redis_server: RedisServer) -> Iterator[Site]:
    """The whole deployment, which says as much as it can."""
    with Site(redis_server, LOG_LEVEL="DEBUG") as site:
        yield site


@pytest.fixture(scope="module")
def session_id(site: Site) -> str:
    """A conversation that anybody may continue who knows its id."""
    with Http(site.url) as http:
        return str(http.post(f"{API}/start", {"initial_input": LAMP}).body["session_id"])


def all_logs(site: Site) -> str:
    """Everything that was written by any of the servers."""
    files = [path for path in site.nginx.folder.rglob("*.log") if path.is_file()]
    assert files
    written = [path.read_text(encoding="utf-8") for path in files]
    return "".join([*written, site.nginx.output(), site.gunicorn.output()])


def send(port: int, text: str) -> bytes:
    """Send something that need not be HTTP, and read what comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(text.encode())
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError), client.makefile("rb") as answer:
            return answer.read()
    return b""


def test_no_log_of_a_run_has_an_id(site: Site, session_id: str) -> None:
    """Neither of what is served, nor of what is refused, limited, malformed, or not answered."""
    known = f"{API}/session/{session_id}"
    addresses = (
        known, known.upper(), f"/x/{session_id}/y", f"/api/session/{session_id}",
        f"/static/{session_id}", f"/api/v1/context/{session_id}", f"//api//x/{session_id}",
        f"{API}/analyze-stream?session_id={session_id}", f"/develope?{session_id}",
        f"/metrics/{session_id}", f"/ops/{session_id}",
    )  # fmt: skip
    malformed = (
        f"GET {known}\r\n\r\n", f"GET {known} HTTP/9.9\r\n\r\n",
        f"GET {known} x y HTTP/1.1\r\n\r\n",
        f"POST {known} HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        f"POST {known} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {session_id}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{session_id} x: y\r\n\r\n",
    )  # fmt: skip
    for port in (site.nginx.port, site.gunicorn.port):
        for text in malformed:
            send(port, text)
    for url in (site.url, site.gunicorn.url):
        with Http(url) as http:
            for address in addresses:
                http.get(address, Referer=f"{site.url}{known}")
    with Http(site.url) as http:
        assert http.get(known).status == 200
        assert eventually(lambda: http.get(known).status == 429)
        assert http.post(f"/api/session/{session_id}", {"a": "a" * 2_000_000}).status == 413
    site.gunicorn.stop()
    with Http(site.url, source="127.0.0.2") as http:
        assert http.get(known).status == 502
    found = all_logs(site)
    assert '"status":502' in found
    assert session_id not in found.lower()


def test_the_access_log_says_why_a_request_was_not_served(site: Site) -> None:
    """What nginx's own error log would have said."""
    site.gunicorn.stop()
    with Http(site.url, source="127.0.0.3") as http:
        assert http.get("/develope").status == 502
    log = site.nginx.folder / "access.log"

    def last() -> dict[str, str]:
        found: dict[str, str] = json.loads(log.read_text().splitlines()[-1])
        return found

    assert eventually(lambda: last()["client"] == "127.0.0.3")
    assert last()["upstream_status"] == "502"
    assert last()["answered"] == "-"
