"""Reasons in words and grounds of elementary conditions."""

import pytest

from services.norms.facts import Facts
from services.norms.logic import parse


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("50 <= v_ac <= 1000", {"v_ac": 230}, "230 V lies within 50 to 1,000 V AC"),
        ("50 <= v_ac <= 1000", {"v_ac": 12.0}, "12 V lies outside 50 to 1,000 V AC"),
        ("50 <= v_ac <= 1000", {"v_ac": 0}, "there is no AC voltage"),
        ("50 < v_ac < 1000", {"v_ac": 230}, "230 V is above 50 and below 1,000 V AC"),
        ("50 < v_ac < 1000", {"v_ac": 50}, "50 V is at most 50 V AC"),
        ("v_ac <= 250", {"v_ac": 230}, "230 V is at most 250 V AC"),
        ("v_ac <= 250", {"v_ac": 400}, "400 V is above 250 V AC"),
        ("input_a <= 16", {"input_a": 6.5}, "6.5 A is at most 16 A per phase"),
        ("pressure_bar > 0.5", {"pressure_bar": 2}, "2 bar is above 0.5 bar"),
        ("display_cm2 >= 100", {"display_cm2": 100}, "100 cm² is at least 100 cm²"),
        (
            "market_date < 20270120",
            {"market_date": 20270101},
            "it is placed on the market on 2027-01-01, before 2027-01-20",
        ),
        (
            "market_date < 20270120",
            {"market_date": 20270120},
            "it is placed on the market on 2027-01-20, not before 2027-01-20",
        ),
        ("radio", {"radio": True}, "it has radio"),
        ("not radio", {"radio": False}, "there is no radio"),
        ("True", {}, "every product is covered"),
        ("False", {}, "no product is covered"),
    ],
)
def test_a_decided_condition_gives_its_reason(text: str, facts: Facts, expected: str) -> None:
    """The reason names the known value and what it was set against."""
    assert parse(text).write_reasons(facts) == (expected,)


def test_an_unknown_fact_gives_no_reason() -> None:
    """Nothing is claimed about what is not known."""
    assert parse("v_ac <= 250").write_reasons({}) == ()


def test_a_leaf_names_its_fact_and_bounds() -> None:
    """Whoever varies a fact can find the values that matter."""
    (leaf,) = parse("50 <= v_ac <= 1000").leaves
    assert leaf.fact == "v_ac"
    assert getattr(leaf, "bounds", None) == ((">=", 50), ("<=", 1000))
    assert parse("True").leaves == ()
    assert parse("True").list_facts() == frozenset()
