"""Sessions in Redis: one JSON string a session, its expiry, and sorted sets for indexes.

`redis-cli GET` shows a session, `redis-cli TTL` its remaining life. Conditional writes are
one Lua script, so that the decision is made where the document is.

The server is told how long a session lives, not until when: hosts whose clocks differ from the
server's, or from each other's, agree on it all the same.
"""

import functools
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from ... import codec
from ...errors import SessionUnreadable
from ..base import (
    HEAD_BYTES,
    INDEX_KEPT,
    Clock,
    Condition,
    Count,
    Counters,
    Outcome,
    Put,
    Record,
    Store,
    quarantine_key,
)
from ..clocks import make_steady
from .connections import TIMEOUT, Command, Connections, open_pool

WITHOUT_EXPIRY = -1
"""What PTTL answers for a key that somebody else has made persistent."""
PERSISTED_KEPT = 86_400
"""Seconds such a key counts as living; with its next write it expires again."""
UNREADABLE = b""
"""What `get` answers for a key that holds no string at all; no document is empty."""
_INDEX_KEPT = INDEX_KEPT * 1000


class RedisStore(Store, Counters):
    """Sessions on a Redis server (7.0 or newer, for PEXPIRETIME).

    The script writes a document and its index entries together, which suits one server. In a
    cluster those keys live on different shards; only the document's own key decides.

    Args:
        connections: the pool to use; nothing is connected before the first command.
        clock: seconds since 1970, the one that the records' expiry was reckoned by.
    """

    name = "redis"

    def __init__(self, connections: Connections, *, clock: Clock = time.time) -> None:
        self._connections = connections
        self.timeout = connections.timeout
        self._clock = make_steady(clock)

    @classmethod
    def from_url(cls, url: str, *, pool_size: int = 16, timeout: float = TIMEOUT) -> "RedisStore":
        """A store on the server a redis://, rediss:// or unix:// URL names."""
        return cls(Connections(open_pool(url, timeout=timeout), size=pool_size))

    def get(self, key: str) -> bytes | None:
        try:
            value: bytes | None = self._connections.execute("GET", key)
        except SessionUnreadable:
            return UNREADABLE
        return value

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return [
            _read(reply) for reply in self._connections.execute_many([("GET", key) for key in keys])
        ]

    def heads(self, keys: Sequence[str]) -> list[bytes | None]:
        replies = self._connections.execute_many(
            [("GETRANGE", key, 0, HEAD_BYTES - 1) for key in keys]
        )
        return [_head(reply) for reply in replies]

    def put(self, record: Record, condition: Condition) -> Put:
        try:
            answer = self._run("put.lua", *self._put_arguments(record, condition))
        except SessionUnreadable:
            return Put(Outcome.CORRUPT, 0)
        return _put_answer(answer)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        source, digest = _script("put.lua")
        commands: list[Command] = []
        for record in records:
            keys, arguments = self._put_arguments(record, condition)
            commands.append(("EVALSHA", digest, len(keys), *keys, *arguments))
        replies = self._connections.execute_many(commands)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            self._connections.execute("SCRIPT", "LOAD", source)
            replies = self._connections.execute_many(commands)
        return [_put_answer(reply) for reply in replies]

    def delete(self, record: Record) -> bool:
        return self.delete_many((record,))[0]

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        commands: list[Command] = [("DEL", record.key) for record in records]
        for record in records:
            commands += [("ZREM", index, record.member) for index in record.all_indexes]
        replies = self._connections.execute_many(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return [bool(reply) for reply in replies[: len(records)]]

    def touch(self, record: Record) -> bool:
        arguments = (
            self._rest(record.expires_at),
            record.member,
            _INDEX_KEPT,
            self._since_use(record),
        )
        return bool(self._run("touch.lua", (record.key, *record.all_indexes), arguments))

    def expires_at(self, key: str) -> int | None:
        rest = self._connections.execute("PTTL", key)
        if rest == WITHOUT_EXPIRY:
            rest = PERSISTED_KEPT * 1000
        return self._now() + rest if rest > 0 else None

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        keys = (key, quarantine_key(key), *indexes)
        return bool(self._run("quarantine.lua", keys, (value, self._rest(keep_until), member)))

    def count(self, index: str) -> int:
        return int(self._run("index.lua", (index,), ()))

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        found = self._run("index.lua", (index,), (start, start + limit - 1))
        return [member.decode() for member in found]

    def trim(self, index: str) -> int:
        return int(self._run("trim.lua", (index,), ()))

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        found = self._run("idle.lua", (index,), (max(0, self._now() - before), limit))
        return [member.decode() for member in found]

    def increment(self, key: str, seconds: int) -> Count:
        try:
            number, rest = self._run("count.lua", (key,), (seconds * 1000,))
        except ResponseError as error:
            raise SessionUnreadable("the stored value is no counter") from error
        return Count(number, rest / 1000)

    def ping(self) -> None:
        """Ask the server for a sign of life."""
        self._connections.execute("PING")

    def risks(self) -> list[str]:
        """What in the server's settings could lose sessions, a sentence each."""
        replies = self._connections.execute_many(
            [("INFO", "memory"), ("INFO", "persistence"), ("CONFIG", "GET", "save")]
        )
        info = b"\r\n".join(one for one in replies[:2] if isinstance(one, bytes)).decode()
        settings = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        policy = settings.get("maxmemory_policy", "")
        found = []
        if policy.startswith("allkeys-"):
            found.append(f"Redis may evict sessions: set maxmemory-policy {policy} to noeviction")
        # A managed server may forbid CONFIG; then only the append-only file can be seen.
        snapshots = replies[2][1] if isinstance(replies[2], list) and replies[2] else b""
        if settings.get("aof_enabled") != "1" and not snapshots:
            found.append("Redis keeps nothing over a restart: set appendonly to yes")
        return found

    def memory(self) -> dict[str, int]:
        """Bytes the server uses, and the most it may use; 0 is no limit."""
        info = self._connections.execute("INFO", "memory").decode()
        values = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        return {"used": int(values["used_memory"]), "maximum": int(values["maxmemory"])}

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._connections.close()

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _rest(self, instant: int) -> int:
        """Milliseconds from now until an instant, for a server that takes none below 1."""
        return max(1, instant - self._now())

    def _put_arguments(self, record: Record, condition: Condition) -> tuple[Sequence[str], Command]:
        """Keys and arguments of put.lua."""
        names_owner = condition in (Condition.OWNED, Condition.MIRROR)
        identity = codec.identity_in(record.body) if names_owner else b""
        return (record.key, *record.all_indexes), (
            condition.value,
            record.version,
            codec.join(record.version, record.body),
            self._rest(record.expires_at),
            record.member,
            _INDEX_KEPT,
            record.expected,
            int(record.deleted),
            self._since_use(record),
            identity,
        )

    def _since_use(self, record: Record) -> int | str:
        """Milliseconds since the last use; empty for a record in no index by it."""
        return max(0, self._now() - record.active_at) if record.idle_index else ""

    def _run(self, name: str, keys: Sequence[str], arguments: Command) -> Any:
        source, digest = _script(name)
        rest = (len(keys), *keys, *arguments)
        try:
            return self._connections.execute("EVALSHA", digest, *rest)
        except NoScriptError:
            # A server that was restarted or flushed has forgotten it; EVAL teaches it again.
            return self._connections.execute("EVAL", source, *rest)


def _read(reply: Any) -> bytes | None:
    """What a reply to GET or GETRANGE means; an error about anything but the value is raised."""
    if isinstance(reply, SessionUnreadable):
        return UNREADABLE
    if isinstance(reply, Exception):
        raise reply
    value: bytes | None = reply
    return value


def _head(reply: Any) -> bytes | None:
    """As `_read`, of a reply to GETRANGE, which is empty where there is nothing."""
    return None if reply == b"" else _read(reply)


def _put_answer(answer: Any) -> Put:
    """What put.lua's answer means; an error in its place is no document, or is raised."""
    if isinstance(answer, SessionUnreadable):
        return Put(Outcome.CORRUPT, 0)
    if isinstance(answer, Exception):
        raise answer
    if answer > 0:
        return Put(Outcome.STORED, answer)
    return Put(Outcome.CONFLICT, -answer) if answer else Put(Outcome.MISSING, 0)


@functools.cache
def _script(name: str) -> tuple[str, str]:
    """The text of a script beside this module, and the digest a server knows it by."""
    source = (Path(__file__).parent / name).read_text(encoding="utf-8")
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return source, digest
