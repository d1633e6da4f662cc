"""Serve the pages' files, at addresses with their hash and without; behind nginx, it does that."""

from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, current_app, request, send_from_directory

from services.static_files import ELEMENT, StaticFiles, build_entry, parse_address

ENDPOINT = "static"
"""Flask's own name for the route."""
IMMUTABLE_SECONDS = 365 * 86_400


def init_app(app: Flask) -> None:
    """Serve the static folder, and let `url_for` name the addresses with the hash."""
    files = StaticFiles(Path(cast(str, app.static_folder)))
    app.extensions["static_files"] = files
    app.view_functions[ENDPOINT] = send_file

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == ENDPOINT:
            values["filename"] = f"{files.hash}/{values['filename']}"


def get_static_files() -> StaticFiles:
    """The files of this application."""
    return cast(StaticFiles, current_app.extensions["static_files"])


def send_file(filename: str) -> Response:
    """A file; at an address with another release's hash, the present one, which nobody keeps."""
    files, address = get_static_files(), parse_address(filename)
    if filename == ELEMENT:
        return _send_entry(files)
    response = send_from_directory(files.folder, address.name)
    if files.is_immutable(address):
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = IMMUTABLE_SECONDS
        response.cache_control.immutable = True
    return response


def _send_entry(files: StaticFiles) -> Response:
    response = Response(build_entry(files.hash, files.modules), mimetype="text/javascript")
    response.cache_control.no_cache = True
    response.set_etag(files.hash)
    return cast(Response, response.make_conditional(request))
