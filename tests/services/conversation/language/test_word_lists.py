"""The word lists: all that the code names are there, and all that are there are named."""

import re
import tomllib
from pathlib import Path

import pytest

from services.conversation.language.word_lists import get_kinds, get_numbers, get_words

CONVERSATION = Path(__file__).resolve().parents[4] / "services/conversation"
LISTS = tomllib.loads((CONVERSATION / "language/word_lists.toml").read_text(encoding="utf-8"))


def test_every_list_is_used_by_the_module_it_is_filed_under() -> None:
    """A section is named after a module, and each of its lists is named in that module."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in CONVERSATION.rglob("*.py")}
    assert [
        f"{section}.{name}"
        for section, lists in LISTS.items()
        for name in lists
        if not re.search(rf'"({section}\.)?{name}"', sources[section])
    ] == []


def test_every_list_in_the_code_exists() -> None:
    """A misspelled list would be found only by the sentence that needs it."""
    for path in CONVERSATION.rglob("*.py"):
        for name in re.findall(r'get_\w+\("([^"{]+)"\)', path.read_text(encoding="utf-8")):
            section, key = name.split(".")
            assert LISTS[section][key], f"{path.name}: {name}"


def test_words_are_spelled_as_they_are_compared() -> None:
    """Words are in lower case, and none stands twice in its list."""
    for section, lists in LISTS.items():
        for name, words in lists.items():
            for text in words.values() if isinstance(words, dict) else [words]:
                assert text == text.lower(), f"{section}.{name}"
                assert len(set(text.split("|"))) == len(text.split("|")), f"{section}.{name}"


def test_tables_give_a_value_for_each_word() -> None:
    """Numbers and kinds of norm are looked up by any of their words."""
    assert get_numbers("back_references.ordinals")["letzte"] == -1
    assert get_kinds("back_references.nouns")["law"] == ("directive", "regulation")
    assert get_kinds("back_references.nouns")["norm"] == ()
    assert "what about" in get_words("follow_ups.openings")


def test_an_unknown_list_is_refused() -> None:
    """Nobody compares with a list that does not exist."""
    with pytest.raises(KeyError):
        get_words("routing.nothing")
