"""Finds known phrases of whole words in a text, in time proportional to its length."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: lower-case without apostrophes, and where it stood."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """Split a text into words; hyphens, slashes and all other signs separate them."""
    return [
        Word(match[0].lower().replace("'", "").replace("\u2019", ""), *match.span())
        for match in _WORD.finditer(text)
    ]


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A phrase that was found: its value and its span in characters."""

    value: T
    start: int
    end: int


class PhraseTable(Generic[T]):
    """Phrases and what they stand for, looked up word by word.

    A phrase is filed under its first word, so a word that starts no phrase costs one
    dictionary look-up. Of several phrases that start at the same word the longest wins,
    and the search continues after it: matches never overlap.
    """

    def __init__(self, phrases: Mapping[str, T]) -> None:
        filed: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for phrase, value in phrases.items():
            spelled = tuple(word.text for word in split_words(phrase))
            filed.setdefault(spelled[0], []).append((spelled, value))
        for entries in filed.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        self._filed = filed

    def find(self, text: Sequence[Word]) -> Iterator[Match[T]]:
        """Yield the phrases that occur in a text, in their order there."""
        spelled = [word.text for word in text]
        position = 0
        while position < len(spelled):
            step = 1
            for phrase, value in self._filed.get(spelled[position], ()):
                stop = position + len(phrase)
                if tuple(spelled[position:stop]) == phrase:
                    yield Match(value, text[position].start, text[stop - 1].end)
                    step = len(phrase)
                    break
            position += step
