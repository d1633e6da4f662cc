"""Contexts of a tenant's users at /api/v1/context; who asks comes from the bearer token."""

import logging
import time
from collections.abc import Mapping
from typing import Any, cast

from flask import Response, current_app, g, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.identity import identity
from routes.middleware import request_id
from routes.openapi import CHANGING, CONTEXT_NAME, READING, Blueprint
from services import timestamps
from services.contexts import Context, Contexts

log = logging.getLogger(__name__)

SLOW_MS = 100.0
"""Milliseconds above which the log names a request; 95 of 100 are to stay below."""
AUTHENTICATED = ("unauthenticated", "authentication_not_configured")

blueprint = Blueprint("context", __name__, description="Contexts of a tenant's users.")


def _client() -> tuple[str, str]:
    """Who is counted for the limit: a user of a tenant, from wherever they ask."""
    who = identity()
    return who.tenant_id, who.user_id


@blueprint.before_request
def authenticate() -> None:
    """Find out who asks before anything else is looked at."""
    g.context_begun = time.perf_counter()
    identity()


@blueprint.put("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@limits.limited(limits.CONTEXTS, _client)
@blueprint.arguments(schemas.ContextBody)
@blueprint.secured()
@blueprint.response(200, responses.Context)
@blueprint.errors(*AUTHENTICATED, *CHANGING, "rate_limited")
def store_context(body: schemas.Checked, session_id: str) -> ResponseReturnValue:
    """Store a context in the place of what is there; members left out are empty."""
    ttl = body.pop("ttl", None)
    return _told(_contexts().store_session_context(*_whose(session_id), body, ttl=ttl, parsed=True))


@blueprint.patch("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@limits.limited(limits.CONTEXTS, _client)
@blueprint.arguments(schemas.ContextBody)
@blueprint.secured()
@blueprint.response(200, responses.Context)
@blueprint.errors(*AUTHENTICATED, *CHANGING, "rate_limited")
def update_context(body: schemas.Checked, session_id: str) -> ResponseReturnValue:
    """Add to a context: mappings merge, lists extend; it is created where there is none.

    An entry of a list that has an `id` and is there already only gets what it brings, so that
    entries with ids may be sent again.
    """
    ttl = body.pop("ttl", None)
    return _told(
        _contexts().update_session_context(*_whose(session_id), body, ttl=ttl, parsed=True)
    )


@blueprint.get("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@blueprint.secured()
@blueprint.response(200, responses.Context)
@blueprint.errors("validation_failed", *AUTHENTICATED, *READING)
def load_context(session_id: str) -> ResponseReturnValue:
    """A context; it lives its full time again."""
    return _told(_contexts().get_session_context(*_whose(session_id)))


@blueprint.delete("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@blueprint.secured()
@blueprint.response(200, responses.ContextDeleted)
@blueprint.errors("validation_failed", *AUTHENTICATED, "session_unreadable", "store_unavailable")
def delete_context(session_id: str) -> ResponseReturnValue:
    """Remove a context; one that is not there is removed already."""
    _contexts().delete_session_context(*_whose(session_id))
    return _timed({"status": "deleted"})


@blueprint.get("/api/v1/context")
@blueprint.arguments(schemas.Page, location="query")
@blueprint.secured()
@blueprint.response(200, responses.ContextList)
@blueprint.errors(*AUTHENTICATED, "store_unavailable")
def list_contexts(page: schemas.Checked) -> ResponseReturnValue:
    """The caller's contexts, newest first, in pages."""
    who = identity()
    found = _contexts().list_session_contexts(who.tenant_id, who.user_id, **page)
    entries = [_about(context) for context in found.contexts]
    return _timed({"sessions": entries, "next_start": found.next_start})


def _contexts() -> Contexts:
    return cast(Contexts, current_app.extensions["contexts"])


def _whose(session_id: str) -> tuple[str, str, str]:
    """Tenant and user of the token, and the session of the address."""
    who = identity()
    return who.tenant_id, who.user_id, schemas.name(session_id)


def _told(context: Context) -> Response:
    return _timed({**_about(context), **context.members})


def _about(context: Context) -> dict[str, Any]:
    return {
        "session_id": context.session_id,
        "user_id": context.user_id,
        "tenant_id": context.tenant_id,
        "stored_at": timestamps.isoformat(context.stored_at),
        "last_updated": timestamps.isoformat(context.last_updated),
        "ttl": context.ttl,
    }


def _timed(answer: Mapping[str, Any]) -> Response:
    """The answer with how long it took; one that took long is named in the log."""
    took = (time.perf_counter() - g.context_begun) * 1000
    if took > SLOW_MS:
        log.warning("request %s for a context took %.0f ms", request_id(), took)
    return jsonify({**answer, "response_time_ms": round(took, 3)})
