"""What bad input gets: the fault named, the same error body everywhere, and nothing changed."""

import io
import json
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.sessions import count_sessions
from tests.support.talk import API, conversation, finish, respond, start, start_analyzed

POSTS = {
    "start": {"initial_input": "A lamp"},
    "respond": {"message": "no"},
    "analyze": {},
    "ask-analysis": {"question": "Why?"},
}
TEXTS = {"start": "initial_input", "respond": "message", "ask-analysis": "question"}
WITH_SESSION = ("respond", "analyze", "ask-analysis")
UUID = "0f8b8a5e-2f0c-4f0e-9d57-6f1f6f0f3c11"
"""Some id; the same in every process that collects these tests."""
HOSTILE = [
    "Lámpara de mesa 台灯 مصباح مكتب настольная лампа 💡👩‍🔧",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "null\x00 bell\x07 escape\x1b[31m backspace\x08 \u202eright to left\u202c \ufeff",
    "'; DROP TABLE sessions; -- {{ 7*7 }} ${jndi:ldap://x} %s %n ../../etc/passwd",
    '{"version":999,"owner":null}',
    "  leading and trailing  \n\n",
]


def assert_refused(response: Any, status: int, code: str) -> None:
    """The error body of the contract, and nothing of a success in it."""
    assert (response.status_code, response.get_json().get("code")) == (status, code), (
        response.get_json()
    )
    assert response.get_json()["error"].endswith((".", "!"))
    assert response.get_json()["request_id"] == response.headers["X-Request-ID"]
    assert not {"session_id", "message", "answer"} & set(response.get_json())


def valid_body(client: FlaskClient, route: str) -> dict[str, Any]:
    """A body this route would take."""
    body: dict[str, Any] = dict(POSTS[route])
    if route in WITH_SESSION:
        body["session_id"] = start(client)["session_id"]
    return body


@pytest.mark.parametrize("route", POSTS)
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"{'a': 1}", "application/json"),
        (b'{"initial_input": "\xff"}', "application/json"),
        (b'{"initial_input": "\\ud800"}', "application/json"),
        (b'{"initial_input": NaN}', "application/json"),
        (b"[" * 60_000, "application/json"),
        (b'{"initial_input": "lamp"}', "text/plain"),
        (b"initial_input=lamp", "application/x-www-form-urlencoded"),
        (b"", None),
    ],
)
def test_what_is_no_json_is_malformed(
    client: FlaskClient, route: str, data: bytes, kind: str | None
) -> None:
    """Broken JSON, no JSON, or JSON that does not say so."""
    response = client.post(f"{API}/{route}", data=data, content_type=kind)
    assert_refused(response, 400, "malformed_request")
    assert count_sessions() == 0


@pytest.mark.parametrize("route", POSTS)
@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, route: str, body: Any) -> None:
    """JSON of another shape."""
    response = client.post(f"{API}/{route}", data=json.dumps(body), content_type="application/json")
    assert_refused(response, 422, "validation_failed")


@pytest.mark.parametrize("route", TEXTS)
@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t \u3000", None, 5, ["a"], {"a": 1}, True, "x" * 4001]
)
def test_a_text_that_says_nothing_or_too_much_is_refused(
    client: FlaskClient, route: str, text: Any
) -> None:
    """The field is named, and the session is as it was."""
    body = valid_body(client, route)
    before = count_sessions()
    page = conversation(client, body["session_id"]) if "session_id" in body else None
    response = client.post(f"{API}/{route}", json={**body, TEXTS[route]: text})
    assert_refused(response, 422, "validation_failed")
    assert TEXTS[route] in response.get_json()["errors"]
    assert count_sessions() == before
    if page:
        assert conversation(client, body["session_id"]) == page


@pytest.mark.parametrize("route", POSTS)
def test_a_body_of_100_kilobytes_is_too_large(client: FlaskClient, route: str) -> None:
    """It is refused before it is read."""
    response = client.post(f"{API}/{route}", json={"initial_input": "x" * 100_000})
    assert_refused(response, 413, "request_too_large")
    assert count_sessions() == 0


@pytest.mark.parametrize("route", POSTS)
def test_missing_and_extra_fields_are_named(client: FlaskClient, route: str) -> None:
    """A misspelt field is not overlooked."""
    body = valid_body(client, route)
    for name in POSTS[route]:
        response = client.post(f"{API}/{route}", json={k: v for k, v in body.items() if k != name})
        assert_refused(response, 422, "validation_failed")
        assert name in response.get_json()["errors"]
    response = client.post(f"{API}/{route}", json={**body, "owner": "me"})
    assert_refused(response, 422, "validation_failed")
    assert "owner" in response.get_json()["errors"]


@pytest.mark.parametrize("route", TEXTS)
@pytest.mark.parametrize("message_id", ["", "1", 7, None, "not-a-uuid", "{" + "0" * 34 + "}"])
def test_a_message_id_is_a_uuid(client: FlaskClient, route: str, message_id: Any) -> None:
    """Otherwise two clients' ids might meet."""
    body = {**valid_body(client, route), "client_message_id": message_id}
    response = client.post(f"{API}/{route}", json=body)
    assert_refused(response, 422, "validation_failed")
    assert "client_message_id" in response.get_json()["errors"]


@pytest.mark.parametrize("session_id", ["x", "", "123", "../x", "0" * 36, f"{UUID}x", "ü" * 36])
def test_an_id_that_is_no_uuid_is_refused(client: FlaskClient, session_id: str) -> None:
    """On every route that takes one."""
    for route in WITH_SESSION:
        response = client.post(f"{API}/{route}", json={**POSTS[route], "session_id": session_id})
        assert_refused(response, 422, "validation_failed")
    response = client.get(f"{API}/analyze-stream", query_string={"session_id": session_id})
    assert_refused(response, 422, "validation_failed")
    if session_id and "/" not in session_id:
        for method in (client.get, client.delete):
            assert_refused(method(f"{API}/session/{session_id}"), 422, "validation_failed")


@pytest.mark.parametrize("session_id", [5, None, ["a"], {}])
def test_an_id_of_another_type_is_refused(client: FlaskClient, session_id: Any) -> None:
    """As one that is left out."""
    for route in WITH_SESSION:
        response = client.post(f"{API}/{route}", json={**POSTS[route], "session_id": session_id})
        assert_refused(response, 422, "validation_failed")
    assert_refused(client.get(f"{API}/analyze-stream"), 422, "validation_failed")


def test_an_unknown_session_is_not_found(client: FlaskClient) -> None:
    """Everywhere but in DELETE, which has then nothing to do."""
    session_id = str(uuid.uuid4())
    for route in WITH_SESSION:
        response = client.post(f"{API}/{route}", json={**POSTS[route], "session_id": session_id})
        assert_refused(response, 404, "session_not_found")
    stream = client.get(f"{API}/analyze-stream?session_id={session_id}")
    assert_refused(stream, 404, "session_not_found")
    assert stream.content_type == "application/json"
    assert_refused(client.get(f"{API}/session/{session_id}"), 404, "session_not_found")
    assert client.delete(f"{API}/session/{session_id}").get_json() == {"status": "deleted"}


def test_an_id_in_capitals_is_the_same_id(client: FlaskClient) -> None:
    """A UUID has no case."""
    session_id = start(client)["session_id"]
    assert conversation(client, session_id.upper())["session_id"] == session_id


def test_the_analysis_waits_for_the_interview(client: FlaskClient) -> None:
    """Both ways of asking for it, and nothing is analysed."""
    session_id = start(client)["session_id"]
    before = conversation(client, session_id)
    response = client.post(f"{API}/analyze", json={"session_id": session_id})
    assert_refused(response, 409, "conversation_incomplete")
    stream = client.get(f"{API}/analyze-stream?session_id={session_id}")
    assert_refused(stream, 409, "conversation_incomplete")
    assert stream.content_type == "application/json"
    assert conversation(client, session_id) == before


def test_a_question_waits_for_the_analysis(client: FlaskClient) -> None:
    """Also when the interview is complete."""
    session_id = start(client)["session_id"]
    body = {"session_id": session_id, "question": "Why?"}
    assert_refused(client.post(f"{API}/ask-analysis", json=body), 409, "analysis_missing")
    finish(client, session_id)
    assert_refused(client.post(f"{API}/ask-analysis", json=body), 409, "analysis_missing")


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_stored_as_it_came(client: FlaskClient, text: str) -> None:
    """In any script, with control characters and markup: it stays text."""
    session_id = start(client, text)["session_id"]
    respond(client, session_id, text)
    history = conversation(client, session_id)["history"]
    assert [entry["content"] for entry in history if entry["role"] == "user"] == [text, text]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_question_is_stored_as_it_came(client: FlaskClient, text: str) -> None:
    """And answered with honesty, not with a crash."""
    session_id = start_analyzed(client)
    response = client.post(f"{API}/ask-analysis", json={"session_id": session_id, "question": text})
    assert response.status_code == 200
    assert conversation(client, session_id)["qa_history"][0]["question"] == text


def test_unknown_addresses_and_methods_answer_in_the_same_form(client: FlaskClient) -> None:
    """A client can rely on `error` being there."""
    assert_refused(client.get("/api/develope/nothing"), 404, "not_found")
    wrong = client.get(f"{API}/start")
    assert_refused(wrong, 405, "method_not_allowed")
    assert "POST" in wrong.headers["Allow"]


def test_a_body_without_a_length_is_held_to_the_limit_too(app: Flask) -> None:
    """A chunked body is neither cut in silence nor taken whole."""
    for size, status in ((1000, 200), (200_000, 413)):
        data = b'{"initial_input": "lamp"}' + b" " * size
        response = app.test_client().open(
            f"{API}/start",
            method="POST",
            input_stream=io.BytesIO(data),
            content_type="application/json",
            environ_overrides={"CONTENT_LENGTH": None, "wsgi.input_terminated": True},
        )
        assert response.status_code == status, response.get_json()


def test_errors_of_the_interface_are_json_whatever_is_accepted(client: FlaskClient) -> None:
    """A browser's address bar gets data from an address of data."""
    response = client.get(f"{API}/session/{uuid.uuid4()}", headers={"Accept": "text/html"})
    assert_refused(response, 404, "session_not_found")


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", "ü"])
def test_an_unsound_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    """Nothing a client invents is reflected unchecked; a sound id is kept."""
    header = given.encode().decode("latin-1")
    response = client.get("/healthz", headers={"X-Request-ID": header})
    assert response.headers["X-Request-ID"] != header
    sound = client.get("/healthz", headers={"X-Request-ID": "proxy-1.2_3"})
    assert sound.headers["X-Request-ID"] == "proxy-1.2_3"
