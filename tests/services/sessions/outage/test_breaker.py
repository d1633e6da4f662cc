"""A breaker opens after failures, lets one probe through, and closes when that succeeds."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.sessions.errors import StoreUnavailable
from services.sessions.outage.breaker import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_SUSPECTS,
    WINDOW,
    Breaker,
    State,
)
from tests.support.clock import FakeClock

TIMEOUT = StoreUnavailable("timeout")


@pytest.fixture
def clock() -> FakeClock:
    """Time that stands still until it is moved."""
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    """A breaker that is closed."""
    return Breaker("read", clock=clock)


def state(breaker: Breaker) -> State:
    """What it does now; asked anew each time."""
    return breaker.state


def fail(breaker: Breaker, times: int = 1, reason: str = "timeout") -> None:
    """So many calls that fail."""
    for _ in range(times):
        breaker.record_failure(StoreUnavailable(reason), probe=breaker.enter())


def succeed(breaker: Breaker) -> None:
    """A call that succeeds."""
    breaker.record_success(probe=breaker.enter())


def refused(breaker: Breaker) -> StoreUnavailable:
    """What a call is told that is not let through."""
    with pytest.raises(StoreUnavailable) as told:
        breaker.enter()
    return told.value


def test_three_failures_in_a_row_open_it(breaker: Breaker) -> None:
    """A success in between begins the count again."""
    fail(breaker, 2)
    succeed(breaker)
    fail(breaker, 2)
    assert state(breaker) is State.CLOSED
    fail(breaker)
    assert state(breaker) is State.OPEN


def test_half_of_many_opens_it_too(breaker: Breaker) -> None:
    """An engine that answers every other call is not worth waiting for."""
    for _ in range(WINDOW // 2 - 1):
        fail(breaker)
        succeed(breaker)
    assert state(breaker) is State.CLOSED
    fail(breaker)
    assert state(breaker) is State.OPEN


def test_open_it_tells_why_and_when_to_try_again(breaker: Breaker) -> None:
    """The wait is a whole number of seconds, as Retry-After wants it."""
    fail(breaker, 3, "loading")
    told = refused(breaker)
    assert (told.reason, told.retry_after) == ("loading", 1)


def test_half_open_one_call_is_the_probe(breaker: Breaker, clock: FakeClock) -> None:
    """However many ask at once; the others are told to wait."""
    fail(breaker, 3)
    clock.forward(FIRST_PAUSE)
    everyone = threading.Barrier(16)

    def ask(_: int) -> bool:
        everyone.wait()
        try:
            return breaker.enter()
        except StoreUnavailable:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(16))) == 1
    assert state(breaker) is State.HALF_OPEN
    refused(breaker)


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: FakeClock) -> None:
    """And the failures before do not count any more."""
    fail(breaker, 3)
    clock.forward(FIRST_PAUSE)
    succeed(breaker)
    assert (breaker.state, breaker.reason) == (State.CLOSED, "")
    fail(breaker, 2)
    assert state(breaker) is State.CLOSED


def test_a_probe_that_fails_opens_it_for_longer(breaker: Breaker, clock: FakeClock) -> None:
    """Up to a bound, so that a server that is back is not kept waiting."""
    fail(breaker, 3)
    for _ in range(6):
        clock.forward(LONGEST_PAUSE)
        fail(breaker)
        refused(breaker)
    clock.forward(LONGEST_PAUSE / 2 - 0.01)
    refused(breaker)
    clock.forward(LONGEST_PAUSE / 2 + 0.01)
    assert breaker.enter() is True


def test_the_probes_of_many_processes_are_spread(clock: FakeClock) -> None:
    """All of them found out at the same moment and would ask again at the same."""
    ready = []
    for _ in range(50):
        breaker = Breaker("read", clock=clock)
        fail(breaker, 3)
        ready.append(breaker)
    clock.forward(FIRST_PAUSE * 0.75)
    states = set()
    for breaker in ready:
        try:
            breaker.enter()
            states.add("probe")
        except StoreUnavailable:
            states.add("wait")
    assert states == {"probe", "wait"}


def test_an_answer_that_comes_late_is_no_probe(breaker: Breaker) -> None:
    """A call from before it opened neither closes it nor opens it for longer."""
    early = breaker.enter()
    fail(breaker, 3)
    breaker.record_success(probe=early)
    assert state(breaker) is State.OPEN
    breaker.record_failure(TIMEOUT, probe=early)
    assert state(breaker) is State.OPEN


def test_changes_are_logged_and_calls_are_not(
    breaker: Breaker, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins to fail, one when it opens, one when it is over."""
    with caplog.at_level(logging.INFO):
        fail(breaker, 3)
        for _ in range(100):
            refused(breaker)
        for _ in range(3):
            clock.forward(LONGEST_PAUSE)
            fail(breaker)
        clock.forward(LONGEST_PAUSE)
        succeed(breaker)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "ERROR", "WARNING"]
    assert all("timeout" in record.message for record in caplog.records[:2])


def test_what_may_concern_one_thing_alone_counts_once_for_it(breaker: Breaker) -> None:
    """Three things that fail in a row are no coincidence."""
    for subject in ("one", "one", "one", "two", "two"):
        breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject=subject)
    assert state(breaker) is State.CLOSED
    breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject="three")
    assert state(breaker) is State.OPEN


def test_a_thing_that_succeeds_again_is_no_suspect_any_more(breaker: Breaker) -> None:
    """What it fails of later counts."""
    for _ in range(2):
        breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject="one")
        breaker.record_success(probe=breaker.enter(), subject="one")
    fail(breaker, 2)
    breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject="one")
    assert state(breaker) is State.OPEN


def test_a_suspect_as_the_probe_leaves_it_to_another_call(
    breaker: Breaker, clock: FakeClock
) -> None:
    """It fails whether the engine is back or not."""
    breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject="one")
    fail(breaker, 2)
    clock.forward(LONGEST_PAUSE)
    breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject="one")
    assert state(breaker) is State.OPEN
    succeed(breaker)
    assert state(breaker) is State.CLOSED


def test_suspects_are_bounded(breaker: Breaker) -> None:
    """The first are forgotten; while others succeed, none of them opens it."""
    for at in range(2 * MOST_SUSPECTS):
        breaker.record_failure(TIMEOUT, probe=breaker.enter(), subject=f"{at}")
        for _ in range(WINDOW):
            succeed(breaker)
    assert len(breaker._suspects) == MOST_SUSPECTS
    assert state(breaker) is State.CLOSED
