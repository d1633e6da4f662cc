"""The vocabulary, and facts in words."""

import pytest

from services.norms.facts import (
    FACTS,
    Kind,
    format_day,
    format_number,
    join_items,
    phrase_fact,
    read_day,
)


def test_the_vocabulary_knows_each_fact_by_its_own_name() -> None:
    """Keys and names agree, and there is one of each kind at least."""
    assert all(name == fact.name for name, fact in FACTS.items())
    assert {fact.kind for fact in FACTS.values()} == set(Kind)


def test_every_fact_can_be_said_and_asked_for() -> None:
    """No wording is empty; a number has a unit, the other kinds have none."""
    for fact in FACTS.values():
        assert fact.label, fact.name
        assert fact.yes, fact.name
        assert fact.no or fact.kind is Kind.DATE, fact.name
        assert bool(fact.unit) is (fact.kind is Kind.NUMBER), fact.name


def test_no_two_facts_are_said_alike() -> None:
    """A reader can tell every fact and every answer from all others."""
    said = [text for fact in FACTS.values() for text in (fact.yes, fact.no, fact.label) if text]
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("v_ac", 230, "230 V AC"),
        ("v_ac", 230.0, "230 V AC"),
        ("v_ac", 0, "there is no AC voltage"),
        ("v_dc", 1500, "1,500 V DC"),
        ("pressure_bar", 0.5, "0.5 bar"),
        ("radio", True, "it has radio"),
        ("radio", False, "there is no radio"),
        ("market_date", 20270101, "placed on the market 2027-01-01"),
        ("market_date", 20271399, "placed on the market an unclear date"),
    ],
)
def test_phrase_says_a_fact(name: str, value: float, expected: str) -> None:
    """Numbers carry their unit, zero and no have a clause of their own."""
    assert phrase_fact(name, value) == expected


def test_phrase_refuses_an_unknown_fact() -> None:
    """A misspelt name is an error, not a silent blank."""
    with pytest.raises(KeyError):
        phrase_fact("radoi", value=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1000, "1,000"),
        (12.0, "12"),
        (12.5, "12.5"),
        (0.1 + 0.2, "0.3"),
        (-3, "-3"),
        (10**400, "more than 999,999,999,999,999"),
        (float("inf"), "more than 999,999,999,999,999"),
        (float("-inf"), "less than -999,999,999,999,999"),
        (float("nan"), "an unclear number of"),
    ],
)
def test_number_is_printed_for_people(value: float, expected: str) -> None:
    """Thousands are separated, ".0" is dropped, absurd sizes are cut short."""
    assert format_number(value) == expected


@pytest.mark.parametrize("value", [0, 20270230, 20271301, 10**400, float("inf"), float("nan"), -1])
def test_a_number_that_is_no_day_is_no_date(value: float) -> None:
    """Nonsense is recognised instead of raising."""
    assert read_day(value) is None
    assert format_day(value) == "an unclear date"


def test_a_day_is_printed_in_iso_form() -> None:
    """20270120 is 20 January 2027."""
    assert format_day(20270120) == "2027-01-20"


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_clauses_are_joined(items: list[str], expected: str) -> None:
    """Commas between all but the last two."""
    assert join_items(items) == expected
