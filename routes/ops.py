"""The operators' page at /ops, for watching a migration; it exists where OPS_TOKEN is set."""

from typing import cast

from flask import current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from routes import limits, ops_responses, responses
from routes.identity import bearer_token
from routes.openapi import Blueprint
from services.operations import build_overview
from services.operators import Operators
from services.sessions import SessionRegistry
from services.sessions.migration.worker import Worker

blueprint = Blueprint("ops", __name__, description="For operators, to watch.")


def _operators() -> Operators:
    return cast(Operators, current_app.extensions["operators"])


def _is_no_guess() -> bool:
    """Whether this is no try at guessing the token: it is the right one, or none at all."""
    token = bearer_token()
    return token is None or _operators().is_valid(token)


@blueprint.get("/ops")
@blueprint.response(200, responses.TEXT, content_type="text/html")
def page() -> ResponseReturnValue:
    """The page on which one watches; what it shows it asks for with the operators' token."""
    return render_template("ops.html")


@blueprint.get("/ops/status")
@limits.limited(limits.OPERATORS, unless=_is_no_guess, locks=True)
@blueprint.secured("operator")
@blueprint.response(200, ops_responses.Overview)
@blueprint.errors("unauthenticated", "rate_limited")
def status() -> ResponseReturnValue:
    """What there is to watch; what cannot be asked at this moment is null."""
    _operators().check(bearer_token())
    worker = cast(Worker, current_app.extensions["migration"])
    return jsonify(
        build_overview(worker, cast(SessionRegistry, current_app.extensions["sessions"]))
    )
