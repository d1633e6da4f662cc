"""The teaser chat: its page at /develope and its interface at /api/develope."""

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
from routes.browsers import browser, leave, show
from routes.event_stream import respond_with
from routes.openapi import CHANGING, LAST_EVENT_ID, READING, SESSION_ID, Blueprint
from services.teaser_chat import AnalysisRun, TeaserChat

blueprint = Blueprint("develope", __name__, description="The teaser chat.")


@blueprint.get("/")
@blueprint.response(302, description="To the page.")
def home() -> ResponseReturnValue:
    """The way to the page."""
    return redirect(url_for("develope.page"))


@blueprint.get("/develope")
@blueprint.response(200, responses.TEXT, content_type="text/html")
@blueprint.errors("store_unavailable")
def page() -> ResponseReturnValue:
    """The teaser-chat page, in the browser's language."""
    if browser().reachable:
        browser().introduce()
    language = request.accept_languages.best_match(widget.LANGUAGES, default=widget.LANGUAGES[0])
    return render_template(
        "develope.html",
        language=language,
        texts=widget.texts(_static_folder(), language),
        modules=widget.modules(_static_folder()),
    )


@blueprint.post("/api/develope/start")
@limits.limited(limits.CONVERSATIONS)
@blueprint.arguments(schemas.StartBody)
@blueprint.response(200, responses.Start)
@blueprint.errors(*CHANGING, "message_id_reused", "rate_limited")
def start_conversation(body: schemas.Checked) -> ResponseReturnValue:
    """Open a conversation with a product's description."""
    answer = _chat().start_conversation(**body, owner=browser().owner)
    show(answer["session_id"])
    return jsonify(answer)


@blueprint.post("/api/develope/respond")
@blueprint.arguments(schemas.RespondBody)
@blueprint.response(200, responses.Turn)
@blueprint.errors(*CHANGING, "message_id_reused")
def continue_conversation(body: schemas.Checked) -> ResponseReturnValue:
    """Answer the question the chat asked."""
    return jsonify(_chat().continue_conversation(**body, owner=browser().owner))


@blueprint.post("/api/develope/correct")
@blueprint.arguments(schemas.CorrectBody)
@blueprint.response(200, responses.Correction)
@blueprint.errors(*CHANGING, "message_id_reused")
def correct_facts(body: schemas.Checked) -> ResponseReturnValue:
    """Correct facts that were understood otherwise."""
    return jsonify(_chat().correct_facts(**body, owner=browser().owner))


@blueprint.post("/api/develope/analyze")
@blueprint.arguments(schemas.SessionArgument)
@blueprint.response(200, responses.FullAnalysis)
@blueprint.errors(*CHANGING, "conversation_incomplete")
def analyze_norms(body: schemas.Checked) -> ResponseReturnValue:
    """Check every norm against what is known of the product."""
    return jsonify(_chat().analyze_norms(**body, owner=browser().owner))


@blueprint.get("/api/develope/analyze-stream")
@blueprint.arguments(schemas.SessionArgument, location="query")
@blueprint.takes(LAST_EVENT_ID)
@blueprint.response(200, responses.EVENT, content_type="text/event-stream")
@blueprint.response(204, description="All of it was seen already; do not ask again.")
@blueprint.errors(*READING, "conversation_incomplete")
def analyze_norms_stream(arguments: schemas.Checked) -> ResponseReturnValue:
    """Check every norm, telling each step as it is done.

    The last event has the results, or says in one sentence what went wrong. A comment fills every
    silence of 15 s.
    """
    run = _chat().open_analysis(**arguments, owner=browser().owner)
    seen = request.headers.get("Last-Event-ID")
    if seen == run.last_event_id:
        return Response(status=204)  # tells an EventSource that there is nothing to resume
    return respond_with(_told(run, seen))


@blueprint.post("/api/develope/ask-analysis")
@blueprint.arguments(schemas.AskBody)
@blueprint.response(200, responses.QuestionAnswer)
@blueprint.errors(*CHANGING, "analysis_missing", "message_id_reused")
def ask_analysis_question(body: schemas.Checked) -> ResponseReturnValue:
    """Answer a question about the analysis."""
    return jsonify(_chat().ask_analysis_question(**body, owner=browser().owner))


@blueprint.get("/api/develope/session/<session_id>", parameters=[SESSION_ID])
@blueprint.response(200, responses.Conversation)
@blueprint.errors("validation_failed", *READING)
def get_session_route(session_id: str) -> ResponseReturnValue:
    """The conversation so far."""
    session_id = schemas.session_id(session_id)
    return jsonify(_chat().get_conversation(session_id, owner=browser().owner))


@blueprint.delete("/api/develope/session/<session_id>", parameters=[SESSION_ID])
@blueprint.response(200, responses.Deleted)
@blueprint.errors("validation_failed", "session_unreadable", "store_unavailable")
def delete_session_route(session_id: str) -> ResponseReturnValue:
    """Remove the conversation; one that is not there is removed already."""
    session_id = schemas.session_id(session_id)
    _chat().delete_conversation(session_id, owner=browser().owner)
    leave(session_id)
    return jsonify(status="deleted")


def _chat() -> TeaserChat:
    return cast(TeaserChat, current_app.extensions["teaser_chat"])


def _static_folder() -> str:
    return cast(str, current_app.static_folder)


def _told(run: AnalysisRun, seen: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The steps of an analysis; what goes wrong meanwhile is told as the last one."""
    last = "0"
    try:
        for event in run.events(after=seen):
            last = event[0]
            yield event
    except Exception as error:  # noqa: BLE001 - the status line is sent; the stream must tell
        yield last, {"phase": "error", "error": errors.describe_stream_error(error)}
