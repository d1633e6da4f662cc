"""Everything of a browser at one address: to export it, and to erase it."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec
from flask import Response, current_app, jsonify
from flask.typing import ResponseReturnValue

from routes import limits, responses
from routes.browsers import get_browser, get_current
from routes.openapi import Blueprint
from services.browser_data import BrowserData, Export
from services.sessions import request_budget

FILE_NAME = "teaser-chat.json"

blueprint = Blueprint("browser_data", __name__, description="Everything of a browser.")


@blueprint.get("/api/develope/browser")
@limits.limit(limits.CONVERSATIONS)
@blueprint.response(200, responses.BrowserExport)
@blueprint.describe_errors("rate_limited", "store_unavailable")
def export_browser() -> ResponseReturnValue:
    """Everything that is stored of this browser, as a file.

    A client without a cookie has nothing. Exporting does not make anything live longer. If the
    response ends in the middle, the rest could not be read; it can be repeated.
    """
    current = get_current()
    export = get_data().open_export(get_browser().owner)
    response = Response(_write_export(export, current), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return response


@blueprint.delete("/api/develope/browser")
@blueprint.response(200, responses.Cleared)
@blueprint.describe_errors("session_unreadable", "store_unavailable")
def erase_browser() -> ResponseReturnValue:
    """Delete everything of this browser, and its cookie; after an error it can be repeated."""
    deleted = sum(get_data().erase(get_browser().owner))
    get_browser().forget()
    return jsonify(status="deleted", deleted=deleted)


def get_data() -> BrowserData:
    """What knows everything of a browser."""
    return cast(BrowserData, current_app.extensions["browser_data"])


def _write_export(export: Export, current: str | None) -> Iterator[bytes]:
    """The JSON of an export, in parts, so that it is never in memory as a whole."""
    yield b'{"exported_at":%b,"current":%b' % (_encode(export.exported_at), _encode(current))
    for name, entries in (("conversations", export.conversations), ("states", export.states)):
        yield b",%b:[" % _encode(name)
        yield from _join(entries)
        yield b"]"
    yield b',"unreadable":%b}' % _encode(export.unreadable)


def _join(entries: Iterable[Any]) -> Iterator[bytes]:
    for number, entry in enumerate(entries):
        yield (b"," if number else b"") + _encode(entry)
        # What follows is asked for only when this part was sent, so it may wait anew.
        request_budget.begin()


def _encode(value: Any) -> bytes:
    return msgspec.json.encode(value)
