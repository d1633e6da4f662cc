"""Sessions in a table: SQLite in a file, by way of SQLAlchemy Core.

The version is a column and the document's body another; together they are the document, so
every conditional write is one statement that compares the column.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Container, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from ... import codec
from ...errors import StoreUnavailable
from ..base import (
    PASSAGE_BYTES,
    Backlog,
    Clock,
    Condition,
    Extract,
    LocalStore,
    Outcome,
    Put,
    Record,
    StoreUrlError,
    is_quarantine_key,
    quarantine_key,
)
from . import statements
from .errors import lacks_table, translate_error
from .table import count_free, empty_log, limit_size, prepare, transaction, vacuum, write_ahead

BUSY_TIMEOUT = 1.0
"""Seconds a statement waits for another process's write before it gives up."""

LOG_WAIT_MS = 200
"""Milliseconds a deletion waits for others, so that nothing of it stays in the log."""
POOL_SIZE = 16
"""The most open connections of this process."""
MAY_CREATE = (Condition.ABSENT, Condition.OWNED)
"""Conditions of a write that may add a row; some expired ones go with it."""
_R = TypeVar("_R")


class SqlStore(LocalStore):
    """Sessions in SQLite, shared by the threads and processes of one host.

    An expired row is removed when it is met, so that a process whose clock is behind does not
    bring it back. The clock is taken as it is, also where it is set back: processes that were
    started at different times agree on no other.

    Args:
        url: an SQLAlchemy URL with a file; its folder is made on first use.
        max_bytes: the most the file and its log may take together; None for no limit.
        clock: seconds since 1970.

    Raises:
        StoreUrlError: the URL names no file, or more than a file.
    """

    name = "sqlite"

    def __init__(self, url: str, *, max_bytes: int | None = None, clock: Clock = time.time) -> None:
        self.file: Path = _parse_url(url)
        self._engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # keys give access and do not belong into a log
            connect_args={"timeout": BUSY_TIMEOUT},
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=BUSY_TIMEOUT,
        )
        self._clock = clock
        self._prepared = False
        self._preparing = threading.Lock()
        self._has_leftovers = False  # whether the log may have what was deleted
        event.listen(self._engine, "connect", write_ahead)
        if max_bytes:
            event.listen(self._engine, "connect", lambda one, _: limit_size(one, max_bytes))

    def get(self, key: str) -> bytes | None:
        row = self._living_row(statements.VALUE, key)
        return codec.join(row.version, row.body) if row else None

    def put(self, record: Record, condition: Condition) -> Put:
        return self.put_many((record,), condition)[0]

    def delete(self, record: Record) -> bool:
        return self.delete_many((record,))[0]

    def touch(self, record: Record) -> bool:
        return self._changes(statements.EXTEND, self._sql_parameters(record))

    def expires_at(self, key: str) -> int | None:
        row = self._living_row(statements.ENDS, key)
        return row.expires_at if row else None

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        version = codec.version_of(value) or 0
        body = value.removeprefix(codec.join(version, b""))
        stored = {"its_key": key, "old_version": version, "old_body": body, "now": self._now()}
        return self._changes(
            statements.QUARANTINE,
            {
                **stored,
                "quarantine_key": quarantine_key(key),
                "keep_until": keep_until,
                "left": list(indexes),
            },
        )

    def count(self, index: str) -> int:
        (number,) = self._scalars(statements.COUNT, index=index, now=self._now())
        return int(number)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        bounds = {"start": start, "limit": limit, "now": self._now()}
        return self._scalars(statements.MEMBERS, index=index, **bounds)

    def trim(self, index: str) -> int:
        parameters = {"index": index, "now": self._now()}
        gone = 0
        while True:
            some = self._run(
                lambda connection: connection.execute(statements.TRIM, parameters).rowcount
            )
            gone += some
            if some < statements.EXPIRED_AT_ONCE:
                return gone

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        return self._scalars(statements.IDLE, index=index, before=before, limit=limit)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        deletes = any(record.deleted for record in records)

        def put_all(connection: sa.Connection) -> list[Put]:
            if len(records) == 1 and not deletes:
                done = [self._put(connection, records[0], condition)]
            else:
                with transaction(connection):
                    done = [self._put(connection, record, condition) for record in records]
            self._empty_log(connection, deletes=deletes)
            return done

        return self._run(put_all) if records else []

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        parameters = {"keys": keys, "now": self._now()}
        rows = self._run(lambda connection: connection.execute(statements.VALUES, parameters).all())
        found = {row.key: codec.join(row.version, row.body) for row in rows}
        return [found.get(key) for key in keys]

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        bounds = {"length": length, "landmark": landmark, "before_it": PASSAGE_BYTES}
        parameters = {"keys": keys, "now": self._now(), **bounds}
        rows = self._run(
            lambda connection: connection.execute(statements.EXTRACTS, parameters).all()
        )
        found = {
            row.key: Extract(codec.join(row.version, row.head)[:length], row.passage)
            for row in rows
        }
        return [found.get(key) for key in keys]

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        def delete_all(connection: sa.Connection) -> list[bool]:
            with transaction(connection):
                done = [self._delete(connection, self._sql_parameters(one)) for one in records]
            self._empty_log(connection, deletes=True)
            return done

        return self._run(delete_all) if records else []

    def read_record(self, key: str) -> Record | None:
        row = None if is_quarantine_key(key) else self._living_row(statements.COPY, key)
        return _record(row) if row else None

    def install(self, record: Record) -> None:
        self._changes(statements.INSTALL, self._sql_parameters(record))

    def swap(self, old: Record, new: Record) -> bool:
        stored = {"old_version": old.version, "old_body": old.body}
        return self._changes(statements.SWAP, self._sql_parameters(new) | stored)

    def forget_many(self, records: Sequence[Record]) -> int:
        if not records:
            return 0
        parameters = [self._sql_parameters(record) for record in records]

        def forget(connection: sa.Connection) -> int:
            with transaction(connection):
                return connection.execute(statements.FORGET, parameters).rowcount

        return self._run(forget)

    def list_keys(self) -> list[str]:
        return self._scalars(statements.KEYS, now=self._now())

    def pending(self, limit: int, *, but: Container[str] = ()) -> list[Record]:
        parameters = {"now": self._now()}

        def first(connection: sa.Connection) -> list[Record]:
            # Rows come one by one, in the order of an index; what follows is not read.
            with connection.execute(statements.WAITING, parameters) as rows:
                wanted = (row for row in rows if row.key not in but)
                return [_record(row) for row in islice(wanted, limit)]

        return self._run(first)

    def backlog(self) -> Backlog:
        now = self._now()
        parameters = {"now": now}
        count, first = self._run(
            lambda connection: connection.execute(statements.BACKLOG, parameters).one()
        )
        return Backlog(count, max(0, now - first) / 1000 if first else 0)

    def ping(self) -> None:
        """Open the file and read from the table."""
        self._run(lambda connection: connection.execute(statements.PING).first())

    def close(self) -> None:
        """Close every connection to the file."""
        self._prepared = False  # there may be none the next time
        self._engine.dispose()

    def has_room(self, size: int) -> bool:
        return self._run(count_free) >= size

    def compact(self) -> None:
        def shrink(connection: sa.Connection) -> None:
            vacuum(connection)
            self._empty_log(connection, deletes=True)

        self._run(shrink)

    def _scalars(self, statement: sa.Executable, **parameters: Any) -> list[Any]:
        """The first column of what a statement finds."""
        return self._run(
            lambda connection: list(connection.execute(statement, parameters).scalars())
        )

    def _put(self, connection: sa.Connection, record: Record, condition: Condition) -> Put:
        parameters = self._sql_parameters(record)
        version = connection.execute(statements.WRITES[condition], parameters).scalar()
        if version is not None:
            if condition in MAY_CREATE:
                connection.execute(statements.DROP_EXPIRED, parameters)
            if record.deleted:
                self._delete_quarantined(connection, parameters)
            return Put(Outcome.STORED, version)
        # A process that was cut off from the answer asks again.
        found = connection.execute(statements.STORED, parameters).first()
        stored, is_repeated = found or (0, False)
        if is_repeated:
            connection.execute(statements.EXTEND, parameters)
            return Put(Outcome.STORED, stored)
        if condition is Condition.IDLE and not stored:
            connection.execute(statements.REMOVE_EXPIRED, parameters)
        return Put(Outcome.CONFLICT if stored else Outcome.MISSING, stored)

    def _delete(self, connection: sa.Connection, parameters: dict[str, Any]) -> bool:
        self._delete_quarantined(connection, parameters)
        return connection.execute(statements.DELETE, parameters).rowcount > 0

    def _delete_quarantined(self, connection: sa.Connection, parameters: dict[str, Any]) -> None:
        """Remove what is in quarantine under a record's key, unless it names another owner."""
        body = connection.execute(statements.QUARANTINED, parameters).scalar()
        if body is not None and not codec.names_other_owner(body, parameters["its_body"]):
            connection.execute(statements.DELETE_QUARANTINED, parameters)

    def _empty_log(self, connection: sa.Connection, *, deletes: bool) -> None:
        """After a deletion, leave nothing of it in the log; later writes try what failed again."""
        if deletes or self._has_leftovers:
            wait_ms = LOG_WAIT_MS if deletes else 0
            self._has_leftovers = not empty_log(connection, wait_ms)

    def _sql_parameters(self, record: Record) -> dict[str, Any]:
        """A record as the parameters of a statement."""
        keyspace_index, owner_index = (*record.indexes, None, None)[:2]
        now = self._now()
        return {
            "now": now,
            "expected": record.expected,
            "its_key": record.key,
            "its_version": record.version,
            "its_body": record.body,
            "its_expires_at": record.expires_at,
            "its_member": record.member,
            "its_keyspace_index": keyspace_index,
            "its_owner_index": owner_index,
            "its_written_at": now,
            "its_idle_index": record.idle_index or None,
            "its_active_at": record.active_at,
            "identity": codec.identity_in(record.body),
        }

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _living_row(self, query: sa.Select[Any], key: str) -> sa.Row[Any] | None:
        """The row under a key if it lives; an expired one is removed."""
        row = self._run(lambda connection: connection.execute(query, {"its_key": key}).first())
        if row and row.expires_at <= self._now():
            # A file that cannot be written now is read all the same.
            with contextlib.suppress(StoreUnavailable):
                self._changes(statements.REMOVE_EXPIRED, {"its_key": key, "now": self._now()})
            return None
        return row

    def _changes(self, statement: sa.Executable, parameters: dict[str, Any]) -> bool:
        """Whether a statement found a row to change."""
        return self._run(lambda connection: connection.execute(statement, parameters).rowcount > 0)

    def _run(self, work: Callable[[sa.Connection], _R]) -> _R:
        """Do it on a connection to the prepared file.

        Raises:
            StoreUnavailable: the file could not be read or written.
        """
        try:
            try:
                return self._attempt(work)
            except sa.exc.DBAPIError as error:
                if not lacks_table(error):
                    raise
            self._prepared = False  # the file was replaced
            return self._attempt(work)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            self._prepared = False
            ours = translate_error(error)
            if ours is None:
                raise
            raise ours from error

    def _attempt(self, work: Callable[[sa.Connection], _R]) -> _R:
        if not self._prepared:
            self._prepare()
        pool = self._engine.pool
        with self._engine.connect() as connection:
            try:
                return work(connection)
            finally:
                if self._engine.pool is not pool:
                    # It was closed meanwhile; a file that was removed keeps its room on the disk
                    # until the last connection to it is closed, and no pool would do that now.
                    connection.detach()

    def _prepare(self) -> None:
        """Make the folder, the file and the table."""
        with self._preparing:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if not self.file.exists():  # what people said is nobody else's business
                self.file.touch(mode=0o600)
            with self._engine.connect() as connection:
                prepare(connection)
            self._prepared = True


def _record(row: Sequence[Any]) -> Record:
    """A row as a record for another engine."""
    key, version, body, expires_at, member, deleted, idle_index, active_at, *indexes = row
    return Record(
        key,
        version,
        body,
        expires_at,
        member,
        tuple(filter(None, indexes)),
        deleted,
        idle_index=idle_index or "",
        active_at=active_at or 0,
    )


def _parse_url(url: str) -> Path:
    """The file that a URL names."""
    try:
        parts = sa.make_url(url)
    except sa.exc.ArgumentError:  # its message quotes the URL
        raise StoreUrlError("Use sqlite:////path/file.db.") from None
    name = parts.database or ""
    if not name or name == ":memory:" or name.endswith("/"):
        raise StoreUrlError("Name a file, sqlite:////path/file.db; memory:// needs none.")
    if parts.host or parts.username or "?" in url or "\0" in name:
        raise StoreUrlError("Name a file alone, sqlite:////path/file.db, without options.")
    return Path(name)
