"""An engine behind breakers: what it cannot do is known without asking, and nobody waits long."""

import inspect
import threading
import time
from collections.abc import Mapping

import pytest

from services.sessions import request_budget
from services.sessions.errors import (
    SessionUnreadable,
    StoreFull,
    StoreRefused,
    StoreReplyUnknown,
    StoreUnavailable,
)
from services.sessions.outage import Outage
from services.sessions.outage.breaker import (
    FAILURES_IN_A_ROW,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Breaker,
    State,
)
from services.sessions.outage.guard import PROBE_GRACE_SECONDS, GuardedCounters, GuardedStore
from services.sessions.stores import MemoryStore, Store
from services.sessions.stores.base import Condition, Count, Counters, Put, Record
from tests.support.clock import FakeClock
from tests.support.engines import CutOff, document_record
from tests.support.servers import eventually

RECORD = document_record("chat:session:one", 1, "text")


class ReadOnly(MemoryStore):
    """An engine that answers reads and refuses writes."""

    def put(self, record: Record, condition: Condition) -> Put:  # noqa: ARG002
        raise StoreRefused("read_only", retry_after=5)


class Counting(CutOff, Counters):
    """An engine that counts as well, and may refuse that alone."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden = False

    def increment(self, key: str, seconds: int) -> Count:  # noqa: ARG002
        self._ask()
        if self.forbidden:
            raise StoreRefused("no_permission", retry_after=30)
        return Count(1, seconds)

    def read_count(self, key: str) -> Count:
        return self.increment(key, 60)

    def spend(self, budgets: Mapping[str, int], amount: int, seconds: int) -> float:  # noqa: ARG002
        self._ask()
        return 0.0


class Erring(MemoryStore):
    """An engine that answers nothing but errors about some keys, or about all."""

    def __init__(self, *keys: str) -> None:
        super().__init__()
        self.keys = set(keys)
        self.errs = False

    def get(self, key: str) -> bytes | None:
        self._check(key)
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        self._check(record.key)
        return super().put(record, condition)

    def ping(self) -> None:
        if self.errs:
            raise StoreReplyUnknown("upstream")

    def _check(self, key: str) -> None:
        if self.errs or key in self.keys:
            raise StoreReplyUnknown("upstream", key=key)


class Blocked(MemoryStore):
    """An engine in which reading one key takes until it is allowed to end."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def get(self, key: str) -> bytes | None:
        if key == "slow":
            self.entered.set()
            assert self.go.wait(10)
        return super().get(key)


def open_reads(guarded: GuardedStore, engine: CutOff) -> None:
    """Let reads fail until they are not tried any more."""
    engine.down = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            guarded.get("any")
    assert guarded.reads.state is State.OPEN


def test_an_open_breaker_asks_the_engine_nothing() -> None:
    """The answer is there at once, with the reason of the last failure."""
    engine = CutOff()
    guarded = GuardedStore(engine)
    open_reads(guarded, engine)
    asked = engine.asked
    with pytest.raises(StoreUnavailable, match="connection"):
        guarded.get("any")
    assert engine.asked == asked


def test_writes_that_are_refused_keep_no_read_from_the_engine() -> None:
    """A full, read-only or paused server goes on answering reads."""
    guarded = GuardedStore(ReadOnly())
    for _ in range(4):
        with pytest.raises(StoreUnavailable, match="read_only"):
            guarded.put(RECORD, Condition.ABSENT)
    assert (guarded.reads.state, guarded.writes.state) == (State.CLOSED, State.OPEN)
    assert guarded.get(RECORD.key) is None
    assert guarded.is_degraded


def test_no_room_for_a_new_session_is_no_failure_of_the_engine() -> None:
    """The sessions that are there can still be changed."""
    guarded = GuardedStore(MemoryStore(max_sessions=1))
    guarded.put(RECORD, Condition.ABSENT)
    for at in range(5):
        with pytest.raises(StoreFull):
            guarded.put(document_record(f"chat:session:{at}", 1, ""), Condition.ABSENT)
    assert guarded.put(RECORD.at(2), Condition.UNCHANGED).version == 2


def test_an_unreadable_value_is_an_answer() -> None:
    """It says nothing about whether the engine can be asked."""

    class Strange(MemoryStore):
        def get(self, key: str) -> bytes | None:  # noqa: ARG002
            raise SessionUnreadable("no document")

    guarded = GuardedStore(Strange())
    for _ in range(5):
        with pytest.raises(SessionUnreadable):
            guarded.get("any")
    assert guarded.reads.state is State.CLOSED


@pytest.mark.parametrize("between", [0, 1, 5])
def test_a_document_that_always_errs_keeps_no_other_from_the_engine(between: int) -> None:
    """However often it is asked for, and however seldom another one is."""
    bad = document_record("chat:session:bad", 1, "text")
    guarded = GuardedStore(Erring(bad.key))
    for _ in range(60):
        with pytest.raises(StoreUnavailable):
            guarded.get(bad.key)
        with pytest.raises(StoreUnavailable):
            guarded.put(bad, Condition.ANY)
        for at in range(between):
            guarded.get(f"chat:session:{at}")
            guarded.put(RECORD, Condition.ANY)
    assert not guarded.is_degraded
    guarded.put(RECORD, Condition.ANY)
    assert guarded.get(RECORD.key)


def test_an_engine_that_errs_about_everything_is_away() -> None:
    """Its breakers open as they do for any other reason, and close when it answers."""
    engine, clock = Erring(), FakeClock()
    guarded = GuardedStore(engine, reads=Breaker("read", clock=clock))
    engine.errs = True
    for at in range(FAILURES_IN_A_ROW):
        with pytest.raises(StoreUnavailable, match="upstream"):
            guarded.get(f"chat:session:{at}")
    assert guarded.reads.state is State.OPEN
    clock.forward(LONGEST_PAUSE)
    with pytest.raises(StoreUnavailable):
        guarded.ping()
    assert guarded.reads.state is State.OPEN
    engine.errs = False
    clock.forward(LONGEST_PAUSE)
    guarded.ping()
    assert guarded.get("chat:session:0") is None
    assert not guarded.is_degraded


def test_a_command_that_is_not_permitted_keeps_no_other_from_the_engine() -> None:
    """However often it is given, and whatever it is about."""

    class Forbidding(MemoryStore):
        def ping(self) -> None:
            raise StoreRefused("no_permission")

        def touch(self, record: Record) -> bool:  # noqa: ARG002
            raise StoreRefused("no_permission")

    guarded = GuardedStore(Forbidding())
    for at in range(30):
        with pytest.raises(StoreRefused):
            guarded.ping()
        with pytest.raises(StoreRefused):
            guarded.touch(document_record(f"chat:session:{at}", 1, ""))
    assert not guarded.is_degraded
    guarded.put(RECORD, Condition.ABSENT)
    assert guarded.get(RECORD.key)


def test_every_call_of_the_contract_is_guarded() -> None:
    """None reaches an engine that is known to be away."""
    engine = CutOff()
    guarded = GuardedStore(engine)
    open_reads(guarded, engine)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            guarded.put(RECORD, Condition.ANY)
    calls = {
        "get": ("k",),
        "get_many": (["k"],),
        "heads": (["k"],),
        "extracts": (["k"], 100),
        "put": (RECORD, Condition.ANY),
        "put_many": ([RECORD], Condition.ANY),
        "delete": (RECORD,),
        "delete_many": ([RECORD],),
        "touch": (RECORD,),
        "expires_at": ("k",),
        "quarantine": ("k", b"", 0, "k"),
        "count": ("i",),
        "members": ("i",),
        "trim": ("i",),
        "ping": (),
    }
    public = {
        name
        for name, member in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public == set(calls) | {"close", "idle", "is_unsure", "memory", "risks"}
    engine.down = False
    for name, arguments in calls.items():
        with pytest.raises(StoreUnavailable):
            getattr(guarded, name)(*arguments)
    with pytest.raises(StoreUnavailable):
        guarded.idle("i", 0, limit=1)


def test_a_call_that_hangs_holds_up_no_other() -> None:
    """Nothing is locked while the engine is asked."""
    engine = Blocked()
    guarded = GuardedStore(engine)
    slow = threading.Thread(target=guarded.get, args=("slow",))
    slow.start()
    assert engine.entered.wait(10)
    assert guarded.get("other") is None
    guarded.put(RECORD, Condition.ABSENT)
    engine.go.set()
    slow.join()


def test_visitors_leave_the_probe_to_the_background() -> None:
    """Unless nobody there has probed for a while."""
    clock, engine = FakeClock(), CutOff()
    guarded = GuardedStore(engine, reads=Breaker("read", clock=clock))
    guarded.probed = True
    open_reads(guarded, engine)
    clock.forward(FIRST_PAUSE)
    left(60.0)
    with pytest.raises(StoreUnavailable):
        guarded.get("any")
    asked = engine.asked
    request_budget.end()
    with pytest.raises(StoreUnavailable):
        guarded.get("any")
    assert engine.asked == asked + 1
    engine.down = False
    left(60.0)
    clock.forward(PROBE_GRACE_SECONDS + LONGEST_PAUSE)
    assert guarded.get("any") is None


def left(seconds: float) -> request_budget.Budget:
    """A request that may still wait so long."""
    request_budget.begin()
    budget = request_budget._present.get()
    assert budget is not None
    budget.seconds = seconds
    return budget


def test_a_request_that_has_waited_long_enough_asks_no_more() -> None:
    """The engine is not even tried, and that is no failure of the engine."""
    engine = CutOff()
    guarded = GuardedStore(engine)
    left(0.001)
    with pytest.raises(StoreUnavailable, match="budget"):
        guarded.get("any")
    assert (engine.asked, guarded.reads.state) == (0, State.CLOSED)
    left(60.0)
    assert guarded.get("any") is None


def test_a_request_without_time_says_nothing_of_the_engine() -> None:
    """Others are not kept from it, and a probe that had no time leaves it to the next."""

    class Short(MemoryStore):
        def get(self, key: str) -> bytes | None:  # noqa: ARG002
            raise StoreUnavailable(request_budget.SPENT)

    guarded = GuardedStore(Short())
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            guarded.get("any")
    assert guarded.reads.state is State.CLOSED


def test_what_is_not_counted_keeps_no_session_from_the_engine() -> None:
    """A server that does not let us count stores sessions as before, and is hardly asked."""
    engine = Counting()
    guarded = GuardedStore(engine)
    counters = GuardedCounters(engine, guarded)
    assert counters.increment("rate:a", 60) == counters.read_count("rate:a") == (1, 60)
    engine.forbidden = True
    for _ in range(10):
        with pytest.raises(StoreUnavailable, match="no_permission"):
            counters.increment("rate:a", 60)
        with pytest.raises(StoreUnavailable, match="no_permission"):
            counters.read_count("rate:a")
    assert engine.asked == 5
    assert not guarded.is_degraded
    guarded.put(RECORD, Condition.ABSENT)


def test_counters_are_tried_again_after_a_pause() -> None:
    """With the breaker's own probe, as soon as sessions have no trouble."""
    clock = FakeClock()
    engine = Counting()
    counters = GuardedCounters(engine, GuardedStore(engine), breaker=Breaker("count", clock=clock))
    engine.forbidden = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            counters.increment("rate:a", 60)
    engine.forbidden = False
    with pytest.raises(StoreUnavailable):
        counters.increment("rate:a", 60)
    clock.now += FIRST_PAUSE
    assert counters.increment("rate:a", 60).number == 1


def test_a_counter_waits_within_the_request() -> None:
    """What a request has waited long for it does not wait for once more."""
    engine = Counting()
    counters = GuardedCounters(engine, GuardedStore(engine))
    request_budget.begin()
    request_budget.spend(request_budget.REQUEST_SECONDS)
    with pytest.raises(StoreUnavailable, match=request_budget.SPENT):
        counters.increment("rate:a", 60)
    assert engine.asked == 0


def test_no_request_has_to_find_out_that_it_counts_again() -> None:
    """A background thread does; a request in the meantime is told at once."""
    engine = Counting()
    outage = Outage(engine, ())
    counters = outage.counters
    assert counters
    engine.forbidden = True
    outage.start()
    try:
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                counters.increment("rate:a", 60)
        request_budget.begin()
        engine.forbidden = False
        assert eventually(lambda: counters.breaker.state is State.CLOSED)
    finally:
        outage.finish()


def test_what_operators_ask_keeps_no_session_from_the_engine() -> None:
    """An engine that does not tell how full it is serves sessions all the same."""

    class Reticent(MemoryStore):
        def memory(self) -> dict[str, int]:
            raise StoreRefused("no_permission")

        def risks(self) -> list[str]:
            raise StoreRefused("no_permission")

    guarded = GuardedStore(Reticent())
    for ask in (guarded.memory, guarded.risks) * 10:
        with pytest.raises(StoreRefused):
            ask()
    assert guarded.reads.state is State.CLOSED
    assert guarded.get("k") is None


@pytest.mark.parametrize("is_remote", [True, False])
def test_only_waiting_for_a_network_is_taken_from_the_budget(*, is_remote: bool) -> None:
    """A file's lock may take as long as a request may wait in all."""

    class Slow(MemoryStore):
        timeout = 0.25 if is_remote else 0.0

        def get(self, key: str) -> bytes | None:
            time.sleep(0.02)
            return super().get(key)

    guarded = GuardedStore(Slow())
    budget = left(1.0)
    guarded.get("k")
    guarded.memory()
    assert (budget.seconds < 1.0) is is_remote
    request_budget.end()


def test_a_refused_call_leaves_no_deadline_behind() -> None:
    """What the thread waits for later is not bounded by a call that was not made."""
    guarded = GuardedStore(MemoryStore())
    for _ in range(FAILURES_IN_A_ROW):
        guarded.reads.record_failure(StoreUnavailable("connection"), probe=False)
    left(0.1)
    with pytest.raises(StoreUnavailable):
        guarded.get("k")
    assert request_budget.has_time(1000)
    request_budget.end()
