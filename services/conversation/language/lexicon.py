"""Builds the lexicon from words.toml and kinds.toml: what a maker's words say of a product."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from services.conversation.language.terms import (
    CLASS_LABELS,
    ORDINARY_PLUG_A,
    PURPOSE_LABELS,
    Branch,
    Concept,
    Entry,
    Index,
    ProductKind,
    Value,
)
from services.conversation.language.tokens import read_number, split_tokens
from services.norms.facts import FACTS, Kind

__all__ = ["CLASS_LABELS", "LexiconError", "build_index", "get_lexicon"]


class LexiconError(ValueError):
    """An entry of the lexicon is wrong; the message names its file and words."""


def _read_facts(text: str, where: str) -> tuple[tuple[str, Value], ...]:
    """Read "electrical -mains v_dc=5" into names and values."""
    found: dict[str, Value] = {}
    for item in text.split():
        name, equals, amount = item.lstrip("-").partition("=")
        about = FACTS.get(name)
        value = read_number(amount) if equals else not item.startswith("-")
        if about is None or value is None or (about.kind is Kind.BOOL) == bool(equals):
            message = f"{where}: '{item}' is not a fact with a value of its kind"
            raise LexiconError(message)
        found[name] = value
    return tuple(found.items())


def _read_names(text: str, where: str) -> tuple[str, ...]:
    names = tuple(text.split())
    unknown = [name for name in names if name not in FACTS]
    if unknown:
        message = f"{where}: unknown facts {', '.join(unknown)}"
        raise LexiconError(message)
    return names


def _read_concept(data: Mapping[str, Any]) -> Concept:
    where = f"words.toml: {data['name']}"
    return Concept(
        name=data["name"],
        denial=data.get("denial", f"no {data['name']}"),
        group=data["group"],
        yes=_read_facts(data.get("yes", ""), where),
        soft=_read_facts(data.get("soft", ""), where),
        asked=_read_facts(data.get("asked", ""), where),
        no=_read_facts(data.get("no", ""), where),
        open=_read_names(data.get("open", ""), where),
        opens=_read_names(data.get("opens", ""), where),
        own=data.get("own", False),
        inside=data.get("inside", False),
        quiet=data.get("quiet", False),
    )


def _read_kind(name: str, data: Mapping[str, Any]) -> ProductKind:
    where = f"kinds.toml: {name}"
    is_class = dict(_read_facts(data.get("is", ""), where))
    other = dict(_read_facts(f"{data.get('plain', '')} {data.get('facts', '')}", where))
    left_open = set(data.get("open", "").split())
    facts: dict[str, Value] = {
        fact: fact in is_class for fact in CLASS_LABELS if fact not in left_open
    }
    if facts.get("is_display") is False:
        facts["display_cm2"] = 0
    large = data.get("large", False)
    if not large and other.get("electrical", True):
        facts["input_a"] = ORDINARY_PLUG_A
    purpose = next((fact for fact in PURPOSE_LABELS if other.get(fact)), "")
    main = purpose or next((fact for fact in CLASS_LABELS if fact in is_class), "")
    label = PURPOSE_LABELS.get(main) or CLASS_LABELS.get(main, "")
    return ProductKind(
        name,
        label,
        tuple((facts | other).items()),
        main,
        data.get("part", False),
    )


def _build_plurals(words: list[str]) -> Iterable[list[str]]:
    """Yield a phrase with its last word in the plural."""
    *before, last = words
    if last.isalpha() and len(last) > 2:  # noqa: PLR2004 - "tv" has no plural that matters
        if last.endswith(("s", "x", "ch", "sh")):
            yield [*before, f"{last}es"]
        else:
            yield [*before, f"{last}s"]
            if last.endswith("y"):
                yield [*before, f"{last[:-1]}ies"]


class _Builder:
    """Collects entries; one phrase may be both a concept and a kind ("charger")."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, ...], Entry] = {}
        self.plurals: list[tuple[tuple[str, ...], str, object]] = []

    def add(self, phrase: str, slot: str, value: object) -> None:
        """File a phrase.

        Raises:
            LexiconError: the phrase already has a meaning of the same sort.
        """
        words = split_tokens(phrase) or [phrase]
        if not self._set(tuple(words), slot, value):
            message = f"'{phrase}' is listed twice as a {slot}"
            raise LexiconError(message)
        if slot != "marker":
            for plural in _build_plurals(words):
                named = value
                if isinstance(value, ProductKind):
                    named = replace(value, name=phrase[: -len(words[-1])] + plural[-1])
                self.plurals.append((tuple(plural), slot, named))

    def _set(self, words: tuple[str, ...], slot: str, value: object) -> bool:
        entry = self.entries.setdefault(words, Entry(list(words[2:]), len(words)))
        if getattr(entry, slot):
            return False
        setattr(entry, slot, value)
        return True

    def _find_inner(self, words: tuple[str, ...]) -> tuple[Concept, ...]:
        single = (self.entries.get((word,)) for word in words)
        return tuple(
            entry.concept for entry in single if entry and entry.concept and entry.concept.inside
        )

    def build(self) -> Index:
        """Return the entries by first word, longest first; listed phrases beat plurals."""
        for words, slot, value in self.plurals:
            self._set(words, slot, value)
        for words, entry in self.entries.items():
            if entry.kind and len(words) > 1:
                entry.inner = self._find_inner(words)
        index = Index()
        for words, entry in self.entries.items():
            branch = index.setdefault(words[0], Branch())
            if entry.size == 1:
                branch.alone = entry
            else:
                branch.longer.setdefault(words[1], []).append(entry)
        for branch in index.values():
            for entries in branch.longer.values():
                entries.sort(key=lambda entry: -entry.size)
        return index


def build_index(words: Mapping[str, Any], kinds: Mapping[str, Any]) -> Index:
    """Make the index from the contents of the two data files.

    Raises:
        LexiconError: a fact does not exist, has a value of the wrong kind, or a phrase is
            listed twice.
    """
    builder = _Builder()
    for marker, phrases in words["markers"].items():
        for phrase in phrases.split("|"):
            builder.add(phrase, "marker", marker)
    for data in words["concept"]:
        concept = _read_concept(data)
        for phrase in data["words"].split("|"):
            builder.add(phrase, "concept", concept)
    for data in kinds["kind"]:
        data = {**data, "plain": kinds["plain"].get(data.get("plain"), "")}  # noqa: PLW2901
        for phrase in data["names"].split("|"):
            builder.add(phrase, "kind", _read_kind(phrase, data))
    return builder.build()


@cache
def get_lexicon() -> Index:
    """Return the packaged lexicon, read on first use."""
    here = Path(__file__)
    words, kinds = (
        tomllib.loads(here.with_name(name).read_text(encoding="utf-8"))
        for name in ("words.toml", "kinds.toml")
    )
    return build_index(words, kinds)
