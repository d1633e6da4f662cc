"""Finding phrases of whole words."""

import pytest

from services.conversation.language.phrases import PhraseTable, split_words


def find_values(phrases: dict[str, int], text: str) -> list[int]:
    """The values of the phrases found in a text, in order."""
    return [match.value for match in PhraseTable(phrases).find(split_words(text))]


def test_words_are_lower_case_and_know_their_place() -> None:
    """Signs separate words, apostrophes vanish, and the span points into the text."""
    text = "It doesn\u2019t: Wi-Fi!"
    assert [word.text for word in split_words(text)] == ["it", "doesnt", "wi", "fi"]
    assert [text[word.start : word.end] for word in split_words(text)][1] == "doesn\u2019t"


@pytest.mark.parametrize("text", ["what if", "What, if?", "so WHAT-IF it is"])
def test_case_and_signs_make_no_difference(text: str) -> None:
    """A phrase is a sequence of words, whatever stands between them."""
    assert find_values({"what if": 1}, text) == [1]


@pytest.mark.parametrize("text", ["", "what", "somewhat if", "what iffy", "if what"])
def test_only_whole_words_in_order_count(text: str) -> None:
    """Parts of words and other orders are not found."""
    assert find_values({"what if": 1}, text) == []


def test_the_longest_phrase_wins_and_matches_do_not_overlap() -> None:
    """Behind a match the search goes on after its last word."""
    phrases = {"low": 1, "low voltage": 2, "low voltage directive": 3, "directive": 4}
    assert find_values(phrases, "low voltage directive, low voltage, a low directive") == [
        3,
        2,
        1,
        4,
    ]


def test_a_match_spans_the_words_as_written() -> None:
    """The span covers the first to the last word."""
    text = "is it a Low-Voltage thing"
    match = next(PhraseTable({"low voltage": 1}).find(split_words(text)))
    assert text[match.start : match.end] == "Low-Voltage"
