"""Applies the change that a "what if" question describes to a copy of the state."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from services.conversation.interview.state import (
    State,
    apply_message,
    forget_facts,
    get_known_facts,
)
from services.conversation.language.lexicon import CLASS_LABELS
from services.conversation.language.phrases import split_words
from services.conversation.language.rewording import reword_change
from services.conversation.language.word_lists import get_words
from services.conversation.understanding.message import Understanding, understand
from services.norms.facts import Facts

_BANDS = (
    "band_2g4", "band_5g", "band_sub1g", "nfc_inductive", "wireless_charger", "cellular",
)  # fmt: skip
_OVER_THE_AIR = ("internet", "data_conn")
_CHILDREN = re.compile(r"\b(?:child|children|kids?|kinder)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SupposedProduct:
    """A product with a supposed change.

    Attributes:
        state: the conversation's state with the change in it.
        stated: names of the facts that the change is about.
    """

    state: State
    stated: frozenset[str]


def suppose(state: State, question: str) -> SupposedProduct | None:
    """Read a change from a question and apply it to a copy of the state.

    Returns:
        The supposed product; None when the question names no fact.
    """
    text = reword_change(question)
    message = understand(text)
    doubtful = message.unsure | _find_doubtful(text, message.stated)
    if not (message.facts or message.denied or doubtful):
        return None
    message = replace(message, stated=_collect_meant(message, get_known_facts(state)))
    changed = forget_facts(_apply_change(state, message), doubtful)
    return SupposedProduct(changed, frozenset(message.stated))


def _collect_meant(message: Understanding, known: Facts) -> dict[str, bool | int | float]:
    """Take as stated what merely goes with the words: "industrial" means no consumers here.

    A kind of product that shares nothing with the product ("if it were a toy") is meant as a
    change; one that does ("if the lamp ran on batteries") only names it.
    """
    meant = {**message.likely, **message.stated}
    kind = message.kind
    if kind and kind.main:
        shared = (known.get(name) for name, value in kind.facts if value and name in CLASS_LABELS)
        if not any(shared):
            meant.setdefault(kind.main, True)
    return meant


def _apply_change(state: State, message: Understanding) -> State:
    """Apply the change to the state.

    A product that has lost all the radio bands it was known to use is taken to have no radio.
    Whether it still reaches a network is then open, unless its description mentions a cable.
    """
    changed = apply_message({**state, "topic": None, "pending": []}, message)
    before, after = get_known_facts(state), get_known_facts(changed)
    if not before.get("radio") or message.stated.get("radio"):
        return changed
    if not any(after.get(band) for band in _BANDS):
        changed["facts"] = {**changed["facts"], "radio": False}
    if get_known_facts(changed).get("radio") or _has_cable(changed):
        return changed
    return forget_facts(changed, [name for name in _OVER_THE_AIR if name not in message.stated])


def _has_cable(state: State) -> bool:
    spoken = {word.text for word in split_words(str(state.get("description", "")))}
    return not spoken.isdisjoint(get_words("hypothesis.wired"))


def _find_doubtful(text: str, stated: Collection[str]) -> frozenset[str]:
    """List the facts in doubt: a product "for children" may or may not be a toy."""
    if "child_play" not in stated and _CHILDREN.search(text):
        return frozenset(("child_play",))
    return frozenset()
