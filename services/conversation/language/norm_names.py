"""Finds the norms that a question names, in any usual spelling of their ids and names.

An act is recognised by its number ("2014/35/EU", "EU 2022/30"), by its common
name ("low voltage directive") or by its abbreviation ("LVD"); a standard by its
number with or without the letters before it ("EN IEC 62368-1", "62368"). An
abbreviation that is also an ordinary word (RED, REACH) counts in capitals only.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from services.conversation.language.phrases import Match, PhraseTable, Word, split_words
from services.conversation.language.word_lists import get_words
from services.norms.catalogue import get_catalogue

_ACT = re.compile(
    r"(?<![\w/])(?P<body>(?:\((?:EU|EC|EG|UE|CE)\)|(?:EU|EC|EG)\b)\s?)?(?P<first>\d{1,4})\s?/\s?"
    r"(?P<second>\d{1,4})(?![\d])(?P<tail>\s?/?\s?\(?(?:EEC|EWG|EU|EC|EG)\b\)?)?",
    re.IGNORECASE,
)
_STANDARD = re.compile(
    r"(?<![\w.,/-])(?P<body>(?:(?:ETSI|DIN|EN|IEC|ISO|UN)[\s/-]{0,2}){1,4})?"
    r"(?P<number>\d{3} ?\d{3}|\d{5}|\d{2,4}(?:\.\d{1,2})?)"
    r"(?:\s?-\s?(?P<part>\d{1,3}(?:-\d{1,3})?))?(?::\d{4})?(?![\w/]|[.,]\d)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_CAPITALS_WORDS = 3  # a text of so few words may be all capitals and still mean the abbreviation


@dataclass(frozen=True, slots=True)
class NormMentions:
    """The norms named in a text.

    Attributes:
        ids: ids of the catalogue, in the order of the text.
        topics: ids of norms on a subject that the text mentions, when no norm is named.
        unknown: act and standard numbers, as written, that the catalogue does not hold.
        rest: the text without the names that can only mean a norm.
    """

    ids: tuple[str, ...]
    topics: tuple[str, ...]
    unknown: tuple[str, ...]
    rest: str


@cache
def _load_numbers() -> dict[str, tuple[str, ...]]:
    """Map plain numbers to the catalogue's norms: "2014/35", "62368-1", "62368"."""
    found: dict[str, tuple[str, ...]] = {}
    for norm in get_catalogue().norms:
        act = _ACT.search(norm.id)
        if act:
            found[f"{act['first']}/{act['second']}"] = (norm.id,)
            continue
        standard = _STANDARD.search(norm.id)
        if standard:
            number = standard["number"].replace(" ", "")
            found[number] = (*found.get(number, ()), norm.id)
            if standard["part"]:
                found[f"{number}-{standard['part']}"] = (norm.id,)
    return found


class _NormNames(NamedTuple):
    """The contents of norm_names.toml."""

    phrases: PhraseTable[tuple[tuple[str, ...], bool]]
    """Ids by name or topic; the mark is True for a topic."""
    capitals: Mapping[str, tuple[str, ...]]


@cache
def _load_names() -> _NormNames:
    return read_names(Path(__file__).with_name("norm_names.toml").read_text(encoding="utf-8"))


def read_names(text: str) -> _NormNames:
    """Read the names of norms.

    Raises:
        ValueError: an id is not in the catalogue, or the text is no TOML.
        KeyError: an entry has no ids.
    """
    phrases: dict[str, tuple[tuple[str, ...], bool]] = {}
    capitals: dict[str, tuple[str, ...]] = {}
    for entry in tomllib.loads(text)["norm"]:
        ids = tuple(entry["ids"])
        if unknown := [norm_id for norm_id in ids if get_catalogue().get(norm_id) is None]:
            message = f"norm_names.toml: {unknown} are not in the catalogue"
            raise ValueError(message)
        for topic in _split(entry, "topics"):
            phrases.setdefault(topic, (ids, True))
        for name in _split(entry, "names"):
            phrases[name] = (ids, False)
        capitals.update(dict.fromkeys(_split(entry, "capitals"), ids))
    return _NormNames(PhraseTable(phrases), capitals)


def _split(entry: Mapping[str, str], part: str) -> list[str]:
    return entry[part].split("|") if part in entry else []


def find_norms(text: str) -> NormMentions:
    """Find the norms that a text names; never raises."""
    spelled = split_words(text)
    unknown: list[str] = []
    found = [
        *_find_acts(text, spelled, unknown),
        *_find_standards(text, unknown),
        *_find_capitals(text, spelled),
    ]
    topics: list[Match[tuple[str, ...]]] = []
    for name in _load_names().phrases.find(spelled):
        ids, is_topic = name.value
        (topics if is_topic else found).append(Match(ids, name.start, name.end))
    names = _drop_overlaps(found)
    ids = _list_ids(names)
    return NormMentions(
        ids,
        () if ids else _list_ids(topics),
        tuple(dict.fromkeys(unknown)),
        _cut(text, names),
    )


def _list_ids(matches: list[Match[tuple[str, ...]]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(norm_id for match in matches for norm_id in match.value))


def _drop_overlaps(matches: list[Match[tuple[str, ...]]]) -> list[Match[tuple[str, ...]]]:
    """Sort matches by position and keep, of two that overlap, the first and longer one."""
    kept: list[Match[tuple[str, ...]]] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if not kept or match.start >= kept[-1].end:
            kept.append(match)
    return kept


def _cut(text: str, names: list[Match[tuple[str, ...]]]) -> str:
    pieces: list[str] = []
    position = 0
    for match in names:
        pieces.append(text[position : match.start])
        position = match.end
    return " ".join((*pieces, text[position:]))


def _find_acts(text: str, spelled: list[Word], unknown: list[str]) -> list[Match[tuple[str, ...]]]:
    found = []
    about_law = any(word.text in get_words("norm_names.law_words") for word in spelled)
    for match in _ACT.finditer(text):
        ids = _load_numbers().get(f"{match['first']}/{match['second']}")
        if ids:
            found.append(Match(ids, *match.span()))
        elif match["body"] or match["tail"] or (about_law and len(match[0]) > len("1/2024")):
            unknown.append(match[0].strip())
            found.append(Match((), *match.span()))
    return found


def _find_standards(text: str, unknown: list[str]) -> list[Match[tuple[str, ...]]]:
    found = []
    for match in _STANDARD.finditer(text):
        number = match["number"].replace(" ", "")
        key = f"{number}-{match['part']}" if match["part"] else number
        ids = _load_numbers().get(key)
        if match["body"]:
            if not ids and not _YEAR.fullmatch(number):  # "en 2027" is a date in other languages
                unknown.append(match[0].strip())
            found.append(Match(ids or (), *match.span()))
        elif ids and len(number) >= len("12345"):
            found.append(Match(ids, *match.span()))
    return found


def _find_capitals(text: str, spelled: list[Word]) -> list[Match[tuple[str, ...]]]:
    # In a text written all in capitals they mean nothing, unless it is short ("RED?").
    if text.isupper() and len(spelled) > _CAPITALS_WORDS:
        return []
    capitals = _load_names().capitals
    return [
        Match(capitals[written], word.start, word.end)
        for word in spelled
        if (written := text[word.start : word.end]) in capitals
    ]
