"""What a refusal may cost: few bytes, little work and little memory, whatever is sent and where."""

import json
import tracemalloc
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema, ValidationError, fields

from routes import faults
from routes.schemas import MAX_NESTING
from services.sessions import count_sessions
from services.tokens import Identity
from tests.support.talk import API, start

UUID = "0f8b8a5e-2f0c-4f0e-9d57-6f1f6f0f3c11"
FEW_BYTES = 8192
"""The longest refusal."""
MEGABYTE = 1_000_000
SMALL = 60_000
"""The length of a body that a route of messages takes."""


def fill(unit: str, size: int) -> str:
    """So many units, separated by commas, as fit into a size."""
    return ",".join([unit] * (size // (len(unit) + 1)))


def number(template: str, size: int) -> str:
    """As `fill`, each unit with a number of its own in it."""
    return ",".join(template.format(at) for at in range(size // (len(template) + 6)))


def bearer(app: Flask) -> dict[str, str]:
    """The header of a user of a tenant."""
    token = app.extensions["tokens"].issue(Identity("acme", "anna"), seconds=600)
    return {"Authorization": f"Bearer {token}"}


def state(data: str) -> bytes:
    """The body of a save with this data."""
    return f'{{"session_id":"{UUID}","data":{data}}}'.encode()


def assert_small(response: Any) -> Any:
    """A refusal in the usual form, in few bytes; answers the body."""
    assert 400 <= response.status_code < 500
    assert len(response.data) <= FEW_BYTES, len(response.data)
    body = response.get_json()
    assert body["error"].count(".") >= 1
    assert body["code"] in {"validation_failed", "malformed_request", "request_too_large"}
    return body


HOSTILE_STATES = {
    "many wrong messages": '{{"messages":[{}]}}'.format(fill("{}", MEGABYTE)),
    "a wrong message after many right ones": '{{"messages":[{},{{}}]}}'.format(
        fill('{"id":"","role":"","content":""}', MEGABYTE)
    ),
    "many wrong entries": '{{"logs":[{}]}}'.format(fill("7", MEGABYTE)),
    "many wrong agents": '{{"agents":{{{}}}}}'.format(number('"{}":0', MEGABYTE)),
    "agents with long names": '{{"agents":{{{}}}}}'.format(
        number('"{}' + "\\u0001" * 5000 + '":0', MEGABYTE)
    ),
    "names alike when short": '{{"agents":{{"{}a":0,"{}b":{{}}}}}}'.format("x" * 99, "x" * 99),
    "names alike the other way": '{{"agents":{{"{}a":{{}},"{}b":0}}}}'.format("x" * 99, "x" * 99),
    "one fault many times": '{{"messages":[{}]}}'.format(fill('{"id":1,"id":1}', MEGABYTE)),
    "deep": '{"x":%s}' % ("[" * 200_000 + "]" * 200_000),
    "rather deep": '{"x":%s}' % ("[" * MAX_NESTING + "]" * MAX_NESTING),
    "a number too long": '{"x":%s}' % ("9" * MEGABYTE),
    "a number too large": '{"x":1e999}',
    "wrong everywhere": '{{"messages":[{}],"logs":[{}],"agents":{{{}}},"last_updated":[]}}'.format(
        fill("{}", 200_000), fill("[]", 200_000), number('"{}":{{}}', 200_000)
    ),
}


@pytest.mark.parametrize("data", HOSTILE_STATES.values(), ids=HOSTILE_STATES)
def test_the_refusal_of_a_state_is_small(client: FlaskClient, data: str) -> None:
    """However many faults it has, however long their names are; nothing is stored."""
    body = state(data)
    assert_small(client.post("/api/session", data=body, content_type="application/json"))
    assert client.get(f"/api/session/{UUID}").status_code == 404


HOSTILE_BODIES = {
    "many unknown members": "{{{}}}".format(number('"{}":0', SMALL)),
    "a long name": '{"%s":0}' % ("x" * SMALL),
    "a name of control characters": '{"%s":0}' % ("\\u0001" * 9000),
    "a list": "[{}]".format(fill("{}", SMALL)),
    "deep": "[" * 30_000 + "]" * 30_000,
    "a deep member": '{"facts":%s}' % ('{"a":' * 9000 + "0" + "}" * 9000),
    "many facts": '{{"session_id":"{}","facts":{{{}}}}}'.format(UUID, number('"{}":0', SMALL)),
    "a wide member": '{{"session_id":[{}],"message":[{}]}}'.format(
        fill("0", 20_000), fill("0", 20_000)
    ),
    "a number too long": '{"limit":%s}' % ("9" * SMALL),
    "broken at its end": '{"message":"%s' % ("x" * SMALL),
    "too large": '"%s"' % ("x" * 2 * MEGABYTE),
}


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_the_refusal_of_a_body_is_small_on_every_route(app: Flask, body: str, kind: str) -> None:
    """Every route that takes a method with a body; what reads none answers as without it."""
    client = app.test_client(use_cookies=False)
    for rule in app.url_map.iter_rules():
        for method in {"POST", "PUT", "PATCH"} & (rule.methods or set()):
            path = rule.rule.replace("<session_id>", UUID)
            answer = client.open(
                path, method=method, data=body, content_type=kind, headers=bearer(app)
            )
            assert_small(answer)
    assert count_sessions() == 0


@pytest.mark.parametrize(
    "query",
    ["limit=" + "9" * 9000, "start=" + "x" * 9000, "session_id=" + "%01" * 9000, "&" * 9000],
)
@pytest.mark.parametrize("path", [f"{API}/analyze-stream", "/api/v1/context"])
def test_the_refusal_of_a_query_is_small(client: FlaskClient, path: str, query: str) -> None:
    """Also where it says the same thing many times."""
    answer = client.get(f"{path}?{query}&{query}")
    assert len(answer.data) <= FEW_BYTES


def test_the_faults_that_are_not_named_are_counted(client: FlaskClient) -> None:
    """The first ones are named; a client learns how many more there are."""
    body = {"session_id": UUID, "data": {"messages": [{"id": "1", "role": "user"}] * 25}}
    told = assert_small(client.post("/api/session", json=body))
    assert list(told["errors"]["data"]["messages"]) == [str(at) for at in range(faults.MOST_NAMED)]
    assert told["more_errors"] == 25 - faults.MOST_NAMED
    body["data"]["messages"] *= 200  # type: ignore[index]
    told = assert_small(client.post("/api/session", json=body))
    assert told["more_errors"] == faults.MOST_COUNTED - faults.MOST_NAMED


def test_few_faults_are_all_named(client: FlaskClient) -> None:
    """With every member, in the order of the schema, and no word of more."""
    body = {"session_id": "x", "data": {"messages": [{}], "agents": {"a": {"metrics": 1}}}, "y": 1}
    told = assert_small(client.post("/api/session", json=body))
    assert set(told["errors"]) == {"session_id", "data", "y"}
    assert set(told["errors"]["data"]["messages"]["0"]) == {"id", "role", "content"}
    assert set(told["errors"]["data"]["agents"]["a"]["value"]) == {"status", "metrics"}
    assert "more_errors" not in told


def test_the_check_ends_after_some_faults() -> None:
    """What follows is not looked at."""
    looked_at = []

    def refuse(value: int) -> None:
        looked_at.append(value)
        raise ValidationError("No.")

    class Wide(Schema):
        entries = fields.List(fields.Integer(validate=refuse))

    with pytest.raises(ValidationError) as refused:
        faults.check_members(fields.Nested(Wide), {"entries": list(range(100_000))})
    assert len(looked_at) == faults.MOST_COUNTED
    _, more = faults.bound_messages(refused.value.normalized_messages())
    assert more == faults.MOST_COUNTED - faults.MOST_NAMED


def test_a_refusal_takes_little_memory(client: FlaskClient) -> None:
    """Hardly more than the body itself once it is decoded."""
    body = state(HOSTILE_STATES["many wrong messages"])
    client.post("/api/session", data=body, content_type="application/json")
    tracemalloc.start()
    json.loads(body)
    _, decoded = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    client.post("/api/session", data=body, content_type="application/json")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * decoded


def test_a_wide_context_is_not_walked_through(client: FlaskClient, app: Flask) -> None:
    """Its lists and mappings may hold anything, and are stored as they come."""
    body: dict[str, Any] = {
        "recent_interactions": [None, {"a.b": 1}, []],
        "user_preferences": {"a.b": {"c": 1}},
    }
    stored = client.put("/api/v1/context/one", json=body, headers=bearer(app)).get_json()
    assert {name: stored[name] for name in body} == body
    wrong: dict[str, Any] = {"recent_interactions": {}, "user_preferences": []}
    told = assert_small(client.put("/api/v1/context/one", json=wrong, headers=bearer(app)))
    assert set(told["errors"]) == set(wrong)


def test_a_conversation_survives_a_refusal(client: FlaskClient) -> None:
    """It is as it was, and goes on."""
    session_id = start(client)["session_id"]
    before = client.get(f"{API}/session/{session_id}").get_json()
    body = HOSTILE_BODIES["many facts"].replace(UUID, session_id)
    assert_small(client.post(f"{API}/correct", data=body, content_type="application/json"))
    assert client.get(f"{API}/session/{session_id}").get_json() == before
