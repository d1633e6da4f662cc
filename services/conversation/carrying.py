"""What a question asks for that goes on from an earlier one: "why RED?", "and the second?"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.conversation.intents import Intent, intents
from services.conversation.phrases import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.conversation.phrases import Word
    from services.conversation.window import Entry

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
_OPENINGS = (
    ("and",),
    ("or",),
    ("und",),
    ("what", "about"),
    ("how", "about"),
    ("was", "ist", "mit"),
)


def carried(
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
    rest = _behind_opening(question)
    own = intents(rest)
    if own:
        return own
    before = (intents(_behind_opening(words(entry["content"]))) for entry in _users(history))
    earlier = next(filter(None, before), ())
    if earlier and earlier[0] in _CARRIED:
        return tuple(intent for intent in earlier if intent in _CARRIED)
    return tuple(asked)


def goes_on(question: Sequence[Word]) -> bool:
    """Whether a question begins as one that goes on from another: "and", "what about"."""
    return len(_behind_opening(question)) < len(question)


def _behind_opening(question: Sequence[Word]) -> list[Word]:
    rest = list(question)
    while True:
        spelled = tuple(word.text for word in rest)
        opening = next((each for each in _OPENINGS if spelled[: len(each)] == each), ())
        if not opening:
            return rest
        rest = rest[len(opening) :]


def _users(history: Sequence[Entry]) -> Iterable[Entry]:
    return (entry for entry in reversed(history) if entry["role"] == "user")
