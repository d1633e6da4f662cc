"""Whether listing and clean-up cost the same however many contexts there are."""

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import islice

import redis

from benchmarks.report import judge, print_table, to_millis
from services.contexts.cleanup import DEFAULT_CLEANUP_THRESHOLD, Cleanup
from services.keys import build_context_id, build_context_owner
from services.keyspaces import CONTEXT_SESSIONS, CONTEXT_TTL_LONGEST, build_keyspaces
from services.sessions import Session, Sessions, codec, set_session_store
from services.sessions.stores import RedisStore
from services.sessions.stores.base import INDEX_KEPT, Record
from tests.support.servers import RedisServer
from tests.support.services import open_contexts, open_tenants

STORED = (1_000, 1_000_000)
OF_A_USER = 50
ORPHANS = 1_000
LISTINGS = 20
"""Lists in one timing."""
PAIRS = 41
CLEANUPS = 21
AT_MOST = 1.3
TENANT = "acme"
PIPELINE = 5_000
DATA = {"conversation_state": {"step": 3}, "user_preferences": {"language": "en"}}


def run() -> None:
    """Fill two servers, then do the same on both in turn."""
    with RedisServer() as small, RedisServer() as large:
        few, many = _Crowd(small, STORED[0]), _Crowd(large, STORED[1])
        rows = [
            _build_row(f"list of {OF_A_USER} contexts", _Crowd.read_page, (few, many), PAIRS),
            _build_row(f"clean-up of {ORPHANS:,} orphans", _Crowd.clean_up, (few, many), CLEANUPS),
        ]
        print_table(
            f"By the number of living contexts of one tenant, {OF_A_USER} a user;"
            f" {many.bytes_each:,.0f} B each in Redis",
            ("what", *(f"among {count:,}" for count in STORED), "ratio", "target"),
            rows,
        )
        few.close()
        many.close()


class _Crowd:
    """A tenant with many living contexts on its own server.

    Attributes:
        bytes_each: the memory of a context in Redis, with its entries in three lists.
    """

    def __init__(self, server: RedisServer, living: int) -> None:
        self._client = redis.Redis(port=server.port)
        self._engine = RedisStore.from_url(server.url)
        self._sessions = Sessions(self._engine, CONTEXT_SESSIONS)
        self._contexts = open_contexts()
        self._cleanup = Cleanup(self._engine, (CONTEXT_SESSIONS,), open_tenants())
        before = self._client.info("memory")["used_memory"]
        self._fill(living, idle=0)
        self.bytes_each = (self._client.info("memory")["used_memory"] - before) / living

    def read_page(self) -> float:
        """List one user's contexts; return the seconds that one list takes."""
        self._select_store()
        begin = time.perf_counter()
        for _ in range(LISTINGS):
            page = self._contexts.list_session_contexts(TENANT, "user-7", start=0, limit=OF_A_USER)
        took = (time.perf_counter() - begin) / LISTINGS
        if len(page.contexts) != OF_A_USER:
            raise RuntimeError("the list is not complete")
        return took

    def clean_up(self) -> float:
        """Clean up new orphans; return the seconds it takes."""
        self._select_store()
        self._fill(ORPHANS, idle=DEFAULT_CLEANUP_THRESHOLD + 3600, prefix="orphan-")
        begin = time.perf_counter()
        result = self._cleanup.cleanup_orphaned_sessions(TENANT)
        took = time.perf_counter() - begin
        if result.cleaned_count != ORPHANS:
            raise RuntimeError("the clean-up is not complete")
        return took

    def close(self) -> None:
        """Close the connections."""
        self._engine.close()
        self._client.close()

    def _select_store(self) -> None:
        """Make this server the store of the process."""
        set_session_store(self._engine, keyspaces=build_keyspaces())

    def _fill(self, count: int, *, idle: int, prefix: str = "user-") -> None:
        """Store contexts that were last used so many seconds ago, many in a round trip.

        It writes what the store would write: a document and its entries in three lists.
        """
        records = self._build_records(count, idle, prefix)
        while chunk := list(islice(records, PIPELINE)):
            pipe = self._client.pipeline(transaction=False)
            entries: dict[str, dict[str, int]] = {}
            for record in chunk:
                value = codec.join(record.version, record.body)
                pipe.set(record.key, value, pxat=record.expires_at)
                for index in record.indexes:
                    entries.setdefault(index, {})[record.member] = record.expires_at
                entries.setdefault(record.idle_index, {})[record.member] = record.active_at
            for index, members in entries.items():
                pipe.zadd(index, members)
                pipe.expire(index, CONTEXT_TTL_LONGEST + INDEX_KEPT)
            pipe.execute()

    def _build_records(self, count: int, idle: int, prefix: str) -> Iterator[Record]:
        for number in range(count):
            user = f"{prefix}{number // OF_A_USER}"
            owner = build_context_owner(TENANT, user)
            session = Session(build_context_id(TENANT, user, str(uuid.uuid4())), DATA, owner=owner)
            session.ttl = CONTEXT_TTL_LONGEST
            record = self._sessions.build_record(session)
            yield record._replace(
                expires_at=record.expires_at - idle * 1000,
                active_at=record.active_at - idle * 1000,
            )


def _build_row(
    what: str, work: Callable[[_Crowd], float], crowds: tuple[_Crowd, _Crowd], pairs: int
) -> tuple[str, ...]:
    """Measure both in turn, under the same conditions; the first pair is a warm-up."""
    few, many = crowds
    times = [(work(few), work(many)) for _ in range(pairs + 1)][1:]
    ratio = statistics.median(large / small for small, large in times)
    medians = (to_millis(statistics.median(column)) for column in zip(*times, strict=True))
    return what, *medians, f"{ratio:.2f}", judge(ratio, at_most=AT_MOST)
