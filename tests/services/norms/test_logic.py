"""Reading conditions: what is accepted, and what is refused with its column."""

import pytest

from services.norms.facts import Facts
from services.norms.logic import ExpressionError, parse


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("radio", {"radio": True}, True),
        ("radio", {}, None),
        ("not radio", {"radio": False}, True),
        ("True", {}, True),
        ("not True", {}, False),
        ("radio and medical", {"medical": False}, False),
        ("radio and medical", {"medical": True}, None),
        ("radio or medical", {"medical": True}, True),
        ("radio or medical", {"medical": False}, None),
        ("radio and (medical or ivd)", {"radio": True, "ivd": True}, True),
        ("50 <= v_ac <= 1000", {"v_ac": 230}, True),
        ("50 <= v_ac <= 1000", {"v_ac": 0}, False),
        ("50 <= v_ac <= 1000", {"v_ac": 1000.5}, False),
        ("50 <= v_ac <= 1000", {}, None),
        ("v_ac <= 1000 and v_dc <= 1500", {"v_ac": 1001}, False),
        ("v_ac <= 1000 and v_dc <= 1500", {"v_ac": 0}, None),
        ("16 >= input_a", {"input_a": 16}, True),
        ("16 > input_a", {"input_a": 16}, False),
        ("pressure_bar > 0.5", {"pressure_bar": 0.5}, False),
        ("v_ac < 50 < v_dc", {"v_ac": 12, "v_dc": 60}, True),
        ("v_ac < 50 < v_dc", {"v_ac": 50}, False),
        ("market_date >= 20270120", {"market_date": 20270119}, False),
        ("  radio\n  and not\n  medical  ", {"radio": True, "medical": False}, True),
    ],
)
def test_a_condition_is_evaluated(text: str, facts: Facts, expected: bool | None) -> None:
    """Unknown facts leave it open only while they can still matter."""
    assert parse(text).evaluate(facts) is expected


def test_definitions_are_used_like_facts() -> None:
    """A shared term stands for its whole condition."""
    machine = parse("driven_moving_parts and not appliance")
    condition = parse("electrical and not machine", {"machine": machine})
    assert condition.list_facts() == {"electrical", "driven_moving_parts", "appliance"}
    known = {"electrical": True, "driven_moving_parts": True}
    assert condition.evaluate(known) is None
    assert condition.evaluate({**known, "appliance": True}) is True


@pytest.mark.parametrize(
    ("text", "complaint", "column"),
    [
        ("radoi", "unknown fact 'radoi'", 1),
        ("radio and radoi", "unknown fact 'radoi'", 11),
        ("  radoi", "unknown fact 'radoi'", 3),
        ("radoi > 5", "unknown fact 'radoi'", 1),
        ("radio and", "invalid syntax", 10),
        ("", "invalid syntax", 1),
        ("v_ac", "'v_ac' is a number: compare it", 1),
        ("market_date", "'market_date' is a date: compare it", 1),
        ("radio > 5", "'radio' cannot be compared with 5", 1),
        ("v_ac > True", "'v_ac' cannot be compared with True", 1),
        ("v_ac == 5", "compare with <, <=, > or >=", 1),
        ("v_ac < v_dc", "compare a fact with a number", 1),
        ("1 < 2", "compare a fact with a number", 1),
        ("v_ac > -5", "compare a fact with a number", 1),
        ("v_ac > 'x'", "compare a fact with a number", 1),
        ("market_date > 20270230", "20270230 is no day written as yyyymmdd", 1),
        ("radio and 5", "only and, or, not, facts", 11),
        ("-radio", "only and, or, not, facts", 1),
        ("radio and print('x')", "only and, or, not, facts", 11),
        ("radio if ivd else ai", "only and, or, not, facts", 1),
        ("radio # always", "a comment cannot stand inside a condition", 7),
        ("radio\x00", "null bytes", 7),
        ("\ud800", "this is no condition", 1),
        ("(" * 5000 + "radio" + ")" * 5000, "", 1),
        ("not " * 5000 + "radio", "this is no condition", 1),
    ],
)
def test_a_bad_condition_is_refused_with_its_column(text: str, complaint: str, column: int) -> None:
    """The message says what is wrong and where it begins."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert complaint in str(caught.value)
    assert "(column " in str(caught.value)
    if complaint and len(text) < 100:
        assert f"(column {column})" in str(caught.value)
