"""Contexts of a tenant's users at /api/v1/context; the bearer token identifies the caller."""

import logging
import time
from collections.abc import Mapping
from typing import Any, cast

from flask import Response, current_app, g, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses, schemas
from routes.identity import get_identity
from routes.middleware import get_request_id
from routes.openapi import CHANGING, CONTEXT_NAME, READING, Blueprint
from services import timestamps
from services.contexts import Context, ContextEntry, Contexts

log = logging.getLogger(__name__)

SLOW_MS = 100.0
"""Milliseconds above which a request is logged; 95 of 100 should stay below."""
AUTHENTICATED = ("unauthenticated", "authentication_not_configured")

blueprint = Blueprint("context", __name__, description="Contexts of a tenant's users.")


def _identify_user() -> tuple[str, str]:
    """Whom the limit counts: a user of a tenant, from any address."""
    identity = get_identity()
    return identity.tenant_id, identity.user_id


@blueprint.before_request
def authenticate() -> None:
    """Identify the caller before anything else is read."""
    g.context_began = time.perf_counter()
    get_identity()


@blueprint.put("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@limits.limit(limits.CONTEXTS, _identify_user)
@blueprint.arguments(schemas.ContextBody)
@blueprint.describe_token()
@blueprint.response(200, responses.Context)
@blueprint.describe_errors(*AUTHENTICATED, *CHANGING, "rate_limited")
def store_context(body: schemas.Checked, session_id: str) -> ResponseReturnValue:
    """Store a context, replacing the present one; members left out are empty."""
    ttl = body.pop("ttl", None)
    return _respond(
        _get_contexts().store_session_context(*_read_target(session_id), body, ttl=ttl, parsed=True)
    )


@blueprint.patch("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@limits.limit(limits.CONTEXTS, _identify_user)
@blueprint.arguments(schemas.ContextBody)
@blueprint.describe_token()
@blueprint.response(200, responses.Context)
@blueprint.describe_errors(*AUTHENTICATED, *CHANGING, "rate_limited")
def update_context(body: schemas.Checked, session_id: str) -> ResponseReturnValue:
    """Add to a context: mappings merge, lists extend; a missing one is created.

    A list entry whose `id` is there already updates that entry, so that entries with ids may be
    sent again.
    """
    ttl = body.pop("ttl", None)
    return _respond(
        _get_contexts().update_session_context(
            *_read_target(session_id), body, ttl=ttl, parsed=True
        )
    )


@blueprint.get("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@blueprint.describe_token()
@blueprint.response(200, responses.Context)
@blueprint.describe_errors("validation_failed", *AUTHENTICATED, *READING)
def load_context(session_id: str) -> ResponseReturnValue:
    """A context; its time to live starts again."""
    return _respond(_get_contexts().get_session_context(*_read_target(session_id)))


@blueprint.delete("/api/v1/context/<session_id>", parameters=[CONTEXT_NAME])
@blueprint.describe_token()
@blueprint.response(200, responses.ContextDeleted)
@blueprint.describe_errors(
    "validation_failed", *AUTHENTICATED, "session_unreadable", "store_unavailable"
)
def delete_context(session_id: str) -> ResponseReturnValue:
    """Delete a context; deleting a missing one succeeds."""
    _get_contexts().delete_session_context(*_read_target(session_id))
    return _respond_timed({"status": "deleted"})


@blueprint.get("/api/v1/context")
@blueprint.arguments(schemas.Page, location="query")
@blueprint.describe_token()
@blueprint.response(200, responses.ContextList)
@blueprint.describe_errors(*AUTHENTICATED, "store_unavailable")
def list_contexts(page: schemas.Checked) -> ResponseReturnValue:
    """The caller's contexts, newest first, in pages."""
    found = _get_contexts().list_session_contexts(*_identify_user(), **page)
    entries = [_describe(context) for context in found.contexts]
    return _respond_timed({"sessions": entries, "next_start": found.next_start})


def _get_contexts() -> Contexts:
    return cast(Contexts, current_app.extensions["contexts"])


def _read_target(session_id: str) -> tuple[str, str, str]:
    """Tenant and user of the token, and the session of the address."""
    return *_identify_user(), schemas.parse_name(session_id)


def _respond(context: Context) -> Response:
    return _respond_timed({**_describe(context), **context.members})


def _describe(context: Context | ContextEntry) -> dict[str, Any]:
    return {
        "session_id": context.session_id,
        "user_id": context.user_id,
        "tenant_id": context.tenant_id,
        "stored_at": timestamps.isoformat(context.stored_at),
        "last_updated": timestamps.isoformat(context.last_updated),
        "ttl": context.ttl,
    }


def _respond_timed(data: Mapping[str, Any]) -> Response:
    """A response that says how long it took; a slow one is logged."""
    took = (time.perf_counter() - g.context_began) * 1000
    if took > SLOW_MS:
        log.warning("request %s for a context took %.0f ms", get_request_id(), took)
    return jsonify({**data, "response_time_ms": round(took, 3)})
