"""How often a single entry is tried, and after what it is given up."""

from services.sessions.outage.attempts import LONGEST_PAUSE, MOST_ATTEMPTS, Attempts
from tests.support.clock import FakeClock
from tests.support.records import record, tombstone


def test_an_entry_is_given_up_after_pauses_that_grow() -> None:
    """Not before: a part of an engine may be away for a while."""
    clock = FakeClock()
    attempts, entry, begun = Attempts(clock=clock), record("k"), clock()
    for number in range(1, MOST_ATTEMPTS + 1):
        attempts.begin_round()
        attempts.note_refused(entry, "err")
        hopeless = attempts.count_round()
        assert hopeless == ([entry] if number == MOST_ATTEMPTS else [])
        assert attempts.paused == {"k"}
        while attempts.paused:
            clock.forward(0.5)
    assert clock() - begun > LONGEST_PAUSE
    assert attempts.forget("k") == "err"
    assert attempts.forget("k") == ""


def test_a_deletion_is_never_given_up() -> None:
    """What was deleted would be there again."""
    clock = FakeClock()
    attempts = Attempts(clock=clock)
    for _ in range(3 * MOST_ATTEMPTS):
        attempts.begin_round()
        attempts.note_refused(tombstone("k", 2), "err")
        assert attempts.count_round() == []
        clock.forward(LONGEST_PAUSE)
        assert attempts.paused == set()


def test_a_round_that_is_not_counted_counts_for_nobody() -> None:
    """The engine refused everything in it."""
    attempts = Attempts(clock=FakeClock())
    for _ in range(3 * MOST_ATTEMPTS):
        attempts.begin_round()
        attempts.note_refused(record("k"), "err")
    assert attempts.count_round() == []
    attempts.clear()
    assert (attempts.paused, attempts.refused) == (set(), {})
