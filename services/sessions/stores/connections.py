"""How the Redis engine reaches its server: a bounded pool, short waits, at most one retry.

The connections, their URLs, TLS and authentication are redis-py's own. The pool is not: a
request here holds one connection for one command, and redis-py's client spends more time on
its bookkeeping around such a command than on the command. Its client would also retry inside
connecting, sending and reading, up to a minute on a frozen server; here retrying is this one
loop, so that the longest wait is the sum of three settings.
"""

import os
import queue
import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from services.errors import SessionError, SessionUnreadable, StoreUnavailable

TIMEOUT = 0.25
"""Seconds to wait for a connection, and for a reply, unless the settings say otherwise."""
POOL_WAIT = 0.25
"""Seconds to wait for a connection another request is using."""
HEALTH_CHECK_INTERVAL = 30
"""Seconds of idleness after which a connection is tried with PING before it is used."""
RETRY_PAUSE = (0.005, 0.05)
"""Seconds between the two attempts, drawn evenly between these."""

UNAVAILABLE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, int], ...] = (
    (redis.BusyLoadingError, "loading", 2),
    (redis.AuthenticationError, "authentication", 30),
    (redis.TimeoutError, "timeout", 1),
    ((redis.ConnectionError, OSError), "connection", 1),
    (redis.ReadOnlyError, "read_only", 5),
    (redis.OutOfMemoryError, "out_of_memory", 30),
    (NoPermissionError, "no_permission", 30),
)
"""The driver's errors that mean "not now", first match wins: reason and seconds to wait.

redis-py makes loading and authentication kinds of ConnectionError; they are none to retry."""
REFUSALS = ("MISCONF", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS")
"""First words of error replies with which a server refuses for now; redis-py has no classes."""
UNREADABLE_REPLIES = ("CORRUPT", "WRONGTYPE")
"""First words of error replies about the stored value: put.lua's own, and the server's."""

Command = Sequence[str | bytes | int]


def pool_of(url: str, *, timeout: float = TIMEOUT) -> redis.ConnectionPool:
    """redis-py's connection factory for a redis://, rediss:// or unix:// URL, not yet connected.

    Args:
        url: where the server is.
        timeout: seconds to wait for a connection to be made, and for a reply.

    Raises:
        ValueError: redis-py does not know the URL's scheme or options, or the URL would change
            what this module relies on; in redis-py a URL's options win over arguments.
    """
    fixed: dict[str, Any] = {
        "protocol": 2,
        "decode_responses": False,
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
        "retry": Retry(NoBackoff(), 0),
    }
    taken = fixed.keys() & parse_qs(urlsplit(url).query).keys()
    if taken:
        raise ValueError(f"a Redis URL cannot set {', '.join(sorted(taken))}")
    if not url.startswith("unix:"):
        fixed["socket_keepalive"] = True
    return redis.ConnectionPool.from_url(url, **fixed)


class Connections:
    """A bounded blocking pool that runs commands and speaks of failures in our own terms.

    Args:
        pool: makes the connections; they are opened on first use.
        size: the most connections of this process.
    """

    def __init__(self, pool: redis.ConnectionPool, *, size: int = 16) -> None:
        self._pool = pool
        self._size = size
        self._start_afresh()

    def execute(self, *command: str | bytes | int) -> Any:
        """Run one command and answer its reply.

        Raises:
            StoreUnavailable: the server could not be asked or refused by policy.
            SessionUnreadable: what is stored under the key is not what the command works on.
            redis.ResponseError: any other reply that is an error, NOSCRIPT among them.
        """
        return self.execute_all((command,))[0]

    def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """Run several commands in one round trip, without a transaction.

        Raises:
            As `execute`; the first reply that is an error is raised after all were read.
        """
        replies = self.execute_each(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def execute_each(self, commands: Sequence[Command]) -> list[Any]:
        """Run several commands in one round trip; an error reply stands where its answer would.

        Raises:
            StoreUnavailable: the server could not be asked.
        """
        connection: Connection | None = None
        idle, slots = self._claim()
        try:
            connection = self._connection(idle)
            replies = self._converse(connection, commands)
        except BaseException as error:
            # Replies that were never read would answer the next request.
            if connection:
                connection.disconnect()
            translation = _translation(error)
            if translation is None:
                raise
            raise translation from error
        finally:
            if connection:
                idle.append(connection)
            slots.put(None)
        return [_told(reply) for reply in replies]

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().disconnect()

    def _start_afresh(self) -> None:
        # A forked child shares its parent's sockets and must not touch them.
        self._pid = os.getpid()
        self._idle: deque[Connection] = deque()
        self._slots: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(self._size):
            self._slots.put(None)

    def _claim(self) -> tuple[deque[Connection], "queue.SimpleQueue[None]"]:
        """Wait for one of the places; it goes back into the queue that is answered."""
        if self._pid != os.getpid():
            self._start_afresh()
        try:
            self._slots.get(timeout=POOL_WAIT)
        except queue.Empty:
            raise StoreUnavailable("pool_exhausted") from None
        return self._idle, self._slots

    def _connection(self, idle: deque[Connection]) -> Connection:
        """The connection used last, so that few stay open, or one that is yet to connect."""
        try:
            return idle.pop()
        except IndexError:
            return cast(Connection, self._pool.make_connection())

    def _converse(self, connection: Connection, commands: Sequence[Command]) -> list[Any]:
        """Run the commands, a second time on a fresh connection if this one broke."""
        try:
            return _converse(connection, commands)
        except (redis.AuthenticationError, redis.BusyLoadingError):
            raise
        except redis.ConnectionError:
            connection.disconnect()
        time.sleep(random.uniform(*RETRY_PAUSE))  # noqa: S311 - jitter, not a secret
        return _converse(connection, commands)


def _converse(connection: Connection, commands: Sequence[Command]) -> list[Any]:
    """Send all commands and read all replies, errors among them."""
    connection.send_packed_command([_packed(commands)])
    replies: list[Any] = []
    for _ in commands:
        try:
            replies.append(connection.read_response())
        except redis.ResponseError as error:
            replies.append(error)
    return replies


def _told(reply: Any) -> Any:
    """A reply, if it is an error in our own terms where it has one."""
    if not isinstance(reply, redis.ResponseError):
        return reply
    translation = _translation(reply)
    if translation is None:
        return reply
    translation.__cause__ = reply
    return translation


def _packed(commands: Sequence[Command]) -> bytes:
    """Commands as they go over the wire (RESP), in one buffer for one system call.

    redis-py sends a long argument in a call of its own, which wakes the server three times.
    """
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for argument in command:
            if isinstance(argument, int):
                data = b"%d" % argument
            else:
                data = argument.encode() if isinstance(argument, str) else argument
            parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def _translation(error: BaseException) -> SessionError | None:
    """Our error for one of the driver's; None for what is not ours to translate."""
    for kinds, reason, retry_after in UNAVAILABLE:
        if isinstance(error, kinds):
            return StoreUnavailable(reason, retry_after=retry_after)
    if not isinstance(error, redis.ResponseError):
        return None
    if "unauthenticated" in str(error):
        # What a server says to a command it finds too long before the password was given.
        return StoreUnavailable("authentication", retry_after=30)
    word = str(error).partition(" ")[0]
    if word in UNREADABLE_REPLIES:
        return SessionUnreadable("the stored value is no session document")
    if word in REFUSALS:
        return StoreUnavailable(word.lower(), retry_after=5)
    return None
