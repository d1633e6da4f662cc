"""Views that were written for a dict of dicts, over the session store: only one line changed."""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, jsonify, request, stream_with_context
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

from config import Settings
from routes import errors
from services.sessions import delete_session, get_session, save_session, update_session
from services.sessions.errors import SessionNotFound, StoreUnavailable
from services.sessions.flask.request_scope import RequestScope
from services.sessions.mapping import SessionMapping
from services.sessions.stores import MemoryStore, Store
from services.sessions.stores.base import Condition, Put, Record
from tests.support.application import create_app


class Faulty(MemoryStore):
    """A dict that cannot be read or written while a test says so."""

    unreadable = False
    unwritable = False

    def get(self, key: str) -> bytes | None:
        if self.unreadable:
            raise StoreUnavailable("test")
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        if self.unwritable and record.key.startswith("chat:session:"):
            raise StoreUnavailable("test")
        return super().put(record, condition)


class Meeting:
    """Where two requests wait for each other, when a test wants them to."""

    def __init__(self) -> None:
        self.barrier: threading.Barrier | None = None

    def wait(self) -> None:
        """Go on once both are here."""
        if self.barrier:
            self.barrier.wait(10)


meeting = Meeting()
blueprint = Blueprint("legacy", __name__, url_prefix="/api/legacy")

# From here on views as they were written for a dict; this is the line that was changed.
conversation_sessions = SessionMapping(scope=RequestScope())


@blueprint.post("/start")
def start() -> ResponseReturnValue:
    """Open a conversation."""
    session_id = str(uuid.uuid4())
    conversation_sessions[session_id] = {"history": [], "complete": False}
    session = conversation_sessions[session_id]
    session["history"].append({"role": "user", "content": request.get_json()["text"]})
    session["history"].append({"role": "assistant", "content": "Go on."})
    return jsonify(session_id=session_id)


@blueprint.post("/respond/<session_id>")
def respond(session_id: str) -> ResponseReturnValue:
    """Continue it."""
    if session_id not in conversation_sessions:
        return jsonify(error="unknown"), 404
    session = conversation_sessions[session_id]
    meeting.wait()
    session["history"].append({"role": "user", "content": request.get_json()["text"]})
    session["history"].append({"role": "assistant", "content": "I see."})
    return jsonify(turns=len(session["history"]))


@blueprint.get("/show/<session_id>")
def show(session_id: str) -> ResponseReturnValue:
    """The conversation."""
    return jsonify(conversation_sessions[session_id])


@blueprint.get("/all")
def everything() -> ResponseReturnValue:
    """All conversations."""
    return jsonify(count=len(conversation_sessions), ids=sorted(conversation_sessions))


@blueprint.delete("/<session_id>")
def delete(session_id: str) -> ResponseReturnValue:
    """Forget it."""
    conversation_sessions.pop(session_id, None)
    return jsonify(status="deleted")


@blueprint.post("/refuse/<session_id>/<int:status>")
def refuse(session_id: str, status: int) -> ResponseReturnValue:
    """Change it and refuse the request."""
    conversation_sessions[session_id]["refused"] = status
    abort(status)


@blueprint.post("/crash/<session_id>")
def crash(session_id: str) -> ResponseReturnValue:
    """Change it and fail."""
    conversation_sessions[session_id]["crashed"] = True
    raise ValueError("in a view")


@blueprint.post("/race/<session_id>")
def race(session_id: str) -> ResponseReturnValue:
    """Change it while someone else deletes it."""
    conversation_sessions[session_id]["complete"] = True
    delete_session(session_id)
    return jsonify(conversation_sessions[session_id])


@blueprint.get("/stream/<session_id>")
def stream(session_id: str) -> ResponseReturnValue:
    """Change it in a stream."""
    session = conversation_sessions.get(session_id)
    if session is None:
        return jsonify(error="unknown"), 404

    def generate() -> Iterator[str]:
        yield 'data: {"phase":"analyzing"}\n\n'
        session["steps"] = 1
        yield 'data: {"phase":"finalizing"}\n\n'
        # Looked up again, as code does that has only the id at hand.
        conversation_sessions[session_id]["analyzed"] = True
        if request_arguments.get("fail"):
            raise ValueError("in a stream")
        yield 'data: {"phase":"complete"}\n\n'

    request_arguments = dict(request.args)
    mimetype = request_arguments.get("type", "text/event-stream")
    return Response(generate(), mimetype=mimetype)


@blueprint.get("/context-stream/<session_id>")
def context_stream(session_id: str) -> ResponseReturnValue:
    """Change it before a stream and in it."""
    conversation_sessions[session_id]["steps"] = 1

    def generate() -> Iterator[str]:
        yield request.path
        conversation_sessions[session_id]["analyzed"] = True

    return Response(stream_with_context(generate()))


@blueprint.get("/late-stream/<session_id>")
def late_stream(session_id: str) -> ResponseReturnValue:
    """Look it up in a stream for the first time."""

    def generate() -> Iterator[str]:
        yield "found: "
        yield str(session_id in conversation_sessions)

    chunks = generate()
    return Response(stream_with_context(chunks) if "context" in request.args else chunks)


@blueprint.get("/block-stream/<session_id>")
def block_stream(session_id: str) -> ResponseReturnValue:
    """Change it in a stream, in a block."""

    def generate() -> Iterator[str]:
        yield "saved"
        with conversation_sessions.unit_of_work():
            conversation_sessions[session_id]["analyzed"] = True

    return Response(generate())


@blueprint.get("/file/<session_id>")
def file(session_id: str) -> ResponseReturnValue:
    """Change it and send a file."""
    conversation_sessions[session_id]["sent"] = True
    return Response(iter([b"bytes"]), direct_passthrough=True)


@blueprint.after_request
def count_answers(response: Response) -> Response:
    """Change it in a hook."""
    session_id = request.args.get("count")
    if session_id:
        session = conversation_sessions[session_id]
        session["answers"] = session.get("answers", 0) + 1
    return response


@blueprint.get("/nothing")
def nothing() -> ResponseReturnValue:
    """Use no conversation."""
    return jsonify(status="ok")


@pytest.fixture
def client(settings: Settings, memory_or_redis: Store) -> FlaskClient:
    """A client of the real application with the legacy views added."""
    return served(settings, memory_or_redis)


@pytest.fixture
def faulty() -> Faulty:
    """A store that fails when told to."""
    return Faulty()


@pytest.fixture
def shaky(settings: Settings, faulty: Faulty) -> FlaskClient:
    """A client of the same over the store that fails."""
    return served(settings, faulty)


def served(settings: Settings, store: Store) -> FlaskClient:
    """A client of the application over a store."""
    app = create_app(settings, engine=store)
    app.register_blueprint(blueprint)
    return app.test_client(use_cookies=False)


def begin(client: FlaskClient, text: str = "a lamp") -> str:
    """Open a conversation; answers its id."""
    response = client.post("/api/legacy/start", json={"text": text})
    assert response.status_code == 200, response.text
    session_id: str = response.get_json()["session_id"]
    return session_id


def say(client: FlaskClient, session_id: str, text: str) -> Any:
    """Say something; answers the response."""
    return client.post(f"/api/legacy/respond/{session_id}", json={"text": text})


def said(session_id: str) -> list[str]:
    """What the user said in the stored conversation."""
    history = get_session(session_id)["history"]
    return [entry["content"] for entry in history if entry["role"] == "user"]


def test_a_conversation_as_it_was_written_for_a_dict(client: FlaskClient) -> None:
    """Started, continued, shown, listed and deleted; each request finds what the last one left."""
    session_id = begin(client)
    assert say(client, session_id, "red").get_json() == {"turns": 4}
    assert client.get("/api/legacy/all").get_json() == {"count": 1, "ids": [session_id]}
    shown = client.get(f"/api/legacy/show/{session_id}").get_json()
    assert [entry["content"] for entry in shown["history"]] == ["a lamp", "Go on.", "red", "I see."]
    assert client.delete(f"/api/legacy/{session_id}").status_code == 200
    assert say(client, session_id, "blue").status_code == 404
    assert client.delete(f"/api/legacy/{session_id}").status_code == 200


def test_reading_writes_nothing(client: FlaskClient) -> None:
    """The version stays."""
    session_id = begin(client)
    client.get(f"/api/legacy/show/{session_id}")
    client.get("/api/legacy/nothing")
    assert get_session(session_id).version == 1


def test_a_look_up_that_nobody_guards_is_404(client: FlaskClient) -> None:
    """Where a dict's KeyError was a 500; what is no id is answered alike."""
    for session_id in (str(uuid.uuid4()), "no-id"):
        response = client.get(f"/api/legacy/show/{session_id}")
        assert response.status_code == 404
        assert response.get_json()["code"] == "session_not_found"


def test_two_requests_that_both_append_are_both_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both had loaded the conversation before either saved it; turns stay whole."""
    session_id = begin(client)
    monkeypatch.setattr(meeting, "barrier", threading.Barrier(2))
    clients = [client.application.test_client(use_cookies=False) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda one: say(one[0], session_id, one[1]), zip(clients, "xy", strict=True))
        )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert said(session_id)[0] == "a lamp"
    assert sorted(said(session_id)[1:]) == ["x", "y"]
    roles = [entry["role"] for entry in get_session(session_id)["history"]]
    assert roles == ["user", "assistant"] * 3


def test_a_session_deleted_meanwhile_stays_deleted(client: FlaskClient) -> None:
    """The request that changed it is told."""
    session_id = begin(client)
    response = client.post(f"/api/legacy/race/{session_id}")
    assert response.status_code == 404
    assert response.get_json()["code"] == "session_not_found"
    with pytest.raises(SessionNotFound):
        get_session(session_id)


def test_a_failure_to_save_is_the_answer(shaky: FlaskClient, faulty: Faulty) -> None:
    """Though the view was content; nothing is acknowledged that is not stored."""
    session_id = begin(shaky)
    faulty.unwritable = True
    for response in (
        say(shaky, session_id, "red"),
        shaky.post("/api/legacy/start", json={"text": "a radio"}),
        shaky.get(f"/api/legacy/file/{session_id}"),
    ):
        assert response.status_code == 503
        assert response.get_json()["code"] == "store_unavailable"
        assert response.headers["Retry-After"] == "1"
        assert response.headers["X-Request-ID"] == response.get_json()["request_id"]
    faulty.unwritable = False
    assert said(session_id) == ["a lamp"]
    assert shaky.get("/api/legacy/all").get_json()["count"] == 1


def test_unavailable_is_503_and_never_missing(shaky: FlaskClient, faulty: Faulty) -> None:
    """For views that ask with `in`, `get`, `[]` and `pop`."""
    session_id = begin(shaky)
    faulty.unreadable = True
    for response in (
        say(shaky, session_id, "red"),
        shaky.get(f"/api/legacy/stream/{session_id}"),
        shaky.get(f"/api/legacy/show/{session_id}"),
        shaky.delete(f"/api/legacy/{session_id}"),
    ):
        assert response.status_code == 503
        assert response.get_json()["code"] == "store_unavailable"


def test_a_request_that_failed_saves_nothing(client: FlaskClient) -> None:
    """Raised or answered; a refusal of the request's fault saves as a dict would."""
    session_id = begin(client)
    assert client.post(f"/api/legacy/crash/{session_id}").status_code == 500
    assert client.post(f"/api/legacy/refuse/{session_id}/503").status_code == 500
    assert get_session(session_id).version == 1
    assert client.post(f"/api/legacy/refuse/{session_id}/409").status_code == 409
    assert get_session(session_id)["refused"] == 409


def test_what_hooks_change_is_saved_too(client: FlaskClient) -> None:
    """Whether the view used the mapping or the hook is the first to do so."""
    session_id = begin(client)
    for path in (f"show/{session_id}", "nothing", f"stream/{session_id}", "nothing"):
        response = client.get(f"/api/legacy/{path}?count={session_id}", buffered=True)
        assert response.status_code == 200
    assert get_session(session_id)["answers"] == 4


def test_a_failure_to_save_what_a_hook_changed_is_the_answer(
    shaky: FlaskClient, faulty: Faulty
) -> None:
    """As for a view."""
    session_id = begin(shaky)
    faulty.unwritable = True
    assert shaky.get(f"/api/legacy/nothing?count={session_id}").status_code == 503


def test_a_stream_is_saved_when_it_ends(client: FlaskClient) -> None:
    """With what was changed after the answer had begun; others may change it meanwhile."""
    session_id = begin(client)
    response = client.get(f"/api/legacy/stream/{session_id}")
    chunks = response.iter_encoded()
    assert b"analyzing" in next(chunks)
    assert say(client, session_id, "red").status_code == 200
    assert "steps" not in get_session(session_id)
    assert [json.loads(chunk[6:])["phase"] for chunk in chunks] == ["finalizing", "complete"]
    response.close()
    stored = get_session(session_id)
    assert (stored["steps"], stored["analyzed"]) == (1, True)
    assert said(session_id) == ["a lamp", "red"]
    assert stored.version == 3


def test_a_stream_whose_reader_goes_away_is_saved(client: FlaskClient) -> None:
    """As far as it came."""
    session_id = begin(client)
    response = client.get(f"/api/legacy/stream/{session_id}")
    chunks = response.iter_encoded()
    next(chunks)
    next(chunks)
    response.close()
    stored = get_session(session_id)
    assert stored["steps"] == 1
    assert "analyzed" not in stored


def test_a_stream_that_is_never_read_saves_what_the_view_did(client: FlaskClient) -> None:
    """As for a HEAD request."""
    session_id = begin(client)
    client.head(f"/api/legacy/context-stream/{session_id}", buffered=True)
    assert get_session(session_id)["steps"] == 1


def test_an_event_stream_reports_that_it_was_not_saved(
    shaky: FlaskClient, faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    """In one last event, as the status was sent long before; the cause is in the log alone."""
    session_id = begin(shaky)
    faulty.unwritable = True
    response = shaky.get(f"/api/legacy/stream/{session_id}")
    events = [json.loads(event[6:]) for event in response.text.strip().split("\n\n")]
    assert response.status_code == 200
    assert [event["phase"] for event in events] == ["analyzing", "finalizing", "complete", "error"]
    assert events[-1]["error"] == "The session could not be saved; please try again."
    assert "the sessions of a stream could not be saved" in caplog.text
    faulty.unwritable = False
    assert get_session(session_id).version == 1


def test_an_application_may_describe_the_failure_itself(settings: Settings, faulty: Faulty) -> None:
    """Whichever sentence it gives other errors too."""
    app = create_app(settings, engine=faulty)
    mapping = SessionMapping(scope=RequestScope(describe_error=errors.describe_stream_error))

    @app.get("/event-stream")
    def event_stream() -> ResponseReturnValue:
        mapping[str(uuid.uuid4())] = {}
        return Response(iter(["data: {}\n\n"]), mimetype="text/event-stream")

    faulty.unwritable = True
    response = app.test_client().get("/event-stream")
    assert "Conversations cannot be reached right now" in response.text


def test_another_stream_breaks_when_it_was_not_saved(shaky: FlaskClient, faulty: Faulty) -> None:
    """So that nobody takes its end for a good one."""
    session_id = begin(shaky)
    faulty.unwritable = True
    with pytest.raises(StoreUnavailable):
        shaky.get(f"/api/legacy/stream/{session_id}?type=text/plain", buffered=True)


def test_a_stream_that_fails_saves_nothing(client: FlaskClient) -> None:
    """As a view that fails."""
    session_id = begin(client)
    with pytest.raises(ValueError, match="in a stream"):
        client.get(f"/api/legacy/stream/{session_id}?fail=1", buffered=True)
    assert get_session(session_id).version == 1


def test_a_stream_with_the_requests_context_is_saved(client: FlaskClient) -> None:
    """It belongs to the same unit of work."""
    session_id = begin(client)
    response = client.get(f"/api/legacy/context-stream/{session_id}", buffered=True)
    assert response.status_code == 200
    assert get_session(session_id)["analyzed"] is True


@pytest.mark.parametrize("query", ["", "?context=1"])
def test_a_first_look_inside_a_stream_is_refused(client: FlaskClient, query: str) -> None:
    """Nothing would save what follows from it; the error says what to do instead."""
    session_id = begin(client)
    with pytest.raises(RuntimeError, match=r"before a stream.*with mapping\.unit_of_work\(\)"):
        client.get(f"/api/legacy/late-stream/{session_id}{query}", buffered=True)


def test_a_stream_may_open_a_unit_of_its_own(client: FlaskClient) -> None:
    """With `unit_of_work()`, as code outside of any request does."""
    session_id = begin(client)
    assert client.get(f"/api/legacy/block-stream/{session_id}").text == "saved"
    assert get_session(session_id)["analyzed"] is True


def test_a_file_is_sent_after_saving(client: FlaskClient) -> None:
    """What is passed through as it is stays so."""
    session_id = begin(client)
    assert client.get(f"/api/legacy/file/{session_id}").data == b"bytes"
    assert get_session(session_id)["sent"] is True


def test_requests_in_one_application_context_are_units_of_their_own(client: FlaskClient) -> None:
    """Though they share `flask.g`, as tests of an application often have it."""
    with client.application.app_context():
        session_id = begin(client)
        for text in ("red", "blue"):
            assert say(client, session_id, text).status_code == 200
            assert said(session_id)[-1] == text


def test_outside_of_a_request_a_block_is_needed(app: Flask) -> None:
    """An application's context alone has no end at which to save."""
    mapping, session_id = SessionMapping(scope=RequestScope()), str(uuid.uuid4())
    save_session(session_id, {})
    with app.app_context(), pytest.raises(RuntimeError, match="no request is going on"):
        mapping.get(session_id)
    with mapping.unit_of_work():
        mapping[session_id]["step"] = 1
    assert dict(get_session(session_id)) == {"step": 1}


def test_two_mappings_of_a_request_are_both_saved(settings: Settings, faulty: Faulty) -> None:
    """By one scope or by two; a failure of one is told after the other was tried."""
    app = create_app(settings, engine=faulty)
    scope = RequestScope()
    mappings = [
        SessionMapping(scope=scope),
        SessionMapping(scope=scope),
        SessionMapping(scope=RequestScope()),
    ]
    ids = [str(uuid.uuid4()) for _ in mappings]

    @app.post("/each/<first>")
    def each(first: object) -> ResponseReturnValue:
        if first == "2":
            mappings[0][ids[0]]["spoilt"] = object()
        for mapping, session_id in zip(mappings, ids, strict=True):
            mapping.setdefault(session_id, {})["first"] = first
        return jsonify(first)

    assert app.test_client().post("/each/1").status_code == 200
    assert [get_session(session_id)["first"] for session_id in ids] == ["1"] * 3

    assert app.test_client().post("/each/2").status_code == 422
    assert [get_session(session_id)["first"] for session_id in ids] == ["1", "2", "2"]


def test_a_conflict_in_a_request_is_merged(settings: Settings, faulty: Faulty) -> None:
    """What the other one changed stays, and the answer is the view's."""
    app = create_app(settings, engine=faulty)
    mapping, session_id = SessionMapping(scope=RequestScope()), str(uuid.uuid4())
    save_session(session_id, {"step": 1, "color": None})

    @app.post("/step")
    def step() -> ResponseReturnValue:
        mapping[session_id]["step"] += 1
        update_session(session_id, lambda theirs: theirs.update(color="red"))
        return jsonify(mapping[session_id])

    assert app.test_client().post("/step").get_json() == {"step": 2, "color": None}
    assert dict(get_session(session_id)) == {"step": 2, "color": "red"}
