"""Says in a sentence or two why a norm applies, does not apply, or is still open."""

from collections.abc import Collection, Iterable

from services.norms.catalogue import Norm
from services.norms.facts import FACTS, Facts, Kind, format_day, join_items, phrase_fact

_PLACE = {name: place for place, name in enumerate(FACTS)}
_FEW = 2  # so many exclusions are named in the same sentence as the grounds


def explain_applies(norm: Norm, facts: Facts) -> str:
    """Name the facts that make a norm apply, then those that do not rule it out."""
    for_it, against = _split_grounds(norm, facts)
    if not for_it and not against:
        return "Applies to every product."
    if len(against) <= _FEW or not for_it:
        return f"Applies because {join_items((*for_it, *against))}."
    return f"Applies because {join_items(for_it)}. Nothing rules it out: {join_items(against)}."


def explain_exclusion(norm: Norm, facts: Facts) -> str:
    """Name the facts for which a norm does not apply."""
    return f"Does not apply because {join_items(norm.trigger.write_reasons(facts))}."


def explain_open(norm: Norm, facts: Facts, unsure: Collection[str]) -> str:
    """Name the open facts, and what already speaks for the norm."""
    names = sort_facts(norm.trigger.find_open_facts(facts))
    given_up = [name for name in names if name in unsure]
    awaited = [name for name in names if name not in unsure]
    parts = []
    if awaited:
        parts.append(f"I still need to know {join_labels(awaited)}")
    if given_up:
        parts.append(f"you could not say {join_labels(given_up)}")
    text = f"To be checked: {join_items(parts)}."
    for_it, against = _split_grounds(norm, facts)
    known = for_it or against
    return f"{text} So far {join_items(known)}." if known else text


def explain_watch() -> str:
    """Say why a framework act is only to be watched."""
    return (
        "No duty yet, but to be watched. It is a framework for nearly every product; duties come "
        "with later acts for single product groups."
    )


def write_assumptions(names: Collection[str], facts: Facts) -> str:
    """Say which assumed facts a result rests on; empty when there are none."""
    if not names:
        return ""
    clauses = [write_clause(name, facts[name]) for name in sort_facts(names)]
    return f"Assumed, not stated by you: {join_items(clauses)}."


def write_clause(name: str, value: bool | float) -> str:
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


def join_labels(names: Iterable[str]) -> str:
    """Name open facts in one phrase, with semicolons if one of them contains a comma."""
    texts = [FACTS[name].label for name in sort_facts(names)]
    return "; ".join(texts) if any("," in text for text in texts) else join_items(texts)


def sort_facts(names: Iterable[str]) -> list[str]:
    """Sort fact names as the vocabulary lists them."""
    return sorted(names, key=_PLACE.__getitem__)


def _split_grounds(norm: Norm, facts: Facts) -> tuple[list[str], list[str]]:
    """Split the decisive facts into those that a product has and those that it lacks."""
    for_it: dict[str, None] = {}
    against: dict[str, None] = {}
    for leaf in norm.trigger.find_grounds(facts):
        if leaf.fact in facts:
            (for_it if facts[leaf.fact] else against)[leaf.describe(facts)] = None
    return list(for_it), list(against)
