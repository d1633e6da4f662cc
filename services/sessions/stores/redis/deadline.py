"""Connections of redis-py that stop waiting at an instant, however slowly a server talks.

redis-py bounds every single wait on a socket. A conversation is many of them: connecting, a
password, a database, each piece of a long reply. Here their sum is bounded too.
"""

from typing import Any

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import InvalidResponse

from ... import request_budget


class _PunctualSocket:
    """A connected socket that waits no longer than is left.

    Args:
        sock: the socket.
        timeout: seconds that a single wait may take.
    """

    def __init__(self, sock: Any, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._is_hasty = True

    def recv(self, size: int) -> bytes:
        """As the socket."""
        if self._is_hasty or not request_budget.has_time(self._timeout):
            self._hurry()
        data: bytes = self._sock.recv(size)
        return data

    def sendall(self, data: bytes) -> None:
        """As the socket."""
        if self._is_hasty or not request_budget.has_time(self._timeout):
            self._hurry()
        self._sock.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def _hurry(self) -> None:
        """Wait as long as is left, and no longer than usual."""
        wait = request_budget.time_left(self._timeout)
        self._sock.settimeout(wait)
        self._is_hasty = wait < self._timeout


class _Punctual:
    """Mixed into a connection of redis-py: what it waits for, it waits for as long as is left."""

    def __init__(
        self, *, socket_timeout: float, socket_connect_timeout: float, **options: Any
    ) -> None:
        self._wait = socket_timeout
        self._connect_wait = socket_connect_timeout
        super().__init__(
            socket_timeout=socket_timeout,
            socket_connect_timeout=socket_connect_timeout,
            **options,
        )  # type: ignore[call-arg]  # of the class it is mixed into

    @property
    def socket_timeout(self) -> float:
        """Seconds to wait for a reply now."""
        return request_budget.time_left(self._wait)

    @socket_timeout.setter
    def socket_timeout(self, seconds: float) -> None:
        self._wait = seconds

    @property
    def socket_connect_timeout(self) -> float:
        """Seconds to wait for a connection now; asked again for each address of a host."""
        return request_budget.time_left(self._connect_wait)

    @socket_connect_timeout.setter
    def socket_connect_timeout(self, seconds: float) -> None:
        self._connect_wait = seconds

    def read_response(self, **options: Any) -> Any:
        """As redis-py's, whose parser fails in terms of its own on what is no reply at all.

        Raises:
            InvalidResponse: the server speaks another protocol.
        """
        try:
            return super().read_response(**options)  # type: ignore[misc]
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            raise InvalidResponse("no reply of Redis") from error

    def _connect(self) -> _PunctualSocket:
        sock = super()._connect()  # type: ignore[misc]
        return _PunctualSocket(sock, self._wait)


class _OverTcp(_Punctual, Connection):  # type: ignore[misc]
    pass


class _OverTls(_Punctual, SSLConnection):  # type: ignore[misc]
    pass


class _OverUnixSocket(_Punctual, UnixDomainSocketConnection):  # type: ignore[misc]
    pass


CONNECTIONS: dict[str, type] = {
    "redis": _OverTcp,
    "rediss": _OverTls,
    "unix": _OverUnixSocket,
}
"""The connection for each scheme of a URL."""
