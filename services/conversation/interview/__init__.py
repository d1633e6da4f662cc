"""The interview: what is known of a product, what is asked next, and corrections of it."""

from services.conversation.interview.dialogue import (
    MOST_TURNS,
    Reply,
    State,
    answer,
    apply,
    begin,
    correct,
    known_facts,
    takes,
)

__all__ = [
    "MOST_TURNS",
    "Reply",
    "State",
    "answer",
    "apply",
    "begin",
    "correct",
    "known_facts",
    "takes",
]
