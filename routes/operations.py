"""For those who run it: whether the process lives and whether it can serve."""

from typing import cast

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from services.errors import StoreUnavailable
from services.sessions.worker import Worker

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process lives; no engine is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The process can serve: the engine that decides answers."""
    worker = cast(Worker, current_app.extensions["migration"])
    state = worker.state()
    try:
        worker.store.ping()
    except StoreUnavailable as error:
        state |= {"status": "unavailable", "reason": error.reason, "degraded": True}
        return jsonify(state), 503
    return jsonify(state | {"status": "ready"})
