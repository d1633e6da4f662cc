"""What a chat turn costs at the store, compared with bare redis-py, and as data grows."""

import time
import uuid
from typing import Any

import msgspec
import redis

from benchmarks.report import judge, print_table, time_call, time_pairs, to_micros
from services.keyspaces import build_keyspaces
from services.sessions import Session, codec, get_session, save_session, set_session_store
from services.sessions.stores import RedisStore
from tests.support.servers import RedisServer

DOCUMENT_BYTES = 8192
TURNS = (10, 100, 1000)
STORED = (1_000, 100_000, 1_000_000)


def run() -> None:
    """Print every table of the store."""
    with RedisServer() as server:
        store = RedisStore.from_url(server.url)
        set_session_store(store, max_bytes=8_000_000, keyspaces=build_keyspaces())
        _compare_with_bare(server)
        _measure_by_length(server)
        server.client().flushall()
        _measure_by_stored_sessions(server)
        store.close()


def build_conversation(turns: int) -> dict[str, Any]:
    """Build the data of a conversation of so many turns, each with a message and a reply."""
    history = []
    for number in range(turns):
        message = {"role": "user", "content": "It is 230 V AC and has no radio.", "id": new_id()}
        reply = {"role": "assistant", "content": f"Noted ({number}). " + "What else? " * 8}
        reply |= {"id": new_id(), "reply_to": message["id"]}
        history += [message, {**reply, "complete": False}]
    return {"history": history, "complete": False, "analyzed": False}


def _compare_with_bare(server: RedisServer) -> None:
    data: dict[str, Any] = {"history": []}
    while len(msgspec.json.encode(data)) < DOCUMENT_BYTES - 300:
        data["history"] += build_conversation(1)["history"]
    session_id = new_id()
    save_session(session_id, data, owner="anna")
    client = redis.Redis(port=server.port)
    value = client.get(f"chat:session:{session_id}")
    assert isinstance(value, bytes)  # noqa: S101 - a wrong measurement must stop
    client.set("bare", value)

    def turn() -> None:
        save_session(session_id, get_session(session_id, owner="anna"))

    def bare() -> None:
        client.get("bare")
        client.set("bare", value, ex=3600)

    ours, theirs, ratio = time_pairs(turn, bare, rounds=400, pairs=15)
    print_table(
        f"One chat turn at the store, a document of {len(value):,} bytes, real Redis",
        ("what", "median", "ratio", "target"),
        [
            ("read, decode, check owner; encode, compare-and-set, two indexes", to_micros(ours),
             f"{ratio:.2f}", judge(ratio, at_most=1.25)),
            ("bare redis-py: GET, SET EX of the same bytes", to_micros(theirs), "1.00", ""),
        ],
    )  # fmt: skip


def _measure_by_length(server: RedisServer) -> None:
    client = redis.Redis(port=server.port)
    rows = []
    for turns in TURNS:
        session_id = new_id()
        save_session(session_id, build_conversation(turns))
        value = client.get(f"chat:session:{session_id}")
        assert isinstance(value, bytes)  # noqa: S101 - as above

        def turn(session_id: str = session_id) -> None:
            save_session(session_id, get_session(session_id))

        def bare(value: bytes = value) -> None:
            client.get("bare")
            client.set("bare", value, ex=3600)

        client.set("bare", value)
        ours, theirs, ratio = time_pairs(turn, bare, rounds=60, pairs=7)
        memory = client.memory_usage(f"chat:session:{session_id}")
        rows.append(
            (f"{turns:,}", f"{len(value):,} B", f"{memory:,} B", to_micros(ours), to_micros(theirs),
             f"{ratio:.2f}")
        )  # fmt: skip
    header = ("turns", "document", "in Redis", "turn", "bare GET + SET", "ratio")
    print_table("A turn by the length of its conversation", header, rows)


def _measure_by_stored_sessions(server: RedisServer) -> None:
    client = redis.Redis(port=server.port)
    session = Session(new_id(), build_conversation(2), owner="anna")
    save_session(session.session_id, session, owner="anna")
    empty = client.info("memory")["used_memory"]
    rows, stored, first = [], 0, 0.0
    for goal in STORED:
        _fill(client, goal - stored)
        stored = goal

        def turn() -> None:
            save_session(session.session_id, get_session(session.session_id, owner="anna"))

        turn()
        time.sleep(0.2)
        took = min(time_call(turn, 300) for _ in range(7))
        first = first or took
        each = (client.info("memory")["used_memory"] - empty) / stored
        rows.append((f"{stored:,}", to_micros(took), f"{took / first:.2f}", f"{each:,.0f} B"))
    header = ("sessions stored", "turn", "against the first", "memory a session")
    print_table("A turn by the number of stored sessions, of 2 turns each", header, rows)


def _fill(client: redis.Redis, count: int) -> None:
    """Store so many sessions with their index entries, many in a round trip."""
    body = b',"format":1,"owner":null,' + msgspec.json.encode(build_conversation(2))[1:]
    value = codec.join(1, body)
    end = int(time.time() * 1000) + 86_400_000
    while count > 0:
        chunk = min(count, 5_000)
        pipe = client.pipeline(transaction=False)
        for session_id in (new_id() for _ in range(chunk)):
            pipe.set(f"chat:session:{session_id}", value, pxat=end)
            pipe.zadd("index:chat:session", {session_id: end})
        pipe.execute()
        count -= chunk


def new_id() -> str:
    """Draw the id of a session or a message."""
    return str(uuid.uuid4())
