"""Saved state of a front end at /api/session; the ETag tells a tab whether its copy is current."""

from typing import cast

from flask import Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.browsers import get_browser
from routes.openapi import CHANGING, ETAG, IF_MATCH, IF_NONE_MATCH, SESSION_ID, Blueprint
from routes.state_schemas import StateBody
from services.saved_state import Expectation, SavedStates

blueprint = Blueprint("session_state", __name__, description="Saved state of a front end.")


@blueprint.post("/api/session")
@limits.limit(limits.STATES)
@blueprint.arguments(StateBody)
@blueprint.describe_headers(IF_MATCH, IF_NONE_MATCH)
@blueprint.response(200, responses.Done, headers=ETAG)
@blueprint.describe_errors(*CHANGING, "precondition_failed", "rate_limited")
def save_session(body: schemas.Checked) -> ResponseReturnValue:
    """Save a state under an id; without If-Match the last save wins."""
    saved = _get_states().save_session(
        **body, owner=get_browser().owner, expected=_read_expectation(), parsed=True
    )
    return _add_tag(jsonify(success=True, message="The session is saved."), saved.tag)


@blueprint.get("/api/session/<session_id>", parameters=[SESSION_ID])
@blueprint.describe_headers(IF_NONE_MATCH)
@blueprint.response(200, responses.State, headers=ETAG)
@blueprint.response(304, description="The known version is current.", headers=ETAG)
@blueprint.describe_errors(
    "validation_failed", "session_not_found", "session_unreadable", "store_unavailable"
)
def load_session(session_id: str) -> ResponseReturnValue:
    """The state that was saved under an id."""
    saved = _get_states().load_session(
        schemas.parse_session_id(session_id), owner=get_browser().owner
    )
    response = jsonify(
        session_id=saved.session_id, data=saved.data, message="The session was restored."
    )
    return _add_tag(response, saved.tag).make_conditional(request)


@blueprint.delete("/api/session/<session_id>", parameters=[SESSION_ID])
@blueprint.describe_headers(IF_MATCH)
@blueprint.response(200, responses.Done)
@blueprint.describe_errors(
    "validation_failed", "session_unreadable", "session_conflict", "precondition_failed"
)
@blueprint.describe_errors("store_unavailable")
def delete_session(session_id: str) -> ResponseReturnValue:
    """Delete the state under an id; deleting a missing one succeeds."""
    existed = _get_states().delete_session(
        schemas.parse_session_id(session_id),
        owner=get_browser().owner,
        expected=_read_expectation(),
    )
    message = "The session is deleted." if existed else "There was nothing to delete."
    return jsonify(success=True, message=message)


def _get_states() -> SavedStates:
    return cast(SavedStates, current_app.extensions["saved_states"])


def _read_expectation() -> Expectation | None:
    """What If-Match and If-None-Match require of the stored state; None if both are absent."""
    has_match = "If-Match" in request.headers
    if not has_match and "If-None-Match" not in request.headers:
        return None
    match, none_match = request.if_match, request.if_none_match

    def is_expected(tag: str | None) -> bool:
        if tag is None:
            return not has_match
        return (not has_match or tag in match) and not none_match.contains_weak(tag)

    return is_expected


def _add_tag(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    return response
