"""Reads numbers with their units: volts, amps, watts, pressures, frequencies, sizes, dates."""

from dataclasses import dataclass
from datetime import date

from services.conversation.language.tokens import read_number
from services.conversation.language.word_lists import get_numbers, get_words

# The unit as typed: the unit it is converted to, and the factor.
_UNITS: dict[str, tuple[str, float]] = {
    "v": ("V", 1), "volt": ("V", 1), "volts": ("V", 1), "kv": ("V", 1_000), "mv": ("V", 0.001),
    "vac": ("V~", 1), "vdc": ("V=", 1), "kilovolt": ("V", 1_000),
    "a": ("A", 1), "amp": ("A", 1), "amps": ("A", 1), "ampere": ("A", 1), "amperes": ("A", 1),
    "ma": ("A", 0.001), "milliamps": ("A", 0.001), "ka": ("A", 1_000),
    "w": ("W", 1), "watt": ("W", 1), "watts": ("W", 1), "kw": ("W", 1_000), "mw": ("W", 0.001),
    "va": ("W", 1), "kva": ("W", 1_000), "kilowatt": ("W", 1_000), "kilowatts": ("W", 1_000),
    "bar": ("bar", 1), "bars": ("bar", 1), "barg": ("bar", 1), "mbar": ("bar", 0.001),
    "mpa": ("bar", 10), "kpa": ("bar", 0.01), "hpa": ("bar", 0.001), "psi": ("bar", 0.0689476),
    "atm": ("bar", 1.01325),
    "hz": ("MHz", 1e-6), "khz": ("MHz", 0.001), "mhz": ("MHz", 1), "ghz": ("MHz", 1_000),
    '"': ("inch", 1), "inch": ("inch", 1), "inches": ("inch", 1), "zoll": ("inch", 1),
    "cm": ("cm", 1), "mm": ("cm", 0.1),
    "ah": ("", 1), "mah": ("", 1), "wh": ("", 1), "kwh": ("", 1), "mwh": ("", 1),
}  # fmt: skip
_FORMS = {"ac": "~", "~": "~", "≈": "~", "dc": "=", "=": "=", "⎓": "="}
LARGEST = {"V": 1e6, "A": 1e5, "W": 1e8, "bar": 1e5, "MHz": 1e7, "inch": 1e3, "cm": 1e4}
_QUARTERS = {"1": 1, "2": 4, "3": 7, "4": 10}
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True)
class Quantity:
    """One or more joined numbers ("100-240 V", "10 x 15 cm") in one unit.

    Attributes:
        unit: "V", "A", "W", "bar", "MHz", "inch", "cm", "date" (yyyymmdd), or "" for a bare
            number.
        values: the numbers in that unit.
        form: "~" for AC, "=" for DC, "" when not said.
        at: position of the first token.
    """

    unit: str
    values: tuple[float, ...]
    form: str
    at: int


def read_quantity(tokens: list[str], at: int) -> tuple[Quantity | None, int]:
    """Read the quantity that starts with the number at a position.

    Returns:
        The quantity, or None when it is unknown or too large for any product, and the
        position after it.
    """
    first = read_number(tokens[at])
    if first is None:
        day = _read_dotted_date(tokens[at])
        return (Quantity("date", (day,), "", at) if day else None), at + 1
    values = [first]
    stop = at + 1
    while stop + 1 < len(tokens) and tokens[stop] in get_words("quantities.joiners"):
        following = read_number(tokens[stop + 1])
        if following is None:
            break
        values.append(following)
        stop += 2
    unit = tokens[stop] if stop < len(tokens) else ""
    if unit in _UNITS and not _is_article_or_furniture(tokens, stop, values):
        return _read_with_unit(tokens, at, stop, values)
    day = _read_date(tokens, at, values)
    if day:
        return Quantity("date", (day,), "", at), stop
    return Quantity("", tuple(values), "", at), stop


def _is_article_or_furniture(tokens: list[str], at: int, values: list[float]) -> bool:
    unit = tokens[at]
    behind = tokens[at + 1] if at + 1 < len(tokens) else ""
    if unit == "a":
        is_noun = behind.isalpha() and behind not in get_words("quantities.behind_amps")
        return is_noun and isinstance(values[-1], int)
    return unit in {"bar", "bars"} and behind in get_words("quantities.no_pressure")


def _read_with_unit(
    tokens: list[str], at: int, unit_at: int, values: list[float]
) -> tuple[Quantity | None, int]:
    unit, factor = _UNITS[tokens[unit_at]]
    stop = unit_at + 1
    if not unit:
        return None, stop
    form = unit[1:] if unit[0] == "V" else ""
    unit = "V" if form else unit
    if not form and unit in "VA":
        behind = tokens[stop] if stop < len(tokens) else ""
        if behind in _FORMS:
            form, stop = _FORMS[behind], stop + 1
        elif at and tokens[at - 1] in _FORMS:
            form = _FORMS[tokens[at - 1]]
    scaled = tuple(round(value * factor, 6) for value in values)
    if not 0 < max(scaled) <= LARGEST[unit]:
        return None, stop
    return Quantity(unit, scaled, form, at), stop


def _build_day(year: float, month: float, day: float) -> int | None:
    if not FIRST_YEAR <= year < LAST_YEAR:
        return None
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.year * 10_000 + found.month * 100 + found.day


def _read_dotted_date(token: str) -> int | None:
    """Read "20.1.2027"."""
    parts = [read_number(part) for part in token.split(".")] if len(token) < 11 else []  # noqa: PLR2004
    match parts:
        case [int(day), int(month), int(year)]:
            return _build_day(year, month, day)
    return None


def _read_date(tokens: list[str], at: int, values: list[float]) -> int | None:
    """Read a date that starts or ends with the year among the values."""
    match values:
        case [year, month, day] if year >= FIRST_YEAR:
            return _build_day(year, month, day)
        case [day, month, year]:
            return _build_day(year, month, day)
        case [year, month] if year >= FIRST_YEAR:
            return _build_day(year, month, 1)
        case [month, year] if year >= FIRST_YEAR:
            return _build_day(year, month, 1)
        case [year] if FIRST_YEAR <= year < LAST_YEAR:
            return _read_before_year(tokens, at, year)
    return None


def _read_before_year(tokens: list[str], at: int, year: float) -> int | None:
    """Read the words before a year: "March", "20 January", "January 20,", "Q3", "in"."""
    between, months = get_words("quantities.between"), get_numbers("quantities.months")
    seasons, market = get_numbers("quantities.seasons"), get_words("quantities.market")
    before = [token for token in tokens[max(0, at - 4) : at] if token not in between]
    last, last_but_one = (["", "", *before][-1], ["", "", *before][-2])
    if last in months:
        return _build_day(year, months[last], read_number(last_but_one) or 1)
    if last_but_one in months and last.isdecimal():
        return _build_day(year, months[last_but_one], read_number(last) or 1)
    if last_but_one == "q" and last in _QUARTERS:
        return _build_day(year, _QUARTERS[last], 1)
    if last in seasons:
        return _build_day(year, seasons[last], 1)
    if last in get_words("quantities.before_year") or not market.isdisjoint(tokens):
        return _build_day(year, 1, 1)
    return None
