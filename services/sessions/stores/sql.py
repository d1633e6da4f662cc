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
from sqlalchemy.dialects.sqlite import insert

from services.errors import StoreUnavailable
from services.sessions import document
from services.sessions.stores.base import (
    ASIDE,
    HEAD_BYTES,
    Backlog,
    Clock,
    Condition,
    LocalStore,
    Outcome,
    Put,
    Record,
    corrupt_key,
    is_aside,
)
from services.sessions.stores.sql_errors import lacks_table, translation
from services.sessions.stores.sql_table import prepare, sessions, transaction, write_ahead

BUSY_TIMEOUT = 1.0
"""Seconds a statement waits for another process's write before it gives up."""
POOL_SIZE = 16
"""The most open connections of this process."""
EXPIRED_PER_CREATION = 8
"""Expired rows removed with every new one, so that the table stays bounded without a job."""
_R = TypeVar("_R")


class SqlStore(LocalStore):
    """Sessions in SQLite, shared by the threads and processes of one host.

    An expired row is removed when it is met, so that a process whose clock is behind does not
    bring it back. The clock is taken as it is, also where it is set back: processes that were
    started at different times agree on no other.

    Args:
        url: an SQLAlchemy URL with a file; its folder is made on first use.
        clock: seconds since 1970.

    Raises:
        ValueError: the URL names no file.
    """

    name = "sqlite"

    def __init__(self, url: str, *, clock: Clock = time.time) -> None:
        name = sa.make_url(url).database
        if not name or name == ":memory:":
            raise ValueError("a sqlite:/// URL needs a file; use memory:// for no file")
        self.file: Path = Path(name)
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
        event.listen(self._engine, "connect", write_ahead)

    def get(self, key: str) -> bytes | None:
        row = self._living_row(key, sessions.c.version, sessions.c.body)
        return document.join(row.version, row.body) if row else None

    def head(self, key: str) -> bytes | None:
        start = sa.func.substr(sessions.c.body, 1, HEAD_BYTES).label("body")
        row = self._living_row(key, sessions.c.version, start)
        return document.join(row.version, row.body) if row else None

    def put(self, record: Record, condition: Condition) -> Put:
        return self._run(lambda connection: self._put(connection, record, condition))

    def delete(self, record: Record) -> bool:
        removal = sa.delete(sessions).where(self._living(record.key))
        return self._run(lambda connection: connection.execute(removal).rowcount > 0)

    def touch(self, record: Record) -> bool:
        extension = self._extension(record)
        return self._run(lambda connection: connection.execute(extension).rowcount > 0)

    def expires_at(self, key: str) -> int | None:
        row = self._living_row(key)
        return row.expires_at if row else None

    def set_aside(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        version = document.version_of(value) or 0
        body = value.removeprefix(document.join(version, b""))
        aside = {"key": corrupt_key(key), "expires_at": keep_until}
        move = (
            sa.update(sessions)
            .prefix_with("OR REPLACE")
            .where(self._living(key), sessions.c.version == version, sessions.c.body == body)
            .values(**aside, keyspace_index=None, owner_index=None)
        )
        return self._run(lambda connection: connection.execute(move).rowcount > 0)

    def count(self, index: str) -> int:
        query = sa.select(sa.func.count()).where(self._indexed(index))
        return self._run(lambda connection: connection.execute(query).scalar_one())

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        query = (
            sa.select(sessions.c.member)
            .where(self._indexed(index))
            .order_by(sessions.c.expires_at.desc(), sessions.c.member.desc())
            .offset(start)
            .limit(limit)
        )
        return self._run(lambda connection: list(connection.execute(query).scalars()))

    def copy_of(self, key: str) -> Record | None:
        row = None if is_aside(key) else self._living_row(key, *sessions.c)
        return _record(row) if row else None

    def install(self, record: Record) -> None:
        values = self._values(record)
        create = insert(sessions).values(key=record.key, **values)
        keep = create.on_conflict_do_update(index_elements=["key"], set_=values)
        self._run(lambda connection: connection.execute(keep))

    def forget_many(self, records: Sequence[Record]) -> int:
        if not records:
            return 0
        names = ("key", "version", "body")
        same = [sessions.c[name] == sa.bindparam(f"same_{name}") for name in names]
        removal = sa.delete(sessions).where(*same)
        wanted = [{f"same_{name}": getattr(record, name) for name in names} for record in records]

        def forget(connection: sa.Connection) -> int:
            with transaction(connection):
                return connection.execute(removal, wanted).rowcount

        return self._run(forget)

    def stored_keys(self) -> list[str]:
        query = sa.select(sessions.c.key).where(self._handed_out())
        return self._run(lambda connection: list(connection.execute(query).scalars()))

    def waiting(self, limit: int, *, but: Container[str] = ()) -> list[Record]:
        order = (sessions.c.deleted.desc(), sessions.c.written_at)
        query = sa.select(sessions).where(self._handed_out()).order_by(*order)

        def first(connection: sa.Connection) -> list[Record]:
            # Rows come one by one, in the order of an index; what follows is not read.
            with connection.execute(query) as rows:
                wanted = (row for row in rows if row.key not in but)
                return [_record(row) for row in islice(wanted, limit)]

        return self._run(first)

    def backlog(self) -> Backlog:
        facts = (sa.func.count(), sa.func.min(sessions.c.written_at))
        query = sa.select(*facts).where(self._handed_out())
        count, first = self._run(lambda connection: connection.execute(query).one())
        return Backlog(count, max(0, self._now() - first) / 1000 if first else 0)

    def ping(self) -> None:
        """Open the file and read from the table."""
        query = sa.select(sessions.c.key).limit(1)
        self._run(lambda connection: connection.execute(query).first())

    def close(self) -> None:
        """Close every connection to the file."""
        self._engine.dispose()

    def _put(self, connection: sa.Connection, record: Record, condition: Condition) -> Put:
        version = connection.execute(self._write(record, condition)).scalar()
        if version is not None:
            if version == 1:
                self._drop_expired(connection)
            return Put(Outcome.STORED, version)
        # A process that was cut off from the answer asks again.
        repeated = sa.and_(sessions.c.version == record.version, sessions.c.body == record.body)
        query = sa.select(sessions.c.version, repeated).where(self._living(record.key))
        stored, is_repeated = connection.execute(query).first() or (0, False)
        if is_repeated:
            connection.execute(self._extension(record))
            return Put(Outcome.STORED, stored)
        return Put(Outcome.CONFLICT if stored else Outcome.MISSING, stored)

    def _write(self, record: Record, condition: Condition) -> Any:
        """The one statement of a conditional write; it answers the stored version or nothing."""
        values = self._values(record)
        if condition is Condition.UNCHANGED:
            unchanged = sessions.c.version == record.expected
            change = sa.update(sessions).where(self._living(record.key), unchanged)
            return change.values(**values).returning(sessions.c.version)
        expired = sessions.c.expires_at <= self._now()
        create = insert(sessions).values(key=record.key, **values)
        if condition is Condition.ANY:
            raised = sa.func.max(sessions.c.version + 1, record.version)
            values["version"] = sa.case((expired, record.version), else_=raised)
            upsert = create.on_conflict_do_update(index_elements=["key"], set_=values)
        else:
            older = sessions.c.version < record.version
            allowed = sa.or_(expired, older) if condition is Condition.OLDER else expired
            upsert = create.on_conflict_do_update(
                index_elements=["key"], set_=values, where=allowed
            )
        return upsert.returning(sessions.c.version)

    def _extension(self, record: Record) -> sa.Update:
        longer = sa.func.max(sessions.c.expires_at, record.expires_at)
        return sa.update(sessions).where(self._living(record.key)).values(expires_at=longer)

    def _values(self, record: Record) -> dict[str, Any]:
        """What the columns hold of a record, but for its key."""
        keyspace_index, owner_index = (*record.indexes, None, None)[:2]
        return {
            "version": record.version,
            "body": record.body,
            "expires_at": record.expires_at,
            "member": record.member,
            "keyspace_index": keyspace_index,
            "owner_index": owner_index,
            "written_at": self._now(),
        }

    def _drop_expired(self, connection: sa.Connection) -> None:
        expired = sa.select(sessions.c.key).where(sessions.c.expires_at <= self._now())
        some = expired.limit(EXPIRED_PER_CREATION).scalar_subquery()
        connection.execute(sa.delete(sessions).where(sessions.c.key.in_(some)))

    def _living(self, key: str) -> sa.ColumnElement[bool]:
        return sa.and_(sessions.c.key == key, sessions.c.expires_at > self._now())

    def _indexed(self, index: str) -> sa.ColumnElement[bool]:
        named = sa.or_(sessions.c.keyspace_index == index, sessions.c.owner_index == index)
        return sa.and_(named, sa.not_(sessions.c.deleted), sessions.c.expires_at > self._now())

    def _handed_out(self) -> sa.ColumnElement[bool]:
        """Living documents, without what was set aside."""
        aside = sa.func.substr(sessions.c.key, -len(ASIDE)) == ASIDE
        return sa.and_(sa.not_(aside), sessions.c.expires_at > self._now())

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _living_row(self, key: str, *columns: Any) -> sa.Row[Any] | None:
        """These columns of the living row under a key; an expired row is removed."""
        named = dict.fromkeys((*columns, sessions.c.expires_at))
        query = sa.select(*named).where(sessions.c.key == key)
        row = self._run(lambda connection: connection.execute(query).first())
        if row and row.expires_at <= self._now():
            self._remove_expired(key)
            return None
        return row

    def _remove_expired(self, key: str) -> None:
        expired = sa.and_(sessions.c.key == key, sessions.c.expires_at <= self._now())
        removal = sa.delete(sessions).where(expired)
        # A file that cannot be written now is read all the same.
        with contextlib.suppress(StoreUnavailable):
            self._run(lambda connection: connection.execute(removal))

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
            ours = translation(error)
            if ours is None:
                raise
            raise ours from error

    def _attempt(self, work: Callable[[sa.Connection], _R]) -> _R:
        if not self._prepared:
            self._prepare()
        with self._engine.connect() as connection:
            return work(connection)

    def _prepare(self) -> None:
        """Make the folder, the file and the table."""
        with self._preparing:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.connect() as connection:
                prepare(connection)
            self._prepared = True


def _record(row: sa.Row[Any]) -> Record:
    """A row as a record for another engine."""
    indexes = tuple(filter(None, (row.keyspace_index, row.owner_index)))
    body, end = row.body, row.expires_at
    return Record(row.key, row.version, body, end, row.member, indexes, bool(row.deleted))
