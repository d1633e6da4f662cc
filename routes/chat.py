"""The one-endpoint chat at /api/v1/chat: one door to the conversations of the teaser chat."""

from typing import cast

from flask import Response, current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.browsers import browser
from routes.openapi import CHANGING, SESSION_ID, Blueprint
from services.teaser_chat import TeaserChat, UnifiedChat

blueprint = Blueprint("chat", __name__, description="The teaser chat behind one door.")


@blueprint.post("/api/v1/chat")
@limits.limited(limits.CONVERSATIONS, unless=schemas.names_session)
@blueprint.arguments(schemas.ChatBody)
@blueprint.response(200, responses.ChatAnswer)
@blueprint.errors(*CHANGING, "message_id_reused", "rate_limited")
def send_message(body: schemas.Checked) -> ResponseReturnValue:
    """Say something: a product's description, an answer, a question or a correction."""
    door = cast(UnifiedChat, current_app.extensions["unified_chat"])
    return jsonify({**door.send(**body, owner=browser().owner), "success": True})


@blueprint.delete("/api/v1/chat/session/<session_id>", parameters=[SESSION_ID])
@blueprint.response(204, description="It is not there, or not any more.")
@blueprint.errors("validation_failed", "session_unreadable", "store_unavailable")
def clear_session(session_id: str) -> ResponseReturnValue:
    """Remove a conversation; one that is not there is removed already."""
    chat = cast(TeaserChat, current_app.extensions["teaser_chat"])
    chat.delete_conversation(schemas.session_id(session_id), owner=browser().owner)
    return Response(status=204)
