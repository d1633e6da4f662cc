"""Finds out what a question asks for, by the phrases of whole words in it."""

import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from services.conversation.language.phrases import PhraseTable, Word, split_words


class Intent(StrEnum):
    """The kinds of question; when a question shows several, the first one here decides.

    The order is the precedence: "what if I drop Wi-Fi, which deadlines change?" asks
    for a comparison, and "what does RoHS cost?" is about money, not about RoHS.
    """

    ADVICE = "advice"  # legal advice, completeness
    CONFIDENCE = "confidence"  # how the percentages are made
    WHAT_IF = "what_if"
    OUTSIDE = "outside"  # known not to be answerable: money, laboratories, duration
    AVOID = "avoid"  # what would lift a norm
    OPEN = "open"
    EXCLUDED = "excluded"  # what does not apply
    PRIORITY = "priority"
    DEADLINES = "deadlines"
    NEXT = "next"
    FACTS = "facts"
    WHY = "why"
    COUNT = "count"
    LIST = "list"
    EXPLAIN = "explain"
    APPLIES = "applies"
    HELP = "help"


class _IntentPhrases(NamedTuple):
    """The contents of intents.toml."""

    table: PhraseTable[Intent]
    known: frozenset[str]


@cache
def _load_phrases() -> _IntentPhrases:
    return read_phrases(Path(__file__).with_name("intents.toml").read_text(encoding="utf-8"))


def read_phrases(text: str) -> _IntentPhrases:
    """Read the phrases of the kinds of question.

    Raises:
        ValueError: a kind is not one of `Intent`, or the text is no TOML.
        KeyError: a kind has no phrases, or the ordinary words are missing.
    """
    data = tomllib.loads(text)
    spellings = {Intent(kind): phrases for kind, phrases in data["phrases"].items()}
    table: dict[str, Intent] = {}
    for intent in Intent:
        for phrase in spellings[intent].split("|"):
            table.setdefault(phrase, intent)
    ordinary = data["ordinary"]["words"].split("|")
    known = frozenset(word.text for phrase in (*table, *ordinary) for word in split_words(phrase))
    return _IntentPhrases(PhraseTable(table), known)


def get_known_words() -> frozenset[str]:
    """Return every single word of the phrases, and the ordinary words of any sentence."""
    return _load_phrases().known


def find_intents(text: str | list[Word]) -> tuple[Intent, ...]:
    """List the kinds of question that a text matches, the decisive one first.

    Empty when it matches none. Never raises.
    """
    spelled = split_words(text) if isinstance(text, str) else text
    found = {match.value for match in _load_phrases().table.find(spelled)}
    return tuple(intent for intent in Intent if intent in found)
