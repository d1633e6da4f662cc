"""The one-endpoint chat at /api/v1/chat: the conversations of the teaser chat in one endpoint."""

from typing import cast

from flask import Response, current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.browsers import get_browser
from routes.openapi import CHANGING, SESSION_ID, Blueprint
from services.teaser_chat import TeaserChat, UnifiedChat

blueprint = Blueprint("chat", __name__, description="The teaser chat in one endpoint.")


@blueprint.post("/api/v1/chat")
@limits.limit(limits.CONVERSATIONS, unless=schemas.has_session_id)
@blueprint.arguments(schemas.ChatBody)
@blueprint.response(200, responses.ChatAnswer)
@blueprint.describe_errors(*CHANGING, "message_id_reused", "rate_limited")
def send_message(body: schemas.Checked) -> ResponseReturnValue:
    """Send a message: a product's description, an answer, a question or a correction."""
    unified_chat = cast(UnifiedChat, current_app.extensions["unified_chat"])
    return jsonify({**unified_chat.send(**body, owner=get_browser().owner), "success": True})


@blueprint.delete("/api/v1/chat/session/<session_id>", parameters=[SESSION_ID])
@blueprint.response(204, description="It does not exist, or no longer exists.")
@blueprint.describe_errors("validation_failed", "session_unreadable", "store_unavailable")
def clear_session(session_id: str) -> ResponseReturnValue:
    """Delete a conversation; deleting a missing one succeeds."""
    chat = cast(TeaserChat, current_app.extensions["teaser_chat"])
    chat.delete_conversation(schemas.parse_session_id(session_id), owner=get_browser().owner)
    return Response(status=204)
