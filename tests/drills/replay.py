"""Measures the replay: ten thousand sessions from a spill into Redis, beside a bare pipeline."""

import logging
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from services.keyspaces import teaser_chat_keyspace
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
"""After which the measurement is given up."""


@dataclass(frozen=True, slots=True)
class ReplayDrill:
    """Sessions are written while Redis is away; then it is there.

    Attributes:
        name: what it is called for.
        count: how many sessions.
        seconds: takes no notice of it; as the other drills have it.
    """

    name: str
    count: int = COUNT
    seconds: float = 0.0

    def run(self, _seconds: float, *, by_command: bool = True) -> Journal:  # noqa: ARG002
        """Fill the spill, let it be replayed, count what arrived, and do the same by hand.

        Raises:
            TimeoutError: the backlog does not get empty.
        """
        # That nobody listens is no news here.
        logging.getLogger("services.sessions.outage").addHandler(logging.NullHandler())
        journal, keyspace = Journal(), teaser_chat_keyspace()
        records = [_record(keyspace, number) for number in range(self.count)]
        server = RedisServer()
        with tempfile.TemporaryDirectory(prefix="teaser-replay-") as folder:
            url = f"sqlite:///{Path(folder) / 'spill.db'}"
            filled = _fill(server, url, keyspace, records)
            with server:
                replayed = _replay(server, url, keyspace)
                self._count(server, records, journal)
                server.client().flushall()
                bare = _write_by_hand(server, records)
        journal.figures |= {
            "fill_s": f"{filled:.2f}",
            "replay_s": f"{replayed:.2f}",
            "bare_s": f"{bare:.2f}",
            "ratio": f"{bare / replayed:.2f}",
        }
        return journal

    def _count(self, server: RedisServer, records: list[Record], journal: Journal) -> None:
        """Every record must be there as it was written, and in both indexes."""
        with server.client() as client:
            for record in records:
                conversation = journal.open(record.key)
                conversation.turns[0].acknowledge("")
                if client.get(record.key) != join(record.version, record.body):
                    journal.fault("lost", record.key, "is not in Redis as it was written")
                for index in record.indexes:
                    if client.zscore(index, record.member) is None:
                        journal.fault("lost", f"{index} {record.key}", "is not in its index")


def _record(keyspace: Keyspace, number: int) -> Record:
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
    """Seconds that writing them takes while nobody listens where Redis should be."""
    begun = time.monotonic()
    outage = Outage(open_store(server.url), [keyspace], open_spill(url))
    for record in records:
        outage.store.put(record, Condition.ABSENT)
    outage.store.close()
    return time.monotonic() - begun


def _replay(server: RedisServer, url: str, keyspace: Keyspace) -> float:
    """Seconds from the start of a process until nothing waits any more."""
    spill = open_spill(url)
    outage = Outage(open_store(server.url), [keyspace], spill)
    begun = time.monotonic()
    outage.start()
    # To count the rows again and again would slow down what is measured.
    empty = eventually(lambda: not spill.is_occupied, MOST_SECONDS)
    seconds = time.monotonic() - begun
    outage.finish()
    outage.store.close()
    if not empty:
        raise TimeoutError(f"the backlog is not empty after {seconds:.0f} s")
    return seconds


def _write_by_hand(server: RedisServer, records: list[Record]) -> float:
    """Seconds that redis-py's pipeline takes for the same writes without any decision."""
    begun = time.monotonic()
    with server.client() as client:
        for start in range(0, len(records), BATCH):
            pipeline = client.pipeline(transaction=False)
            for record in records[start : start + BATCH]:
                value = join(record.version, record.body)
                pipeline.set(record.key, value, pxat=record.expires_at)
                for index in record.indexes:
                    pipeline.zadd(index, {record.member: record.expires_at})
            pipeline.execute()
    return time.monotonic() - begun
