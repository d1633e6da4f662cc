"""How the Redis engine reaches its server: a bounded pool, short waits, at most one retry.

The connections, their URLs, TLS and authentication are redis-py's own. The pool is not: a
request here holds one connection for one command, and redis-py's client spends more time on
its bookkeeping around such a command than on the command. Its client would also retry inside
connecting, sending and reading, up to a minute on a frozen server; here retrying is this one
loop, and all its waits together take no longer than the request has left.
"""

import contextlib
import os
import queue
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from ... import request_budget
from ...errors import StoreUnavailable
from ..base import StoreUrlError
from . import deadline, urls
from .abilities import Abilities
from .errors import ELSEWHERE, FINAL, translate_error, translate_set_up_error
from .replies import raise_error

TIMEOUT = 0.25
"""Seconds to wait for a connection, and for a reply, unless the settings say otherwise."""
POOL_WAIT = 0.25
"""Seconds to wait for a connection another request is using."""
MAX_CONNECTIONS = 2**31
"""Bounded here, by the places in the queue; redis-py would stop at 100."""
RETRY_PAUSE = (0.005, 0.05)
"""Seconds between the two attempts, drawn evenly between these."""
BYTES_AT_ONCE = 65_536
"""Bytes in one system call, unless a single command is longer."""
AT_ONCE = 40
"""Commands in one system call; the server is at work on them while the next are packed."""

Command = Sequence[str | bytes | int]


def open_pool(url: str, *, timeout: float = TIMEOUT) -> redis.ConnectionPool:
    """redis-py's connection factory for a redis://, rediss:// or unix:// URL, not yet connected.

    Args:
        url: where the server is.
        timeout: seconds to wait for a connection to be made, and for a reply.

    Raises:
        StoreUrlError: the URL cannot be used, or would change what this module relies on; in
            redis-py a URL's options win over arguments.
    """
    urls.check_url(url)
    fixed: dict[str, Any] = {
        "protocol": 2,
        "decode_responses": False,
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
        # It would send PING, which not every user may, and find out what the retry mends anyway.
        "health_check_interval": 0,
        "redis_connect_func": Abilities().set_up,
        "driver_info": None,  # nor CLIENT SETINFO
        "max_connections": MAX_CONNECTIONS,
        "retry": Retry(NoBackoff(), 0),
    }
    scheme = url.partition(":")[0]
    if scheme != "unix":
        fixed["socket_keepalive"] = True
    if scheme in deadline.CONNECTIONS:
        fixed["connection_class"] = deadline.CONNECTIONS[scheme]
    try:
        pool = redis.ConnectionPool.from_url(url, **fixed)
        connection = pool.make_connection()
    except (TypeError, ValueError, redis.RedisError):  # its words may quote the URL
        raise StoreUrlError("redis-py does not understand this URL.") from None
    urls.check_connection(connection)
    return pool


class Connections:
    """A bounded blocking pool that runs commands and speaks of failures in our own terms.

    After a failover the server that was asked so far answers that it is not the one any more, on
    connections that stay open. Then all of them are closed, and the next command looks the
    address up anew.

    Args:
        pool: makes the connections; they are opened on first use.
        size: the most connections of this process.

    Attributes:
        timeout: seconds that one wait for the server may take.
    """

    def __init__(self, pool: redis.ConnectionPool, *, size: int = 16) -> None:
        self._pool = pool
        self.timeout = float(pool.connection_kwargs.get("socket_timeout") or 0)
        self._size = size
        self._idle: deque[Connection] = deque()
        self._start_afresh()

    def execute(self, *command: str | bytes | int) -> Any:
        """Run one command and answer its reply.

        Raises:
            StoreUnavailable: the server could not be asked or would not do it.
            SessionUnreadable: what is stored under the key is not what the command works on.
        """
        reply = self.execute_many((command,))[0]
        raise_error(reply)
        return reply

    def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Run several commands in one round trip, without a transaction.

        An error reply stands where the answer to its command would, translated as in `execute`
        but for redis.NoScriptError: the server does not know a script.

        Raises:
            StoreUnavailable: the server could not be asked.
        """
        connection: Connection | None = None
        idle, slots = self._claim()
        try:
            try:
                connection = idle.pop()  # the one used last, so that few stay open
            except IndexError:
                connection = cast(Connection, self._pool.make_connection())
            try:
                replies = _exchange(connection, commands)
            except FINAL:
                raise
            except redis.ConnectionError:
                connection.disconnect()
                pause = random.uniform(*RETRY_PAUSE)  # noqa: S311 - no secret
                time.sleep(request_budget.time_left(pause))
                replies = _exchange(connection, commands)
        except BaseException as error:
            # Replies that were never read would answer the next request.
            if connection:
                connection.disconnect()
            ours = (
                # Replies to commands are answers; this one was to connecting.
                translate_set_up_error(error)
                if isinstance(error, redis.ResponseError)
                else translate_error(error)
            )
            self._close_if_elsewhere(ours)
            if ours is None:
                raise
            raise ours from error
        finally:
            if connection:
                idle.append(connection)
                if idle is not self._idle:  # they were closed meanwhile, all but this one
                    _disconnect_all(idle)
            slots.put(None)
        answers = [translate_reply(reply) for reply in replies]
        self._close_if_elsewhere(*answers)
        return answers

    def close(self) -> None:
        """Close every connection, those in use as soon as they are not."""
        idle = self._idle
        self._idle = deque()
        _disconnect_all(idle)

    def _close_if_elsewhere(self, *answers: Any) -> None:
        """Close every connection to a server that does not serve any more where it did."""
        if any(isinstance(one, StoreUnavailable) and one.reason in ELSEWHERE for one in answers):
            self.close()

    def _start_afresh(self) -> None:
        # A forked child shares its parent's sockets and must not touch them.
        slots: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(self._size):
            slots.put(None)
        self._idle = deque()
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
            self._slots.get(timeout=request_budget.time_left(POOL_WAIT))
        except (queue.Empty, TimeoutError):
            raise StoreUnavailable("pool_exhausted") from None


def _disconnect_all(idle: deque[Connection]) -> None:
    with contextlib.suppress(IndexError):  # several threads may be at it
        while True:
            idle.pop().disconnect()


def _exchange(connection: Connection, commands: Sequence[Command]) -> list[Any]:
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
