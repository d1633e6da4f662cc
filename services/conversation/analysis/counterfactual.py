"""Finds the smallest changes of a product that would reverse a norm's verdict."""

from collections.abc import Iterator
from itertools import combinations

from services.conversation.analysis.reasoning import write_clause
from services.norms.expressions import Comparison, Expression
from services.norms.facts import (
    FACTS,
    Fact,
    Facts,
    Kind,
    add_implications,
    format_day,
    format_number,
    join_items,
)

MOST_CHANGES = 3  # more than that describes another product
MOST_ALTERNATIVES = 2
_HAIR = 0.1  # how far beyond an exclusive limit a trial value lies
_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_DATE_WORDS = {"<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class _Change:
    """One fact with a trial value, what follows from it, and its wording."""

    def __init__(self, name: str, value: bool | float, words: str) -> None:
        self.name = name
        self.words = words
        self.facts = add_implications({name: value})


def find_ways(trigger: Expression, facts: Facts, *, outcome: bool) -> list[str]:
    """Find what would have to be true for a trigger to have this outcome.

    Tries single changes first, then pairs, then triples, and stops at the first size that
    works.

    Returns:
        Up to two alternatives, each a clause such as "there is no radio and its highest
        rated AC voltage lies within 50 to 1,000 V AC"; none when more than three facts
        would have to change or no change helps.
    """
    changes = [change for change in _list_changes(trigger) if change.facts.items() - facts.items()]
    for size in range(1, MOST_CHANGES + 1):
        found = []
        for chosen in combinations(changes, size):
            if len({change.name for change in chosen}) < size:
                continue
            changed = dict(facts)
            for change in chosen:
                changed.update(change.facts)
            consistent = all(change.facts.items() <= changed.items() for change in chosen)
            if consistent and trigger.evaluate(changed) is outcome:
                found.append(join_items(change.words for change in chosen))
        if found:
            return list(dict.fromkeys(found))[:MOST_ALTERNATIVES]
    return []


def _list_changes(trigger: Expression) -> Iterator[_Change]:
    seen: set[object] = set()
    for leaf in trigger.leaves:
        if isinstance(leaf, Comparison):
            if leaf.bounds not in seen:
                seen.add(leaf.bounds)
                yield from _list_number_changes(leaf)
        elif leaf.fact not in seen:
            seen.add(leaf.fact)
            for value in (True, False):
                yield _Change(leaf.fact, value, write_clause(leaf.fact, value))


def _list_number_changes(leaf: Comparison) -> Iterator[_Change]:
    """Yield a value inside the bounds; for a date also one beyond them, else 0 for "none"."""
    fact = FACTS[leaf.fact]
    for sign, limit in leaf.bounds:
        value = _step_beyond(sign, limit)
        if leaf.evaluate({leaf.fact: value}):
            yield _Change(leaf.fact, value, _write_range(fact, leaf.bounds))
            break
    if fact.kind is Kind.DATE:
        sign, limit = leaf.bounds[0]
        opposite = _OPPOSITE[sign]
        yield _Change(
            leaf.fact, _step_beyond(opposite, limit), _write_range(fact, ((opposite, limit),))
        )
    elif not leaf.evaluate({leaf.fact: 0}):
        yield _Change(leaf.fact, 0, write_clause(leaf.fact, 0))


def _step_beyond(sign: str, limit: float) -> float:
    return limit + {"<": -_HAIR, ">": _HAIR}.get(sign, 0)


def _write_range(fact: Fact, bounds: tuple[tuple[str, float], ...]) -> str:
    """Say the bounds of a number or date as a clause."""
    if fact.kind is Kind.DATE:
        limits = join_items(f"{_DATE_WORDS[sign]} {format_day(limit)}" for sign, limit in bounds)
        return f"it is placed on the market {limits}"
    by_sign = dict(bounds)
    if by_sign.keys() == {">=", "<="}:
        span = f"{format_number(by_sign['>='])} to {format_number(by_sign['<='])}"
        return f"its {fact.yes} lies within {span} {fact.unit}"
    limits = join_items(f"{_WORDS[sign]} {format_number(limit)}" for sign, limit in bounds)
    return f"its {fact.yes} is {limits} {fact.unit}"
