"""Measure the replay of ten thousand sessions from a spill into Redis against a bare pipeline."""

import logging
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions.codec import Session, encode_body, join
from services.sessions.keyspaces import Keyspace
from services.sessions.outage import Outage, open_spill
from services.sessions.outage.replay import BATCH
from services.sessions.stores import open_store
from services.sessions.stores.base import Condition, Record
from tests.drills.journal import Journal
from tests.support.servers import RedisServer, eventually

COUNT = 10_000
BYTES = 2000
OWNERS = 100
MOST_SECONDS = 120.0
"""The time after which the measurement fails."""


@dataclass(frozen=True, slots=True)
class ReplayDrill:
    """Sessions are written while Redis is away, and replayed once it is back.

    Attributes:
        name: its name on the command line.
        count: how many sessions.
        seconds: not used; the other drills have it.
    """

    name: str
    count: int = COUNT
    seconds: float = 0.0

    def run(self, _seconds: float, *, by_command: bool = True) -> Journal:  # noqa: ARG002
        """Fill the spill, replay it, count what arrived, and write the same with a bare pipeline.

        Raises:
            TimeoutError: the backlog does not become empty.
        """
        # Its warnings that Redis is away are expected here.
        logging.getLogger("services.sessions.outage").addHandler(logging.NullHandler())
        journal, keyspace = Journal(), build_teaser_chat_keyspace()
        records = [_build_record(keyspace, number) for number in range(self.count)]
        server = RedisServer()
        with tempfile.TemporaryDirectory(prefix="teaser-replay-") as folder:
            url = f"sqlite:///{Path(folder) / 'spill.db'}"
            filled = _fill(server, url, keyspace, records)
            with server:
                replayed = _replay(server, url, keyspace)
                self._count(server, records, journal)
                server.client().flushall()
                bare = _write_bare(server, records)
        journal.figures |= {
            "fill_s": f"{filled:.2f}",
            "replay_s": f"{replayed:.2f}",
            "bare_s": f"{bare:.2f}",
            "ratio": f"{bare / replayed:.2f}",
        }
        return journal

    def _count(self, server: RedisServer, records: list[Record], journal: Journal) -> None:
        """Check that every record is stored as it was written, and in both indexes."""
        with server.client() as client:
            for record in records:
                conversation = journal.open(record.key)
                conversation.turns[0].acknowledge("")
                if client.get(record.key) != join(record.version, record.body):
                    journal.record("lost", record.key, "not in Redis as it was written")
                for index in record.indexes:
                    if client.zscore(index, record.member) is None:
                        journal.record("lost", f"{index} {record.key}", "not in its index")


def _build_record(keyspace: Keyspace, number: int) -> Record:
    session = Session(str(uuid.uuid4()), {"text": "x" * BYTES}, owner=f"owner {number % OWNERS}")
    session.created_at = session.updated_at = int(time.time() * 1000)
    session.expires_at = session.created_at + 3_600_000
    return Record(
        key=keyspace.key(session.session_id),
        version=1,
        body=encode_body(session, 2 * BYTES),
        expires_at=session.expires_at,
        member=session.session_id,
        indexes=keyspace.indexes(session.owner),
    )


def _fill(server: RedisServer, url: str, keyspace: Keyspace, records: list[Record]) -> float:
    """Write them while Redis is away; return the seconds it took."""
    started = time.monotonic()
    outage = Outage(open_store(server.url), [keyspace], open_spill(url))
    for record in records:
        outage.store.put(record, Condition.ABSENT)
    outage.store.close()
    return time.monotonic() - started


def _replay(server: RedisServer, url: str, keyspace: Keyspace) -> float:
    """Start a process and return the seconds until its backlog is empty."""
    spill = open_spill(url)
    outage = Outage(open_store(server.url), [keyspace], spill)
    started = time.monotonic()
    outage.start()
    # Counting the rows again and again would slow the replay down.
    is_empty = eventually(lambda: not spill.is_occupied, MOST_SECONDS)
    seconds = time.monotonic() - started
    outage.finish()
    outage.store.close()
    if not is_empty:
        raise TimeoutError(f"the backlog is not empty after {seconds:.0f} s")
    return seconds


def _write_bare(server: RedisServer, records: list[Record]) -> float:
    """Write them with redis-py's pipeline, without any check; return the seconds it took."""
    started = time.monotonic()
    with server.client() as client:
        for start in range(0, len(records), BATCH):
            pipeline = client.pipeline(transaction=False)
            for record in records[start : start + BATCH]:
                value = join(record.version, record.body)
                pipeline.set(record.key, value, pxat=record.expires_at)
                for index in record.indexes:
                    pipeline.zadd(index, {record.member: record.expires_at})
            pipeline.execute()
    return time.monotonic() - started
