"""Sessions in a table: SQLite in a file, by way of SQLAlchemy Core.

The version is a column and the document's body another; together they are the document, so
every conditional write is one statement that compares the column.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.schema import CreateIndex, CreateTable

from services.errors import StoreUnavailable
from services.sessions import document
from services.sessions.stores.base import (
    HEAD_BYTES,
    Clock,
    Condition,
    Outcome,
    Put,
    Record,
    Store,
    corrupt_key,
)

BUSY_TIMEOUT = 1.0
"""Seconds a statement waits for another process's write before it gives up."""
POOL_SIZE = 16
"""The most open connections of this process."""
EXPIRED_PER_CREATION = 8
"""Expired rows removed with every new one, so that the table stays bounded without a job."""

sessions = sa.Table(
    "sessions",
    sa.MetaData(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("keyspace_index", sa.Text),
    sa.Column("owner_index", sa.Text),
    sa.Index("ix_sessions_keyspace_index", "keyspace_index", "expires_at"),
    sa.Index("ix_sessions_owner_index", "owner_index", "expires_at"),
)


class SqlStore(Store):
    """Sessions in SQLite, shared by the threads and processes of one host.

    Args:
        url: an SQLAlchemy URL with a file; its folder is made on first use.
        clock: seconds since 1970.

    Raises:
        ValueError: the URL names no file.
    """

    name = "sqlite"

    def __init__(self, url: str, *, clock: Clock = time.time) -> None:
        self._file = sa.make_url(url).database
        if self._file in (None, "", ":memory:"):
            raise ValueError("a sqlite:/// URL needs a file; use memory:// for no file")
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
        event.listen(self._engine, "connect", _write_ahead)

    def get(self, key: str) -> bytes | None:
        query = sa.select(sessions.c.version, sessions.c.body).where(self._living(key))
        with self._connection() as connection:
            row = connection.execute(query).first()
        return document.join(row.version, row.body) if row else None

    def head(self, key: str) -> bytes | None:
        start = sa.func.substr(sessions.c.body, 1, HEAD_BYTES).label("body")
        query = sa.select(sessions.c.version, start).where(self._living(key))
        with self._connection() as connection:
            row = connection.execute(query).first()
        return document.join(row.version, row.body) if row else None

    def put(self, record: Record, condition: Condition) -> Put:
        with self._connection() as connection:
            version = connection.execute(self._write(record, condition)).scalar()
            if version is not None:
                if version == 1:
                    self._drop_expired(connection)
                return Put(Outcome.STORED, version)
            query = sa.select(sessions.c.version).where(self._living(record.key))
            stored = connection.execute(query).scalar()
        return Put(Outcome.MISSING, 0) if stored is None else Put(Outcome.CONFLICT, stored)

    def delete(self, record: Record) -> bool:
        removal = sa.delete(sessions).where(self._living(record.key))
        with self._connection() as connection:
            return connection.execute(removal).rowcount > 0

    def touch(self, record: Record) -> bool:
        change = sa.update(sessions).where(self._living(record.key))
        with self._connection() as connection:
            return (
                connection.execute(
                    change.values(expires_at=sa.func.max(sessions.c.expires_at, record.expires_at))
                ).rowcount
                > 0
            )

    def expires_at(self, key: str) -> int | None:
        query = sa.select(sessions.c.expires_at).where(self._living(key))
        with self._connection() as connection:
            return connection.execute(query).scalar()

    def set_aside(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        version = document.version_of(value) or 0
        body = value.removeprefix(document.join(version, b""))
        aside = {"key": corrupt_key(key), "expires_at": keep_until}
        move = (
            sa.update(sessions)
            .where(self._living(key), sessions.c.version == version, sessions.c.body == body)
            .values(**aside, keyspace_index=None, owner_index=None)
        )
        earlier = sa.delete(sessions).where(sessions.c.key == corrupt_key(key))
        with self._connection() as connection:
            connection.execute(earlier)
            return connection.execute(move).rowcount > 0

    def count(self, index: str) -> int:
        query = sa.select(sa.func.count()).where(self._indexed(index))
        with self._connection() as connection:
            return connection.execute(query).scalar_one()

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        query = (
            sa.select(sessions.c.member)
            .where(self._indexed(index))
            .order_by(sessions.c.expires_at.desc(), sessions.c.member.desc())
        )
        with self._connection() as connection:
            return list(connection.execute(query.offset(start).limit(limit)).scalars())

    def ping(self) -> None:
        """Open the file and read from the table."""
        with self._connection() as connection:
            connection.execute(sa.select(sessions.c.key).limit(1)).first()

    def close(self) -> None:
        """Close every connection to the file."""
        self._engine.dispose()

    def _write(self, record: Record, condition: Condition) -> Any:
        """The one statement of a conditional write; it answers the stored version or nothing."""
        indexes = (None, None) if record.deleted else (*record.indexes, None, None)
        values: dict[str, Any] = {
            "version": record.version,
            "body": record.body,
            "expires_at": record.expires_at,
            "member": record.member,
            "keyspace_index": indexes[0],
            "owner_index": indexes[1],
        }
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

    def _drop_expired(self, connection: sa.Connection) -> None:
        expired = sa.select(sessions.c.key).where(sessions.c.expires_at <= self._now())
        some = expired.limit(EXPIRED_PER_CREATION).scalar_subquery()
        connection.execute(sa.delete(sessions).where(sessions.c.key.in_(some)))

    def _living(self, key: str) -> sa.ColumnElement[bool]:
        return sa.and_(sessions.c.key == key, sessions.c.expires_at > self._now())

    def _indexed(self, index: str) -> sa.ColumnElement[bool]:
        named = sa.or_(sessions.c.keyspace_index == index, sessions.c.owner_index == index)
        return sa.and_(named, sessions.c.expires_at > self._now())

    def _now(self) -> int:
        return int(self._clock() * 1000)

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """A connection to the prepared file, its errors in our own terms."""
        try:
            if not self._prepared:
                self._prepare()
            with self._engine.connect() as connection:
                yield connection
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            self._prepared = False  # the file may have been replaced; look again next time
            reason = "busy" if "locked" in str(error) else "database"
            raise StoreUnavailable(reason) from error
        except OSError as error:
            raise StoreUnavailable("file_system", retry_after=30) from error

    def _prepare(self) -> None:
        """Make the folder, the file and the table, once; several processes may try at a time."""
        with self._preparing:
            Path(str(self._file)).parent.mkdir(parents=True, exist_ok=True)
            with self._engine.connect() as connection:
                connection.execute(CreateTable(sessions, if_not_exists=True))
                for index in sessions.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
            self._prepared = True


def _write_ahead(connection: Any, _record: object) -> None:
    """Let readers go on while a process writes; a killed process loses nothing committed."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
