"""The description of the interface, for programs at /openapi.json and for people at /docs."""

from importlib import resources
from pathlib import Path

from flask import abort, jsonify, make_response, render_template, send_from_directory
from flask.typing import ResponseReturnValue
from flask_smorest import current_api

from routes import responses
from routes.middleware import CONTENT_SECURITY_POLICY
from routes.openapi import Blueprint

SWAGGER_UI = Path(str(resources.files("flask_swagger_ui") / "dist"))
"""Where the installed package keeps Swagger UI."""
FILES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
"""What of it the page needs; nothing else is served."""
NAME = {"in": "path", "name": "name", "schema": {"type": "string", "enum": sorted(FILES)}}
PICTURES_IN_STYLES = "img-src 'self' data:"

blueprint = Blueprint("docs", __name__, description="This description.")


@blueprint.get("/openapi.json")
@blueprint.response(200, {"type": "object"})
def description() -> ResponseReturnValue:
    """The description of every route, in OpenAPI."""
    return jsonify(current_api.spec.to_dict())


@blueprint.get("/docs")
@blueprint.response(200, responses.TEXT, content_type="text/html")
def page() -> ResponseReturnValue:
    """The description as a page that can try the routes out."""
    response = make_response(render_template("docs.html"))
    policy = CONTENT_SECURITY_POLICY.replace("img-src 'self'", PICTURES_IN_STYLES)
    response.headers["Content-Security-Policy"] = policy
    return response


@blueprint.get("/docs/<name>", parameters=[NAME])
@blueprint.response(200, responses.TEXT, content_type="text/javascript")
@blueprint.response(200, responses.TEXT, content_type="text/css")
@blueprint.errors("not_found")
def file(name: str) -> ResponseReturnValue:
    """A file of the page."""
    if name not in FILES:
        abort(404)
    return send_from_directory(SWAGGER_UI, name)
