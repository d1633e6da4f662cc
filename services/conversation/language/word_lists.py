"""Provides the word lists of word_lists.toml, which is read once, on first use."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _load() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _find(name: str) -> Any:
    section, _, key = name.partition(".")
    return _load()[section][key]


@cache
def get_words(name: str) -> frozenset[str]:
    """Return the words of a list, such as "routing.verbs".

    Raises:
        KeyError: there is no such list.
    """
    return frozenset(_find(name).split("|"))


@cache
def get_numbers(name: str) -> dict[str, int]:
    """Return the number that each word of a table stands for."""
    return {word: int(number) for number, words in _find(name).items() for word in words.split("|")}


@cache
def get_kinds(name: str) -> dict[str, tuple[str, ...]]:
    """Return the kinds of norm that each word of a table stands for; none means every kind."""
    return {
        word: tuple(kinds.split())
        for kinds, words in _find(name).items()
        for word in words.split("|")
    }
