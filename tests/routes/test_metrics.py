"""/metrics of one process: what requests add to it, and what it never shows."""

import re
import uuid
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from services.sessions import metrics
from tests.support.application import create_app
from tests.support.scraping import Scrape
from tests.support.servers import free_port
from tests.support.talk import API, start, start_analyzed

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{16}")


def scrape(client: FlaskClient) -> Scrape:
    """What the application tells."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == metrics.CONTENT_TYPE
    assert response.headers["Cache-Control"] == "no-store"
    return Scrape(response.text)


def answers(client: FlaskClient) -> dict[str, float]:
    """How many answers there were of each status."""
    found = scrape(client).samples
    return {one.labels["status"]: one.value for one in found if one.name == "teaser_answers_total"}


def rises(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """By how much each status rose, where it did."""
    found = {status: count - before.get(status, 0) for status, count in after.items()}
    return {status: rise for status, rise in found.items() if rise}


def test_answers_are_counted_by_status(client: FlaskClient) -> None:
    """Once each; what monitoring itself asks for is not."""
    before = answers(client)
    start(client)
    client.get(f"{API}/session/{uuid.uuid4()}")
    client.get(f"{API}/session/none")
    client.get("/nowhere")
    client.put(f"{API}/start")
    client.get("/healthz")
    client.get("/readyz")
    assert rises(before, answers(client)) == {"200": 1, "404": 2, "422": 1, "405": 1}


def test_a_conversation_is_counted(client: FlaskClient) -> None:
    """Created once, loaded and saved with every turn, and there at the end."""
    before = scrape(client)
    start_analyzed(client)
    after = scrape(client)

    def rise(event: str) -> float:
        name, labels = "teaser_session_events_total", {"keyspace": "chat:session", "event": event}
        return (after.value(name, **labels) or 0) - (before.value(name, **labels) or 0)

    assert rise("created") == 1
    assert rise("loaded") >= rise("saved") >= 2
    assert rise("conflict") == rise("corrupt") == 0
    assert after.value("teaser_sessions", keyspace="chat:session") == 1
    assert after.value("teaser_migration_stage", stage="complete") == 1


def test_nothing_of_a_conversation_or_an_address_is_shown(client: FlaskClient) -> None:
    """No id, no text, no host: labels are words."""
    session_id = start_analyzed(client, "A secret lamp")
    client.get(f"{API}/session/{uuid.uuid4()}?token=hidden")
    found = scrape(client)
    text = client.get("/metrics").text
    for word in (session_id, "lamp", "hidden", "127.0.0.1", "localhost", "sessions.db"):
        assert word not in text
    values = {value for one in found.samples for value in one.labels.values()}
    assert not [value for value in values if UUID.search(value)]


@pytest.fixture
def dead(settings: Settings) -> Flask:
    """The application with a Redis that nobody answers for, and no spill."""
    return create_app(replace(settings, store_url=f"redis://127.0.0.1:{free_port()}/0"))


def test_an_answer_that_replaces_another_is_the_one_that_counts(dead: Flask) -> None:
    """The browser's session is saved after the view; failing then, the answer is 503."""
    client = dead.test_client()
    before = answers(client)
    statuses = [
        client.post(f"{API}/start", json={"initial_input": "A lamp"}).status_code,
        client.get("/develope").status_code,
        client.get("/develope").status_code,
        client.get(f"{API}/session/{uuid.uuid4()}").status_code,
    ]
    expected = {str(status): statuses.count(status) for status in set(statuses)}
    assert "503" in expected
    assert rises(before, answers(client)) == expected


def test_a_scrape_without_the_engine_is_answered(dead: Flask) -> None:
    """It says that the engine cannot be asked, and why."""
    found = scrape(dead.test_client())
    assert "teaser_sessions" not in found.names
    found = scrape(dead.test_client())
    failures = {"engine": "redis", "direction": "read", "reason": "connection"}
    assert (found.value("teaser_engine_unavailable_total", **failures) or 0) > 0
