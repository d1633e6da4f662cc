"""Says in a sentence or two why a norm applies, does not apply, or is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.norms.facts import FACTS, Facts, Kind, format_day, join_items, phrase_fact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from services.norms.catalogue import Norm

_PLACE = {name: place for place, name in enumerate(FACTS)}
_FEW = 2  # so many exclusions are named in the same breath as the grounds


def applies(norm: Norm, facts: Facts) -> str:
    """Name the facts that bring a product under a norm, then those that rule nothing out."""
    for_it, against = _sorted_grounds(norm, facts)
    if not for_it and not against:
        return "Applies to every product."
    if len(against) <= _FEW or not for_it:
        return f"Applies because {join_items((*for_it, *against))}."
    return f"Applies because {join_items(for_it)}. Nothing rules it out: {join_items(against)}."


def does_not_apply(norm: Norm, facts: Facts) -> str:
    """Name the facts that keep a product outside a norm."""
    return f"Does not apply because {join_items(norm.trigger.word_reasons(facts))}."


def to_be_checked(norm: Norm, facts: Facts, unsure: Collection[str]) -> str:
    """Name the facts that are open, and what already speaks for the norm."""
    names = in_order(norm.trigger.find_open_facts(facts))
    given_up = [name for name in names if name in unsure]
    awaited = [name for name in names if name not in unsure]
    parts = []
    if awaited:
        parts.append(f"I still need to know {labels(awaited)}")
    if given_up:
        parts.append(f"you could not say {labels(given_up)}")
    text = f"To be checked: {join_items(parts)}."
    for_it, against = _sorted_grounds(norm, facts)
    known = for_it or against
    return f"{text} So far {join_items(known)}." if known else text


def watch() -> str:
    """Say what it means to watch a framework act."""
    return (
        "No duty yet, but to be watched. It is a framework for nearly every product; duties come "
        "with later acts for single product groups."
    )


def assumptions(names: Collection[str], facts: Facts) -> str:
    """Say which assumed facts a result rests on; empty when there are none."""
    if not names:
        return ""
    clauses = [clause(name, facts[name]) for name in in_order(names)]
    return f"Assumed, not stated by you: {join_items(clauses)}."


def clause(name: str, value: bool | float) -> str:
    """Say one fact as a clause that can follow "that": "its highest rated AC voltage is 230 V AC".

    Raises:
        KeyError: `name` is not in the vocabulary.
    """
    fact = FACTS[name]
    if fact.kind is Kind.DATE:
        return f"it is placed on the market on {format_day(value)}"
    if fact.kind is Kind.NUMBER and value:
        return f"its {fact.yes} is {phrase_fact(name, value)}"
    return phrase_fact(name, value)


def labels(names: Iterable[str]) -> str:
    """Name open facts in one phrase, kept apart by semicolons where one holds a comma."""
    texts = [FACTS[name].label for name in in_order(names)]
    return "; ".join(texts) if any("," in text for text in texts) else join_items(texts)


def in_order(names: Iterable[str]) -> list[str]:
    """Sort fact names as the vocabulary lists them."""
    return sorted(names, key=_PLACE.__getitem__)


def _sorted_grounds(norm: Norm, facts: Facts) -> tuple[list[str], list[str]]:
    """Split the decisive facts into those that a product has and those that it lacks."""
    for_it: dict[str, None] = {}
    against: dict[str, None] = {}
    for leaf in norm.trigger.find_grounds(facts):
        if leaf.fact in facts:
            (for_it if facts[leaf.fact] else against)[leaf.word(facts)] = None
    return list(for_it), list(against)
