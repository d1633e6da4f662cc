"""How the Redis engine reaches its server: a bounded pool, short waits, at most one retry.

The connections, their URLs, TLS and authentication are redis-py's own. The pool is not: a
request here holds one connection for one command, and redis-py's client spends more time on
its bookkeeping around such a command than on the command. Its client would also retry inside
connecting, sending and reading, up to a minute on a frozen server; here retrying is this one
loop, and all its waits together take no longer than the request has left.
"""

import math
import os
import queue
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from services.sessions import request_budget
from services.sessions.errors import StoreUnavailable
from services.sessions.stores.redis import deadline
from services.sessions.stores.redis.errors import FINAL, translate_error

TIMEOUT = 0.25
"""Seconds to wait for a connection, and for a reply, unless the settings say otherwise."""
POOL_WAIT = 0.25
"""Seconds to wait for a connection another request is using."""
HEALTH_CHECK_INTERVAL = 30
"""Seconds of idleness after which a connection is tried with PING before it is used."""
MAX_CONNECTIONS = 2**31
"""Bounded here, by the places in the queue; redis-py would stop at 100."""
RETRY_PAUSE = (0.005, 0.05)
"""Seconds between the two attempts, drawn evenly between these."""
BYTES_AT_ONCE = 65_536
"""Bytes in one system call, unless a single command is longer."""
WAITED = ("timeout", "pool_exhausted")
"""Reasons that say how long somebody waited."""
AT_ONCE = 40
"""Commands in one system call; the server is at work on them while the next are packed."""

Command = Sequence[str | bytes | int]


def open_pool(url: str, *, timeout: float = TIMEOUT) -> redis.ConnectionPool:
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
        "max_connections": MAX_CONNECTIONS,
        "retry": Retry(NoBackoff(), 0),
    }
    taken = fixed.keys() & parse_qs(urlsplit(url).query).keys()
    if taken:
        raise ValueError(f"a Redis URL cannot set {', '.join(sorted(taken))}")
    scheme = url.partition(":")[0]
    if scheme != "unix":
        fixed["socket_keepalive"] = True
    if scheme in deadline.CONNECTIONS:
        fixed["connection_class"] = deadline.CONNECTIONS[scheme]
    return redis.ConnectionPool.from_url(url, **fixed)


class Connections:
    """A bounded blocking pool that runs commands and speaks of failures in our own terms.

    Args:
        pool: makes the connections; they are opened on first use.
        size: the most connections of this process.
    """

    def __init__(self, pool: redis.ConnectionPool, *, size: int = 16) -> None:
        self._pool = pool
        self._timeout = float(pool.connection_kwargs.get("socket_timeout") or 0)
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
        left = request_budget.limit_wait(math.inf)
        begun = time.monotonic()
        deadline.begin(left)
        try:
            replies = self._on_some_connection(commands)
        except StoreUnavailable as error:
            if error.reason in WAITED and left < self._timeout / 2:
                # It was the request that had hardly any time, which says nothing of the server.
                raise StoreUnavailable(request_budget.SPENT) from error
            raise
        finally:
            request_budget.spend(time.monotonic() - begun)
        return [translate_reply(reply) for reply in replies]

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().disconnect()

    def _on_some_connection(self, commands: Sequence[Command]) -> list[Any]:
        """Wait for a connection and run the commands on it; its errors in our own terms."""
        connection: Connection | None = None
        idle, slots = self._claim()
        try:
            connection = self._connection(idle)
            return self._converse(connection, commands)
        except BaseException as error:
            # Replies that were never read would answer the next request.
            if connection:
                connection.disconnect()
            ours = translate_error(error)
            if ours is None and isinstance(error, redis.ResponseError):
                # Replies to commands are answers; this one was to connecting.
                ours = StoreUnavailable("handshake", retry_after=30)
            if ours is None:
                raise
            raise ours from error
        finally:
            if connection:
                idle.append(connection)
            slots.put(None)

    def _start_afresh(self) -> None:
        # A forked child shares its parent's sockets and must not touch them.
        slots: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(self._size):
            slots.put(None)
        self._idle: deque[Connection] = deque()
        self._slots = slots
        self._pid = os.getpid()

    def _claim(self) -> tuple[deque[Connection], "queue.SimpleQueue[None]"]:
        """Wait for one of the places; it goes back into the queue that is answered."""
        if self._pid != os.getpid():
            self._start_afresh()
        try:
            self._slots.get_nowait()
        except queue.Empty:
            self._wait_for_a_place()
        return self._idle, self._slots

    def _wait_for_a_place(self) -> None:
        try:
            self._slots.get(timeout=deadline.time_left(POOL_WAIT))
        except (queue.Empty, TimeoutError):
            raise StoreUnavailable("pool_exhausted") from None

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
        except FINAL:
            raise
        except redis.ConnectionError:
            connection.disconnect()
        time.sleep(deadline.time_left(random.uniform(*RETRY_PAUSE)))  # noqa: S311 - no secret
        return _converse(connection, commands)


def _converse(connection: Connection, commands: Sequence[Command]) -> list[Any]:
    """Send all commands and read all replies, errors among them."""
    connection.send_packed_command(map(pack_commands, split_batches(commands)))
    replies: list[Any] = []
    for _ in commands:
        try:
            replies.append(connection.read_response())
        except redis.ResponseError as error:
            replies.append(error)
    return replies


def split_batches(commands: Sequence[Command]) -> Iterator[Sequence[Command]]:
    """Commands in portions for one system call each, which has to end within the timeout."""
    if len(commands) == 1:
        yield commands
        return
    begun, size = 0, 0
    for at, command in enumerate(commands):
        length = sum(len(part) for part in command if not isinstance(part, int))
        if at > begun and (at - begun == AT_ONCE or size + length > BYTES_AT_ONCE):
            yield commands[begun:at]
            begun, size = at, 0
        size += length
    yield commands[begun:]


def translate_reply(reply: Any) -> Any:
    """A reply, if it is an error in our own terms where it has one."""
    if not isinstance(reply, redis.ResponseError):
        return reply
    ours = translate_error(reply)
    if ours is None:
        return reply
    ours.__cause__ = reply
    return ours


def pack_commands(commands: Sequence[Command]) -> bytes:
    """Commands as they go over the wire (RESP), in one buffer for one system call.

    redis-py sends a long argument in a call of its own, which wakes the server three times.
    """
    parts: list[bytes] = []
    add = parts.append
    for command in commands:
        add(b"*%d\r\n" % len(command))
        for argument in command:
            data = argument if type(argument) is bytes else str(argument).encode()
            add(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)
