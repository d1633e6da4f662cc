"""A small HTTP client for real servers: JSON in and out, connections kept."""

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """What came back; `body` is the decoded JSON, or the text where it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Http:
    """Requests to one server, with a cookie if it sets one and cookies are wanted.

    Args:
        url: the server's.
        cookies: whether they are kept.
        timeout: seconds to wait for it.
        source: the address to come from; any of 127.0.0.0/8 is this machine's.
        trusted: the certificate to trust, for a URL with https.
    """

    def __init__(
        self,
        url: str,
        *,
        cookies: bool = False,
        timeout: float = 10.0,
        source: str = "127.0.0.1",
        trusted: Path | None = None,
    ) -> None:
        self._source = source
        self._tls = ssl.create_default_context(cafile=trusted) if trusted else None
        self._address = urlsplit(url)
        self._timeout = timeout
        self._connection = self._connect()
        self._cookies = cookies
        self._cookie = ""

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path."""
        return self._request("GET", path, None, headers)

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> Answer:
        """POST a JSON body."""
        data = json.dumps(body).encode()
        return self._request("POST", path, data, {"Content-Type": "application/json", **headers})

    def delete(self, path: str) -> Answer:
        """DELETE a path."""
        return self._request("DELETE", path, None, {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection, for which a server that ends waits; a request opens another."""
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._tls:
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)
        return http.client.HTTPConnection(
            host, port, timeout=self._timeout, source_address=(self._source, 0)
        )

    def _request(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        sent = {**headers, **({"Cookie": self._cookie} if self._cookie else {})}
        try:
            self._connection.request(method, path, data, sent)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            # The server was restarted; a kept connection is opened again, once.
            self._connection.close()
            self._connection = self._connect()
            self._connection.request(method, path, data, sent)
            response = self._connection.getresponse()
        text = response.read()
        if self._cookies and (given := response.headers.get("Set-Cookie")):
            self._cookie = given.partition(";")[0]
        is_json = response.headers.get_content_type() == "application/json"
        body = json.loads(text) if is_json and text else text.decode()
        return Answer(response.status, dict(response.headers), body)
