"""Faults of a request's members: found without converting anything, and told in a bounded response.

A body may have a fault in each of a million members. The check ends after MOST_COUNTED of them,
and the response names the first MOST_NAMED, so that a refusal costs little time and few bytes.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing

MOST_NAMED = 10
"""The most faults that a response names."""
MOST_COUNTED = 1000
"""The faults after which a check ends."""
LONGEST_NAME = 64
"""The longest name of a member in a response, in characters; a client may choose longer ones."""
MOST_LEVELS = 8
"""The deepest member that a response names; no schema here is deeper."""

Path = tuple[str, ...]
Fault = tuple[Path, str]
"""A member at fault, and what is wrong with it."""


def check_members(field: fields.Field[Any], value: Any) -> None:
    """Check a value against a field without converting it.

    Raises:
        ValidationError: it has faults; the first MOST_COUNTED are in it.
    """
    found = list(islice(_find_faults(field, value, ()), MOST_COUNTED))
    if found:
        raise ValidationError(_nest(found))


def _find_faults(field: fields.Field[Any], value: Any, path: Path) -> Iterator[Fault]:
    if isinstance(field, fields.Nested) and type(value) is dict:
        for name, held in _pair_members(field.schema, value):
            if not (type(field.schema.fields[name]) is fields.String and type(held) is str):
                yield from _find_faults(field.schema.fields[name], held, (*path, name))
    elif isinstance(field, fields.List) and type(value) is list:
        for at, held in enumerate(value):
            yield from _find_faults(field.inner, held, (*path, str(at)))
    elif isinstance(field, fields.Dict) and field.value_field and type(value) is dict:
        for name, held in value.items():
            yield from _find_faults(field.value_field, held, (*path, name, "value"))
    elif isinstance(field, fields.Nested) and value is not missing and value is not None:
        yield (*path, "_schema"), field.schema.error_messages["type"]
    else:
        yield from _check_leaf(field, value, path)


def _pair_members(schema: Schema, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The members that a schema knows, each with its value, or `missing` if it is required."""
    for name, field in schema.fields.items():
        if name in value:
            yield name, value[name]
        elif field.required:
            yield name, missing


def _check_leaf(field: fields.Field[Any], value: Any, path: Path) -> Iterator[Fault]:
    try:
        field.deserialize(value)
    except ValidationError as error:
        for inner, message in flatten(error.normalized_messages()):
            yield (*path, *(name for name in inner if name != "_schema")), message


def flatten(messages: Any, path: Path = ()) -> Iterator[Fault]:
    """The faults in a ValidationError's messages, one by one."""
    if isinstance(messages, Mapping):
        for name, held in messages.items():
            yield from flatten(held, (*path, str(name)))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield path, str(message)


def bound_messages(messages: Any) -> tuple[dict[str, Any], int]:
    """The first faults in the form of a response's `errors`, and how many more were found."""
    found = flatten(messages)
    named = [(shorten_path(path), message) for path, message in islice(found, MOST_NAMED)]
    return _nest(named), sum(1 for _ in islice(found, MOST_COUNTED - len(named)))


def shorten_path(path: Iterable[str]) -> Path:
    """The names of a path, each short enough to be shown, and not too many of them."""
    return tuple(_shorten(name) for name in islice(path, MOST_LEVELS))


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _nest(found: Iterable[Fault]) -> dict[str, Any]:
    """Faults as a ValidationError has them: messages in a list, members in mappings."""
    nested: dict[str, Any] = {}
    for path, message in found:
        *parents, last = path or ("_schema",)
        inside: Any = nested
        for name in parents:
            inside = inside.setdefault(name, {}) if isinstance(inside, dict) else None
        if not isinstance(inside, dict) or not isinstance(inside.setdefault(last, []), list):
            # Two names that were shortened look alike, one of a value and one of an object.
            inside, last = nested, ".".join(path)
        inside.setdefault(last, []).append(message)
    return nested


def keep_some_unknown(given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """An object with its known members and so many of the unknown ones as are counted."""
    members = ((name, given[name]) for name in known if name in given)
    unknown = ((name, held) for name, held in given.items() if name not in known)
    return dict(chain(members, islice(unknown, MOST_COUNTED)))
