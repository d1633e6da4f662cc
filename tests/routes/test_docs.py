"""The page at /docs: its files come from the installed package, and only those it needs."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from routes import docs
from routes.middleware import CONTENT_SECURITY_POLICY


def get(client: FlaskClient, address: str, **headers: str) -> TestResponse:
    """An answer whose file is closed."""
    return client.get(address, headers=headers, buffered=True)


def test_the_page_names_only_what_is_served(client: FlaskClient) -> None:
    """Every file and the description, from this server."""
    page = client.get("/docs").text
    addresses = re.findall(r'(?:src|href|data-description)="([^"]+)"', page)
    assert "/openapi.json" in addresses
    assert {f"/docs/{name}" for name in docs.FILES} < set(addresses)
    assert all(address.startswith("/") for address in addresses)
    assert [address for address in addresses if get(client, address).status_code != 200] == []


def test_the_page_allows_no_more_than_pictures_in_styles(client: FlaskClient) -> None:
    """Scripts, styles and calls stay with this server; other pages are as strict as before."""
    policy = client.get("/docs").headers["Content-Security-Policy"]
    more = set(policy.split("; ")) - set(CONTENT_SECURITY_POLICY.split("; "))
    assert more == {"img-src 'self' data:"}
    page = client.get("/develope")
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("name", sorted(docs.FILES))
def test_a_file_is_the_packages(client: FlaskClient, name: str) -> None:
    """Byte for byte, and asked for again only when it changed."""
    response = get(client, f"/docs/{name}")
    assert response.data == (docs.SWAGGER_UI / name).read_bytes()
    again = get(client, f"/docs/{name}", **{"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["Cache-Control"] == "no-cache"


def test_the_page_asks_no_validator_elsewhere(client: FlaskClient) -> None:
    """Swagger UI would send the description's address to a host of its makers."""
    assert "validatorUrl: null" in get(client, "/static/docs.js").text


@pytest.mark.parametrize(
    "name",
    [
        "swagger-ui.js",
        "swagger-ui-standalone-preset.js",
        "oauth2-redirect.html",
        "swagger-ui.css.map",
        "LICENSE",
        "../flask_swagger_ui.py",
        "..%2f__init__.py",
        "%2e%2e/__init__.py",
        "swagger-ui.css%00",
        "SWAGGER-UI.CSS",
        "",
    ],
)
def test_nothing_else_of_the_package_is_reachable(client: FlaskClient, name: str) -> None:
    """Whether it exists or not."""
    response = client.get(f"/docs/{name}")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
