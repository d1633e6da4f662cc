"""The page at /agents: a front end of several agents that restores itself from /api/session."""

from flask import render_template
from flask.typing import ResponseReturnValue

from routes import responses, schemas
from routes.browsers import get_browser
from routes.openapi import Blueprint
from services.norms.catalogue import DISCLAIMER

blueprint = Blueprint("agents", __name__, description="Agents and their saved state.")


@blueprint.get("/agents", endpoint="page")
@blueprint.response(200, responses.TEXT, content_type="text/html")
@blueprint.describe_errors("store_unavailable")
def show_page() -> ResponseReturnValue:
    """The page for talking to the agents and watching them."""
    if get_browser().reachable:  # the page is served during an outage, too
        get_browser().introduce()
    return render_template("agents.html", max_text=schemas.MAX_TEXT, disclaimer=DISCLAIMER)
