"""The one-endpoint chat at /api/v1/chat: one door to the conversations of the teaser chat."""

from typing import cast

from flask import Blueprint, current_app, jsonify, session
from flask.typing import ResponseReturnValue

from routes import schemas
from services.sessions.browser import BrowserSession
from services.teaser_chat import OneDoor, TeaserChat

blueprint = Blueprint("chat", __name__, url_prefix="/api/v1/chat")

_chat_body = schemas.ChatBody()


@blueprint.post("")
def send_message() -> ResponseReturnValue:
    """Say something: a product's description, an answer, a question or a correction."""
    door = cast(OneDoor, current_app.extensions["one_door"])
    answer = door.send(**schemas.body(_chat_body), owner=_owner())
    return jsonify({**answer, "success": True})


@blueprint.delete("/session/<session_id>")
def clear_session(session_id: str) -> ResponseReturnValue:
    """Remove a conversation."""
    chat = cast(TeaserChat, current_app.extensions["teaser_chat"])
    chat.delete_conversation(schemas.session_id(session_id), owner=_owner())
    return "", 204


def _owner() -> str | None:
    return cast(BrowserSession, session).owner
