"""What a question asks for that goes on from an earlier one: "why RED?", "and the second?"."""

from collections.abc import Sequence

from services.conversation.language.back_references import find_back_reference
from services.conversation.language.intents import Intent, find_intents
from services.conversation.language.phrases import Word, split_words
from services.conversation.language.word_lists import get_words
from services.conversation.questions.window import Entry

# What a question asks for that goes on in "and the second one?".
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
    """What a question asks for, if need be by what was asked for before.

    Args:
        asked: what its words ask for.
        question: its words.
        history: the entries before it, oldest first.

    Returns:
        What it asks for itself; where it only names something else, what was asked for before.
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
            break  # what stands before it is another matter
    return tuple(asked)


def is_follow_up(question: Sequence[Word]) -> bool:
    """Whether a question begins as one that goes on from another: "and", "what about"."""
    return len(_skip_opening(question)) < len(question)


def _skip_opening(question: Sequence[Word]) -> list[Word]:
    texts = [word.text for word in question]
    openings = [opening.split() for opening in get_words("follow_ups.openings")]
    at = 0
    while opening := next((o for o in openings if texts[at : at + len(o)] == o), []):
        at += len(opening)
    return list(question[at:])
