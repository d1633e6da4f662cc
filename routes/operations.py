"""For those who run it: whether the process lives and whether it can serve."""

from typing import cast

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from services.errors import StoreUnavailable
from services.sessions.stores import Store

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process lives; no engine is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The process can serve: the engine answers."""
    store = cast(Store, current_app.extensions["session_store"])
    state = {
        "stage": current_app.config["SESSION_STAGE"],
        "engine": store.name,
        "degraded": False,
        "backlog": 0,
    }
    try:
        store.ping()
    except StoreUnavailable as error:
        state |= {"status": "unavailable", "reason": error.reason, "degraded": True}
        return jsonify(state), 503
    return jsonify(state | {"status": "ready"})
