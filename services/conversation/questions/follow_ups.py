"""Finds what a follow-up asks for: in "why RED?", then "and the second?", still "why"."""

from collections.abc import Sequence

from services.conversation.language.back_references import find_back_reference
from services.conversation.language.intents import Intent, find_intents
from services.conversation.language.phrases import Word, split_words
from services.conversation.language.word_lists import get_words
from services.conversation.questions.window import Entry

# A follow-up such as "and the second one?" may ask for these again.
_CARRIED = frozenset(
    (
        Intent.WHY,
        Intent.DEADLINES,
        Intent.AVOID,
        Intent.CONFIDENCE,
        Intent.EXPLAIN,
        Intent.APPLIES,
    )
)


def inherit_intents(
    asked: Sequence[Intent], question: Sequence[Word], history: Sequence[Entry]
) -> tuple[Intent, ...]:
    """Find what a question asks for, if necessary from the questions before it.

    Args:
        asked: what its words ask for.
        question: its words.
        history: the entries before it, oldest first.

    Returns:
        What the question itself asks for, or else what was asked for before.
    """
    rest = _skip_opening(question)
    own = find_intents(rest)
    if own:
        return own
    for entry in reversed(history):
        before = split_words(entry["content"]) if entry["role"] == "user" else []
        earlier = find_intents(_skip_opening(before))
        if earlier and earlier[0] in _CARRIED:
            return tuple(intent for intent in earlier if intent in _CARRIED)
        if earlier or (before and not (is_follow_up(before) or find_back_reference(before))):
            break  # questions before that are about something else
    return tuple(asked)


def is_follow_up(question: Sequence[Word]) -> bool:
    """Tell whether a question begins like a follow-up: "and", "what about"."""
    return len(_skip_opening(question)) < len(question)


def _skip_opening(question: Sequence[Word]) -> list[Word]:
    texts = [word.text for word in question]
    openings = [opening.split() for opening in get_words("follow_ups.openings")]
    at = 0
    while opening := next((o for o in openings if texts[at : at + len(o)] == o), []):
        at += len(opening)
    return list(question[at:])
