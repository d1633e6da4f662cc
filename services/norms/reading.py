"""Reads the TOML text of a catalogue; reports an error with its line."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import cast

from services.norms.facts import FACTS
from services.norms.lines import Lines
from services.norms.logic import Expression, ExpressionError, parse
from services.norms.norm import Deadline, Norm

_KINDS = ("regulation", "directive", "standard")
_REQUIRED: dict[str, type] = {
    "id": str, "title": str, "kind": str, "trigger": str, "summary": str, "url": str, "weight": int,
}  # fmt: skip
_OPTIONAL: dict[str, type] = {
    "note": str, "doubts": list, "deadlines": list, "supports": list, "watch": bool,
}  # fmt: skip
_TYPES = {**_REQUIRED, **_OPTIONAL}
_TYPE_WORDS = {str: "text", int: "a whole number", list: "a list", bool: "true or false"}
_WEIGHTS = range(1, 101)
_TOML_LINE = re.compile(r"at line (\d+)")


class CatalogueError(ValueError):
    """A catalogue that cannot be used; the message names file and line of the fault."""


def read_norms(text: str, name: str) -> tuple[Norm, ...]:
    """Read all entries of a catalogue, in order.

    Args:
        text: TOML with a table `definitions` of shared terms and a list of tables `norm`.
        name: what error messages call the text.

    Raises:
        CatalogueError: the first fault found.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise CatalogueError(f"{name}:{line}: {error}") from error
    return _Reader(name, Lines(text)).read(document)


class _Entry:
    """One raw `[[norm]]` table: checks its fields and reports errors with their line."""

    def __init__(self, table: object, index: int, name: str, lines: Lines) -> None:
        self._index, self._name, self._lines = index, name, lines
        self._table: dict[str, object] = table if isinstance(table, dict) else {}
        if self._table is not table:
            raise self.build_error("", "a norm must be a table")
        for key in _REQUIRED:
            if key not in table:
                raise self.build_error("", f"missing field {key!r}")
        for key, value in table.items():
            self._check(key, value)

    def _check(self, key: str, value: object) -> None:
        expected = _TYPES.get(key)
        if expected is None:
            raise self.build_error(key, f"unknown key {key!r}")
        if type(value) is not expected:
            raise self.build_error(key, f"{key!r} must be {_TYPE_WORDS[expected]}")
        if key in _REQUIRED and value == "":
            raise self.build_error(key, f"{key!r} is empty")

    def build_error(self, key: str, what: str) -> CatalogueError:
        line = self._lines.find_norm_line(self._index, key)
        label = self._table.get("id", self._index + 1)
        return CatalogueError(f"{self._name}:{line}: {what} in norm {label}")

    def read_text(self, key: str) -> str:
        return cast(str, self._table.get(key, ""))

    def read_texts(self, key: str) -> tuple[str, ...]:
        values = cast(list[object], self._table.get(key, []))
        if not all(isinstance(value, str) and value for value in values):
            raise self.build_error(key, f"{key!r} must be a list of texts")
        return tuple(cast(list[str], values))

    def read_kind(self) -> str:
        kind = self.read_text("kind")
        if kind not in _KINDS:
            raise self.build_error("kind", f"kind {kind!r} is none of {', '.join(_KINDS)}")
        return kind

    def read_url(self) -> str:
        if not self.read_text("url").startswith("https://"):
            raise self.build_error("url", "the url must start with https://")
        return self.read_text("url")

    def read_weight(self) -> int:
        weight = cast(int, self._table["weight"])
        if weight not in _WEIGHTS:
            raise self.build_error("weight", f"weight {weight} is not within 1 to {_WEIGHTS[-1]}")
        return weight

    def read_watch(self) -> bool:
        return cast(bool, self._table.get("watch", False))

    def read_trigger(
        self, definitions: Mapping[str, Expression], known: dict[str, Expression]
    ) -> Expression:
        text = self.read_text("trigger")
        try:
            return known.setdefault(text, known.get(text) or parse(text, definitions))
        except ExpressionError as error:
            raise self.build_error("trigger", str(error)) from error

    def read_deadlines(self) -> tuple[Deadline, ...]:
        rows = cast(list[object], self._table.get("deadlines", []))
        return tuple(sorted(map(self._read_deadline, rows), key=lambda found: found.date))

    def _read_deadline(self, row: object) -> Deadline:
        match row:
            case {"date": date() as day, "what": str() as what, **rest} if what and not rest:
                if not isinstance(day, datetime):
                    return Deadline(day, what)
        raise self.build_error(
            "deadlines", 'a deadline must be { date = 2027-01-20, what = "..." }: bad date or text'
        )


class _Reader:
    """Turns the parsed document into norms."""

    def __init__(self, name: str, lines: Lines) -> None:
        self._name = name
        self._lines = lines

    def read(self, document: Mapping[str, object]) -> tuple[Norm, ...]:
        for key in document.keys() - {"definitions", "norm"}:
            raise self._build_error(self._lines.top.get(key, 1), f"unknown key {key!r}")
        definitions = self._read_definitions(document.get("definitions", {}))
        tables = document.get("norm", [])
        if not isinstance(tables, list):
            raise self._build_error(self._lines.top.get("norm", 1), "write each norm as [[norm]]")
        entries = [
            _Entry(table, index, self._name, self._lines) for index, table in enumerate(tables)
        ]
        triggers: dict[str, Expression] = {}
        norms = tuple(_build_norm(entry, definitions, triggers) for entry in entries)
        self._check_references(entries, norms)
        return norms

    def _build_error(self, line: int, what: str) -> CatalogueError:
        return CatalogueError(f"{self._name}:{line}: {what}")

    def _read_definitions(self, table: object) -> dict[str, Expression]:
        """Read the shared terms; one may use those above it."""
        if not isinstance(table, dict):
            raise self._build_error(
                self._lines.top.get("definitions", 1), "definitions must be a table"
            )
        found: dict[str, Expression] = {}
        for term, text in table.items():
            line = self._lines.definitions.get(term, 1)
            if term in FACTS:
                raise self._build_error(line, f"definition {term!r} has the name of a fact")
            if not isinstance(text, str):
                raise self._build_error(line, f"definition {term!r} must be text")
            try:
                found[term] = parse(text, found)
            except ExpressionError as error:
                raise self._build_error(line, f"{error} in definition {term}") from error
        return found

    @staticmethod
    def _check_references(entries: list[_Entry], norms: tuple[Norm, ...]) -> None:
        acts = {norm.id for norm in norms if norm.kind != "standard"}
        seen: set[str] = set()
        for entry, norm in zip(entries, norms, strict=True):
            if norm.id in seen:
                raise entry.build_error("id", f"duplicate id {norm.id!r}")
            seen.add(norm.id)
            for act in norm.supports:
                if act not in acts:
                    raise entry.build_error("supports", f"{act!r} is no act of this catalogue")


def _build_norm(
    entry: _Entry, definitions: Mapping[str, Expression], triggers: dict[str, Expression]
) -> Norm:
    return Norm(
        id=entry.read_text("id"),
        title=entry.read_text("title"),
        kind=entry.read_kind(),
        trigger=entry.read_trigger(definitions, triggers),
        summary=entry.read_text("summary"),
        note=entry.read_text("note"),
        doubts=entry.read_texts("doubts"),
        url=entry.read_url(),
        weight=entry.read_weight(),
        deadlines=entry.read_deadlines(),
        supports=entry.read_texts("supports"),
        watch=entry.read_watch(),
    )
