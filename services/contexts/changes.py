"""What a context consists of, and how something is added to it; pure."""

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
"""A context's members, as they are where nothing was said of them."""
_IDS = frozenset((str, int, bool))
"""Types that an id may have."""


def merge_context(present: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """A context with something added to it.

    Mappings merge, at every depth; lists are extended; any other value takes the place of what
    was there. An entry that has an `id` and is in the list already gets the members it brings
    instead, so that an entry which is sent twice counts once.

    Args:
        present: the context as it is; it stays as it is.
        additions: what is added.
    """
    together = dict(present)
    for name, value in additions.items():
        together[name] = _together(present[name], value) if name in present else value
    return together


def _together(present: Any, added: Any) -> Any:
    if isinstance(present, dict) and isinstance(added, dict):
        return merge_context(present, added)
    if isinstance(present, list) and isinstance(added, list):
        return _extended(present, added)
    return added


def _extended(present: Sequence[Any], added: Sequence[Any]) -> list[Any]:
    """Both lists one after the other; what has an id stands once."""
    wanted = {known[1] for entry in added if (known := _id(entry))}
    if not wanted:
        return [*present, *added]
    entries = list(present)
    # Most entries are not wanted; a look at the bare id is enough to pass them over.
    places = {
        _id(entry): at
        for at, entry in enumerate(entries)
        if type(entry) is dict and type(name := entry.get("id")) in _IDS and name in wanted
    }
    for entry in added:
        known = _id(entry)
        if known and known in places:
            entries[places[known]] = {**entries[places[known]], **entry}
        else:
            if known:
                places[known] = len(entries)
            entries.append(entry)
    return entries


def _id(entry: Any) -> tuple[type, Any] | None:
    """What an entry is known by; the number 1 and the text "1" are two ids."""
    name = entry.get("id") if type(entry) is dict else None
    return (type(name), name) if type(name) in _IDS else None
