"""Telling what a question asks for."""

import pytest

from services.conversation.language.intents import (
    Intent,
    find_intents,
    get_known_words,
    read_phrases,
)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Why does RED apply?", Intent.WHY),
        ("warum gilt RED", Intent.WHY),
        ("what if I drop Wi-Fi?", Intent.WHAT_IF),
        ("was wenn es 12 V hat", Intent.WHAT_IF),
        ("suppose it is sold in 2028", Intent.WHAT_IF),
        ("and without the battery?", Intent.WHAT_IF),
        ("which are most important?", Intent.PRIORITY),
        ("Was ist die wichtigste Richtlinie?", Intent.PRIORITY),
        ("where do I start", Intent.PRIORITY),
        ("what comes next?", Intent.NEXT),
        ("Do I need CE marking?", Intent.NEXT),
        ("by when must I comply", Intent.DEADLINES),
        ("Welche Fristen gelten?", Intent.DEADLINES),
        ("what changes in 2027", Intent.DEADLINES),
        ("list all norms", Intent.LIST),
        ("Which standards apply?", Intent.LIST),
        ("How many norms apply?", Intent.COUNT),
        ("what is still open?", Intent.OPEN),
        ("which do not apply?", Intent.EXCLUDED),
        ("how can I avoid it", Intent.AVOID),
        ("what is RoHS", Intent.EXPLAIN),
        ("does it apply", Intent.APPLIES),
        ("what does it cost?", Intent.OUTSIDE),
        ("how much is a test lab", Intent.OUTSIDE),
        ("which facts did you use", Intent.FACTS),
        ("what did you assume?", Intent.FACTS),
        ("is this legal advice?", Intent.ADVICE),
        ("is this complete?", Intent.ADVICE),
        ("how sure are you", Intent.CONFIDENCE),
        ("hello", Intent.HELP),
    ],
)
def test_the_decisive_kind(question: str, first: Intent) -> None:
    """The kind that takes precedence comes first."""
    assert find_intents(question)[0] is first


@pytest.mark.parametrize(
    "text", ["", "?!", "\U0001f600", "blue elephants", "\u05e9\u05dc\u05d5\u05dd"]
)
def test_no_sign_of_any_kind(text: str) -> None:
    """Text that asks for nothing known has no kind."""
    assert find_intents(text) == ()


def test_all_kinds_come_in_order_of_precedence() -> None:
    """A question may show signs of several kinds."""
    assert find_intents("what if I drop it, which deadlines change, and why") == (
        Intent.WHAT_IF,
        Intent.DEADLINES,
        Intent.WHY,
    )


def test_words_of_the_subject_are_known() -> None:
    """Single words of the phrases and ordinary words."""
    assert {"deadline", "warum", "product"} <= get_known_words()
    assert "elephant" not in get_known_words()


def test_the_data_file_is_validated() -> None:
    """An unknown kind is refused, a missing one as well."""
    with pytest.raises(ValueError, match="gossip"):
        read_phrases('[phrases]\ngossip = "say"\n[ordinary]\nwords = "a"')
    with pytest.raises(KeyError):
        read_phrases('[phrases]\nwhy = "why"\n[ordinary]\nwords = "a"')
