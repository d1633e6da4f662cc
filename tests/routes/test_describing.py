"""How a route is described, with a small interface of its own."""

from typing import Any

import pytest
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from routes import errors, middleware, responses, schemas
from routes.description import Api
from routes.openapi import CHANGING, ETAG, IF_MATCH, SESSION_ID, Blueprint


@pytest.fixture
def app() -> Flask:
    """An interface with one route that uses everything."""
    blueprint = Blueprint("things", __name__, description="Things.")

    @blueprint.put("/api/things/<session_id>", parameters=[SESSION_ID])
    @blueprint.arguments(schemas.StartBody)
    @blueprint.describe_headers(IF_MATCH)
    @blueprint.response(200, responses.Turn, headers=ETAG)
    @blueprint.response(204, description="Nothing changed.")
    @blueprint.describe_errors(*CHANGING, "message_id_reused")
    @blueprint.describe_token()
    def put_thing(body: schemas.Checked, session_id: str) -> ResponseReturnValue:
        """Put a thing there.

        It stays.
        """
        return jsonify(body, session_id)

    @blueprint.get("/things")
    @blueprint.arguments(schemas.SessionArgument, location="query")
    @blueprint.response(200, responses.TEXT, content_type="text/html")
    def things(arguments: schemas.Checked) -> ResponseReturnValue:
        """All of them."""
        return jsonify(arguments)

    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    middleware.init_app(app)
    errors.init_app(app)
    Api(app).register_blueprint(blueprint)
    return app


@pytest.fixture
def description(app: Flask) -> Any:
    """Its description."""
    return app.extensions["flask-smorest"]["apis"][""]["ext_obj"].description


def codes(operation: Any, status: str) -> list[str]:
    """The codes an operation tells for a status."""
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    found: list[str] = schema["allOf"][1]["properties"]["code"]["enum"]
    return found


def test_what_checks_a_body_describes_it(app: Flask, description: Any) -> None:
    """One schema, the errors of its check, and the view gets what was found."""
    put = description["paths"]["/api/things/{session_id}"]["put"]
    content = put["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/StartBody"}
    body = description["components"]["schemas"]["StartBody"]
    assert body["required"] == ["initial_input"]
    assert body["additionalProperties"] is False
    assert body["properties"]["initial_input"] == {
        "type": "string", "minLength": 1, "maxLength": 4000, "pattern": r"\S",
    }  # fmt: skip
    assert codes(put, "400") == ["malformed_request"]
    assert codes(put, "422") == ["validation_failed"]
    client = app.test_client()
    taken = client.put("/api/things/1", json={"initial_input": "A lamp"})
    assert taken.get_json() == [{"initial_input": "A lamp"}, "1"]
    refused = client.put("/api/things/1", json={"initial_input": "", "other": 1})
    assert set(refused.get_json()["errors"]) == {"initial_input", "other"}


def test_errors_are_described_by_status(description: Any) -> None:
    """The codes of one status stand together, whoever named them, each with its sentence."""
    put = description["paths"]["/api/things/{session_id}"]["put"]
    assert codes(put, "413") == ["request_too_large", "session_too_large"]
    assert codes(put, "409") == ["message_id_reused", "session_conflict"]
    assert codes(put, "500") == ["internal_error"]
    assert errors.BY_CODE["session_conflict"].sentence in put["responses"]["409"]["description"]
    assert "Retry-After" in put["responses"]["503"]["headers"]
    with pytest.raises(KeyError):
        Blueprint("more", __name__).describe_errors("no_such_code")


def test_headers_ids_and_tokens_are_described(description: Any) -> None:
    """What a view reads beside its body, and what it answers beside its own."""
    path = description["paths"]["/api/things/{session_id}"]
    assert [one["name"] for one in path["parameters"]] == ["session_id"]
    assert path["parameters"][0]["schema"]["format"] == "uuid"
    put = path["put"]
    assert [one["name"] for one in put["parameters"]] == ["If-Match"]
    assert set(put["responses"]["200"]["headers"]) == {"ETag", "X-Request-ID"}
    assert "content" not in put["responses"]["204"]
    assert put["security"] == [{"bearer": []}]
    assert description["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert (put["summary"], put["description"]) == ("Put a thing there.", "It stays.")
    assert (put["operationId"], put["tags"]) == ("things_put_thing", ["things"])


def test_a_query_string_is_described_as_parameters(app: Flask, description: Any) -> None:
    """Outside of /api an error may come as a page."""
    get = description["paths"]["/things"]["get"]
    named = [(one["in"], one["name"], one["required"]) for one in get["parameters"]]
    assert named == [("query", "session_id", True)]
    assert set(get["responses"]["422"]["content"]) == {"application/json", "text/html"}
    assert "400" not in get["responses"]
    known = "123e4567-e89b-12d3-a456-426614174000"
    answered = app.test_client().get(f"/things?session_id={known}&other=1")
    assert answered.get_json() == {"session_id": known}
