"""The teaser chat: its page at /develope and its API at /api/develope."""

from collections.abc import Iterator
from typing import Any, cast

from flask import (
    Response,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from routes import errors, limits, responses, schemas, widget
from routes.browsers import clear_current, get_browser, set_current
from routes.event_stream import stream_events
from routes.openapi import CHANGING, LAST_EVENT_ID, READING, SESSION_ID, Blueprint
from routes.static_files import get_static_files
from services.teaser_chat import AnalysisRun, TeaserChat

blueprint = Blueprint("develope", __name__, description="The teaser chat.")


@blueprint.get("/", endpoint="home")
@blueprint.response(302, description="To the page.")
def redirect_home() -> ResponseReturnValue:
    """Redirect to the page."""
    return redirect(url_for("develope.page"))


@blueprint.get("/develope", endpoint="page")
@blueprint.response(200, responses.TEXT, content_type="text/html")
@blueprint.describe_errors("store_unavailable")
def show_page() -> ResponseReturnValue:
    """The teaser-chat page, in the browser's language."""
    if get_browser().reachable:  # the page is served during an outage, too
        get_browser().introduce()
    files = get_static_files()
    language = request.accept_languages.best_match(widget.LANGUAGES, default=widget.LANGUAGES[0])
    return render_template(
        "develope.html",
        language=language,
        texts=widget.read_texts(files.folder, language),
        modules=files.modules,
    )


@blueprint.post("/api/develope/start")
@limits.limit(limits.CONVERSATIONS)
@blueprint.arguments(schemas.StartBody)
@blueprint.response(200, responses.Start)
@blueprint.describe_errors(*CHANGING, "message_id_reused", "rate_limited")
def start_conversation(body: schemas.Checked) -> ResponseReturnValue:
    """Open a conversation with a product's description."""
    answer = _get_chat().start_conversation(**body, owner=get_browser().owner)
    set_current(answer["session_id"])
    return jsonify(answer)


@blueprint.post("/api/develope/respond")
@blueprint.arguments(schemas.RespondBody)
@blueprint.response(200, responses.Turn)
@blueprint.describe_errors(*CHANGING, "message_id_reused")
def continue_conversation(body: schemas.Checked) -> ResponseReturnValue:
    """Answer the question the chat asked."""
    return jsonify(_get_chat().continue_conversation(**body, owner=get_browser().owner))


@blueprint.post("/api/develope/correct")
@blueprint.arguments(schemas.CorrectBody)
@blueprint.response(200, responses.Correction)
@blueprint.describe_errors(*CHANGING, "message_id_reused")
def correct_facts(body: schemas.Checked) -> ResponseReturnValue:
    """Correct facts that were misunderstood."""
    return jsonify(_get_chat().correct_facts(**body, owner=get_browser().owner))


@blueprint.post("/api/develope/analyze")
@blueprint.arguments(schemas.SessionArgument)
@blueprint.response(200, responses.FullAnalysis)
@blueprint.describe_errors(*CHANGING, "conversation_incomplete")
def analyze_norms(body: schemas.Checked) -> ResponseReturnValue:
    """Check every norm against what is known of the product."""
    return jsonify(_get_chat().analyze_norms(**body, owner=get_browser().owner))


@blueprint.get("/api/develope/analyze-stream")
@blueprint.arguments(schemas.SessionArgument, location="query")
@blueprint.describe_headers(LAST_EVENT_ID)
@blueprint.response(200, responses.EVENT, content_type="text/event-stream")
@blueprint.response(204, description="All of it was seen already; do not reconnect.")
@blueprint.describe_errors(*READING, "conversation_incomplete")
def analyze_norms_stream(arguments: schemas.Checked) -> ResponseReturnValue:
    """Check every norm, and report each step as it is done.

    The last event has the results, or says in one sentence what went wrong. A comment is sent
    after every 15 s without an event.
    """
    run = _get_chat().open_analysis(**arguments, owner=get_browser().owner)
    seen = request.headers.get("Last-Event-ID")
    if seen == run.last_event_id:
        return Response(status=204)  # an EventSource does not reconnect after this status
    return stream_events(_stream_steps(run, seen))


@blueprint.post("/api/develope/ask-analysis")
@blueprint.arguments(schemas.AskBody)
@blueprint.response(200, responses.QuestionAnswer)
@blueprint.describe_errors(*CHANGING, "analysis_missing", "message_id_reused")
def ask_analysis_question(body: schemas.Checked) -> ResponseReturnValue:
    """Answer a question about the analysis."""
    return jsonify(_get_chat().ask_analysis_question(**body, owner=get_browser().owner))


@blueprint.get("/api/develope/session/<session_id>", parameters=[SESSION_ID])
@blueprint.response(200, responses.Conversation)
@blueprint.describe_errors("validation_failed", *READING)
def get_session_route(session_id: str) -> ResponseReturnValue:
    """The conversation so far."""
    session_id = schemas.parse_session_id(session_id)
    return jsonify(_get_chat().get_conversation(session_id, owner=get_browser().owner))


@blueprint.delete("/api/develope/session/<session_id>", parameters=[SESSION_ID])
@blueprint.response(200, responses.Deleted)
@blueprint.describe_errors("validation_failed", "session_unreadable", "store_unavailable")
def delete_session_route(session_id: str) -> ResponseReturnValue:
    """Delete the conversation; deleting a missing one succeeds."""
    session_id = schemas.parse_session_id(session_id)
    _get_chat().delete_conversation(session_id, owner=get_browser().owner)
    clear_current(session_id)
    return jsonify(status="deleted")


def _get_chat() -> TeaserChat:
    return cast(TeaserChat, current_app.extensions["teaser_chat"])


def _stream_steps(run: AnalysisRun, seen: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The steps of an analysis; an error on the way becomes the last step."""
    last = "0"
    try:
        for event in run.run_steps(after=seen):
            last = event[0]
            yield event
    except Exception as error:  # noqa: BLE001 - the status is sent already; only the stream can report it
        yield last, {"phase": "error", "error": errors.describe_stream_error(error)}
