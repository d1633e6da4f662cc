"""A TCP proxy on a free port, with faults that are switched on and off while it runs.

The faults have the names they usually have: down, latency, timeout (a black hole), reset_peer
and slicer; `up` ends them. `redirect` and `answer` are what proxies of databases do.
"""

import asyncio
import random
import re
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.support.servers import free_port

CHUNK = 65_536
COMMAND = re.compile(rb"^\*\d+\r$", re.MULTILINE)
"""How each command of Redis begins."""
SWITCH_SECONDS = 10.0
"""How long switching may take on a busy machine."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST instead of FIN."""


class Toxic(NamedTuple):
    """What is done to every chunk at present.

    Attributes:
        delay, jitter: seconds by which replies are held back, and how far that varies.
        swallow: whether requests and replies disappear.
        piece, pause: bytes of the pieces replies are cut into (0: whole), seconds between two.
        reject: whether connections are taken and reset at once.
        answer: what every command is answered with, instead of being passed on.
    """

    delay: float = 0.0
    jitter: float = 0.0
    swallow: bool = False
    piece: int = 0
    pause: float = 0.0
    reject: bool = False
    answer: bytes = b""


class _Link:
    """One connection through the proxy; `broken` when something of it was swallowed."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.broken = False

    def cut(self) -> None:
        """End both halves at once, the client's with RST."""
        _reset(self.client)
        self.server.transport.abort()


class Proxy:
    """Passes connections on to a port of 127.0.0.1, from entering to leaving.

    Args:
        target: the server's port.

    Attributes:
        port: where it listens.
        connections: how many were taken; those refused while it is down are not seen.
        requests: how many chunks came from clients, about one for each command or pipeline.
        resets: how many connections `reset_peer` has ended.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.connections = 0
        self.requests = 0
        self.resets = 0
        self._target = target
        self._toxic = Toxic()
        self._to_reset = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._switch(Toxic()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def redirect(self, target: int) -> None:
        """Pass new connections on to another port; those that are open stay where they are."""
        self._target = target

    def up(self) -> None:
        """No fault any more; connections that lost something are cut."""
        self._to_reset = 0
        self._run(self._switch(Toxic()))

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        self._run(self._close())

    def reject(self) -> None:
        """Cut every connection, take new ones and reset them at once: `down` that can count."""
        self._run(self._switch(Toxic(reject=True)))

    def latency(self, seconds: float, jitter: float = 0.0) -> None:
        """Hold every reply back so long, more or less by the jitter."""
        self._run(self._switch(Toxic(delay=seconds, jitter=jitter)))

    def timeout(self) -> None:
        """Take connections and requests, and let nothing through."""
        self._run(self._switch(Toxic(swallow=True)))

    def slicer(self, piece: int = 300, pause: float = 0.0002) -> None:
        """Cut every reply into pieces of so many bytes, with pauses between them."""
        self._run(self._switch(Toxic(piece=piece, pause=pause)))

    def answer(self, reply: bytes) -> None:
        """Answer every command of Redis with this, as a proxy does that reaches no server."""
        self._run(self._switch(Toxic(answer=reply)))

    def reset_peer(self, requests: int) -> None:
        """Have each of the next requests done by the server, and reset before its reply."""
        self._to_reset = requests

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(SWITCH_SECONDS)

    async def _switch(self, toxic: Toxic) -> None:
        self._toxic = toxic
        if toxic.reject:
            self._cut(broken_only=False)
        elif not toxic.swallow and not toxic.answer:
            self._cut(broken_only=True)
        if self._server is None:
            self._server = await asyncio.start_server(
                self._take, "127.0.0.1", self.port, backlog=512
            )

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._cut(broken_only=False)

    async def _end(self) -> None:
        await self._close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is let go of in the loop's next round

    def _cut(self, *, broken_only: bool) -> None:
        for link in list(self._links):
            if link.broken or not broken_only:
                link.cut()

    async def _take(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self.connections += 1
            if self._toxic.reject:
                _reset(client)
            else:
                await self._pass_on(reader, client)
        except OSError:
            _reset(client)  # the server cannot be reached
        finally:
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        from_server, server = await asyncio.open_connection("127.0.0.1", self._target)
        link = _Link(client, server)
        self._links.add(link)
        halves = (
            asyncio.ensure_future(self._requests(reader, link)),
            asyncio.ensure_future(self._replies(from_server, link)),
        )
        try:
            await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._links.discard(link)
            client.close()  # does nothing where it was reset
            server.transport.abort()
            await asyncio.gather(*halves, return_exceptions=True)

    async def _requests(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while chunk := await reader.read(CHUNK):
            self.requests += 1
            if self._toxic.swallow:
                link.broken = True
                continue
            if self._toxic.answer:
                link.broken = True  # the server knows nothing of what was begun here
                link.client.write(self._toxic.answer * len(COMMAND.findall(chunk)))
                continue
            link.server.write(chunk)
            await link.server.drain()

    async def _replies(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while chunk := await reader.read(CHUNK):
            if self._to_reset > 0:
                self._to_reset -= 1
                self.resets += 1
                return link.cut()
            toxic = self._toxic
            if toxic.swallow:
                link.broken = True
                continue
            if toxic.delay:
                varied = random.uniform(-toxic.jitter, toxic.jitter)  # noqa: S311 - no secret
                await asyncio.sleep(max(0.0, toxic.delay + varied))
            await self._deliver(chunk, link.client, toxic)
        return None

    async def _deliver(self, chunk: bytes, client: asyncio.StreamWriter, toxic: Toxic) -> None:
        piece = toxic.piece or len(chunk)
        for start in range(0, len(chunk), piece):
            client.write(chunk[start : start + piece])
            await client.drain()
            if toxic.pause:
                await asyncio.sleep(toxic.pause)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once, with RST."""
    transport = writer.transport
    if not transport.is_closing():
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
