"""Counting within windows: the process's own counters, the engine's, and what `limits` asks for."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.strategies import FixedWindowRateLimiter

from services.rate_limits import (
    CounterStorage,
    MemoryCounters,
    SteadyCounters,
    find_wait,
    parse_limit,
)
from services.sessions.errors import SessionUnreadable, StoreUnavailable
from services.sessions.stores.base import COUNTER_PREFIX, Count, Counters
from tests.support.clock import FakeClock


class Failing(Counters):
    """Counters of an engine that may be away, which say what they were asked."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.keys: list[str] = []

    def increment(self, key: str, seconds: int) -> Count:
        self.keys.append(key)
        if self.error:
            raise self.error
        return Count(100, seconds)

    def read_count(self, key: str) -> Count:
        return self.increment(key, 10)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:  # noqa: ARG002
        self.keys += budgets
        if self.error:
            raise self.error
        return 7.0


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("60 per minute", [(60, 60)]),
        ("5/second; 100/hour", [(5, 1), (100, 3600)]),
        ("1 per 2 days", [(1, 172_800)]),
    ],
)
def test_an_expression_says_how_often(expression: str, allowed: list[tuple[int, int]]) -> None:
    """One limit or several."""
    assert [(limit.amount, limit.get_expiry()) for limit in parse_limit(expression)] == allowed


@pytest.mark.parametrize(
    "expression",
    ["", "often", "60", "60 per fortnight", "-1 per day", "0/minute", "1 per 2 years"],
)
def test_another_expression_is_none(expression: str) -> None:
    """Nor is one that allows nothing, or has no sensible window."""
    with pytest.raises(ValueError, match=r"parse|matched|at most"):
        parse_limit(expression)


def test_a_window_begins_with_the_first_count() -> None:
    """It ends when its seconds are over, however often was counted, and another begins."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    assert counters.increment("a", 10) == (1, 10)
    clock.now += 4
    assert counters.increment("a", 10) == (2, 6)
    assert counters.increment("b", 10) == (1, 10)
    clock.now += 5.5
    assert counters.increment("a", 10) == (3, 0.5)
    clock.now += 0.5
    assert counters.increment("a", 10) == (1, 10)


def test_the_counters_are_bounded() -> None:
    """Where there would be too many, the one that was begun first makes room."""
    clock = FakeClock()
    counters = MemoryCounters(most=2, clock=clock)
    for key in ("a", "b", "a", "c"):
        counters.increment(key, 10)
    assert counters.increment("b", 10).number == 2
    assert counters.increment("c", 10).number == 2
    assert counters.increment("a", 10).number == 1


def test_a_counter_that_begins_again_is_the_youngest() -> None:
    """The one beside it makes room."""
    clock = FakeClock()
    counters = MemoryCounters(most=3, clock=clock)
    counters.increment("a", 10)
    clock.forward(5)
    counters.increment("b", 10)
    clock.forward(5)
    for key in ("a", "c", "d"):
        counters.increment(key, 10)
    assert counters.increment("a", 10).number == 2
    assert counters.increment("b", 10).number == 1


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 7)), max_size=40))
def test_no_counter_forgets_or_invents(steps: list[tuple[str, float]]) -> None:
    """As a plain list of instants would count, as long as there is room."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    begun: dict[str, tuple[float, int]] = {}
    for key, pause in steps:
        clock.now += pause
        start, number = begun.get(key, (-1e9, 0))
        start, number = (start, number + 1) if start + 10 > clock.now else (clock.now, 1)
        begun[key] = (start, number)
        assert counters.increment(key, 10).number == number


def test_threads_count_together() -> None:
    """No count is lost."""
    counters = MemoryCounters()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: counters.increment("a", 60).number, range(400)))
    assert sorted(found) == list(range(1, 401))


@pytest.mark.parametrize("error", [StoreUnavailable("timeout"), SessionUnreadable("no counter")])
def test_the_process_counts_while_the_engine_does_not(error: Exception) -> None:
    """And the engine again as soon as it does."""
    engine = Failing()
    counters = SteadyCounters(engine, MemoryCounters())
    assert counters.increment("a", 10).number == 100
    engine.error = error
    assert [counters.increment("a", 10).number for _ in range(3)] == [1, 2, 3]
    engine.error = None
    assert counters.increment("a", 10).number == 100
    assert len(engine.keys) == 5


@pytest.mark.parametrize("error", [StoreUnavailable("timeout"), SessionUnreadable("no counter")])
def test_a_count_is_read_where_it_would_be_counted(error: Exception) -> None:
    """Of the engine, or of this process while that fails; reading counts nothing."""
    engine, clock = Failing(), FakeClock()
    counters = SteadyCounters(engine, MemoryCounters(clock=clock))
    assert counters.read_count("a") == (100, 10)
    engine.error = error
    assert counters.read_count("a") == (0, 0)
    counters.increment("a", 10)
    clock.forward(4)
    assert [counters.read_count("a") for _ in range(2)] == [(1, 6), (1, 6)]
    clock.forward(6)
    assert counters.read_count("a") == (0, 0)


@pytest.mark.parametrize("error", [StoreUnavailable("timeout"), SessionUnreadable("no budget")])
def test_the_process_keeps_budgets_while_the_engine_does_not(error: Exception) -> None:
    """And the engine again as soon as it does."""
    engine = Failing()
    counters = SteadyCounters(engine, MemoryCounters())
    assert counters.spend({"a": 10}, 6, 60) == 7.0
    engine.error = error
    assert counters.spend({"a": 10}, 6, 60) == 0
    assert counters.spend({"a": 10}, 6, 60) > 0
    engine.error = None
    assert counters.spend({"a": 10}, 6, 60) == 7.0


def test_a_budget_is_given_back_step_by_step() -> None:
    """After the window, what was spent first first; what does not fit costs nothing."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    assert counters.spend({"a": 10}, 6, 60) == 0
    clock.forward(30)
    assert counters.spend({"a": 10}, 4, 60) == 0
    wait = counters.spend({"a": 10}, 1, 60)
    assert 30 < wait <= 35
    clock.forward(wait - 0.1)
    assert counters.spend({"a": 10}, 1, 60) == pytest.approx(0.1)
    clock.forward(0.2)
    assert counters.spend({"a": 10}, 6, 60) == 0
    assert counters.spend({"a": 10}, 1, 60) > 0
    assert counters.spend({"a": 10}, 11, 60) == 60


def test_budgets_are_spent_together_or_not_at_all() -> None:
    """One that has nothing left costs the others nothing."""
    counters = MemoryCounters()
    assert counters.spend({"a": 10}, 10, 60) == 0
    assert counters.spend({"a": 10, "b": 10}, 5, 60) > 0
    assert counters.spend({"b": 10}, 10, 60) == 0


def test_the_budgets_are_bounded() -> None:
    """Where there would be too many, the one that was not used for longest makes room."""
    counters = MemoryCounters(most=2)
    for key in ("a", "b", "a", "c"):
        counters.spend({key: 10}, 5, 60)
    assert counters.spend({"b": 10}, 10, 60) == 0
    counters = MemoryCounters(most=2)
    for key in ("a", "b", "a", "c"):
        counters.spend({key: 10}, 5, 60)
    assert counters.spend({"a": 10}, 1, 60) > 0


def test_an_engine_without_counters_leaves_it_to_the_process() -> None:
    """SQLite and the dict."""
    counters = SteadyCounters(None, MemoryCounters())
    assert [counters.increment("a", 10).number for _ in range(2)] == [1, 2]


def test_a_limit_costs_one_question() -> None:
    """Whether it is exceeded and until when, under a key of its own kind."""
    engine = Failing()
    now = 1_000_000.0
    strategy = FixedWindowRateLimiter(CounterStorage(counters=engine, clock=lambda: now))
    (limit,) = parse_limit("99 per minute")
    assert not strategy.hit(limit, "someone", "conversations")
    assert strategy.get_window_stats(limit, "someone", "conversations") == (now + 60, 0)
    assert len(engine.keys) == 1
    assert engine.keys[0].startswith(COUNTER_PREFIX)


def test_a_client_waits_from_its_last_allowed_request_to_the_end_of_the_window() -> None:
    """For the longest of several windows, as far as `limits` itself has counted."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    expression = "2 per minute; 3 per hour"
    strategy = FixedWindowRateLimiter(CounterStorage(counters=counters, clock=clock))
    waits = []
    for _ in range(3):
        for limit in parse_limit(expression):
            strategy.hit(limit, "someone", "operators")
        waits.append(find_wait(counters, expression, "someone", "operators"))
    assert waits == [0, 60, 3600]
    assert find_wait(counters, expression, "another", "operators") == 0
    assert find_wait(counters, expression, "someone", "states") == 0
    clock.forward(3600)
    assert find_wait(counters, expression, "someone", "operators") == 0


def test_nothing_is_made_up() -> None:
    """A counter that was not just counted in this thread is not known."""
    storage = CounterStorage(counters=MemoryCounters())
    storage.incr("a", 10)
    assert storage.get("a") == 1
    assert storage.check()
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(storage.get, "a").exception(), NotImplementedError)
    for ask in (
        lambda: storage.get("b"),
        lambda: storage.get_expiry("b"),
        lambda: storage.incr("a", 10, 2),
        lambda: storage.clear("a"),
        storage.reset,
    ):
        with pytest.raises(NotImplementedError):
            ask()
