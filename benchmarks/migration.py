"""What each stage costs a turn, compared with the stage complete, and how fast a backfill is."""

import time
import uuid

import redis

from benchmarks.report import judge, print_table, time_pairs, to_micros
from benchmarks.store import build_conversation
from services.keyspaces import build_teaser_chat_keyspace
from services.sessions.migration.flusher import Flusher
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.repository import Sessions
from services.sessions.stores import MemoryStore, RedisStore
from tests.support.servers import RedisServer

TURNS = 20
"""Turns of the conversation that is written, about 8 kB."""
ROUNDS = 40
PAIRS = 61
BACKFILL = 100_000
PIPELINE = 200
TARGETS = {Stage.DUALWRITE: 1.15, Stage.SHADOW: 1.15, Stage.LIVE: 1.15}
CHAT = build_teaser_chat_keyspace()


def run() -> None:
    """Print both tables."""
    with RedisServer() as server:
        _measure_stages(server)
        server.client().flushall()
        _measure_backfill(server)


class _Process:
    """A process in one stage, with a running flusher and one conversation."""

    def __init__(self, server: RedisServer, stage: Stage) -> None:
        engine = RedisStore.from_url(server.url)
        self.store = MigratingStore(MemoryStore(), engine, (CHAT,), Plan(stage))
        self.sessions = Sessions(self.store, CHAT)
        self.flusher = Flusher(self.store)
        self.flusher.start()
        self.session_id = str(uuid.uuid4())
        self.sessions.save(self.session_id, build_conversation(TURNS))

    def write_turn(self) -> None:
        """Load, change and save, as every turn does."""
        self.sessions.update(self.session_id, lambda session: session.update(complete=False))

    def close(self) -> None:
        """Stop the flusher and the connections."""
        self.flusher.finish()
        self.store.close()


def _measure_stages(server: RedisServer) -> None:
    rows = []
    for stage in Stage:
        process, complete = _Process(server, stage), _Process(server, Stage.COMPLETE)
        turns = process.write_turn, complete.write_turn
        ours, theirs, ratio = time_pairs(*turns, rounds=ROUNDS, pairs=PAIRS)
        compared = process.store.copies.stats.compared
        process.close()
        complete.close()
        target = judge(ratio, at_most=TARGETS[stage]) if stage in TARGETS else ""
        times = to_micros(ours), to_micros(theirs)
        rows.append((stage.value, *times, f"{ratio:.2f}", target, f"{compared:,}"))
    header = ("stage", "turn", "complete", "ratio", "target", "compared meanwhile")
    print_table("A turn of an 8 kB conversation in each stage, on Redis", header, rows)


def _measure_backfill(server: RedisServer) -> None:
    """Send a whole dict to Redis, compared with a bare pipeline that writes the same bytes."""
    engine, client = RedisStore.from_url(server.url), redis.Redis(port=server.port)
    old = MemoryStore(max_sessions=BACKFILL)
    store = MigratingStore(old, engine, (CHAT,), Plan(Stage.OFF))
    sessions = Sessions(store, CHAT)
    data = build_conversation(2)
    for _ in range(BACKFILL):
        sessions.save(str(uuid.uuid4()), data)
    copies = [copy for key in old.list_keys() if (copy := old.read_record(key))]
    times: list[tuple[float, float]] = []
    for _ in range(3):
        client.flushall()
        begin = time.perf_counter()
        for at in range(0, len(copies), PIPELINE):
            pipe = client.pipeline(transaction=False)
            for copy in copies[at : at + PIPELINE]:
                value = b'{"version":%d%b' % (copy.version, copy.body)
                pipe.set(copy.key, value, pxat=copy.expires_at)
                pipe.zadd(copy.indexes[0], {copy.member: copy.expires_at})
            pipe.execute()
        bare = time.perf_counter() - begin
        client.flushall()
        store.copies.unsent.add(*old.list_keys())
        begin = time.perf_counter()
        store.copies.send_all()
        times.append((time.perf_counter() - begin, bare))
    if client.dbsize() != BACKFILL + 1:  # and the index
        raise RuntimeError("the backfill is not complete")
    ours, bare = sorted(times)[1]
    ratio = bare / ours
    store.close()
    client.close()
    print_table(
        f"Backfill of {BACKFILL:,} sessions of {len(copies[0].body):,} bytes, the middle of three",
        ("what", "sessions/s", "ratio", "target"),
        [
            ("backfill", f"{BACKFILL / ours:,.0f}", f"{ratio:.2f}", judge(ratio, at_least=0.5)),
            ("bare redis-py pipeline", f"{BACKFILL / bare:,.0f}", "1.00", ""),
        ],
    )
