"""Saved state of a front end at /api/session; the ETag tells a tab whether it has the last one."""

from typing import cast

from flask import Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.browsers import browser
from routes.openapi import CHANGING, ETAG, IF_MATCH, IF_NONE_MATCH, SESSION_ID, Blueprint
from routes.state_schemas import StateBody
from services.saved_state import Expectation, SavedStates

blueprint = Blueprint("session_state", __name__, description="Saved state of a front end.")


@blueprint.post("/api/session")
@limits.limited(limits.STATES)
@blueprint.arguments(StateBody)
@blueprint.takes(IF_MATCH, IF_NONE_MATCH)
@blueprint.response(200, responses.Done, headers=ETAG)
@blueprint.errors(*CHANGING, "precondition_failed", "rate_limited")
def save_session(body: schemas.Checked) -> ResponseReturnValue:
    """Save a state under an id; without If-Match the last save wins."""
    saved = _states().save_session(
        **body, owner=browser().owner, expected=_expectation(), parsed=True
    )
    return _tagged(jsonify(success=True, message="The session is saved."), saved.tag)


@blueprint.get("/api/session/<session_id>", parameters=[SESSION_ID])
@blueprint.takes(IF_NONE_MATCH)
@blueprint.response(200, responses.State, headers=ETAG)
@blueprint.response(304, description="It is the one that is known already.", headers=ETAG)
@blueprint.errors(
    "validation_failed", "session_not_found", "session_unreadable", "store_unavailable"
)
def load_session(session_id: str) -> ResponseReturnValue:
    """What was saved under an id."""
    saved = _states().load_session(schemas.session_id(session_id), owner=browser().owner)
    response = jsonify(
        session_id=saved.session_id, data=saved.data, message="The session was restored."
    )
    return _tagged(response, saved.tag).make_conditional(request)


@blueprint.delete("/api/session/<session_id>", parameters=[SESSION_ID])
@blueprint.takes(IF_MATCH)
@blueprint.response(200, responses.Done)
@blueprint.errors(
    "validation_failed", "session_unreadable", "session_conflict", "precondition_failed"
)
@blueprint.errors("store_unavailable")
def delete_session(session_id: str) -> ResponseReturnValue:
    """Remove what was saved under an id; where there is nothing, nothing is left to do."""
    there_was_one = _states().delete_session(
        schemas.session_id(session_id), owner=browser().owner, expected=_expectation()
    )
    message = "The session is deleted." if there_was_one else "There was nothing to delete."
    return jsonify(success=True, message=message)


def _states() -> SavedStates:
    return cast(SavedStates, current_app.extensions["saved_states"])


def _expectation() -> Expectation | None:
    """What If-Match and If-None-Match want of the stored state; None where they want nothing."""
    wanted, unwanted = request.if_match, request.if_none_match
    names_wanted, names_unwanted = (
        "If-Match" in request.headers,
        "If-None-Match" in request.headers,
    )
    if not names_wanted and not names_unwanted:
        return None

    def expected(tag: str | None) -> bool:
        if tag is None:
            return not names_wanted
        return (not names_wanted or tag in wanted) and not unwanted.contains_weak(tag)

    return expected


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    return response
