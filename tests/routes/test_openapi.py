"""The description at /openapi.json: complete, valid, and kept to by the application."""

import json
import re
import uuid
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from routes import errors
from services.release import VERSION
from services.tokens import Identity, Tokens
from tests.support import conformance
from tests.support.application import create_app
from tests.support.engines import CutOff
from tests.support.talk import start, start_analyzed

NOT_DESCRIBED = {"static": "files of the pages, named by the pages alone"}
OF_EVERY_ADDRESS = {
    "method_not_allowed": "any address may be asked with a method it does not take",
    "request_timeout": "any body may take too long to arrive",
    "refused": "what else Werkzeug refuses, such as a Host header that is none",
}
CHECKS: dict[str, dict[str, Any]] = {
    # It hands the application an argument of its own client; test_ownership.py does the same.
    "ignored_auth": {"enabled": False},
    # An If-Match that fits the description may well name another version.
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]
    },
}
OPERATIONS = [
    {
        "include-path": "/api/develope/correct",
        # Facts that fit one by one may contradict each other, which no description can tell.
        "checks": {
            "positive_data_acceptance": {
                "expected-statuses": [
                    *CHECKS["positive_data_acceptance"]["expected-statuses"],
                    "422",
                ]
            }
        },
    }
]
DETERMINISTIC = {"deterministic": True, "database": "none"}


@pytest.fixture
def description(app: Flask) -> Any:
    """What /openapi.json answers."""
    return conformance.described(app)


def operations(description: Any) -> dict[str, Any]:
    """Every operation by its method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def test_it_is_valid(description: Any) -> None:
    """By the schema that OpenAPI has for itself."""
    assert description["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(description).validate()


def test_every_route_is_described(app: Flask, description: Any) -> None:
    """With every method, or it is on the list above with its reason."""
    routes = {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in NOT_DESCRIBED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(operations(description)) == routes


def test_every_operation_has_a_name_and_a_sentence(description: Any) -> None:
    """Names are unique, so that a client can be generated."""
    found = operations(description).values()
    names = {operation["operationId"] for operation in found}
    assert len(names) == len(found)
    assert all(operation["summary"].endswith(".") for operation in found)


def test_every_code_is_described(description: Any) -> None:
    """A client finds each code where it may meet it, under its status."""
    told: dict[str, set[str]] = {}
    for operation in operations(description).values():
        for status, response in operation["responses"].items():
            for code in re.findall(r"^- `(\w+)`", response["description"], re.MULTILINE):
                told.setdefault(code, set()).add(status)
    assert set(told) | set(OF_EVERY_ADDRESS) == set(errors.BY_CODE)
    assert not set(told) & set(OF_EVERY_ADDRESS)
    assert told == {code: {str(errors.BY_CODE[code].status)} for code in told}


def test_every_schema_is_used(description: Any) -> None:
    """Nothing is described that is nowhere answered or taken."""
    text = json.dumps(description)
    names = description["components"]["schemas"]
    assert [name for name in names if f'"#/components/schemas/{name}"' not in text] == []


def test_no_other_host_is_named(client: FlaskClient) -> None:
    """Whoever reads it asks this server alone."""
    assert "//" not in client.get("/openapi.json").text


def test_it_has_the_projects_version(description: Any) -> None:
    """One release, one number."""
    assert description["info"]["version"] == VERSION


def saved(client: FlaskClient) -> str:
    """The id of a state that was saved."""
    session_id = str(uuid.uuid4())
    assert (
        client.post("/api/session", json={"session_id": session_id, "data": {}}).status_code == 200
    )
    return session_id


def known(client: FlaskClient, headers: dict[str, str]) -> str:
    """The id of a context that was stored."""
    name = f"chat-{uuid.uuid4()}"
    assert client.put(f"/api/v1/context/{name}", json={}, headers=headers).status_code == 200
    return name


def test_what_is_answered_is_described(app: Flask, client: FlaskClient, settings: Settings) -> None:
    """Whatever fits is taken, whatever does not is refused, and all of it as it is described.

    Every success that is described was seen, so that the checks had something to check.
    """
    tokens: Tokens = app.extensions["tokens"]
    anna = {"Authorization": f"Bearer {tokens.issue(Identity('acme', 'anna'), seconds=600)}"}
    operator = {"Authorization": f"Bearer {settings.ops_token}"}
    ids = {
        "/api/develope/": (
            lambda: start_analyzed(client, "USB-powered LED desk lamp"),
            lambda: str(start(client, "A kettle")["session_id"]),
        ),
        "/api/v1/chat": (
            lambda: start_analyzed(client, "USB-powered LED desk lamp"),
            lambda: str(start(client, "A kettle")["session_id"]),
        ),
        "/api/session": (lambda: saved(client),),
        "/api/v1/context": (lambda: known(client, anna),),
    }
    config = {
        "generation": {"max-examples": 20, **DETERMINISTIC},
        "headers": anna,
        "checks": CHECKS,
        "operations": [*OPERATIONS, {"include-path": "/ops/status", "headers": operator}],
    }
    seen = conformance.run(app, config, ids)
    assert seen.faults == []
    described = operations(conformance.described(app))
    assert set(seen.statuses) == set(described)
    unseen = {
        f"{label} {status}"
        for label, operation in described.items()
        for status in operation["responses"]
        if status < "400" and int(status) not in seen.statuses[label]
    }
    # The one needs the id of the last event; the stream's own tests send it.
    assert unseen == {"GET /api/develope/analyze-stream 204"}


def test_an_outage_is_answered_as_described(settings: Settings) -> None:
    """With an engine that cannot be asked: 503 where that is said, and nothing unexpected."""
    engine = CutOff()
    engine.down = True
    app = create_app(settings, engine=engine)
    config = {
        "generation": {"max-examples": 3, "mode": "positive", **DETERMINISTIC},
        "checks": {"not_a_server_error": {"enabled": False}},  # it is to be one here
        "operations": OPERATIONS,
    }
    seen = conformance.run(app, config)
    assert seen.faults == []
    away = {label for label, statuses in seen.statuses.items() if 503 in statuses}
    named = operations(conformance.described(app))
    assert {label for label in away if "503" not in named[label]["responses"]} == set()
    assert {"POST /api/develope/start", "GET /readyz"} <= away
