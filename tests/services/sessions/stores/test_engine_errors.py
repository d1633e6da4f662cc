"""What an engine's failures become: by what the caller can do, never in the engine's own words."""

import errno
import inspect
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from redis import exceptions
from sqlalchemy import event

from services.sessions.errors import (
    SessionUnreadable,
    StoreCorrupt,
    StoreRefused,
    StoreReplyUnknown,
    StoreUnavailable,
)
from services.sessions.stores import RedisStore, SqlStore, Store
from services.sessions.stores.base import Condition, Outcome, Record
from services.sessions.stores.redis.errors import translate_error as of_redis
from services.sessions.stores.sql.errors import translate_error as of_sql
from tests.support.scripted import scripted_server
from tests.support.servers import RedisServer, eventually

OURS = None
"""Raised as it is: nothing the caller could do, a fault in our code or in how it is deployed."""
UNAVAILABLE, REFUSED, UNLISTED = StoreUnavailable, StoreRefused, StoreReplyUnknown

REDIS_CLASSES: dict[str, tuple[type[StoreUnavailable], str] | None] = {
    "AskError": (UNLISTED, "unknown"),
    "AuthenticationError": (UNAVAILABLE, "authentication"),
    "AuthenticationWrongNumberOfArgsError": (UNAVAILABLE, "authentication"),
    "AuthorizationError": (UNAVAILABLE, "authentication"),
    "BusyLoadingError": (UNAVAILABLE, "loading"),
    "ChildDeadlockedError": OURS,
    "ClusterCrossSlotError": (UNLISTED, "at"),
    "ClusterDownError": (UNAVAILABLE, "clusterdown"),
    "ClusterError": (UNAVAILABLE, "clusterdown"),
    "ConnectionError": (UNAVAILABLE, "connection"),
    "CrossSlotTransactionError": OURS,
    "DataError": OURS,
    "ExecAbortError": (UNLISTED, "at"),
    "ExternalAuthProviderError": (UNAVAILABLE, "authentication"),
    "IncorrectPolicyType": OURS,
    "InvalidPipelineStack": OURS,
    "InvalidResponse": (UNAVAILABLE, "protocol"),
    "LockError": OURS,
    "LockNotOwnedError": OURS,
    "MasterDownError": (UNAVAILABLE, "masterdown"),
    "MaxConnectionsError": (UNAVAILABLE, "pool_exhausted"),
    "ModuleError": (UNLISTED, "at"),
    "MovedError": (UNAVAILABLE, "moved"),
    "NoPermissionError": (REFUSED, "no_permission"),
    "NoScriptError": OURS,
    "NoSuchFieldsetError": (UNLISTED, "at"),
    "OutOfMemoryError": (REFUSED, "out_of_memory"),
    "PubSubError": OURS,
    "ReadOnlyError": (REFUSED, "read_only"),
    "RedisClusterException": OURS,
    "RedisError": OURS,
    "ResponseError": (UNLISTED, "at"),
    "SlotNotCoveredError": OURS,
    "TimeoutError": (UNAVAILABLE, "timeout"),
    "TryAgainError": (UNAVAILABLE, "tryagain"),
    "WatchError": OURS,
}
"""Every class of redis.exceptions; what the server says is in REDIS_REPLIES."""

REDIS_REPLIES: dict[str, tuple[type[StoreUnavailable], str] | None] = {
    "BUSY Redis is busy running a script": (UNAVAILABLE, "busy"),
    "MISCONF Redis is configured to save RDB snapshots": (REFUSED, "misconf"),
    "NOREPLICAS Not enough good replicas to write.": (UNAVAILABLE, "noreplicas"),
    "Protocol error: unauthenticated bulk length": (UNAVAILABLE, "authentication"),
    "ACL failure in script: User x has no permissions": (REFUSED, "no_permission"),
    "unknown command 'SETT'": (UNLISTED, "unknown"),
    "max daily request limit exceeded": (UNLISTED, "max"),
    "upstream failure": (UNLISTED, "upstream"),
    "no upstream host": (UNLISTED, "no"),
    "DENIED Redis is running in protected mode": (UNLISTED, "denied"),
    "8a7c-11 is not here": (UNLISTED, "unknown"),
    "chat:session:8a7c is not here": (UNLISTED, "unknown"),
    "": (UNLISTED, "unknown"),
}

SQLITE_NAMES: dict[str, tuple[type[StoreUnavailable], str] | None] = {
    "SQLITE_AUTH": (REFUSED, "read_only"),
    "SQLITE_BUSY": (UNAVAILABLE, "busy"),
    "SQLITE_BUSY_SNAPSHOT": (UNAVAILABLE, "busy"),
    "SQLITE_CANTOPEN": (UNAVAILABLE, "file_system"),
    "SQLITE_CORRUPT": (StoreCorrupt, "corrupt_file"),
    "SQLITE_CORRUPT_INDEX": (StoreCorrupt, "corrupt_file"),
    "SQLITE_FULL": (REFUSED, "disk_full"),
    "SQLITE_IOERR_FSYNC": (UNAVAILABLE, "file_system"),
    "SQLITE_IOERR_SHMSIZE": (UNAVAILABLE, "file_system"),
    "SQLITE_LOCKED_SHAREDCACHE": (UNAVAILABLE, "busy"),
    "SQLITE_NOMEM": (UNAVAILABLE, "file_system"),
    "SQLITE_NOTADB": (StoreCorrupt, "corrupt_file"),
    "SQLITE_PERM": (REFUSED, "read_only"),
    "SQLITE_PROTOCOL": (UNAVAILABLE, "file_system"),
    "SQLITE_READONLY": (REFUSED, "read_only"),
    "SQLITE_READONLY_DBMOVED": (UNAVAILABLE, "file_system"),
    "SQLITE_CONSTRAINT_NOTNULL": OURS,
    "SQLITE_ERROR": OURS,
    "SQLITE_MISUSE": OURS,
    "SQLITE_TOOBIG": OURS,
}

ERROR_NUMBERS = {
    errno.ENOSPC: (REFUSED, "disk_full"),
    errno.EDQUOT: (REFUSED, "disk_full"),
    errno.EROFS: (REFUSED, "read_only"),
    errno.EACCES: (REFUSED, "read_only"),
    errno.EPERM: (REFUSED, "read_only"),
    errno.EIO: (UNAVAILABLE, "file_system"),
    errno.ENOTDIR: (UNAVAILABLE, "file_system"),
}


def record(key: str, version: int = 1, size: int = 10) -> Record:
    """A document of about so many bytes that lives an hour."""
    end = int(time.time() * 1000) + 3_600_000
    body = b',"format":1,"text":"%s"}' % (b"x" * size)
    return Record(key, version, body, end, key, ("all",))


def assert_meaning(
    found: BaseException | None, expected: tuple[type[StoreUnavailable], str] | None
) -> None:
    """The error is of this very class, names this reason and nothing else, and when to ask."""
    if expected is None:
        assert found is None
        return
    assert isinstance(found, StoreUnavailable)
    assert (type(found), found.reason) == expected
    assert str(found) == f"the session store is unavailable: {found.reason}"
    assert found.retry_after >= 1


def assert_fails(action: Callable[[], object], kind: type[StoreUnavailable], reason: str) -> None:
    """An action of a store fails with this very class and reason."""
    with pytest.raises(StoreUnavailable) as caught:
        action()
    assert_meaning(caught.value, (kind, reason))


def write(store: Store, size: int = 10) -> Callable[[], object]:
    """A write to a store, to be done later."""
    return lambda: store.put(record("k", size=size), Condition.ANY)


def test_every_class_of_the_driver_was_thought_of() -> None:
    """A class that a new redis-py brings along is in no table and fails here."""
    classes: dict[str, Any] = dict(inspect.getmembers(exceptions, inspect.isclass))
    del classes["ExceptionType"], classes["Enum"]
    assert set(classes) == set(REDIS_CLASSES)
    for name, kind in classes.items():
        words = "12 10.0.0.1:6379" if issubclass(kind, exceptions.AskError) else "at 10.0.0.1"
        assert_meaning(of_redis(kind(words)), REDIS_CLASSES[name])


@pytest.mark.parametrize("reply", REDIS_REPLIES)
def test_replies_without_a_class_are_known_by_their_words(reply: str) -> None:
    """The server's own sentence is not passed on."""
    assert_meaning(of_redis(redis.ResponseError(reply)), REDIS_REPLIES[reply])


@pytest.mark.parametrize("reply", ["CORRUPT no document", "WRONGTYPE Operation against a key"])
def test_a_reply_about_the_value_is_no_outage(reply: str) -> None:
    """It tells of one session; the engine is well."""
    assert isinstance(of_redis(redis.ResponseError(reply)), SessionUnreadable)


def test_the_system_s_own_errors_are_no_faults_of_ours() -> None:
    """A socket fails in the terms of the operating system, too."""
    assert_meaning(of_redis(OSError("no route to host")), (UNAVAILABLE, "connection"))
    assert_meaning(of_redis(TimeoutError("timed out")), (UNAVAILABLE, "timeout"))
    assert of_redis(ValueError("ours")) is None


def sqlite_error(name: str) -> sa.exc.OperationalError:
    """An error as SQLAlchemy hands it on."""
    original = sqlite3.OperationalError("words with a key")
    original.sqlite_errorname = name
    return sa.exc.OperationalError("INSERT", None, original)


@pytest.mark.parametrize("name", SQLITE_NAMES)
def test_errors_of_sqlite_are_known_by_their_names(name: str) -> None:
    """Also by those that only say in more detail what a shorter one says."""
    assert_meaning(of_sql(sqlite_error(name)), SQLITE_NAMES[name])


@pytest.mark.parametrize("number", ERROR_NUMBERS)
def test_errors_of_the_file_system_are_known_by_their_numbers(number: int) -> None:
    """A full disk and one that may not be written are refusals."""
    assert_meaning(of_sql(OSError(number, "/secret/place")), ERROR_NUMBERS[number])


def test_errors_of_sqlalchemy_itself() -> None:
    """Waiting for a connection in vain is an outage; using the library wrongly is our fault."""
    assert_meaning(of_sql(sa.exc.TimeoutError()), (UNAVAILABLE, "pool_exhausted"))
    misuse = sa.exc.ProgrammingError("SELECT", None, sqlite3.ProgrammingError("wrong"))
    assert of_sql(misuse) is None
    assert of_sql(sa.exc.ArgumentError("wrong")) is None


# Redis: every kind once with a real server.


def test_a_full_server_refuses_and_goes_on_reading() -> None:
    """Out of memory without eviction; what was accepted before is not lost."""
    with RedisServer("--maxmemory-policy", "noeviction") as server:
        store = RedisStore.from_url(server.url)
        store.put(record("kept"), Condition.ABSENT)
        server.client().config_set("maxmemory", "100kb")
        assert_fails(write(store), StoreRefused, "out_of_memory")
        assert store.get("k") is None
        assert store.get("kept") is not None
        store.close()


def test_a_full_server_refuses_many_at_once() -> None:
    """The refusal of one write is told, not taken for a conflict."""
    with RedisServer("--maxmemory", "100kb", "--maxmemory-policy", "noeviction") as server:
        store = RedisStore.from_url(server.url)
        records = [record("a"), record("b")]
        assert_fails(
            lambda: store.put_many(records, Condition.ABSENT), StoreRefused, "out_of_memory"
        )
        store.close()


def test_a_replica_without_its_master() -> None:
    """It is read-only; one that must not serve old data cannot be asked at all."""
    with RedisServer() as server:
        store = RedisStore.from_url(server.url)
        store.put(record("k"), Condition.ABSENT)
        server.client().replicaof("127.0.0.1", "1")
        assert_fails(write(store), StoreRefused, "read_only")
        assert store.get("k") is not None
        server.client().config_set("replica-serve-stale-data", "no")
        assert_fails(lambda: store.get("k"), UNAVAILABLE, "masterdown")
        assert_fails(lambda: store.heads(["k"]), UNAVAILABLE, "masterdown")
        assert_fails(write(store), UNAVAILABLE, "masterdown")
        store.close()


def test_a_server_that_misses_its_replicas_is_unavailable_for_writing() -> None:
    """It takes no write that nobody else would have."""
    with RedisServer("--min-replicas-to-write", "1") as server:
        store = RedisStore.from_url(server.url)
        assert_fails(write(store), UNAVAILABLE, "noreplicas")
        assert store.get("k") is None
        store.close()


def test_a_user_whose_scripts_may_not_write_is_refused() -> None:
    """The refusal inside a script reads differently from the one of a command."""
    rights = ("~*", "+get", "+getrange", "+ping", "+evalsha", "+eval")
    with RedisServer("--user", "half", "on", ">secret", *rights) as server:
        store = RedisStore.from_url(f"redis://half:secret@127.0.0.1:{server.port}/0")
        assert_fails(write(store), StoreRefused, "no_permission")
        assert store.get("k") is None
        store.close()


def test_a_server_paused_for_writing_goes_on_reading() -> None:
    """Reads are plain commands: a pause for writing holds up every script."""
    with RedisServer() as server:
        store = RedisStore.from_url(server.url)
        store.put(record("k"), Condition.ABSENT)
        server.client().execute_command("CLIENT", "PAUSE", "60000", "WRITE")
        assert_fails(write(store), UNAVAILABLE, "timeout")
        assert store.get("k") is not None
        assert store.heads(["k"]) != [None]
        assert store.expires_at("k") is not None
        server.client().execute_command("CLIENT", "UNPAUSE")
        store.close()


def test_a_server_that_runs_an_endless_script_is_busy_until_it_is_killed() -> None:
    """Afterwards it serves again without more ado."""
    with RedisServer("--busy-reply-threshold", "20") as server:
        store = RedisStore.from_url(server.url, timeout=2)
        store.ping()
        with ThreadPoolExecutor(1) as pool:
            endless = pool.submit(server.client().eval, "while true do end", 0)
            assert eventually(lambda: reason_of(store.ping) == "busy")
            assert_fails(write(store), UNAVAILABLE, "busy")
            server.client().script_kill()
            assert endless.exception() is not None
        assert store.put(record("k"), Condition.ABSENT).outcome is Outcome.STORED
        store.close()


def reason_of(action: Callable[[], object]) -> str:
    """Why an action of a store fails; empty when it does not."""
    try:
        action()
    except StoreUnavailable as error:
        return error.reason
    return ""


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        (b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", "tryagain"),
        (b"-CLUSTERDOWN Hash slot not served\r\n", "clusterdown"),
        (b"HTTP/1.1 400 Bad Request\r\n", "protocol"),
    ],
)
def test_what_a_server_says_that_cannot_serve(reply: bytes, reason: str) -> None:
    """One that starts up, one in a broken cluster, and one that is no Redis at all."""
    with scripted_server(reply) as url:
        store = RedisStore.from_url(url)
        assert_fails(lambda: store.get("k"), UNAVAILABLE, reason)
        assert_fails(write(store), UNAVAILABLE, reason)
        store.close()


ASK: dict[str, Callable[[RedisStore], object]] = {
    "get": lambda store: store.get("k"),
    "heads": lambda store: store.heads(["k"]),
    "put": lambda store: store.put(record("k"), Condition.ANY),
    "put_many": lambda store: store.put_many([record("k"), record("l")], Condition.ANY),
    "delete": lambda store: store.delete(record("k")),
    "touch": lambda store: store.touch(record("k")),
    "expires_at": lambda store: store.expires_at("k"),
    "quarantine": lambda store: store.quarantine("k", b"", 1, "k"),
    "count": lambda store: store.count("i"),
    "members": lambda store: store.members("i"),
    "trim": lambda store: store.trim("i"),
    "idle": lambda store: store.idle("i", 0, limit=1),
    "increment": lambda store: store.increment("rate:k", 1),
    "read_count": lambda store: store.read_count("rate:k"),
    "spend": lambda store: store.spend({"rate:bytes": 1000}, 10, 3600),
    "memory": lambda store: store.memory(),
    "ping": lambda store: store.ping(),
}
"""Everything that a store is asked."""
UNLISTED_REPLIES = {
    b"-ERR max daily request limit exceeded\r\n": "err",
    b"-ERR unknown command 'EVALSHA', with args beginning with: \r\n": "err",
    b"-upstream failure\r\n": "upstream",
    b"-no upstream host\r\n": "no",
    b"-DENIED Redis is running in protected mode\r\n": "denied",
    b"-NOSCRIPT No matching script.\r\n": "noscript",
    b"-\r\n": "unknown",
}


@pytest.mark.parametrize("reply", UNLISTED_REPLIES)
@pytest.mark.parametrize("set_up", [b":-2\r\n", None], ids=["later", "from the first"])
def test_a_reply_nobody_listed_means_that_the_engine_would_not(
    reply: bytes, set_up: bytes | None
) -> None:
    """Whatever was asked; its first word is the reason, and no word of it gets any further."""
    with scripted_server(reply, set_up=set_up) as url:
        store = RedisStore.from_url(url, timeout=5)
        for name, ask in ASK.items():
            with pytest.raises(StoreUnavailable) as caught:
                ask(store)
            too_old = set_up is None and b"unknown command" in reply
            reason = "server_too_old" if too_old else UNLISTED_REPLIES[reply]
            assert caught.value.reason == reason, name
        store.close()


@pytest.mark.parametrize(
    "reply", [b"$x\r\n", b":\r\n", b"*1\r\n" * 2000, b"-MOVED\r\n", b"\xff\xff\r\n", b"*0\r\n"]
)
def test_what_is_no_reply_means_that_the_engine_would_not(reply: bytes) -> None:
    """Also what is one, and not of the kind that was asked for."""
    with scripted_server(reply, set_up=b":-2\r\n") as url:
        store = RedisStore.from_url(url, timeout=5)
        for name in (
            "get",
            "put",
            "delete",
            "touch",
            "count",
            "increment",
            "read_count",
            "spend",
            "memory",
        ):
            with pytest.raises(StoreUnavailable) as caught:
                ASK[name](store)
            assert caught.value.reason == "protocol", name
        store.close()


@pytest.mark.parametrize("reply", [b":-1\r\n", b":99999999999999999999999999\r\n"])
def test_a_number_that_no_script_answers_locks_nobody_out(reply: bytes) -> None:
    """A wait before now, or for longer than the window, is no wait but another server's word."""
    with scripted_server(reply, set_up=b":-2\r\n") as url:
        store = RedisStore.from_url(url, timeout=5)
        assert_fails(lambda: ASK["spend"](store), UNAVAILABLE, "protocol")
        store.close()


def test_a_server_that_loads_its_file_is_unavailable_and_then_serves(tmp_path: Path) -> None:
    """A real one, slowed down while it reads what it had saved."""
    options = ("--dir", str(tmp_path), "--enable-debug-command", "yes")
    with RedisServer(*options) as server:
        client = server.client()
        for number in range(400):
            client.set(f"filler{number}", "x" * 100)
        client.config_set("key-load-delay", "5000")  # microseconds for each key
        client.config_set("loading-process-events-interval-bytes", "1024")
        store = RedisStore.from_url(server.url, timeout=2)
        with ThreadPoolExecutor(1) as pool:
            reload = pool.submit(client.execute_command, "DEBUG", "RELOAD")
            assert eventually(lambda: reason_of(store.ping) == "loading")
            assert_fails(write(store), UNAVAILABLE, "loading")
            reload.result()
        assert store.put(record("k"), Condition.ABSENT).outcome is Outcome.STORED
        store.close()


# SQLite: real files.


@contextmanager
def on_connect(*pragmas: str) -> Iterator[None]:
    """Say something to every SQLite connection that is opened."""

    def say(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(sa.Engine, "connect", say)
    yield
    event.remove(sa.Engine, "connect", say)


def test_a_full_disk_is_a_refusal_and_what_is_there_can_be_read(tmp_path: Path) -> None:
    """A write that did not fit is never acknowledged; smaller ones go on."""
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}")
    store.put(record("kept"), Condition.ABSENT)
    store.close()
    with on_connect("max_page_count=20"):
        assert_fails(write(store, size=200_000), StoreRefused, "disk_full")
        assert store.get("kept") is not None
        assert store.get("k") is None
        assert store.put(record("small"), Condition.ABSENT).outcome is Outcome.STORED
    store.close()


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user who is not root, where we are root; permissions do not hold for root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="teaser-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_file_that_may_only_be_read_is_read(open_folder: Path) -> None:
    """Writing is refused, reading goes on, and so it does for a row that has expired."""
    file = open_folder / "s.db"
    store = SqlStore(f"sqlite:///{file}")
    store.put(record("kept"), Condition.ABSENT)
    expired = record("old")._replace(expires_at=int(time.time() * 1000) + 300)
    store.put(expired, Condition.ABSENT)
    store.close()
    file.chmod(0o444)
    with as_nobody():
        assert_fails(write(store), StoreRefused, "read_only")
        assert store.get("kept") is not None
        assert eventually(lambda: store.get("old") is None)
        store.close()


def test_a_folder_that_may_not_be_written_is_a_refusal(open_folder: Path) -> None:
    """Not even the folder for the file can be made."""
    open_folder.chmod(0o555)
    store = SqlStore(f"sqlite:///{open_folder / 'new' / 's.db'}")
    with as_nobody():
        assert_fails(store.ping, StoreRefused, "read_only")
    store.close()


def test_a_file_that_another_process_keeps_locked_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers go on; the writer hears that it should come again."""
    monkeypatch.setattr("services.sessions.stores.sql.store.BUSY_TIMEOUT", 0.05)
    file = tmp_path / "s.db"
    store = SqlStore(f"sqlite:///{file}")
    store.put(record("k"), Condition.ABSENT)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert_fails(write(store), UNAVAILABLE, "busy")
    assert store.get("k") is not None
    other.execute("ROLLBACK")
    other.close()
    assert store.put(record("k"), Condition.ANY).outcome is Outcome.STORED
    store.close()


def test_a_damaged_page_is_told_from_a_busy_file(tmp_path: Path) -> None:
    """The file is no use any more; waiting does not mend it."""
    file = tmp_path / "s.db"
    store = SqlStore(f"sqlite:///{file}")
    for number in range(50):
        store.put(record(f"k{number}", size=3000), Condition.ABSENT)
    store.close()
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    file.write_bytes(damaged)
    assert_fails(lambda: store.get("k7"), StoreCorrupt, "corrupt_file")
    assert_fails(write(store), StoreCorrupt, "corrupt_file")
    store.close()


def test_a_fault_of_ours_is_no_outage(tmp_path: Path) -> None:
    """What SQLite cannot store is raised as it is, so that somebody mends it."""
    store = SqlStore(f"sqlite:///{tmp_path / 's.db'}")
    with pytest.raises(sa.exc.SQLAlchemyError):
        store.put(record("k")._replace(member=None), Condition.ABSENT)  # type: ignore[arg-type]
    assert store.put(record("k"), Condition.ABSENT).outcome is Outcome.STORED
    store.close()
