"""Passes the last turns of a conversation to the assistant together with the next question.

A turn is two entries `{role, content}`, the user's and the assistant's. The assistant receives
one text, the enriched query::

    [CONVERSATION HISTORY]
    user: which are the most important?
    assistant: The most important for your product: - 2014/53/EU Radio Equipment Directive (RED) ...
    [CURRENT QUERY]
    user: and the second one?

Each entry of the history is written on one line, so no message can imitate another entry or a
marker.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_PAIRS = 10
"""How many turns are passed on."""
MAX_TOKENS = 8_000
"""How many tokens they may have together."""
BYTES_PER_TOKEN = 4
"""UTF-8 bytes; the usual rule of thumb for English, and cautious for most other languages."""

_HISTORY = "[CONVERSATION HISTORY]"
_QUERY = "[CURRENT QUERY]"
_USER = "user"
_ASSISTANT = "assistant"

Entry = dict[str, str]
"""One message: `role` ("user" or "assistant") and `content`."""


@dataclass(frozen=True, slots=True)
class EnrichedQuery:
    """The parts of an enriched query.

    Attributes:
        history: the entries before the query, oldest first, each on one line.
        query: the user's present question, unchanged.
    """

    history: tuple[Entry, ...]
    query: str


def select_recent_pairs(
    history: Iterable[Mapping[str, Any]],
    *,
    max_pairs: int = MAX_PAIRS,
    max_tokens: int = MAX_TOKENS,
) -> list[Entry]:
    """Return the last turns of a history that fit into a number of tokens.

    Args:
        history: entries, oldest first; messages without an answer, and answers without a message,
            are left out.
        max_pairs: the highest number of turns.
        max_tokens: the highest number of tokens, as `estimate_tokens` counts them.
    """
    kept: list[Entry] = []
    room = max_tokens
    for pair in reversed(_build_pairs(history)[-max_pairs:] if max_pairs > 0 else []):
        room -= sum(estimate_tokens(entry["content"]) for entry in pair)
        if room < 0:
            break
        kept[:0] = pair
    return kept


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a language model would count in a text."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def build_enriched_query(query: str, history: Sequence[Mapping[str, str]]) -> str:
    """Put the history before a query; without a history, return the query itself.

    A query without history that begins with the history's marker is put under the marker of
    queries, so that it is not misread.
    """
    if not (history or query.startswith(_HISTORY)):
        return query
    lines = [f"{entry['role']}: {_flatten(entry['content'])}" for entry in history]
    return "\n".join((_HISTORY, *lines, _QUERY, f"{_USER}: {query}"))


def read_enriched_query(text: str) -> EnrichedQuery:
    """Split an enriched query; any other text is a query without history. Never raises."""
    head, found, query = text.partition(f"\n{_QUERY}\n{_USER}: ")
    first, *lines = head.split("\n")
    if not found or first != _HISTORY:
        return EnrichedQuery((), text)
    entries = (line.partition(": ") for line in lines)
    history = tuple({"role": role, "content": content} for role, _, content in entries)
    return EnrichedQuery(history, query)


def _build_pairs(history: Iterable[Mapping[str, Any]]) -> list[tuple[Entry, Entry]]:
    pairs = []
    asked: Entry | None = None
    for entry in history:
        role, content = entry.get("role"), entry.get("content")
        if role == _USER and isinstance(content, str):
            asked = {"role": _USER, "content": content}
        elif role == _ASSISTANT and isinstance(content, str) and asked:
            pairs.append((asked, {"role": _ASSISTANT, "content": content}))
            asked = None
    return pairs


def _flatten(text: str) -> str:
    return " ".join(text.split())
