"""Every route of the application: public on purpose, or somebody's, with a request for it.

A route that is added gets a line here, and is thereby tried by strangers and with crafted ids.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.talk import API

ID = "{id}"
"""Stands for the id in a path, in a query string or in a body."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that names something by its id.

    Attributes:
        method: of HTTP.
        path: with ID in it where the id stands in the address.
        body: members, one of them ID where the id stands there.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None

    def send(self, client: FlaskClient, session_id: str, **headers: str) -> TestResponse:
        """Send it with any text as the id, as a server hands it to the application."""
        path, _, query = self.path.partition("?")
        sent = None
        if self.body is not None:
            sent = json.dumps({k: session_id if v == ID else v for k, v in self.body.items()})
        wired = path.replace(ID, session_id).encode("utf-8", "surrogatepass").decode("latin-1")
        return client.open(
            method=self.method,
            data=sent,
            content_type="application/json" if sent is not None else None,
            query_string=query.replace(ID, quote(session_id, safe="", errors="surrogatepass")),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            environ_overrides={"PATH_INFO": wired},
        )


PUBLIC = {
    "static": "files of the page, the same for everyone",
    "develope.home": "leads to the page",
    "develope.page": "shows only what the asking browser's own session names",
    "agents.page": "shows nothing; what it loads is the asking browser's own",
    "develope.start_conversation": "makes a conversation, or finds the asker's own again",
    "docs.description": "tells what can be asked, not what was",
    "docs.page": "shows the same",
    "docs.file": "files of the page, the same for everyone",
    "ops.page": "the same for everyone; what it shows comes from the next one",
    "ops.status": "nothing of any session, and only for who has the operators' token",
    "operations.healthz": "says nothing about any conversation",
    "operations.readyz": "says nothing about any conversation",
    "operations.scrape": "says how many there are; nginx keeps it from the public",
}
"""Why everyone may ask for these."""

CONVERSATIONS = {
    "develope.continue_conversation": Call(
        "POST", f"{API}/respond", {"session_id": ID, "message": "it has Wi-Fi"}
    ),
    "develope.correct_facts": Call(
        "POST", f"{API}/correct", {"session_id": ID, "facts": {"radio": True}}
    ),
    "develope.analyze_norms": Call("POST", f"{API}/analyze", {"session_id": ID}),
    "develope.analyze_norms_stream": Call("GET", f"{API}/analyze-stream?session_id={ID}"),
    "develope.ask_analysis_question": Call(
        "POST", f"{API}/ask-analysis", {"session_id": ID, "question": "Why?"}
    ),
    "develope.get_session_route": Call("GET", f"{API}/session/{ID}"),
    "develope.delete_session_route": Call("DELETE", f"{API}/session/{ID}"),
    "conversations.show_conversation": Call("POST", f"{API}/current", {"session_id": ID}),
    "chat.send_message": Call(
        "POST", "/api/v1/chat", {"session_id": ID, "message": "it has Wi-Fi"}
    ),
    "chat.clear_session": Call("DELETE", f"/api/v1/chat/session/{ID}"),
}
"""Of the browser that started the conversation."""

HISTORIES = {
    "conversations.shown_conversation": Call("GET", f"{API}/current"),
    "conversations.list_conversations": Call("GET", f"{API}/conversations"),
    "conversations.clear_conversations": Call("DELETE", f"{API}/conversations"),
    "browser_data.export_browser": Call("GET", f"{API}/browser"),
    "browser_data.erase_browser": Call("DELETE", f"{API}/browser"),
}
"""Of the browser that asks, which names none of its conversations."""

STATES = {
    "session_state.save_session": Call(
        "POST", "/api/session", {"session_id": ID, "data": {"messages": [], "n": "changed"}}
    ),
    "session_state.load_session": Call("GET", f"/api/session/{ID}"),
    "session_state.delete_session": Call("DELETE", f"/api/session/{ID}"),
}
"""Of the browser that saved the state first."""

CONTEXTS = {
    "context.store_context": Call(
        "PUT", f"/api/v1/context/{ID}", {"conversation_state": {"n": "changed"}}
    ),
    "context.update_context": Call(
        "PATCH", f"/api/v1/context/{ID}", {"conversation_state": {"n": "changed"}}
    ),
    "context.load_context": Call("GET", f"/api/v1/context/{ID}"),
    "context.delete_context": Call("DELETE", f"/api/v1/context/{ID}"),
    "context.list_contexts": Call("GET", "/api/v1/context"),
}
"""Of the tenant's user whom the bearer token names."""

BY_BROWSER = {**CONVERSATIONS, **STATES}
OWNED = {**BY_BROWSER, **HISTORIES, **CONTEXTS}
MAKING = {"session_state.save_session"}
"""Those of a browser's routes that make what they name where there is none."""


def redact(response: TestResponse, session_id: str = "") -> tuple[int, Any]:
    """The status and the body of an answer, without what differs each time."""
    body = response.get_json(silent=True)
    if isinstance(body, dict):
        passing = ("request_id", "response_time_ms", "stored_at", "last_updated", "exported_at")
        body = {name: value for name, value in body.items() if name not in passing}
    text = json.dumps(body)
    return response.status_code, text.replace(session_id, ID) if session_id else text
