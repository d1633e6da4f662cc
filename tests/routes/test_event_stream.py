"""Server-sent events: their form, heartbeats in silence, and a client that goes away."""

import threading
import time
from collections.abc import Iterator

import pytest

from routes.event_stream import add_heartbeats, format_event
from tests.support.servers import eventually


def test_an_event_is_an_id_and_one_line_of_json() -> None:
    """Line breaks in texts cannot break the event."""
    event = format_event(("3-1", {"phase": "summary", "status": "two\nlines"}))
    assert event == 'id: 3-1\ndata: {"phase":"summary","status":"two\\nlines"}\n\n'


def test_silence_is_filled_with_comments() -> None:
    """And everything that was produced comes, in order."""
    release = threading.Event()

    def slow() -> Iterator[str]:
        yield "one"
        release.wait(5)
        yield "two"

    stream = add_heartbeats(slow(), interval=0.02)
    assert next(stream).startswith("retry:")
    assert next(stream) == "one"
    assert next(stream).startswith(":")
    assert next(stream).startswith(":")
    release.set()
    rest = [chunk for chunk in stream if not chunk.startswith(":")]
    assert rest == ["two"]


def test_a_client_that_goes_away_frees_the_thread() -> None:
    """The producer ends, though nobody reads what it makes."""

    def endless() -> Iterator[str]:
        while True:
            yield "more"

    before = threading.active_count()
    stream = add_heartbeats(endless())
    next(stream)
    assert next(stream) == "more"
    assert threading.active_count() == before + 1
    stream.close()  # type: ignore[attr-defined] # it is a generator
    assert eventually(lambda: threading.active_count() == before)


def test_an_error_of_the_producer_reaches_the_reader() -> None:
    """It is not lost in the thread."""

    def failing() -> Iterator[str]:
        yield "one"
        raise ZeroDivisionError

    stream = add_heartbeats(failing())
    assert next(stream).startswith("retry:")
    assert next(stream) == "one"
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_a_fast_producer_waits_for_a_slow_reader() -> None:
    """What is ahead of the reader is bounded."""
    made = []

    def fast() -> Iterator[str]:
        for number in range(1000):
            made.append(number)
            yield str(number)

    stream = add_heartbeats(fast())
    next(stream)
    next(stream)
    time.sleep(0.05)
    assert len(made) < 100
    assert len(list(stream)) == 999
