"""The teaser chat: its page at /develope and its interface at /api/develope."""

from collections.abc import Iterator
from typing import Any, cast

from flask import (
    Blueprint,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from routes import errors, schemas
from routes.event_stream import respond_with
from services.conversation.analysis import CONFIDENCE_NOTE
from services.norms.catalogue import DISCLAIMER
from services.sessions.browser import BrowserSession
from services.teaser_chat import AnalysisRun, TeaserChat

CONVERSATION = "conversation"
"""Where a browser's session keeps the id of the conversation its page shows."""

blueprint = Blueprint("develope", __name__)

_start_body = schemas.StartBody()
_respond_body = schemas.RespondBody()
_session_argument = schemas.SessionArgument()
_ask_body = schemas.AskBody()


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The way to the only page."""
    return redirect(url_for("develope.page"))


@blueprint.get("/develope")
def page() -> ResponseReturnValue:
    """The teaser-chat page, with the conversation this browser was in."""
    browser = _browser()
    reachable = browser.reachable
    if reachable:
        browser.introduce()
    return render_template(
        "develope.html",
        session_id=browser.get(CONVERSATION) if reachable else None,
        reachable=reachable,
        disclaimer=DISCLAIMER,
        confidence_note=CONFIDENCE_NOTE,
    )


@blueprint.post("/api/develope/start")
def start_conversation() -> ResponseReturnValue:
    """Open a conversation with a product's description."""
    answer = _chat().start_conversation(**schemas.body(_start_body), owner=_browser().owner)
    _show_on_page(answer["session_id"])
    return jsonify(answer)


@blueprint.post("/api/develope/respond")
def continue_conversation() -> ResponseReturnValue:
    """Answer the question the chat asked."""
    body = schemas.body(_respond_body)
    return jsonify(_chat().continue_conversation(**body, owner=_browser().owner))


@blueprint.post("/api/develope/analyze")
def analyze_norms() -> ResponseReturnValue:
    """Check every norm against what is known of the product."""
    body = schemas.body(_session_argument)
    return jsonify(_chat().analyze_norms(**body, owner=_browser().owner))


@blueprint.get("/api/develope/analyze-stream")
def analyze_norms_stream() -> ResponseReturnValue:
    """Check every norm, telling each step as it is done."""
    arguments = schemas.query(_session_argument)
    run = _chat().open_analysis(**arguments, owner=_browser().owner)
    seen = request.headers.get("Last-Event-ID")
    if seen == run.last_event_id:
        return "", 204  # tells an EventSource that there is nothing to resume
    return respond_with(_told(run, seen))


@blueprint.post("/api/develope/ask-analysis")
def ask_analysis_question() -> ResponseReturnValue:
    """Answer a question about the analysis."""
    body = schemas.body(_ask_body)
    return jsonify(_chat().ask_analysis_question(**body, owner=_browser().owner))


@blueprint.get("/api/develope/session/<session_id>")
def get_session_route(session_id: str) -> ResponseReturnValue:
    """The conversation so far."""
    session_id = schemas.session_id(session_id)
    return jsonify(_chat().get_conversation(session_id, owner=_browser().owner))


@blueprint.delete("/api/develope/session/<session_id>")
def delete_session_route(session_id: str) -> ResponseReturnValue:
    """Remove the conversation."""
    session_id = schemas.session_id(session_id)
    _chat().delete_conversation(session_id, owner=_browser().owner)
    _show_on_page(None, instead_of=session_id)
    return jsonify(status="deleted")


def _chat() -> TeaserChat:
    return cast(TeaserChat, current_app.extensions["teaser_chat"])


def _browser() -> BrowserSession:
    return cast(BrowserSession, session)


def _show_on_page(session_id: str | None, *, instead_of: str | None = None) -> None:
    """Remember which conversation the page shows; a client without a cookie has no page."""
    browser = _browser()
    if not browser.has_cookie or (instead_of and not browser.reachable):
        return
    if instead_of is None or browser.get(CONVERSATION) == instead_of:
        browser[CONVERSATION] = session_id


def _told(run: AnalysisRun, seen: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The steps of an analysis; what goes wrong meanwhile is told as the last one."""
    last = "0"
    try:
        for event in run.events(after=seen):
            last = event[0]
            yield event
    except Exception as error:  # noqa: BLE001 - the status line is sent; the stream must tell
        yield last, {"phase": "error", "error": errors.told_in_stream(error)}
