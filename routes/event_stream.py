"""Server-sent events: `data:` lines with ids, and comments while nothing happens."""

import contextvars
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from flask import Response

HEARTBEAT_SECONDS = 15.0
"""The longest pause: proxies close a stream that sends nothing for much longer."""
RECONNECT_MS = 2000
"""How long a client waits before it resumes a broken stream."""

Event = tuple[str, dict[str, Any]]


def stream_events(events: Iterable[Event]) -> Response:
    """A response that streams `(id, data)` events as they come."""
    response = Response(add_heartbeats(map(format_event, events)), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def format_event(event: Event) -> str:
    """One event on the wire; its data is one line of JSON."""
    event_id, data = event
    return f"id: {event_id}\ndata: {msgspec.json.encode(data).decode()}\n\n"


def add_heartbeats(chunks: Iterator[str], interval: float = HEARTBEAT_SECONDS) -> Iterator[str]:
    """The chunks, with a comment whenever none came for `interval` seconds.

    A thread of their own makes the chunks, so that waiting for one can be interrupted. When the
    client is gone, that thread ends at the next chunk it has to hand over.
    """
    ready: queue.Queue[str | BaseException | None] = queue.Queue(maxsize=64)
    gone = threading.Event()
    # The thread runs in the request's context, so that both share the request's time budget.
    producer = threading.Thread(
        target=contextvars.copy_context().run,
        args=(_produce, chunks, ready, gone),
        name="event-stream",
        daemon=True,
    )
    producer.start()
    try:
        yield f"retry: {RECONNECT_MS}\n\n"
        while True:
            try:
                chunk = ready.get(timeout=interval)
            except queue.Empty:
                yield ": still working\n\n"
                continue
            if chunk is None:
                return
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
    finally:
        gone.set()


def _produce(
    chunks: Iterator[str],
    ready: "queue.Queue[str | BaseException | None]",
    gone: threading.Event,
) -> None:
    end: BaseException | None = None
    try:
        for chunk in chunks:
            if not _hand_over(chunk, ready, gone):
                return
    except Exception as error:  # noqa: BLE001 - raised again in the thread that reads the stream
        end = error
    _hand_over(end, ready, gone)


def _hand_over(
    item: str | BaseException | None,
    ready: "queue.Queue[str | BaseException | None]",
    gone: threading.Event,
) -> bool:
    """Put an item into the queue; False when the reader is gone."""
    while not gone.is_set():
        try:
            ready.put(item, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False
