"""All conversations of a browser: the list, the current one, and clearing them."""

from typing import cast

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.browser_data import get_data
from routes.browsers import get_browser, get_current, set_current
from routes.openapi import READING, Blueprint
from services.teaser_chat import ConversationList

blueprint = Blueprint("conversations", __name__, description="A browser's conversations.")


@blueprint.get("/api/develope/conversations")
@blueprint.response(200, responses.ConversationList)
@blueprint.describe_errors("store_unavailable")
def list_conversations() -> ResponseReturnValue:
    """This browser's conversations, the one with the newest message first.

    A client without a cookie has none; it gets a cookie, so that those it starts from now on are
    its own. Listing a conversation does not make it live longer.
    """
    current = get_current()
    found = _get_list().list_conversations(get_browser().owner, current=current)
    get_browser().introduce()
    return jsonify(conversations=found, current=current)


@blueprint.delete("/api/develope/conversations")
@blueprint.response(200, responses.Cleared)
@blueprint.describe_errors("session_unreadable", "store_unavailable")
def clear_conversations() -> ResponseReturnValue:
    """Delete all of this browser's conversations and saved states.

    The browser gets a new cookie, and with it a new identity. `deleted` counts the conversations.
    After an error it can be repeated.
    """
    browser = get_browser()
    deleted, _ = get_data().erase(browser.owner)
    browser.change_identity()
    return jsonify(status="deleted", deleted=deleted)


@blueprint.get("/api/develope/current", endpoint="shown_conversation")
@blueprint.response(200, responses.Current)
@blueprint.describe_errors("store_unavailable")
def get_current_conversation() -> ResponseReturnValue:
    """Which conversation this browser shows; null for none.

    A client without a cookie gets one, so that the conversations it starts from now on are its own.
    """
    current = get_current()  # before a cookie is given: a new browser has none
    get_browser().introduce()
    return jsonify(current=current)


@blueprint.post("/api/develope/current")
@limits.limit(limits.STATES)
@blueprint.arguments(schemas.CurrentBody)
@blueprint.response(200, responses.Current)
@blueprint.describe_errors(*READING, "rate_limited")
def show_conversation(body: schemas.Checked) -> ResponseReturnValue:
    """Store which conversation this browser shows; null for none, which deletes nothing.

    For a client without a cookie nothing is stored, and the answer is null.
    """
    session_id = body["session_id"]
    if session_id is not None:
        _get_list().check(session_id, owner=get_browser().owner)
    set_current(session_id)
    return jsonify(current=session_id if get_browser().has_cookie else None)


def _get_list() -> ConversationList:
    return cast(ConversationList, current_app.extensions["conversation_list"])
