"""The page of the agents at /agents: a front end that restores itself from /api/session."""

from flask import render_template
from flask.typing import ResponseReturnValue

from routes import responses, schemas
from routes.browsers import browser
from routes.openapi import Blueprint
from services.norms.catalogue import DISCLAIMER

blueprint = Blueprint("agents", __name__, description="Agents and their saved state.")


@blueprint.get("/agents")
@blueprint.response(200, responses.TEXT, content_type="text/html")
@blueprint.errors("store_unavailable")
def page() -> ResponseReturnValue:
    """The page on which one talks to the agents and watches them."""
    if browser().reachable:
        browser().introduce()
    return render_template("agents.html", max_text=schemas.MAX_TEXT, disclaimer=DISCLAIMER)
