"""Sessions in Redis: one JSON string a session, its expiry, and sorted sets for indexes.

`redis-cli GET` shows a session, `redis-cli TTL` its remaining life. Conditional writes are
one Lua script, so that the decision is made where the document is.
"""

import functools
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from services.errors import SessionUnreadable
from services.sessions import document
from services.sessions.stores.base import Condition, Outcome, Put, Record, Store, corrupt_key
from services.sessions.stores.connections import Command, Connections, pool_of

UNREADABLE = b""
"""What `get` answers for a key that holds no string at all; no document is empty."""


class RedisStore(Store):
    """Sessions on a Redis server (7.0 or newer, for PEXPIREAT GT).

    The script writes a document and its index entries together, which suits one server. In a
    cluster those keys live on different shards; only the document's own key decides.

    Args:
        connections: the pool to use; nothing is connected before the first command.
    """

    name = "redis"

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @classmethod
    def from_url(cls, url: str, *, pool_size: int = 16) -> "RedisStore":
        """A store on the server a redis://, rediss:// or unix:// URL names."""
        return cls(Connections(pool_of(url), size=pool_size))

    def get(self, key: str) -> bytes | None:
        try:
            value: bytes | None = self._connections.execute("GET", key)
        except SessionUnreadable:
            return UNREADABLE
        return value

    def put(self, record: Record, condition: Condition) -> Put:
        keys = (record.key, *record.indexes)
        try:
            answer = self._run(
                "put.lua",
                keys,
                condition.value,
                record.version,
                document.join(record.version, record.body),
                record.expires_at,
                record.member,
                record.index_expires_at,
            )
        except SessionUnreadable:
            return Put(Outcome.CORRUPT, 0)
        if answer > 0:
            return Put(Outcome.STORED, answer)
        return Put(Outcome.CONFLICT, -answer) if answer else Put(Outcome.MISSING, 0)

    def delete(self, key: str, member: str, indexes: Sequence[str] = ()) -> bool:
        commands: list[Command] = [("DEL", key)]
        commands += [("ZREM", index, member) for index in indexes]
        return bool(self._connections.execute_all(commands)[0])

    def touch(self, record: Record) -> bool:
        commands: list[Command] = [("EXISTS", record.key)]
        commands.append(("PEXPIREAT", record.key, record.expires_at, "GT"))
        for index in record.indexes:
            commands.append(("ZADD", index, "XX", "GT", record.expires_at, record.member))
            commands.append(("PEXPIREAT", index, record.index_expires_at, "GT"))
        return bool(self._connections.execute_all(commands)[0])

    def expires_at(self, key: str) -> int | None:
        # PEXPIRETIME would need Redis 7; adding the rest to the clock is right to a millisecond.
        rest = self._connections.execute("PTTL", key)
        return int(time.time() * 1000) + rest if rest > 0 else None

    def set_aside(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        keys = (key, corrupt_key(key), *indexes)
        return bool(self._run("set_aside.lua", keys, value, keep_until, member))

    def count(self, index: str) -> int:
        return int(self._connections.execute_all([_trim(index), ("ZCARD", index)])[1])

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        listing = ("ZREVRANGE", index, start, start + limit - 1)
        found = self._connections.execute_all([_trim(index), listing])[1]
        return [member.decode() for member in found]

    def ping(self) -> None:
        """Ask the server for a sign of life."""
        self._connections.execute("PING")

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._connections.close()

    def _run(self, name: str, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        source, digest = _script(name)
        rest = (len(keys), *keys, *arguments)
        try:
            return self._connections.execute("EVALSHA", digest, *rest)
        except NoScriptError:
            # A server that was restarted or flushed has forgotten it; EVAL teaches it again.
            return self._connections.execute("EVAL", source, *rest)


def _trim(index: str) -> Command:
    return ("ZREMRANGEBYSCORE", index, "-inf", int(time.time() * 1000))


@functools.cache
def _script(name: str) -> tuple[str, str]:
    """The text of a script beside this module, and the digest a server knows it by."""
    source = (Path(__file__).parent / name).read_text(encoding="utf-8")
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return source, digest
