"""Computes the percentages shown beside results and answers, by counting.

A percentage is not the probability that an authority would agree. It says how well a
result is supported by what the maker has said:

- decided (applies, does not apply, watch): 100, less 10 for each assumed fact that the
  decision rests on (30 at most), less 15 where the catalogue marks a doubt about a norm
  that applies, less 5 for a standard, whose own scope clause says more than a trigger can;
- to be checked: the share of the trigger's facts that are known, scaled to 45, so that
  no open norm scores as high as a decided one, which never falls below 50.

Learning a fact that leaves a norm open therefore never lowers its percentage, and
stating what was only assumed never lowers that of a decided one.
"""

from collections.abc import Collection

CERTAIN = 100
PER_ASSUMPTION = 10
MOST_ASSUMPTIONS = 3
FOR_DOUBT = 15
FOR_STANDARD = 5
OPEN_CEILING = 45
FOR_HYPOTHESIS = 10  # a comparison also depends on how the change was read
UNKNOWN = 0

CONFIDENCE_NOTE = (
    "The percentage says how firmly a result stands on what you told me. A decided norm starts at "
    "100; it loses 10 for each fact that I assumed and that the decision rests on (30 at most), "
    "15 where my catalogue marks a doubt about a norm that applies, and 5 for a standard, because "
    "its own scope says more than I check. A norm still to be checked gets at most 45: the share "
    "of the facts it depends on that is already settled."
)


def score_decided(*, assumptions: int, doubtful: bool, standard: bool) -> int:
    """Score a norm whose trigger is decided: 50 to 100.

    Args:
        assumptions: how many assumed facts the decision rests on.
        doubtful: the norm applies and the catalogue marks a doubt about it.
        standard: the norm is a standard, not an act.
    """
    return (
        CERTAIN
        - PER_ASSUMPTION * min(assumptions, MOST_ASSUMPTIONS)
        - FOR_DOUBT * doubtful
        - FOR_STANDARD * standard
    )


def score_open(*, known: int, needed: int) -> int:
    """Score an open norm: 0 to 45, by how many of the facts it needs are known."""
    return round(OPEN_CEILING * known / needed) if needed else 0


def average_scores(scores: Collection[int]) -> int:
    """Return the average of scores; 100 when there are none."""
    return round(sum(scores) / len(scores)) if scores else CERTAIN
