"""The pages' files from nginx itself: as from the application, limited, and of earlier releases."""

import gzip
import http.client
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.site_files import publish_site
from services.static_files import ELEMENT, SCRIPT
from tests.support.http import Http
from tests.support.nginx import Nginx
from tests.support.servers import ROOT, Gunicorn, free_port

SHOP = "https://shop.example"
ENOUGH = 6000
"""More requests in a row than nginx lets one client send, however slow the machine is."""
OF_THE_CONNECTION = {"connection", "date", "server", "transfer-encoding", "content-length"}
OWN = OF_THE_CONNECTION | {
    "etag",
    "last-modified",
    "accept-ranges",
    "x-request-id",
    "content-disposition",
}
"""Headers whose values differ between any two servers, or two answers."""
OF_NGINX = {"permissions-policy"}
"""What nginx adds to the application's answers."""


@pytest.fixture(scope="module")
def gunicorn() -> Iterator[Gunicorn]:
    """The application, which a shop may embed."""
    settings = {"SESSION_STORE_URL": "memory://", "EMBED_ORIGINS": SHOP}
    with Gunicorn(**settings) as server:
        yield server


@pytest.fixture(scope="module")
def file_hash(gunicorn: Gunicorn) -> str:
    """That of the files which the page names."""
    with Http(gunicorn.url) as http:
        found = re.search(r"/static/([0-9a-f]{16})/", http.get("/develope").body)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def alone(file_hash: str) -> Iterator[Nginx]:
    """An nginx in front of nobody."""
    with Nginx(free_port(), origins=[SHOP]) as server:
        yield server


def headers_of(url: str, path: str, **sent: str) -> dict[str, list[str]]:
    """The headers of a file by name, without those that differ anyway."""
    port = int(url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=sent)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 200, path
    found: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        if name.lower() not in OWN:
            found.setdefault(name.lower(), []).extend(value.split(", "))
    return {name: sorted(values) for name, values in found.items() if name not in OF_NGINX}


@pytest.mark.parametrize("origin", [SHOP, "https://SHOP.example", "https://evil.example", None])
@pytest.mark.parametrize(
    "name", ["HASH/chat/chat.js", "HASH/chat/texts/de.json", "HASH/icon.svg", SCRIPT, ELEMENT]
)
def test_a_file_comes_with_the_applications_headers(
    gunicorn: Gunicorn, alone: Nginx, file_hash: str, name: str, origin: str | None
) -> None:
    """Type, caching and what an embedding page may read; the files need no gunicorn."""
    path = f"/static/{name}".replace("HASH", file_hash)
    sent = {"Origin": origin} if origin else {}
    ours = headers_of(alone.url, path, **sent)
    assert "Accept-Encoding" in ours["vary"]
    ours["vary"].remove("Accept-Encoding")
    assert ours == headers_of(gunicorn.url, path, **sent)
    assert ("access-control-allow-origin" in ours) is (origin == SHOP)


def test_the_page_itself_is_no_embedding_page(alone: Nginx, file_hash: str) -> None:
    """Even if its own address is listed."""
    path = f"/static/{file_hash}/api.js"
    assert "access-control-allow-origin" in headers_of(alone.url, path, Origin=SHOP)
    own = headers_of(alone.url, path, Origin=SHOP, Host=SHOP.partition("://")[2])
    assert "access-control-allow-origin" not in own


def test_files_are_compressed_and_known_again(alone: Nginx, file_hash: str) -> None:
    """Those with a hash, and the two in other people's pages."""
    for name in (f"{file_hash}/pages.css", SCRIPT):
        with Http(alone.url) as client:
            known = client.get(f"/static/{name}").headers["ETag"]
            assert client.get(f"/static/{name}", **{"If-None-Match": known}).status == 304
    connection = http.client.HTTPConnection("127.0.0.1", alone.port, timeout=10)
    connection.request("GET", f"/static/{file_hash}/pages.css", headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    assert response.headers["Content-Encoding"] == "gzip"
    assert b"{" in gzip.decompress(response.read())
    connection.close()


def test_the_releases_before_are_served_too(file_hash: str, tmp_path: Path) -> None:
    """A page that was opened before an update finds what it loads later."""
    nginx = Nginx(free_port())
    other = tmp_path / "static"
    other.mkdir()
    for path in (ROOT / "static").rglob("*"):
        target = other / path.relative_to(ROOT / "static")
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())
    (other / "new.js").write_text("export const fresh = 1;\n")
    with nginx, Http(nginx.url) as http:
        new = publish_site(nginx.folder / "site", other, origins=(), longest_body=1)
        assert new in http.get(f"/static/{ELEMENT}").body
        for one in (file_hash, new):
            assert http.get(f"/static/{one}/chat/export.js").status == 200


def test_what_nginx_does_not_have_comes_from_the_application(
    gunicorn: Gunicorn, file_hash: str
) -> None:
    """While an update is under way, the page of one host may come through the nginx of another."""
    nginx = Nginx(gunicorn.port)
    (nginx.folder / "site" / "static" / file_hash).rename(nginx.folder / "gone")
    with nginx, Http(nginx.url) as http:
        found = http.get(f"/static/{file_hash}/chat/chat.js")
        assert (found.status, found.headers["Content-Type"][:15]) == (200, "text/javascript")
        assert "immutable" in found.headers["Cache-Control"]
        missing = http.get(f"/static/{file_hash}/chat/nothing.js")
        assert (missing.status, missing.body["code"]) == (404, "not_found")
        wrong = http.post(f"/static/{SCRIPT}", {})
        assert (wrong.status, wrong.body["code"]) == (405, "method_not_allowed")


def test_nothing_else_of_the_folder_can_be_read(gunicorn: Gunicorn) -> None:
    """Its settings name the sites that may embed the chat, and are nobody's business."""
    with Nginx(gunicorn.port, origins=[SHOP]) as nginx, Http(nginx.url) as http:
        for path in ("/nginx/http.conf", "/static/../nginx/http.conf", "/static/%2e%2e/nginx/"):
            found = http.get(path)
            assert found.status == 404
            assert "shop" not in str(found.body)


def test_files_are_limited_too(alone: Nginx, file_hash: str) -> None:
    """A first visit is far below it; what is refused is refused in the usual words."""
    path = f"/static/{file_hash}/chat/chat.js"
    with Http(alone.url, source="127.0.0.7") as http:
        answers = [http.get(path).status for _ in range(100)]
        assert set(answers) == {200}
        for _ in range(ENOUGH):
            answer = http.get(path)
            if answer.status == 429:
                break
        assert answer.body["code"] == "rate_limited"
    with Http(alone.url, source="127.0.0.8") as other:
        assert other.get(path).status == 200
