"""What an operation costs on the wire: round trips, and bytes in both directions."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import redis
import redis.asyncio.connection
import redis.connection

CONNECTIONS = (redis.connection.AbstractConnection, redis.asyncio.connection.AbstractConnection)
"""What every client of redis-py talks through, ours among them."""


class Wire(NamedTuple):
    """What one operation costs.

    Attributes:
        trips: how often the client waits for an answer to what it has sent.
        sent, received: bytes to the server and from it.
    """

    trips: float
    sent: float
    received: float

    @property
    def columns(self) -> tuple[str, str, str]:
        """As cells of a table."""
        return f"{self.trips:.0f}", f"{self.sent:,.0f} B", f"{self.received:,.0f} B"


COLUMNS = ("trips", "sent", "received")


def measured(client: redis.Redis, work: Callable[[], object], operations: int) -> Wire:
    """What each of so many operations costs, which are all that the server does meanwhile.

    Args:
        client: asks the server for its count of bytes.
        work: does the operations; its connections are open already.
        operations: how many they are.
    """
    before, asked = _bytes(client), _bytes(client)
    with _trips() as trips:
        work()
    after = _bytes(client)
    # Asking is counted as well; how much that is, the first two have told.
    sent, received = (
        (last - middle) - (middle - first)
        for first, middle, last in zip(before, asked, after, strict=True)
    )
    return Wire(trips.count / operations, sent / operations, received / operations)


class _Trips:
    """Counts the connections' turns: something is read after something was sent."""

    def __init__(self) -> None:
        self.count = 0
        self._asked: set[int] = set()

    def send_packed_command(self, connection: object) -> None:
        """Something is sent."""
        self._asked.add(id(connection))

    def read_response(self, connection: object) -> None:
        """A reply is read; it may be one of many to what was sent."""
        if id(connection) in self._asked:
            self._asked.remove(id(connection))
            self.count += 1


@contextlib.contextmanager
def _trips() -> Iterator[_Trips]:
    trips = _Trips()
    with contextlib.ExitStack() as stack:
        for kind in CONNECTIONS:
            for note in (trips.send_packed_command, trips.read_response):
                watched = _watched(getattr(kind, note.__name__), note)
                stack.enter_context(mock.patch.object(kind, note.__name__, watched))
        yield trips


def _watched(method: Callable[..., Any], note: Callable[[object], None]) -> Callable[..., Any]:
    def watched(connection: object, *args: Any, **kwargs: Any) -> Any:
        note(connection)
        return method(connection, *args, **kwargs)

    return watched


def _bytes(client: redis.Redis) -> tuple[int, int]:
    told = client.info("stats")
    return told["total_net_input_bytes"], told["total_net_output_bytes"]
