"""One kept connection to nginx that sends each request once and says when no answer came."""

import http.client
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

TIMEOUT = 15.0
"""Seconds without a byte after which an answer counts as missing."""
GATEWAY = (502, 503, 504)
"""What nginx says itself while no gunicorn takes connections."""


class Reply(NamedTuple):
    """What came back.

    Attributes:
        status: 0 when the connection broke before a whole answer was there.
        body: the decoded JSON, or the text where it is none.
        by_app: whether the application said it, not nginx.
        request: what was asked, for findings.
        headers: those of the answer.
    """

    status: int
    body: Any = None
    by_app: bool = False
    request: str = ""
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def missing(self) -> bool:
        """Whether the application gave no answer, so that nobody knows what was done."""
        return self.status == 0 or (self.status in GATEWAY and not self.by_app)

    @property
    def code(self) -> str:
        """The stable word of an error."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def refused(self) -> bool:
        """Whether it says honestly that sessions cannot be reached now, and when to ask again."""
        told = self.code == "store_unavailable" and self.headers.get("Retry-After", "").isdigit()
        return self.status == 503 and told

    @property
    def degraded(self) -> bool:
        """Whether it came by way of the spill."""
        return self.headers.get("X-Session-Store") == "degraded"


class Wire:
    """Requests to one address, one after the other."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Send a request, once."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(method, path, data, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            return Reply(0, request=f"{method} {path}")
        is_json = response.headers.get_content_type() == "application/json"
        decoded = json.loads(text) if is_json and text else text.decode(errors="replace")
        by_app = "X-Request-ID" in response.headers
        headers = dict(response.headers)
        return Reply(response.status, decoded, by_app, f"{method} {path}", headers)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
