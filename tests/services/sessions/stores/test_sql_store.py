"""What only the SQL engine has: a file, its table, and rows that have to be removed."""

import sqlite3
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from services.keyspaces import STATE_SESSIONS
from services.sessions import codec
from services.sessions.errors import StoreCorrupt, StoreUnavailable
from services.sessions.repository import Sessions
from services.sessions.stores import SqlStore
from services.sessions.stores.base import Condition, Outcome, Record
from tests.support.clock import FakeClock


def record(key: str, expires_at: float) -> Record:
    """A small document."""
    return Record(key, 1, b',"format":1}', int(expires_at * 1000), key, ("all",))


def test_expired_rows_go_with_new_ones(tmp_path: Path) -> None:
    """The table stays bounded without a job that cleans it."""
    clock = FakeClock()
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}", clock=clock)
    for number in range(20):
        store.put(record(f"old{number}", clock() + 10), Condition.ABSENT)
    clock.forward(11)
    for number in range(4):
        store.put(record(f"new{number}", clock() + 10), Condition.ABSENT)
    store.close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        rows = connection.execute("select count(*) from sessions").fetchone()[0]
    connection.close()
    assert rows == 4


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """Nothing is known of the sessions in it, and no key is told to the log."""
    (tmp_path / "s.db").write_bytes(b"this is no database, but long enough to look at" * 50)
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}")
    with pytest.raises(StoreUnavailable) as refused:
        store.get("chat:session:secret")
    assert type(refused.value) is StoreCorrupt
    assert refused.value.reason == "corrupt_file"
    assert "secret" not in str(refused.value.__cause__)
    store.close()


@pytest.mark.parametrize("how", ["delete", "tombstone"])
@pytest.mark.parametrize("is_read_meanwhile", [False, True])
def test_what_is_deleted_cannot_be_read_from_the_files(
    tmp_path: Path, how: str, *, is_read_meanwhile: bool
) -> None:
    """Neither earlier versions nor free pages nor the log; while others read, soon afterwards."""
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}")
    expires_at = time.time() + 60
    for key in ("mine", "other"):
        for version in range(1, 30):
            text = b"very private " * 100 * version if key == "mine" else b"public"
            body = b',"format":1,"text":"%s"}' % text
            store.put(record(key, expires_at)._replace(body=body, version=version), Condition.OLDER)
    reader = sqlite3.connect(tmp_path / "s.db")
    if is_read_meanwhile:
        reader.execute("BEGIN")
        reader.execute("SELECT body FROM sessions").fetchone()
    gone = record("mine", expires_at)._replace(version=99)
    if how == "delete":
        assert store.delete(gone)
    else:
        body = codec.tombstone_body("a")
        store.put(gone._replace(body=body, deleted=True), Condition.ANY)
    if is_read_meanwhile:
        reader.execute("ROLLBACK")
        store.put(record("later", expires_at), Condition.ABSENT)
    reader.close()
    for file in tmp_path.iterdir():
        assert b"very private" not in file.read_bytes(), file.name
    assert b"public" in (store.get("other") or b"")


def test_a_file_that_is_removed_is_made_again(tmp_path: Path) -> None:
    """Its sessions are lost; the next ones are kept, and nobody sees an error."""
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}")
    store.put(record("a", time.time() + 60), Condition.ABSENT)
    store.close()
    for file in tmp_path.iterdir():
        file.unlink()
    assert store.get("a") is None
    assert store.put(record("b", time.time() + 60), Condition.ABSENT).outcome is Outcome.STORED
    store.close()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """The reason is the file system, and it may take a while."""
    (tmp_path / "file").touch()
    store = SqlStore(f"sqlite:///{tmp_path / 'file' / 's.db'}")
    with pytest.raises(StoreUnavailable) as refused:
        store.ping()
    assert refused.value.reason == "file_system"
    store.close()


def create(url: str, key: str) -> str:
    """Put one document into a file that may not be there yet, in a process of its own."""
    store = SqlStore(url)
    outcome = store.put(record(key, time.time() + 60), Condition.ABSENT).outcome
    store.close()
    return outcome.value


def test_several_processes_may_begin_at_once(tmp_path: Path) -> None:
    """Workers that start together make the table together."""
    url = f"sqlite:///{tmp_path / 's.db'}"
    with ProcessPoolExecutor(4) as pool:
        jobs = [pool.submit(create, url, f"k{number}") for number in range(8)]
        assert {job.result() for job in jobs} == {"stored"}
    store = SqlStore(url)
    assert store.count("all") == 8
    store.close()


def test_a_file_whose_mode_cannot_be_changed_now_is_read_all_the_same(tmp_path: Path) -> None:
    """Of workers that begin at once, one changes it and the others need not wait."""
    file = tmp_path / "s.db"
    first = SqlStore(f"sqlite:///{file}")
    first.put(record("a", time.time() + 60), Condition.ABSENT)
    first.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN IMMEDIATE")
    store = SqlStore(f"sqlite:///{file}")
    assert store.get("a") is not None
    other.execute("ROLLBACK")
    other.close()
    store.close()


def test_a_store_closed_during_a_call_leaves_no_file_open(tmp_path: Path) -> None:
    """A removed file would go on taking room on the disk."""
    file = tmp_path / "sessions.db"
    store = SqlStore(f"sqlite:///{file}")
    store.ping()
    store._run(lambda _connection: store.close())
    names = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    assert [name for name in names if name.startswith(str(tmp_path))] == []
    store.ping()
    store.close()


@pytest.mark.parametrize("write", ["replace", "save"])
def test_what_expired_does_not_pile_up(tmp_path: Path, write: str) -> None:
    """However sessions are stored: a few expired rows go with every one."""
    clock = FakeClock()
    store = SqlStore(f"sqlite:///{tmp_path / 'sessions.db'}", clock=clock)
    states = Sessions(store, STATE_SESSIONS, clock=clock)
    for _ in range(4):
        for _ in range(50):
            getattr(states, write)(str(uuid.uuid4()), {})
        clock.forward(25 * 3600)
    with sqlite3.connect(tmp_path / "sessions.db") as connection:
        (rows,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    connection.close()
    assert rows == 50
    store.close()
