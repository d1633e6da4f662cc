"""Corrections of single facts: checks them, words them and prepares the state for them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from services.conversation.interview.state import State, forget_facts, keep_facts
from services.conversation.interview.wording import phrase_briefly
from services.conversation.language.quantities import FIRST_YEAR, LARGEST, LAST_YEAR
from services.conversation.language.terms import Value
from services.conversation.understanding.message import Understanding
from services.errors import CorrectionRefused
from services.norms.facts import FACTS, Kind, add_implications, format_day, format_number, read_day

Corrections = dict[str, "Value | None"]
"""New values by fact; None if the maker does not know."""

HIGHEST_VALUES: Mapping[str, float] = {
    "v_ac": LARGEST["V"],
    "v_dc": LARGEST["V"],
    "input_a": LARGEST["A"],
    "pressure_bar": LARGEST["bar"],
    "display_cm2": LARGEST["cm"] ** 2,
}
"""The highest value of each number, in its unit."""

_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)


def read_corrections(given: Mapping[Any, Any]) -> Corrections:
    """Check corrections as they come from outside.

    Args:
        given: by fact True or False, a number in the fact's unit, or a date as YYYY-MM-DD; None
            if it is not known.

    Returns:
        The values as they are stored in a state, in the order of the vocabulary.

    Raises:
        CorrectionRefused: nothing is given, a fact is not known here, a value is of the wrong
            type or out of range, or two of them contradict each other.
    """
    faults = {str(name): "This fact is not known here." for name in given if name not in FACTS}
    values: Corrections = {}
    for name in FACTS:
        if name in given:
            values[name] = _read_value(name, given[name])
            if given[name] is not None and values[name] is None:
                faults[name] = _write_expected(name)
    for name, other in () if faults else _find_contradictions(values):
        faults.setdefault(name, f"This contradicts what is said of {other}.")
    if faults or not given:
        raise CorrectionRefused(faults)
    return values


def export_value(name: str, value: Value | None) -> bool | float | str | None:
    """Turn a value into its JSON form, where a date is an ISO date."""
    return value if value is None or FACTS[name].kind is not Kind.DATE else format_day(value)


def export_corrections(values: Mapping[str, Value | None]) -> dict[str, Any]:
    """Turn corrections into their JSON form."""
    return {name: export_value(name, value) for name, value in values.items()}


def write_corrections(values: Mapping[str, Value | None]) -> str:
    """Word corrections like a message of the maker: "Correction: no battery."."""
    stated, unknown = _split_values(values)
    sentences = (
        [", ".join(phrase_briefly(name, value) for name, value in stated.items())] if stated else []
    )
    if unknown:
        sentences.append(f"I do not know {'; '.join(FACTS[name].label for name in unknown)}")
    return f"Correction: {'. '.join(sentences)}."


def prepare_state(state: State, values: Mapping[str, Value | None]) -> State:
    """Return the state without everything that contradicts the corrections.

    `apply_message` removes earlier statements that a new one excludes. This also removes what
    excludes the new one, whether said or assumed: an ornament with a data connection may have
    electricity after all. A fact that is no longer known also removes what would imply it.
    """
    stated, unknown = _split_values(values)

    def is_kept(name: str, value: Value) -> bool:
        following = add_implications({name: value}).items()
        return all(stated.get(other, implied) == implied for other, implied in following)

    changed = forget_facts(keep_facts(state, is_kept), unknown)
    left = {**changed["facts"], **changed["likely"]}
    changed["said"] = {name: said for name, said in state["said"].items() if name in left}
    changed["unsure"] = list(dict.fromkeys([*state["unsure"], *unknown]))
    return changed


def build_message(before: State, state: State, values: Mapping[str, Value | None]) -> Understanding:
    """Turn corrections into what the interview makes of a message.

    A yes that replaces a no makes doubtful what that no implied: a maker who said that there
    is no radio did not think of each band.

    Args:
        before: the state that is corrected.
        state: the same, prepared by `prepare_state`.
        values: the corrections.
    """
    stated, unknown = _split_values(values)
    opens = {
        other
        for name, value in stated.items()
        if value and not before["facts"].get(name, True)
        for other in add_implications({name: 0})
    }
    heard = [phrase_briefly(name, value) for name, value in stated.items()]
    heard += [f"{FACTS[name].label} is not known" for name in unknown]
    return Understanding(
        unsure=frozenset(unknown),
        said={name: "your correction" for name in stated if name not in state["said"]},
        stated=stated,
        likely={},
        of_kind={},
        closing={},
        opens=frozenset(opens - values.keys()),
        kind=None,
        denied=frozenset(),
        heard=tuple(heard),
        yes_or_no=None,
        both=False,
        besides=frozenset(),
        neither=False,
        renames=False,
        watts=0,
        words=(),
    )


def _split_values(values: Mapping[str, Value | None]) -> tuple[dict[str, Value], list[str]]:
    """Split corrections into facts with a value and facts that are no longer known."""
    stated = {name: value for name, value in values.items() if value is not None}
    return stated, [name for name in values if name not in stated]


def _read_value(name: str, given: Any) -> Value | None:
    """Read one value; None if it is invalid or not known."""
    if FACTS[name].kind is Kind.BOOL:
        return given if isinstance(given, bool) else None
    if FACTS[name].kind is Kind.DATE:
        return _read_date(given)
    if (
        isinstance(given, bool)
        or not isinstance(given, int | float)
        or not 0 <= given <= HIGHEST_VALUES[name]
    ):
        return None  # NaN, too, is not between any two numbers
    return int(given) if given == int(given) else given


def _read_date(given: Any) -> int | None:
    found = _DAY.fullmatch(given) if isinstance(given, str) else None
    value = int("".join(found.groups())) if found else 0
    there_is = FIRST_YEAR <= value // 10_000 < LAST_YEAR and read_day(value)
    return value if there_is else None


def _write_expected(name: str) -> str:
    if FACTS[name].kind is Kind.BOOL:
        return "Please send true, false or null."
    if FACTS[name].kind is Kind.DATE:
        years = f"{FIRST_YEAR} to {LAST_YEAR - 1}"
        return f"Please send a date from {years}, such as 2027-01-31, or null."
    return f"Please send a number from 0 to {format_number(HIGHEST_VALUES[name])}, or null."


def _find_contradictions(values: Corrections) -> Iterable[tuple[str, str]]:
    """Find pairs of facts of which the first contradicts the second."""
    for name, value in values.items():
        if value is not None:
            for other, implied in add_implications({name: value}).items():
                if values.get(other, implied) != implied:
                    yield other, name
