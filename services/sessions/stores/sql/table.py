"""The table of the SQL engine, and how a file comes to have it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

LOG_BYTES = 8_388_608
"""The most bytes of a limited file that are left to its write-ahead log."""

_DELETED = b',"deleted":true'
"""How the body of a tombstone begins, see document.tombstone_body."""

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
    # These are empty in what an earlier release wrote.
    sa.Column("written_at", sa.BigInteger),
    sa.Column("idle_index", sa.Text),
    sa.Column("active_at", sa.BigInteger),
    sa.Column(
        "deleted",
        sa.Boolean,
        sa.Computed(f"substr(body, 1, {len(_DELETED)}) = x'{_DELETED.hex()}'", persisted=False),
    ),
    sa.Index("ix_sessions_keyspace_index", "keyspace_index", "expires_at"),
    sa.Index("ix_sessions_owner_index", "owner_index", "expires_at"),
    sa.Index("ix_sessions_idle_index", "idle_index", "active_at"),
    sa.Index("ix_sessions_waiting", sa.text("deleted DESC"), "written_at"),
)


def prepare(connection: sa.Connection) -> None:
    """Make what the file lacks of the table; several processes may try at a time."""
    if not _is_complete(connection):
        with transaction(connection):
            _complete(connection)


@contextmanager
def transaction(connection: sa.Connection) -> Iterator[None]:
    """What is done inside happens at once and for all processes, or not at all."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        # Unlike the statement, this does nothing where SQLite has already rolled back.
        connection.connection.rollback()
        raise


def write_ahead(connection: Any, _record: object) -> None:
    """Let readers go on while a process writes; a killed process loses nothing committed."""
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        # Another process is changing it now. The mode is the file's, so it will be ours as well.
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten with zeros


def limit_size(connection: Any, most: int) -> None:
    """Keep a file, with its log, within so many bytes; beyond them SQLite says that it is full."""
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    log = min(most // 4, LOG_BYTES)
    connection.execute(f"PRAGMA max_page_count={max(1, (most - log) // page)}")
    connection.execute(f"PRAGMA wal_autocheckpoint={max(1, log // 4 // page)}")
    connection.execute(f"PRAGMA journal_size_limit={log // 4}")


def count_free(connection: sa.Connection) -> int:
    """Bytes that a file can still take before its limit."""
    most, used, free, page = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("max_page_count", "page_count", "freelist_count", "page_size")
    )
    return (most - used + free) * page


def vacuum(connection: sa.Connection) -> None:
    """Write the file anew without its free pages, if it has any."""
    if connection.exec_driver_sql("PRAGMA freelist_count").scalar_one():
        connection.exec_driver_sql("VACUUM")


def empty_log(connection: sa.Connection, wait_ms: int) -> bool:
    """Move all of the log into the file and truncate it; False if others are using it.

    Until then the log has what was stored before a deletion.
    """
    usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms}")
    try:
        return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    except sa.exc.DBAPIError:
        return False  # the deletion itself is done
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={usual}")


def _is_complete(connection: sa.Connection) -> bool:
    """Whether the file has the table with all its columns and indexes."""
    return _parts() <= _stored_parts(connection)


def _parts() -> set[str | None]:
    return {column.name for column in sessions.columns} | {one.name for one in sessions.indexes}


def _stored_parts(connection: sa.Connection) -> set[str | None]:
    """The names of the columns and indexes that the file has."""
    columns = "SELECT name FROM pragma_table_xinfo('sessions')"
    indexes = "SELECT name FROM pragma_index_list('sessions')"
    return set(connection.execute(sa.text(f"{columns} UNION {indexes}")).scalars())


def _complete(connection: sa.Connection) -> None:
    """Make the table, or give the one of an earlier release what it lacks."""
    connection.execute(CreateTable(sessions, if_not_exists=True))
    there = _stored_parts(connection)
    for column in sessions.columns:
        if column.name not in there:
            definition = CreateColumn(column).compile(connection)
            connection.exec_driver_sql(f"ALTER TABLE sessions ADD COLUMN {definition}")
    for index in sessions.indexes:
        connection.execute(CreateIndex(index, if_not_exists=True))
