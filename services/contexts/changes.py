"""The members of a context, and how additions are merged into it; pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from services.sessions.merge import encode_id

EMPTY: Mapping[str, Any] = MappingProxyType(
    {
        "conversation_state": {},
        "interrupted_queries": [],
        "recent_interactions": [],
        "user_preferences": {},
    }
)
"""A context's members, each with its empty value."""


def merge_context(present: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Merge additions into a context.

    Mappings merge, at every depth; lists are extended; any other value replaces the present one.
    An entry whose `id` is in the list already updates that entry instead, so that an entry which
    is sent twice is stored once.

    Args:
        present: the context; it is not changed.
        additions: what is added.

    Raises:
        SessionNotSerialisable: an id is not plain JSON.
    """
    merged = dict(present)
    for name, value in additions.items():
        merged[name] = _merge_value(present.get(name), value)
    return merged


def _merge_value(present: Any, added: Any) -> Any:
    # What is new is merged into nothing, so that ids in it count once from the beginning.
    if isinstance(added, dict):
        return merge_context(present if isinstance(present, dict) else {}, added)
    if isinstance(added, list):
        return _extend_list(present if isinstance(present, list) else [], added)
    return added


def _extend_list(present: Sequence[Any], added: Sequence[Any]) -> list[Any]:
    """Both lists one after the other, each id once."""
    added_ids = [_encode_entry_id(entry) for entry in added]
    if not any(added_ids):
        return [*present, *added]
    entries = list(present)
    places = {_encode_entry_id(entry): at for at, entry in enumerate(entries)}
    for entry, known in zip(added, added_ids, strict=True):
        if known and known in places:
            entries[places[known]] = {**entries[places[known]], **entry}
        else:
            places[known] = len(entries)
            entries.append(entry)
    return entries


def _encode_entry_id(entry: Any) -> bytes:
    """What an entry's id is compared by; empty for an entry without one."""
    name = entry.get("id") if isinstance(entry, dict) else None
    return b"" if name is None else encode_id(name)
