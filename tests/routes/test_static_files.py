"""The pages' files as Flask serves them, which is how they come without nginx."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.static_files import ELEMENT, SCRIPT

FOREVER = {"public", "max-age=31536000", "immutable"}
PAGES = ("/develope", "/agents", "/ops", "/docs")


def caching(client: FlaskClient, address: str) -> set[str]:
    """What a browser is told about keeping a file."""
    with client.get(address) as response:
        assert response.status_code == 200
        return set(response.headers["Cache-Control"].split(", "))


@pytest.fixture
def file_hash(app: Flask) -> str:
    """The present release's."""
    found = app.extensions["static_files"].hash
    assert re.fullmatch("[0-9a-f]{16}", found)
    return str(found)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_files_that_never_change(
    client: FlaskClient, file_hash: str, page: str
) -> None:
    """Each by the one hash of all of them, and each is there."""
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get(page).text)
    assert named
    for address in named:
        assert address.startswith(f"/static/{file_hash}/")
        assert caching(client, address) == FOREVER


@pytest.mark.parametrize("name", [SCRIPT, ELEMENT, "chat/chat.js"])
def test_addresses_without_a_hash_are_asked_for_anew(client: FlaskClient, name: str) -> None:
    """With an ETag, so that the answer is short where nothing has changed."""
    assert caching(client, f"/static/{name}") == {"no-cache"}
    with client.get(f"/static/{name}") as first:
        again = {"If-None-Match": first.headers["ETag"]}
    with client.get(f"/static/{name}", headers=again) as second:
        assert (second.status_code, second.data) == (304, b"")


def test_the_element_in_other_peoples_pages_is_the_present_one(
    client: FlaskClient, file_hash: str
) -> None:
    """Its address leads to the files with the hash, and to no other."""
    entry = client.get(f"/static/{ELEMENT}")
    assert entry.mimetype == "text/javascript"
    named = re.findall(r'import "\.\./([^"]+)";', entry.text)
    assert f"{file_hash}/{ELEMENT}" in named
    for name in named:
        assert caching(client, f"/static/{name}") == FOREVER
    with client.get(f"/static/{file_hash}/{ELEMENT}") as element:
        assert b"customElements.define" in element.data


def test_a_page_of_another_release_still_finds_its_files(client: FlaskClient) -> None:
    """The present ones, which no browser keeps under the hash of another release."""
    other = f"/static/{'0' * 16}/chat/export.js"
    assert caching(client, other) == {"no-cache"}
    assert client.get(f"/static/{'0' * 16}/chat/nothing.js").status_code == 404
