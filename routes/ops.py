"""The operators' page at /ops, for watching a migration; it exists if OPS_TOKEN is set."""

from typing import cast

from flask import current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from routes import limits, ops_responses, responses
from routes.identity import is_no_guess, is_operator, read_bearer_token
from routes.openapi import Blueprint
from services.operations import build_overview
from services.operators import Operators
from services.sessions import SessionRegistry
from services.sessions.migration.worker import Worker

blueprint = Blueprint("ops", __name__, description="For operators: what happens now.")


def _get_operators() -> Operators:
    return cast(Operators, current_app.extensions["operators"])


@blueprint.get("/ops", endpoint="page")
@blueprint.response(200, responses.TEXT, content_type="text/html")
def show_page() -> ResponseReturnValue:
    """The operators' page; it requests what it shows with the operators' token."""
    return render_template("ops.html")


@blueprint.get("/ops/status", endpoint="status")
@limits.limit(limits.OPERATORS, unless=is_no_guess, locks=is_operator)
@blueprint.describe_token("operator")
@blueprint.response(200, ops_responses.Overview)
@blueprint.describe_errors("unauthenticated", "rate_limited")
def show_status() -> ResponseReturnValue:
    """The overview; what cannot be read at this moment is null."""
    _get_operators().check(read_bearer_token())
    worker = cast(Worker, current_app.extensions["migration"])
    return jsonify(
        build_overview(worker, cast(SessionRegistry, current_app.extensions["sessions"]))
    )
