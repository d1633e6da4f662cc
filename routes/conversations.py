"""A browser's conversations together: listed, one of them shown, all of them cleared."""

from typing import cast

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.browsers import browser, show, shown
from routes.openapi import READING, Blueprint
from services.teaser_chat import ConversationList

blueprint = Blueprint("conversations", __name__, description="A browser's conversations.")


@blueprint.get("/api/develope/conversations")
@blueprint.response(200, responses.ConversationList)
@blueprint.errors("store_unavailable")
def list_conversations() -> ResponseReturnValue:
    """This browser's conversations, the one with the newest message first.

    A client without a cookie has none; it gets a cookie, so that those it starts from now on are
    its own. Being listed makes no conversation live longer.
    """
    current = shown()
    found = _histories().list_conversations(browser().owner, shown=current)
    browser().introduce()
    return jsonify(conversations=found, current=current)


@blueprint.delete("/api/develope/conversations")
@blueprint.response(200, responses.Cleared)
@blueprint.errors("session_unreadable", "store_unavailable")
def clear_conversations() -> ResponseReturnValue:
    """Remove all of this browser's conversations; after an error it can be repeated."""
    deleted = _histories().clear(browser().owner)
    show(None)
    return jsonify(status="deleted", deleted=deleted)


@blueprint.get("/api/develope/current")
@blueprint.response(200, responses.Current)
@blueprint.errors("store_unavailable")
def shown_conversation() -> ResponseReturnValue:
    """Which conversation this browser shows; null for none.

    A client without a cookie gets one, so that the conversations it starts from now on are its own.
    """
    current = shown()
    browser().introduce()
    return jsonify(current=current)


@blueprint.post("/api/develope/current")
@limits.limited(limits.STATES)
@blueprint.arguments(schemas.CurrentBody)
@blueprint.response(200, responses.Current)
@blueprint.errors(*READING, "rate_limited")
def show_conversation(body: schemas.Checked) -> ResponseReturnValue:
    """Keep which conversation this browser shows; null for none, which removes nothing.

    For a client without a cookie nothing is kept, and the answer says so: it is null.
    """
    session_id = body["session_id"]
    if session_id is not None:
        _histories().check(session_id, owner=browser().owner)
    show(session_id)
    return jsonify(current=session_id if browser().has_cookie else None)


def _histories() -> ConversationList:
    return cast(ConversationList, current_app.extensions["conversation_list"])
