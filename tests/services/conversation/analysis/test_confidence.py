"""How percentages are made."""

from hypothesis import given
from hypothesis import strategies as st

from services.conversation.analysis import confidence

counts = st.integers(0, 20)
flags = st.booleans()


@given(counts, flags, flags, counts, st.integers(1, 20))
def test_a_decided_norm_always_stands_above_an_open_one(
    assumptions: int, doubtful: bool, standard: bool, settled: int, more: int
) -> None:
    """Decided is 50 to 100, open is 0 to 45."""
    decided = confidence.score_decided(
        assumptions=assumptions, doubtful=doubtful, standard=standard
    )
    open_norm = confidence.score_open(known=settled, needed=settled + more)
    assert 0 <= open_norm <= confidence.OPEN_CEILING < 50 <= decided <= 100


@given(counts, flags, flags)
def test_fewer_assumptions_never_lower_it(assumptions: int, doubtful: bool, standard: bool) -> None:
    """Stating what was assumed cannot harm."""
    more = confidence.score_decided(
        assumptions=assumptions + 1, doubtful=doubtful, standard=standard
    )
    less = confidence.score_decided(assumptions=assumptions, doubtful=doubtful, standard=standard)
    assert less >= more


def test_the_deductions() -> None:
    """As the note for users says."""
    assert confidence.score_decided(assumptions=0, doubtful=False, standard=False) == 100
    assert confidence.score_decided(assumptions=1, doubtful=False, standard=False) == 90
    assert confidence.score_decided(assumptions=9, doubtful=False, standard=False) == 70
    assert confidence.score_decided(assumptions=0, doubtful=True, standard=False) == 85
    assert confidence.score_decided(assumptions=0, doubtful=False, standard=True) == 95
    for number in ("100", "10", "30", "15", "5", "45"):
        assert number in confidence.CONFIDENCE_NOTE


def test_an_open_norm_grows_with_what_is_settled() -> None:
    """From nothing to all but one."""
    scores = [confidence.score_open(known=known, needed=4) for known in range(4)]
    assert scores == sorted(scores)
    assert scores[0] == 0
    assert confidence.score_open(known=0, needed=0) == 0


def test_several_results_count_equally() -> None:
    """The average, and certainty where an answer rests on no result."""
    assert confidence.average_scores([100, 80, 30]) == 70
    assert confidence.average_scores([]) == 100
