"""What only the Redis engine has: connections, scripts, URLs, and failures by their kind."""

import contextlib
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.sessions import codec
from services.sessions.errors import (
    SessionUnreadable,
    StoreRefused,
    StoreReplyUnknown,
    StoreUnavailable,
)
from services.sessions.stores import RedisStore, open_store
from services.sessions.stores.base import Condition, Outcome, Record
from services.sessions.stores.redis.connections import (
    AT_ONCE,
    Connections,
    open_pool,
    split_batches,
)
from tests.support.servers import ROOT, RedisServer, eventually, free_port

HOUR = 3_600_000
CALLED = re.compile(r"redis\.p?call\('([A-Z]+)'")
"""A command in a script."""


def record(key: str, version: int = 1, size: int = 10) -> Record:
    """A document of about so many bytes that lives an hour."""
    end = int(time.time() * 1000) + HOUR
    body = b',"format":1,"text":"%s"}' % (b"x" * size)
    return Record(key, version, body, end, key, ("all",))


def assert_unavailable(store: RedisStore, reason: str) -> None:
    """Reading and writing both say that the engine could not be asked, and why."""
    with pytest.raises(StoreUnavailable) as read:
        store.get("k")
    with pytest.raises(StoreUnavailable) as written:
        store.put(record("k"), Condition.ABSENT)
    assert (read.value.reason, written.value.reason) == (reason, reason)


def test_many_commands_are_sent_in_portions_that_end_in_time() -> None:
    """Few long ones or many short ones at once; all of them, in their order."""
    long = [("SET", f"{at}", b"x" * 40_000) for at in range(5)]
    short = [("GET", f"{at}") for at in range(AT_ONCE + 1)]
    assert [len(one) for one in split_batches(long)] == [1] * 5
    assert [len(one) for one in split_batches(short)] == [AT_ONCE, 1]
    mixed = long + short
    assert [command for one in split_batches(mixed) for command in one] == mixed
    assert [len(one) for one in split_batches([("SET", "k", b"x" * 10**6)])] == [1]


def test_a_refused_connection_is_unavailable_not_missing() -> None:
    """Nobody listens: nothing is known of the session."""
    store = RedisStore.from_url(f"redis://127.0.0.1:{free_port()}/0")
    assert_unavailable(store, "connection")


def test_a_frozen_server_is_unavailable_within_the_budget() -> None:
    """A server that accepts and says nothing is given up on, without a second attempt."""
    with RedisServer() as server:
        store = RedisStore.from_url(server.url)
        store.ping()
        with server.frozen(), pytest.raises(StoreUnavailable) as refused:
            store.get("k")
        assert refused.value.reason == "timeout"
        assert store.get("k") is None
        store.close()


def test_a_missing_password_is_told_apart() -> None:
    """Authentication is no kind of missing session either."""
    with RedisServer("--requirepass", "right") as server:
        assert_unavailable(RedisStore.from_url(server.url), "authentication")
        wrong = RedisStore.from_url(f"redis://:wrong@127.0.0.1:{server.port}/0")
        assert_unavailable(wrong, "authentication")
        right = RedisStore.from_url(f"redis://:right@127.0.0.1:{server.port}/0")
        assert right.get("k") is None
        right.close()


def test_a_user_without_permission_is_told_apart() -> None:
    """A user who may only read gets a refusal for writing."""
    with RedisServer("--user", "reader", "on", ">secret", "~*", "+get", "+ping") as server:
        store = RedisStore.from_url(f"redis://reader:secret@127.0.0.1:{server.port}/0")
        assert store.get("k") is None
        with pytest.raises(StoreRefused) as refused:
            store.put(record("k"), Condition.ABSENT)
        assert refused.value.reason == "no_permission"
        store.close()


def test_a_server_that_cannot_save_refuses_writes(tmp_path: Path) -> None:
    """MISCONF comes as a plain error reply; it is none of ours."""
    with RedisServer("--dir", str(tmp_path), "--save", "3600 1") as server:
        store = RedisStore.from_url(server.url)
        store.put(record("k"), Condition.ABSENT)
        # A folder where the file should go makes the save fail, also for root.
        (tmp_path / "dump.rdb").mkdir()
        (tmp_path / "dump.rdb" / "in the way").touch()
        server.client().bgsave()
        deadline = time.monotonic() + 5
        refused: StoreRefused | None = None
        while refused is None and time.monotonic() < deadline:
            try:
                store.put(record("k"), Condition.ANY)
            except StoreRefused as error:
                refused = error
        assert refused is not None
        assert refused.reason == "misconf"
        server.client().config_set("save", "")  # else it refuses to end without having saved
        store.close()


def test_a_connection_lost_between_two_requests_goes_unnoticed(redis_server: RedisServer) -> None:
    """One retry on a fresh connection is enough for a server that was restarted."""
    store = RedisStore.from_url(redis_server.url)
    store.put(record("lost"), Condition.ANY)
    redis_server.client().client_kill_filter(_type="normal")
    assert store.get("lost") is not None
    store.close()


def test_a_server_that_forgot_the_script_is_taught_again(redis_server: RedisServer) -> None:
    """SCRIPT FLUSH or a restart costs one more round trip, once."""
    store = RedisStore.from_url(redis_server.url)
    store.put(record("a"), Condition.ANY)
    redis_server.client().script_flush()
    assert store.put(record("a"), Condition.ANY).outcome is Outcome.STORED
    store.close()


def test_the_pool_is_bounded(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More threads than connections share them, however slow the machine is at the moment."""
    monkeypatch.setattr("services.sessions.stores.redis.connections.POOL_WAIT", 10.0)
    connections = Connections(open_pool(redis_server.url), size=2)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: connections.execute("PING"), range(200)))
    assert answers == [b"PONG"] * 200
    assert len(redis_server.client().client_list(_type="normal")) <= 4
    connections.close()


def test_a_connection_that_never_comes_is_an_error(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for one that others use has a bound."""
    monkeypatch.setattr("services.sessions.stores.redis.connections.POOL_WAIT", 0.05)
    connections = Connections(open_pool(redis_server.url), size=1)
    connections.execute("PING")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connections.execute, "BLPOP", "nothing", "0.2")
        assert eventually(lambda: redis_server.client().info("clients")["blocked_clients"] == 1)
        with pytest.raises(StoreUnavailable, match="pool_exhausted"):
            connections.execute("PING")
    assert waiting.done()
    assert connections.execute("PING") == b"PONG"
    connections.close()


def test_an_error_in_the_middle_leaves_no_reply_for_the_next(redis_server: RedisServer) -> None:
    """All replies of a round trip are read, and the error stands in its place."""
    connections = Connections(open_pool(redis_server.url), size=1)
    connections.execute("SET", "text", "words")
    refused, *rest = connections.execute_many([("INCR", "text"), ("GET", "text"), ("PING",)])
    assert refused.reason == "err"
    assert rest == [b"words", b"PONG"]
    assert connections.execute("GET", "text") == b"words"
    connections.close()


def test_a_forked_child_opens_connections_of_its_own(redis_server: RedisServer) -> None:
    """The parent's sockets are not shared."""
    connections = Connections(open_pool(redis_server.url), size=1)
    parents = connections.execute("CLIENT", "ID")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"%d" % connections.execute("CLIENT", "ID"))
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 20)) != parents
    assert connections.execute("CLIENT", "ID") == parents
    os.close(reader)
    os.close(writer)
    connections.close()


def test_an_index_nobody_reads_stays_bounded(redis_url: str, redis_server: RedisServer) -> None:
    """Every new session takes a few expired entries along."""
    store = RedisStore.from_url(redis_url)
    long_ago = int(time.time() * 1000) - 60_000
    client = redis_server.client()
    client.zadd("all", {f"old{number}": long_ago for number in range(20)})
    for number in range(3):
        store.put(record(f"new{number}"), Condition.ABSENT)
    assert client.zcard("all") == 3
    assert client.pttl("all") > HOUR
    store.close()


@pytest.mark.parametrize("option", ["decode_responses=true", "socket_timeout=60", "protocol=3"])
def test_options_in_a_url_cannot_undo_what_the_engine_relies_on(option: str) -> None:
    """They are refused at the start, by name."""
    with pytest.raises(ValueError, match=option.partition("=")[0]):
        open_store(f"redis://127.0.0.1:6379/0?{option}")


def test_a_unix_socket_works_like_a_port(tmp_path: Path) -> None:
    """unix:// is an address like any other."""
    path = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", str(path)):
        store = open_store(f"unix://{path}?db=3")
        assert store.put(record("k"), Condition.ABSENT).outcome is Outcome.STORED
        store.close()


def test_tls_is_spoken_with_rediss(tmp_path: Path) -> None:
    """rediss:// verifies the server against the authority the URL names."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject)
    subprocess.run(
        [*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    tls_port = free_port()
    options = ("--tls-port", str(tls_port), "--tls-cert-file", str(certificate))
    more = ("--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    with RedisServer(*options, *more, "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{tls_port}/0"
        store = open_store(f"{url}?ssl_ca_certs={certificate}")
        assert store.put(record("k"), Condition.ABSENT).outcome is Outcome.STORED
        store.close()
        stranger = RedisStore.from_url(url)
        assert_unavailable(stranger, "connection")
        stranger.close()


@pytest.mark.parametrize("url", ["http://x", "redis+cluster://x", "sqlite://", "nothing", ""])
def test_an_unknown_engine_is_refused(url: str) -> None:
    """Never replaced by another one in silence."""
    with pytest.raises(ValueError, match=r"://|file"):
        open_store(url)


def test_a_counter_counts_in_a_window_that_the_first_begins(redis_server: RedisServer) -> None:
    """Every counter expires, also one that somebody has made persistent."""
    client = redis_server.client()
    store = RedisStore.from_url(redis_server.url)
    client.delete("rate:a")
    assert store.increment("rate:a", 60).number == 1
    client.expire("rate:a", 30)
    number, left = store.increment("rate:a", 60)
    assert number == 2
    assert 25 < left <= 30
    client.persist("rate:a")
    number, left = store.increment("rate:a", 60)
    assert number == 3
    assert 55 < left <= 60
    assert 0 < client.pttl("rate:a") <= 60_000
    client.pexpire("rate:a", 1)
    assert eventually(lambda: not client.exists("rate:a"))
    assert store.increment("rate:a", 60).number == 1


def test_a_count_is_read_by_every_process_without_counting(redis_server: RedisServer) -> None:
    """With what is left of its window; of one that is not there, or never ends, nothing is left."""
    client = redis_server.client()
    client.delete("rate:a")
    one, other = (RedisStore.from_url(redis_server.url) for _ in range(2))
    assert one.read_count("rate:a") == (0, 0)
    for _ in range(3):
        one.increment("rate:a", 60)
    for store in (one, other, other):
        number, left = store.read_count("rate:a")
        assert number == 3
        assert 55 < left <= 60
    client.persist("rate:a")
    assert one.read_count("rate:a") == (3, 0)


def test_a_budget_is_spent_by_all_processes_and_ends_by_itself(redis_server: RedisServer) -> None:
    """What does not fit into all of them is spent from none; the wait is within the window."""
    client = redis_server.client()
    client.delete("rate:a", "rate:b")
    stores = [RedisStore.from_url(redis_server.url) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda at: stores[at % 2].spend({"rate:a": 10}, 1, 60), range(30)))
    assert waits.count(0) == 10
    assert all(0 < wait <= 65 for wait in waits if wait)
    assert stores[0].spend({"rate:a": 10, "rate:b": 10}, 1, 60) > 0
    assert stores[0].spend({"rate:b": 10}, 10, 60) == 0
    assert stores[0].spend({"rate:b": 10}, 11, 60) == 60
    assert 0 < client.pttl("rate:a") <= 65_000


def test_a_budget_is_given_back_step_by_step(redis_server: RedisServer) -> None:
    """After its window, by the server's clock; steps of the past are removed."""
    client = redis_server.client()
    client.delete("rate:a")
    store = RedisStore.from_url(redis_server.url)
    assert store.spend({"rate:a": 10}, 10, 1) == 0
    assert store.spend({"rate:a": 10}, 1, 1) > 0
    assert eventually(lambda: store.spend({"rate:a": 10}, 10, 1) == 0)
    assert client.hlen("rate:a") == 1


def test_what_is_no_counter_is_not_counted_in(redis_server: RedisServer) -> None:
    """A text or a list under its key is left as it is."""
    client = redis_server.client()
    store = RedisStore.from_url(redis_server.url)
    client.delete("rate:text", "rate:list")
    client.set("rate:text", "text")
    client.rpush("rate:list", "one")
    for key in ("rate:text", "rate:list"):
        with pytest.raises(SessionUnreadable):
            store.increment(key, 60)
        with pytest.raises(SessionUnreadable):
            store.spend({key: 10}, 1, 60)
        with pytest.raises(SessionUnreadable):
            store.read_count(key)
    assert client.get("rate:text") == b"text"


def test_processes_count_together(redis_server: RedisServer) -> None:
    """Several stores are several processes; no count is lost."""
    redis_server.client().delete("rate:many")
    stores = [RedisStore.from_url(redis_server.url) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda at: stores[at % 4].increment("rate:many", 60).number, range(200))
        )
    assert sorted(found) == list(range(1, 201))


def test_a_server_that_is_too_old_is_told_once_in_a_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is written to it; without the command that came with 7.0 any server is one."""
    with RedisServer("--rename-command", "PEXPIRETIME", "") as server:
        store = RedisStore.from_url(server.url)
        for _ in range(2):
            assert_unavailable(store, "server_too_old")
        assert server.client().keys() == []
        (told,) = [one for one in caplog.records if one.levelname == "ERROR"]
        assert "use Redis 7.0 or newer" in told.getMessage()
        assert server.client().info()["redis_version"] in told.getMessage()
        store.close()


def list_script_commands() -> list[str]:
    """What the scripts have the server do."""
    scripts = (ROOT / "services" / "sessions" / "stores" / "redis").glob("*.lua")
    texts = [script.read_text(encoding="utf-8") for script in scripts]
    return sorted({name for text in texts for name in CALLED.findall(text)})


@pytest.mark.parametrize("command", list_script_commands())
@pytest.mark.parametrize("version", [1, 2])
def test_a_script_that_cannot_finish_has_written_no_document(
    redis_server: RedisServer, version: int, command: str
) -> None:
    """Whichever of its commands the server refuses: a failed write has changed no session."""
    client = redis_server.client()
    client.flushall()
    indexed = record("k")._replace(indexes=("all", "owner"), idle_index="idle")
    whole = RedisStore.from_url(redis_server.url)
    if version > 1:
        whole.put(indexed, Condition.ABSENT)
    rules = ("reset", "on", ">secret", "~*", "+@all", f"-{command.lower()}")
    client.execute_command("ACL", "SETUSER", "limited", *rules)
    store = RedisStore.from_url(f"redis://limited:secret@127.0.0.1:{redis_server.port}/0")
    done = deleted = None
    with contextlib.suppress(StoreUnavailable):
        done = store.put(indexed.at(version), Condition.UNCHANGED)
    assert codec.version_of(whole.get("k") or b"") == (version if done else version - 1 or None)
    present = whole.get("k")
    tombstone = indexed.at(9)._replace(body=codec.tombstone_body(None), deleted=True)
    with contextlib.suppress(StoreUnavailable):
        deleted = store.put(tombstone, Condition.ANY)
    assert (whole.get("k") == present) is not bool(deleted)
    store.close()
    whole.close()


def test_something_else_in_an_index_s_place_costs_no_document(
    redis_url: str, redis_server: RedisServer
) -> None:
    """It is refused whole, and for another reason than a document that cannot be read."""
    store, client = RedisStore.from_url(redis_url), redis_server.client()
    client.set("all", "text")
    with pytest.raises(StoreReplyUnknown, match="index") as refused:
        store.put(record("k"), Condition.ABSENT)
    assert (refused.value.key, store.get("k")) == ("k", None)
    client.delete("all")
    store.put(record("k"), Condition.ABSENT)
    client.set("all", "text")
    assert store.touch(record("k")) is True
    assert store.quarantine("k", store.get("k") or b"", HOUR, "k", ["all"]) is True
    store.close()
