"""For operators: whether the process lives, whether it can serve, and its metrics."""

from typing import Any, cast

from flask import Response, current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses
from routes.identity import is_from_this_host, is_no_guess, is_operator
from routes.openapi import Blueprint
from services.sessions import SessionRegistry, metrics
from services.sessions.errors import StoreUnavailable
from services.sessions.metrics_collector import collect_readings
from services.sessions.migration.worker import Worker

blueprint = Blueprint("operations", __name__, description="For those who run it.")


@blueprint.get("/healthz")
@blueprint.response(200, responses.Health)
def healthz() -> ResponseReturnValue:
    """The process lives; no engine is contacted."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@limits.limit(limits.OPERATORS, unless=is_no_guess, locks=is_operator)
@blueprint.response(200, responses.READINESS)
@blueprint.response(503, responses.READINESS)
@blueprint.describe_errors("rate_limited")
def readyz() -> ResponseReturnValue:
    """The process can serve: by the engine that decides, or by the spill while that is down.

    Everybody is told the status; the rest needs the operators' token, or a request from the host
    itself that no proxy has passed on.
    """
    worker = cast(Worker, current_app.extensions["migration"])
    state: dict[str, Any] = worker.describe_state() | {"status": "ready"}
    try:
        worker.store.ping()
    except StoreUnavailable as error:
        state |= {"reason": error.reason, "degraded": True}
        if not worker.outage.can_take_writes:
            state["status"] = "unavailable"
    shown = state if is_from_this_host() or is_operator() else {"status": state["status"]}
    return jsonify(shown), 200 if state["status"] == "ready" else 503


@blueprint.get("/metrics")
@blueprint.response(200, responses.TEXT, content_type=metrics.CONTENT_TYPE)
def scrape() -> ResponseReturnValue:
    """The metrics, for Prometheus; what cannot be read now is left out."""
    worker = cast(Worker, current_app.extensions["migration"])
    worker.migration_metrics.report()
    sessions = cast(SessionRegistry, current_app.extensions["sessions"])
    text = metrics.render_text(collect_readings(worker.outage, sessions))
    return Response(text, content_type=metrics.CONTENT_TYPE)
