"""Adapters to libraries that keep a conversation in Redis: ours and its peers.

All keep the same messages for the same time, with clients that are connected beforehand. The
peers' packages come from benchmarks/requirements.txt and are imported only where they are used.
"""

import asyncio
import importlib
import importlib.util
import time
import warnings
from abc import ABC, abstractmethod

import redis
import redis.asyncio
from flask import Flask, Response

from services import sessions
from services.keyspaces import build_keyspaces
from services.sessions.stores import RedisStore
from tests.support.servers import RedisServer

CONVERSATIONS = 20
"""Conversations in one timing; each gets one message, so that none grows."""
TTL = 3600
MESSAGE = {"role": "user", "content": ("A desk lamp for mains, with a switch. " * 14)[:500]}


class Peer(ABC):
    """A library that keeps CONVERSATIONS conversations.

    Attributes:
        package: the package that it needs.
        name: its name in the table.
        prefix: the prefix of its keys.
        notes: what it does and does not do.
    """

    package: str
    name: str
    prefix: str
    notes: str

    def __init__(self, server: RedisServer) -> None:  # noqa: ARG002 - subclasses need it
        self._snapshot: dict[bytes, bytes] = {}

    @classmethod
    def is_installed(cls) -> bool:
        """Whether its package is installed."""
        return importlib.util.find_spec(cls.package) is not None

    def fill(self, client: redis.Redis, length: int) -> None:
        """Store conversations of so many messages, and take a snapshot of their keys."""
        self.begin()
        for _ in range(length):
            self.append()
        self._snapshot = {}
        for key in client.scan_iter(f"{self.prefix}*", count=1000):
            self._snapshot[key] = client.dump(key) or b""

    def reset(self, client: redis.Redis) -> None:
        """Restore the snapshot."""
        pipe = client.pipeline(transaction=False)
        for key, value in self._snapshot.items():
            pipe.restore(key, TTL * 1000, value, replace=True)
        pipe.execute()

    def begin(self) -> None:  # noqa: B027 - most need no preparation
        """Store conversations without a message, where an append needs one to be there."""

    @abstractmethod
    def append(self) -> float:
        """Append a message to each conversation; return the average seconds of one."""

    @abstractmethod
    def load(self) -> tuple[float, int]:
        """Read each conversation; return the average seconds of one, and its number of messages."""

    @abstractmethod
    def close(self) -> None:
        """Close its connections."""


class _Synchronous(Peer):
    """A library whose calls block."""

    def append(self) -> float:
        """Implement the contract with single calls."""
        begin = time.perf_counter()
        for number in range(CONVERSATIONS):
            self.append_to(number)
        return (time.perf_counter() - begin) / CONVERSATIONS

    def load(self) -> tuple[float, int]:
        """Implement the contract with single calls."""
        begin = time.perf_counter()
        for number in range(CONVERSATIONS):
            length = self.read(number)
        return (time.perf_counter() - begin) / CONVERSATIONS, length

    @abstractmethod
    def append_to(self, number: int) -> None:
        """Append a message to one conversation."""

    @abstractmethod
    def read(self, number: int) -> int:
        """Read one conversation; return its number of messages."""


class _Ours(_Synchronous):
    package = "services"
    name = "ours"
    prefix = "chat:session:"
    notes = (
        "one JSON document with compare-and-set: of two concurrent changes both are kept, whatever"
        " they change; owners are checked, sessions are listed and counted, and unreadable values"
        " are quarantined. An append moves the whole conversation, which costs more as it grows"
    )

    def __init__(self, server: RedisServer) -> None:
        super().__init__(server)
        sessions.set_session_store(RedisStore.from_url(server.url), keyspaces=build_keyspaces())
        self._ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(CONVERSATIONS)]

    def begin(self) -> None:
        for session_id in self._ids:
            sessions.save_session(session_id, {"history": []}, owner="anna")

    def append_to(self, number: int) -> None:
        def change(session: sessions.Session) -> None:
            session["history"].append(MESSAGE)

        sessions.update_session(self._ids[number], change, owner="anna")

    def read(self, number: int) -> int:
        return len(sessions.get_session(self._ids[number], owner="anna")["history"])

    def close(self) -> None:
        sessions.close_session_store()


class _Agents(Peer):
    package = "agents"
    name = "openai-agents RedisSession"
    prefix = "agents:session:"
    notes = (
        "appends to a list in a transaction, so of two concurrent appends both are kept; no saving"
        " against a version, no owners, no listing; unreadable messages are skipped silently."
        " Asynchronous, in one running loop"
    )

    def __init__(self, server: RedisServer) -> None:
        super().__init__(server)
        memory = importlib.import_module("agents.extensions.memory")
        self._loop = asyncio.Runner()
        self._client = redis.asyncio.Redis(port=server.port)
        self._sessions = [
            memory.RedisSession(str(number), redis_client=self._client, ttl=TTL)
            for number in range(CONVERSATIONS)
        ]

    def append(self) -> float:
        return self._loop.run(self._append())

    def load(self) -> tuple[float, int]:
        return self._loop.run(self._load())

    def close(self) -> None:
        self._loop.run(self._client.aclose())
        self._loop.close()

    async def _append(self) -> float:
        begin = time.perf_counter()
        for session in self._sessions:
            await session.add_items([MESSAGE])
        return (time.perf_counter() - begin) / CONVERSATIONS

    async def _load(self) -> tuple[float, int]:
        begin = time.perf_counter()
        for session in self._sessions:
            length = len(await session.get_items())
        return (time.perf_counter() - begin) / CONVERSATIONS, length


class _Langchain(_Synchronous):
    package = "langchain_community"
    name = "langchain-community RedisChatMessageHistory"
    prefix = "message_store:"
    notes = (
        "appends to a list, so of two concurrent appends both are kept, then sets its expiry in a"
        " second command; no saving against a version, no owners, no listing. Here with one client"
        " for all; by default each history opens its own connection"
    )

    def __init__(self, server: RedisServer) -> None:
        super().__init__(server)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is no longer developed
            histories = importlib.import_module("langchain_community.chat_message_histories")
            messages = importlib.import_module("langchain_core.messages")
            kind = histories.RedisChatMessageHistory
        self._message = messages.HumanMessage(MESSAGE["content"])
        self._client = redis.Redis(port=server.port)
        self._histories = [kind(str(n), url=server.url, ttl=TTL) for n in range(CONVERSATIONS)]
        for history in self._histories:
            history.redis_client.close()
            history.redis_client = self._client

    def append_to(self, number: int) -> None:
        self._histories[number].add_message(self._message)

    def read(self, number: int) -> int:
        return len(self._histories[number].messages)

    def close(self) -> None:
        self._client.close()


class _FlaskSession(_Synchronous):
    package = "flask_session"
    name = "Flask-Session RedisSessionInterface"
    prefix = "flask:"
    notes = (
        "one document, written unconditionally: of two concurrent appends one is lost; no owners,"
        " no listing. Measured without its cookie, and its load without the write that by default"
        " ends every request"
    )

    def __init__(self, server: RedisServer) -> None:
        super().__init__(server)
        redis_sessions = importlib.import_module("flask_session.redis")
        self._client = redis.Redis(port=server.port)
        self._app = Flask("peer")
        self._app.config["PERMANENT_SESSION_LIFETIME"] = TTL
        self._interface = redis_sessions.RedisSessionInterface(
            self._app, self._client, key_prefix=self.prefix
        )
        self._interface.should_set_cookie = lambda _app, _session: False
        cookies = [{"Cookie": f"session={number}"} for number in range(CONVERSATIONS)]
        contexts = [self._app.test_request_context(headers=cookie) for cookie in cookies]
        self._requests = [context.request for context in contexts]

    def begin(self) -> None:
        for number in range(CONVERSATIONS):
            session = self._interface.session_class(sid=str(number), permanent=True)
            session["history"] = []
            self._interface.save_session(self._app, session, Response())

    def append_to(self, number: int) -> None:
        session = self._interface.open_session(self._app, self._requests[number])
        session["history"].append(MESSAGE)
        session.modified = True
        self._interface.save_session(self._app, session, Response())

    def read(self, number: int) -> int:
        return len(self._interface.open_session(self._app, self._requests[number])["history"])

    def close(self) -> None:
        self._client.close()


KINDS: tuple[type[Peer], ...] = (_Ours, _Agents, _Langchain, _FlaskSession)
