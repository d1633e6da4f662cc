"""Splitting and numbers: whole words, ranges, decimal commas, and nothing that can hurt."""

import pytest

from services.conversation.language.tokens import LONGEST, read_number, split_tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wi-Fi light-bulb", ["wi", "fi", "light", "bulb"]),
        ("toymaker's lamp isn't", ["toymaker", "lamp", "isn't"]),
        ("230V AC, 1,5A", ["230", "v", "ac", ",", "1,5", "a"]),
        ("100 \u2013 240 V", ["100", "-", "240", "v"]),
        ("lamp - no radio", ["lamp", "-", "no", "radio"]),
        ("4G and 2.4GHz", ["4g", "and", "2.4", "ghz"]),
        ("10\u00d715 cm", ["10", "x", "15", "cm"]),
        ("lamp w/o battery", ["lamp", "without", "battery"]),
        ("Straße", ["strasse"]),
        ("a\nb", ["a", ".", "b"]),
        ("it\u2019s \u201c24\u201d", ["it", "24", '"']),
        ("", []),
        ("\x00\u202e🙂", []),
    ],
)
def test_text_splits_into_lower_case_tokens(text: str, expected: list[str]) -> None:
    """Hyphens separate words, signs between numbers stay, possessives go."""
    assert split_tokens(text) == expected


def test_only_the_first_characters_are_read() -> None:
    """A huge text costs no more than the longest one that is read."""
    assert len(split_tokens("ab " * 100_000)) == LONGEST // 3 + 1


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("230", 230),
        ("1.5", 1.5),
        ("1,5", 1.5),
        ("0,500", 0.5),
        ("1,500", 1500),
        ("1.000.000", 1_000_000),
        ("2.0", 2),
        ("20.01.2027", None),
        ("9" * 400, None),
        ("v", None),
        ("", None),
    ],
)
def test_numbers_take_points_commas_and_thousands(token: str, expected: float | None) -> None:
    """A comma before three digits separates thousands unless a zero stands before it."""
    assert read_number(token) == expected
