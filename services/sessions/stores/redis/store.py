"""Sessions in Redis: one JSON string a session, its expiry, and sorted sets for indexes.

`redis-cli GET` shows a session, `redis-cli TTL` its remaining life. Conditional writes are
one Lua script, so that the decision is made where the document is.

The server is told how long a session lives, not until when: hosts whose clocks differ from the
server's, or from each other's, agree on it all the same.
"""

import contextlib
import functools
import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from ... import codec
from ...errors import SessionUnreadable, StoreRefused, StoreUnavailable
from ..base import (
    COUNTER_PREFIX,
    HEAD_BYTES,
    INDEX_KEPT,
    PASSAGE_BYTES,
    SPEND_STEPS,
    Clock,
    Condition,
    Count,
    Counters,
    Extract,
    Outcome,
    Put,
    Record,
    Store,
    quarantine_key,
)
from ..clocks import make_steady
from .connections import TIMEOUT, Command, Connections, open_pool
from .replies import (
    expect_list,
    expect_number,
    expect_text,
    expect_within,
    raise_error,
    read_info,
    read_value,
)

WITHOUT_EXPIRY = -1
"""What PTTL answers for a key that somebody else has made persistent."""
NO_EVICTION = "noeviction"
"""The one maxmemory-policy under which a full server forgets no session."""
PERSISTED_KEPT = 86_400
"""Seconds such a key counts as living; with its next write it expires again."""
UNTOLD = "Redis does not say whether it may lose sessions: permit its user INFO"
"""The risk of a server whose settings nobody can see."""
PROBE_KEY = f"{COUNTER_PREFIX}probe"
"""What is read to find out whether the server answers."""
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
        return self.get_many((key,))[0]

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        replies = self._connections.execute_many([("GET", key) for key in keys])
        return [read_value(reply, key) for key, reply in zip(keys, replies, strict=True)]

    def heads(self, keys: Sequence[str]) -> list[bytes | None]:
        replies = self._connections.execute_many(
            [("GETRANGE", key, 0, HEAD_BYTES - 1) for key in keys]
        )
        return [_read_head(reply, key) for key, reply in zip(keys, replies, strict=True)]

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        if not landmark:
            replies = self._connections.execute_many(
                [("GETRANGE", key, 0, length - 1) for key in keys]
            )
            return [
                _extract(_read_head(reply, key), key)
                for key, reply in zip(keys, replies, strict=True)
            ]
        arguments = (length, landmark, PASSAGE_BYTES)
        found = self._run_many("extract.lua", [((key,), arguments) for key in keys])
        return [_extract(reply, key) for key, reply in zip(keys, found, strict=True)]

    def put(self, record: Record, condition: Condition) -> Put:
        try:
            answer = self._run("put.lua", *self._put_arguments(record, condition))
        except SessionUnreadable:
            return Put(Outcome.CORRUPT, 0)
        return _put_answer(answer, record.key)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        calls = [self._put_arguments(record, condition) for record in records]
        replies = self._run_many("put.lua", calls)
        return [
            _put_answer(reply, record.key) for record, reply in zip(records, replies, strict=True)
        ]

    def delete(self, record: Record) -> bool:
        return self.delete_many((record,))[0]

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        commands: list[Command] = [("DEL", record.key) for record in records]
        for record in records:
            commands += [("ZREM", index, record.member) for index in record.all_indexes]
        for record in records:
            commands.append(("GETRANGE", quarantine_key(record.key), 0, codec.OWNER_BYTES - 1))
        replies = self._connections.execute_many(commands)
        heads = [
            _read_head(reply, quarantine_key(record.key))
            for record, reply in zip(records, replies[len(replies) - len(records) :], strict=True)
        ]
        for reply in replies[len(records) : len(replies) - len(records)]:
            raise_error(reply)
        deleted = [
            expect_number(reply, record.key) > 0
            for record, reply in zip(records, replies, strict=False)
        ]
        self._delete_quarantined(records, heads)
        return deleted

    def _delete_quarantined(self, records: Sequence[Record], heads: Sequence[bytes | None]) -> None:
        """Remove what is in quarantine under the keys of records, by the heads of its values."""
        gone = [
            quarantine_key(record.key)
            for record, head in zip(records, heads, strict=True)
            if head is not None and not codec.names_other_owner(head, record.body)
        ]
        if gone:
            self._connections.execute("DEL", *gone)

    def touch(self, record: Record) -> bool:
        arguments = (
            self._rest(record.expires_at),
            record.member,
            _INDEX_KEPT,
            self._since_use(record),
        )
        answer = self._run("touch.lua", (record.key, *record.all_indexes), arguments)
        return expect_number(answer) > 0

    def expires_at(self, key: str) -> int | None:
        rest = expect_number(self._connections.execute("PTTL", key))
        if rest == WITHOUT_EXPIRY:
            rest = PERSISTED_KEPT * 1000
        return self._now() + rest if rest > 0 else None

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        keys = (key, quarantine_key(key), *indexes)
        answer = self._run("quarantine.lua", keys, (value, self._rest(keep_until), member))
        return expect_number(answer) > 0

    def count(self, index: str) -> int:
        return expect_number(self._run("index.lua", (index,), ()))

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        found = expect_list(self._run("index.lua", (index,), (start, start + limit - 1)))
        return [expect_text(member) for member in found]

    def trim(self, index: str) -> int:
        return expect_number(self._run("trim.lua", (index,), ()))

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        found = self._run("idle.lua", (index,), (max(0, self._now() - before), limit))
        return [expect_text(member) for member in expect_list(found)]

    def increment(self, key: str, seconds: int) -> Count:
        number, rest = expect_list(self._run("count.lua", (key,), (seconds * 1000,)), 2)
        return Count(expect_within(number, 1, 2**63), expect_within(rest, 0, 2**53) / 1000)

    def read_count(self, key: str) -> Count:
        stored, rest = self._connections.execute_many([("GET", key), ("PTTL", key)])
        number = b"0" if stored is None else read_value(stored, key) or b""
        # A counter without an expiry gets one when it counts again; here it has no time left.
        milliseconds = max(0, expect_number(rest, key))
        if not number.isdigit():
            raise SessionUnreadable("the stored value is no counter")
        return Count(int(number), milliseconds / 1000)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:
        step = seconds * 1000 // SPEND_STEPS
        arguments = (amount, step, SPEND_STEPS, *budgets.values())
        wait = self._run("spend.lua", tuple(budgets), arguments)
        return expect_within(wait, 0, (SPEND_STEPS + 1) * step) / 1000

    def ping(self) -> None:
        """Ask the server for a sign of life, with a command that is needed for sessions anyway."""
        with contextlib.suppress(SessionUnreadable):  # also an answer
            self._connections.execute("GET", PROBE_KEY)

    def risks(self) -> list[str]:
        """What in the server's settings could lose sessions, a sentence each."""
        replies = self._connections.execute_many([("INFO", "memory"), ("INFO", "persistence")])
        for reply in replies:
            if isinstance(reply, StoreRefused):
                return [UNTOLD]
            raise_error(reply)
        settings = read_info(*replies)
        policy = settings.get("maxmemory_policy", NO_EVICTION)
        found = []
        # Every session has an expiry, so that those of volatile- evict sessions as well.
        if policy != NO_EVICTION:
            found.append(f"Redis may evict sessions: set maxmemory-policy {policy} to noeviction")
        if settings.get("aof_enabled") != "1" and not self._has_snapshots():
            found.append("Redis keeps nothing over a restart: set appendonly to yes")
        return found

    def _has_snapshots(self) -> bool:
        """Whether the server saves itself now and then; False where it does not say."""
        # A managed server may forbid CONFIG; then only the append-only file can be seen.
        (reply,) = self._connections.execute_many([("CONFIG", "GET", "save")])
        return isinstance(reply, list) and any(reply[1:])

    def memory(self) -> dict[str, int]:
        """Bytes the server uses, the most it may use (0: no limit), and whether it evicts then."""
        values = read_info(self._connections.execute("INFO", "memory"))
        try:
            used, maximum = int(values["used_memory"]), int(values["maxmemory"])
        except (KeyError, ValueError):
            raise StoreUnavailable("protocol", retry_after=5) from None
        evicts = values.get("maxmemory_policy", NO_EVICTION) != NO_EVICTION
        return {"used": used, "maximum": maximum, "evicts": int(evicts)}

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
        gone = (quarantine_key(record.key),) if record.deleted else ()
        return (record.key, *record.all_indexes, *gone), (
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
        (reply,) = self._connections.execute_many((("EVALSHA", digest, *rest),))
        if isinstance(reply, NoScriptError):
            # A server that was restarted or flushed has forgotten it; EVAL teaches it again.
            (reply,) = self._connections.execute_many((("EVAL", source, *rest),))
        raise_error(reply, str(keys[0]))
        return reply

    def _run_many(self, name: str, calls: Sequence[tuple[Sequence[str], Command]]) -> list[Any]:
        """Run a script several times in one round trip, each with its keys and arguments."""
        source, digest = _script(name)
        commands: list[Command] = [
            ("EVALSHA", digest, len(keys), *keys, *arguments) for keys, arguments in calls
        ]
        replies = self._connections.execute_many(commands)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            self._connections.execute("SCRIPT", "LOAD", source)
            replies = self._connections.execute_many(commands)
        return replies


def _extract(reply: Any, key: str) -> Extract | None:
    """What extract.lua's answer means, or the beginning of a value alone."""
    if isinstance(reply, list):
        head, passage = expect_list(reply, 2)
        return Extract(head, passage)
    value = read_value(reply, key)
    return None if value is None else Extract(value)


def _put_answer(answer: Any, key: str) -> Put:
    """What put.lua's answer means; an error in its place is no document, or is raised."""
    if isinstance(answer, SessionUnreadable):
        return Put(Outcome.CORRUPT, 0)
    version = expect_number(answer, key)
    if version > 0:
        return Put(Outcome.STORED, version)
    return Put(Outcome.CONFLICT, -version) if version else Put(Outcome.MISSING, 0)


def _read_head(reply: Any, key: str) -> bytes | None:
    """A reply to GETRANGE: a range of nothing is empty, and of what is no string an empty value."""
    return None if reply == b"" else read_value(reply, key)


@functools.cache
def _script(name: str) -> tuple[str, str]:
    """The text of a script beside this module, and the digest a server knows it by.

    Scripts that call `tell_time` get clock.lua in front of them, because Redis has no modules.
    """
    folder = Path(__file__).parent
    source = (folder / name).read_text(encoding="utf-8")
    if "tell_time()" in source:
        source = (folder / "clock.lua").read_text(encoding="utf-8") + source
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return source, digest
