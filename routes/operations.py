"""For operators: whether the process lives, whether it can serve, and its metrics."""

from typing import cast

from flask import Response, current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import responses
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
@blueprint.response(200, responses.Readiness)
@blueprint.response(503, responses.Readiness)
def readyz() -> ResponseReturnValue:
    """The process can serve: by the engine that decides, or by the spill while that is down."""
    worker = cast(Worker, current_app.extensions["migration"])
    state = worker.describe_state()
    try:
        worker.store.ping()
    except StoreUnavailable as error:
        state |= {"reason": error.reason, "degraded": True}
        if not worker.outage.can_take_writes:
            return jsonify(state | {"status": "unavailable"}), 503
    return jsonify(state | {"status": "ready"})


@blueprint.get("/metrics")
@blueprint.response(200, responses.TEXT, content_type=metrics.CONTENT_TYPE)
def scrape() -> ResponseReturnValue:
    """The metrics, for Prometheus; what cannot be read now is left out."""
    worker = cast(Worker, current_app.extensions["migration"])
    worker.migration_metrics.report()
    sessions = cast(SessionRegistry, current_app.extensions["sessions"])
    text = metrics.render_text(collect_readings(worker.outage, sessions))
    return Response(text, content_type=metrics.CONTENT_TYPE)
