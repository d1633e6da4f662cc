"""Lists what is understood of a product, for the maker to check and correct."""

from collections.abc import Collection
from typing import Any

from services.conversation.interview.corrections import export_value
from services.conversation.interview.state import State, get_known_facts
from services.conversation.interview.wording import phrase_briefly
from services.conversation.language.terms import Value
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, Facts, add_implications, is_implied

SOURCES = ("said", "follows", "assumed", "open")
"""How a fact is known: stated by the maker, implied by that, assumed, or not known."""

_IN_TOPICS = [name for facts in TOPIC_FACTS.values() for name in facts]
_ORDER = tuple(dict.fromkeys((*_IN_TOPICS, *FACTS)))


def list_product_facts(state: State) -> list[dict[str, Any]]:
    """List what is understood of the product, in the order in which the topics are asked.

    The list has what was said, what follows from that, what is assumed, and what is needed or
    not known. Two sorts of "no" are left out because they tell a reader nothing: those that
    follow from another fact (no radio, so no band), and those that the kind of product implies
    (a lamp is no e-bike). Both can be corrected nevertheless.

    Returns:
        `{name, label, kind, value, words, unit, source}` for each; `value` is None where nothing
        is known, and a date is an ISO date.
    """
    known = get_known_facts(state)
    wanted = {*known, *state["unsure"], *get_catalogue().count_open_facts(known)}
    following = add_implications(state["facts"])
    return [
        _build_entry(name, known.get(name), _find_source(name, state["facts"], following, known))
        for name in _ORDER
        if name in wanted and not _is_idle(name, state["facts"], known)
    ]


def _build_entry(name: str, value: Value | None, source: str) -> dict[str, Any]:
    fact = FACTS[name]
    return {
        "name": name,
        "label": fact.label,
        "kind": fact.kind.value,
        "value": export_value(name, value),
        "words": phrase_briefly(name, value),
        "unit": fact.unit,
        "source": source,
    }


def _find_source(name: str, said: Facts, following: Facts, known: Facts) -> str:
    if name not in known:
        return "open"
    if name in said:
        return "said"
    return "follows" if name in following else "assumed"


def _is_idle(name: str, said: Collection[str], known: Facts) -> bool:
    """Tell whether a fact is a "no" that needs no line of its own."""
    value = known.get(name, True)
    if value:
        return False
    if name in TOPIC_FACTS["kind"] and name not in said:
        return True
    grounds = ((other, known[other]) for other in known)
    # Two facts that imply each other (no display, no screen size) both stay.
    return any(
        is_implied(name, value, [ground]) and not is_implied(*ground, [(name, value)])
        for ground in grounds
    )
