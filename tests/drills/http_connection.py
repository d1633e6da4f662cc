"""A keep-alive connection to nginx that sends each request once and reports a missing answer."""

import http.client
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

TIMEOUT = 15.0
"""Seconds without a byte after which an answer counts as missing."""
GATEWAY = (502, 503, 504)
"""The statuses with which nginx answers while no gunicorn accepts connections."""


class Reply(NamedTuple):
    """The answer to a request.

    Attributes:
        status: 0 when the connection broke before the answer was complete.
        body: the decoded JSON, or the text if it is not JSON.
        by_app: whether the application answered, not nginx.
        request: method and path, for findings.
        headers: the headers of the answer.
    """

    status: int
    body: Any = None
    by_app: bool = False
    request: str = ""
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def missing(self) -> bool:
        """Whether the application gave no answer, so that the outcome is unknown."""
        return self.status == 0 or (self.status in GATEWAY and not self.by_app)

    @property
    def code(self) -> str:
        """The stable code of an error."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def refused(self) -> bool:
        """Whether it says that sessions are unavailable now, and when to try again."""
        is_retryable = self.headers.get("Retry-After", "").isdigit()
        return self.status == 503 and self.code == "store_unavailable" and is_retryable

    @property
    def degraded(self) -> bool:
        """Whether it was served from the spill."""
        return self.headers.get("X-Session-Store") == "degraded"


class HttpConnection:
    """Requests to one port, one after the other."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Send a request once."""
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
