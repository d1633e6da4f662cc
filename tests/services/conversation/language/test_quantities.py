"""Numbers with units: every usual way to type volts, amps, pressures, sizes and dates."""

import pytest

from services.conversation.language.quantities import Quantity, read_quantity
from services.conversation.language.tokens import split_tokens


def read(text: str) -> Quantity | None:
    """Read the first quantity of a text."""
    found = split_tokens(text)
    at = next(position for position, token in enumerate(found) if token[0].isdigit())
    return read_quantity(found, at)[0]


@pytest.mark.parametrize(
    ("text", "unit", "values", "form"),
    [
        ("230V", "V", (230,), ""),
        ("230 V AC", "V", (230,), "~"),
        ("AC 230 V", "V", (230,), "~"),
        ("230VAC", "V", (230,), "~"),
        ("100-240V~", "V", (100, 240), "~"),
        ("110/230 V", "V", (110, 230), ""),
        ("12 volts dc", "V", (12,), "="),
        ("3 kV", "V", (3000,), ""),
        ("1,5 A", "A", (1.5,), ""),
        ("500 mA", "A", (0.5,), ""),
        ("3 a", "A", (3,), ""),
        ("2.2 kW", "W", (2200,), ""),
        ("0.5 MPa", "bar", (5,), ""),
        ("300 kPa", "bar", (3,), ""),
        ("2.4/5 GHz", "MHz", (2400, 5000), ""),
        ('24" display', "inch", (24,), ""),
        ("10x15 cm", "cm", (10, 15), ""),
        ("150 mm", "cm", (15,), ""),
        ("42", "", (42,), ""),
        ("3 a day", "", (3,), ""),
        ("2 bar stools", "", (2,), ""),
    ],
)
def test_units(text: str, unit: str, values: tuple[float, ...], form: str) -> None:
    """Values are kept in the base unit; an article or a stool is no unit."""
    found = read(text)
    assert found is not None
    assert (found.unit, found.form) == (unit, form)
    assert found.values == pytest.approx(values)


@pytest.mark.parametrize("text", ["2000 mAh", "74 Wh", "0 V", "99999999999999 V", "9" * 400])
def test_other_units_and_impossible_amounts_are_none(text: str) -> None:
    """A battery's capacity is no current, and no product has a billion volts."""
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2027-01-20", 20270120),
        ("20.1.2027", 20270120),
        ("20/01/2027", 20270120),
        ("01/2027", 20270101),
        ("2027-03", 20270301),
        ("on the market in 2028", 20280101),
        ("from March 2027", 20270301),
        ("on 2029, the launch", 20290101),
        ("end of 2028", 20281201),
        ("mid 2028", 20280701),
    ],
)
def test_dates(text: str, day: int) -> None:
    """A month or year alone means its first day."""
    found = read(text)
    assert found is not None
    assert (found.unit, found.values) == ("date", (day,))


@pytest.mark.parametrize("text", ["2027-13-45", "99.99.2027", "2030 units", "31/02/2028"])
def test_days_that_do_not_exist_are_no_dates(text: str) -> None:
    """An impossible day and a number that only looks like a year stay what they are."""
    found = read(text)
    assert found is None or found.unit != "date"


def test_the_day_before_the_month_is_read_too() -> None:
    """It makes no difference whether "20 January 2027" or "January 20, 2027" is typed."""
    for text in ("20 January 2027", "January 20, 2027", "20. Januar 2027", "20th of January 2027"):
        found = split_tokens(text)
        assert read_quantity(found, len(found) - 1)[0] == Quantity(
            "date", (20270120,), "", len(found) - 1
        )


def test_quarters() -> None:
    """A quarter begins with its first month."""
    found = split_tokens("Q3 2027")
    assert read_quantity(found, 2)[0] == Quantity("date", (20270701,), "", 2)
