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
"""The files that the page needs; no other is served."""
NAME = {"in": "path", "name": "name", "schema": {"type": "string", "enum": sorted(FILES)}}
INLINE_IMAGES = "img-src 'self' data:"

blueprint = Blueprint("docs", __name__, description="This description.")


@blueprint.get("/openapi.json", endpoint="description")
@blueprint.response(200, {"type": "object"})
def show_description() -> ResponseReturnValue:
    """The description of every route, in OpenAPI."""
    return jsonify(current_api.description)


@blueprint.get("/docs", endpoint="page")
@blueprint.response(200, responses.TEXT, content_type="text/html")
def show_page() -> ResponseReturnValue:
    """The description as a page on which every route can be tried out."""
    response = make_response(render_template("docs.html"))
    policy = CONTENT_SECURITY_POLICY.replace("img-src 'self'", INLINE_IMAGES)
    response.headers["Content-Security-Policy"] = policy
    return response


@blueprint.get("/docs/<name>", endpoint="file", parameters=[NAME])
@blueprint.response(200, responses.TEXT, content_type="text/javascript")
@blueprint.response(200, responses.TEXT, content_type="text/css")
@blueprint.describe_errors("not_found")
def send_file(name: str) -> ResponseReturnValue:
    """A file of the page."""
    if name not in FILES:
        abort(404)
    return send_from_directory(SWAGGER_UI, name)
