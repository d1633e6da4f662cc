"""The members of a context, and how additions are merged into it; pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

EMPTY: Mapping[str, Any] = MappingProxyType(
    {
        "conversation_state": {},
        "interrupted_queries": [],
        "recent_interactions": [],
        "user_preferences": {},
    }
)
"""A context's members, each with its empty value."""
_IDS = frozenset((str, int, bool))
"""Types that an id may have."""


def merge_context(present: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Merge additions into a context.

    Mappings merge, at every depth; lists are extended; any other value replaces the present one.
    An entry whose `id` is in the list already updates that entry instead, so that an entry which
    is sent twice is stored once.

    Args:
        present: the context; it is not changed.
        additions: what is added.
    """
    merged = dict(present)
    for name, value in additions.items():
        merged[name] = _merge_value(present[name], value) if name in present else value
    return merged


def _merge_value(present: Any, added: Any) -> Any:
    if isinstance(present, dict) and isinstance(added, dict):
        return merge_context(present, added)
    if isinstance(present, list) and isinstance(added, list):
        return _extend_list(present, added)
    return added


def _extend_list(present: Sequence[Any], added: Sequence[Any]) -> list[Any]:
    """Both lists one after the other, each id once."""
    added_ids = {known[1] for entry in added if (known := _get_id(entry))}
    if not added_ids:
        return [*present, *added]
    entries = list(present)
    # Lists may be long: comparing the bare id skips most entries without building a tuple.
    places = {
        _get_id(entry): at
        for at, entry in enumerate(entries)
        if type(entry) is dict and type(name := entry.get("id")) in _IDS and name in added_ids
    }
    for entry in added:
        known = _get_id(entry)
        if known and known in places:
            entries[places[known]] = {**entries[places[known]], **entry}
        else:
            if known:
                places[known] = len(entries)
            entries.append(entry)
    return entries


def _get_id(entry: Any) -> tuple[type, Any] | None:
    """An entry's id with its type, as the number 1 and the text "1" are two ids."""
    name = entry.get("id") if type(entry) is dict else None
    return (type(name), name) if type(name) in _IDS else None
