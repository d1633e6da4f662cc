"""Describes a product in a sentence or two, from the maker's words and the known facts."""

import re
from collections.abc import Collection
from typing import Any

from services.conversation.analysis.reasoning import sort_facts, write_clause
from services.conversation.interview.state import get_known_facts
from services.norms.facts import FACTS, Facts, Kind, add_implications, is_implied, join_items

# Words of a kind's name that would bring the radio back.
_ON_THE_AIR = re.compile(
    r"\b(?:bluetooth|wi-?fi|wireless|smart|connected|cordless|radio)\b *", re.IGNORECASE
)
# The kind of product decides these, and their clauses name other products.
_LISTS = frozenset(("charger_list", "eaa_list", "standby_list"))
# Denials that are easier to read than the clauses of the vocabulary.
_PLAINER = {
    write_clause("consumer", value=False): "for professionals only",
    write_clause("mains", value=False): "not mains powered",
}
State = dict[str, Any]

_LONGEST_QUOTE = 200  # characters of the maker's own words that are repeated
# What a product lacks is worth saying only if it decides important acts.
_TELLING_NO = (
    "electrical", "mains", "battery", "radio", "data_conn", "internet", "personal_data", "consumer",
    "packaged",
)  # fmt: skip


def find_assumed_facts(state: State) -> frozenset[str]:
    """Find the known facts that the maker did not state.

    These are the defaults, what the words usually imply (mains: 230 V), and numbers that come
    from the kind of product. Its class is no assumption: a desk lamp is a luminaire.
    """
    stated = add_implications(state["facts"])
    likely = state.get("likely") or {}
    numbers = (
        name
        for name, value in (state.get("of_kind") or {}).items()
        if value and FACTS[name].kind is Kind.NUMBER
    )
    guesses = {*state.get("defaults", ()), *add_implications(likely), *numbers}
    return frozenset((guesses - stated.keys()) & get_known_facts(state).keys())


def write_clauses(
    facts: Facts, skipped: Collection[str] = (), stressed: Collection[str] = ()
) -> list[str]:
    """Say the important facts of a product, one clause each, without what others imply.

    Args:
        facts: what is known of it.
        skipped: facts to leave out.
        stressed: facts to name even when they are an unimportant "no".
    """
    telling = {*_TELLING_NO, *stressed}
    shown = {
        name: value
        for name, value in facts.items()
        if name not in skipped and (value or name in telling)
    }
    return [
        write_clause(name, shown[name])
        for name in sort_facts(shown)
        if not is_implied(name, shown[name], shown.items())
    ]


def summarise(state: State) -> str:
    """Describe the product: the maker's words in quotes, the facts understood, the assumptions."""
    facts = get_known_facts(state)
    assumed = find_assumed_facts(state)
    quote = " ".join(str(state.get("description", "")).split())
    if len(quote) > _LONGEST_QUOTE:
        quote = quote[: _LONGEST_QUOTE - 1].rstrip() + "\u2026"
    known = write_clauses(facts, assumed)
    taken = write_clauses({name: facts[name] for name in assumed if name in facts})
    parts = [f"\u201c{quote}\u201d."] if quote else []
    if known:
        parts.append(f"Understood: {join_items(known)}.")
    if taken:
        parts.append(f"Assumed: {join_items(taken)}.")
    return " ".join(parts)


def describe(state: State, stressed: Collection[str] = ()) -> str:
    """Describe the product by its kind and its facts alone, so that it can be read again.

    Args:
        state: the conversation's state.
        stressed: facts to name in any case.
    """
    facts = get_known_facts(state)
    kind = str(state.get("kind") or "product")
    if not facts.get("radio"):
        kind = _ON_THE_AIR.sub("", kind).strip() or "product"
    said = write_clauses(facts, _LISTS.difference(stressed), stressed)
    said = [_PLAINER.get(text, text) for text in said]
    return f"{kind[:1].upper()}{kind[1:]}: {', '.join(said)}."
