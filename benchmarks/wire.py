"""What an operation costs on the wire: round trips, and bytes in both directions."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import redis
import redis.asyncio.connection
import redis.connection

CONNECTIONS = (redis.connection.AbstractConnection, redis.asyncio.connection.AbstractConnection)
"""The connections of every client of redis-py, including ours."""


class WireCost(NamedTuple):
    """The cost of one operation on the wire.

    Attributes:
        trips: how often the client waits for a reply to what it has sent.
        sent, received: bytes to the server and from it.
    """

    trips: float
    sent: float
    received: float

    @property
    def columns(self) -> tuple[str, str, str]:
        """Its cells in a table."""
        return f"{self.trips:.0f}", f"{self.sent:,.0f} B", f"{self.received:,.0f} B"


COLUMNS = ("trips", "sent", "received")


def measure(client: redis.Redis, work: Callable[[], object], operations: int) -> WireCost:
    """Measure the cost of each operation, while the server does nothing else.

    Args:
        client: reads the server's count of bytes.
        work: does the operations, over connections that are already open.
        operations: how many it does.
    """
    before, between = _read_bytes(client), _read_bytes(client)
    with _count_trips() as trips:
        work()
    after = _read_bytes(client)
    # Reading the counts costs bytes, too: as many as between the first two readings.
    sent, received = (
        (last - middle) - (middle - first)
        for first, middle, last in zip(before, between, after, strict=True)
    )
    return WireCost(trips.count / operations, sent / operations, received / operations)


class _Trips:
    """A counter of round trips: something is read after something was sent."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: set[int] = set()

    def send_packed_command(self, connection: object) -> None:
        """Note that something is sent."""
        self._waiting.add(id(connection))

    def read_response(self, connection: object) -> None:
        """Count a trip; further replies to what was sent count no more."""
        if id(connection) in self._waiting:
            self._waiting.remove(id(connection))
            self.count += 1


@contextlib.contextmanager
def _count_trips() -> Iterator[_Trips]:
    trips = _Trips()
    with contextlib.ExitStack() as stack:
        for kind in CONNECTIONS:
            for count in (trips.send_packed_command, trips.read_response):
                wrapped = _wrap(getattr(kind, count.__name__), count)
                stack.enter_context(mock.patch.object(kind, count.__name__, wrapped))
        yield trips


def _wrap(method: Callable[..., Any], count: Callable[[object], None]) -> Callable[..., Any]:
    def wrapped(connection: object, *args: Any, **kwargs: Any) -> Any:
        count(connection)
        return method(connection, *args, **kwargs)

    return wrapped


def _read_bytes(client: redis.Redis) -> tuple[int, int]:
    stats = client.info("stats")
    return stats["total_net_input_bytes"], stats["total_net_output_bytes"]
