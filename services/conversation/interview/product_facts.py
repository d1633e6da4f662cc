"""What the interview understands of a product, as a list of which every entry can be corrected."""

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
"""Whence a fact is known: the maker said it, it follows from that, nobody said it; or it is not."""

_IN_TOPICS = [name for facts in TOPIC_FACTS.values() for name in facts]
_ORDER = tuple(dict.fromkeys((*_IN_TOPICS, *FACTS)))


def list_product_facts(state: State) -> list[dict[str, Any]]:
    """List what is understood of the product, in the order in which the topics are asked.

    It holds what was said, what follows from that, what is assumed, and what is needed or not
    known. Two sorts of "no" are left out, as they tell a reader nothing: one that follows from
    another fact (without radio no band is used), and one that goes with the kind of product and
    says what else it is not (a lamp is no e-bike). Both can be corrected all the same.

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
    """Tell whether a fact is a "no" that is not worth a line."""
    value = known.get(name, True)
    if value:
        return False
    if name in TOPIC_FACTS["kind"] and name not in said:
        return True
    grounds = ((other, known[other]) for other in known)
    # Two that follow from each other (no screen, nothing that is one) both stay.
    return any(
        is_implied(name, value, [ground]) and not is_implied(*ground, [(name, value)])
        for ground in grounds
    )
