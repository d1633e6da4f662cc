"""Facts of a product: the vocabulary, what they imply, and their wording."""

from collections.abc import Iterable
from datetime import date

from services.norms.implications import add_implications, is_implied
from services.norms.vocabulary import FACTS, Fact, Facts, Kind

__all__ = [
    "FACTS",
    "Fact",
    "Facts",
    "Kind",
    "add_implications",
    "format_day",
    "format_number",
    "is_implied",
    "join_items",
    "phrase_fact",
    "read_day",
]

_LARGEST = 10**15  # more digits tell a reader nothing, and str() may even refuse them


def phrase_fact(name: str, value: bool | float) -> str:
    """Say one fact in words, such as "230 V AC" or "there is no radio".

    Raises:
        KeyError: `name` is not in the vocabulary.
    """
    fact = FACTS[name]
    if fact.kind is Kind.DATE:
        return f"{fact.yes} {format_day(value)}"
    if fact.kind is Kind.BOOL:
        return fact.yes if value else fact.no
    return f"{format_number(value)} {fact.unit}" if value else fact.no


def format_number(value: float) -> str:
    """Print a number for people: "1,000", "0.5", never a trailing ".0"."""
    if value != value:  # noqa: PLR0124 - the test for NaN that also takes huge integers
        return "an unclear number of"
    if abs(value) >= _LARGEST:
        return f"more than {_LARGEST - 1:,}" if value > 0 else f"less than -{_LARGEST - 1:,}"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def read_day(value: float) -> date | None:
    """Read a day written as yyyymmdd; None when there is no such day."""
    if not 10_000_101 <= value <= 99_991_231:  # noqa: PLR2004 - the first and last such number
        return None
    year, rest = divmod(int(value), 10_000)
    try:
        return date(year, *divmod(rest, 100))
    except ValueError:
        return None


def format_day(value: float) -> str:
    """Print a yyyymmdd number as an ISO date."""
    found = read_day(value)
    return found.isoformat() if found else "an unclear date"


def join_items(items: Iterable[str], word: str = "and") -> str:
    """Join clauses into one: "a", "a and b", "a, b and c"."""
    *most, last = list(items) or [""]
    return f"{', '.join(most)} {word} {last}" if most else last
