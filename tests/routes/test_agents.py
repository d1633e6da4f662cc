"""The page at /agents as it is served."""

from flask.testing import FlaskClient

from config import Settings
from tests.support.application import create_app
from tests.support.engines import CutOff


def test_a_browser_is_introduced(client: FlaskClient) -> None:
    """It gets a cookie, and what it saves from then on is its own."""
    browser = client.application.test_client()
    first = browser.get("/agents")
    assert first.status_code == 200
    assert "browser=" in first.headers["Set-Cookie"]
    assert "script-src 'self'" in first.headers["Content-Security-Policy"]
    saved = {"session_id": "123e4567-e89b-42d3-a456-426614174000", "data": {}}
    assert browser.post("/api/session", json=saved).status_code == 200
    assert "Set-Cookie" not in browser.post("/api/session", json=saved).headers
    assert client.get(f"/api/session/{saved['session_id']}").status_code == 404


def test_it_is_served_during_an_outage(settings: Settings) -> None:
    """The page itself needs nothing that is stored; it tells what cannot be had."""
    engine = CutOff()
    browser = create_app(settings, engine=engine).test_client()
    browser.get("/agents")
    engine.down = True
    assert browser.get("/agents").status_code == 200
    assert create_app(settings, engine=engine).test_client().get("/agents").status_code == 200
