"""The last turns of a conversation, and how they reach the assistant with the next question.

A turn is two entries, `{role, content}` of the user and then of the assistant. The assistant is
handed one text, the enriched query::

    [CONVERSATION HISTORY]
    user: which are the most important?
    assistant: The most important for your product: - 2014/53/EU Radio Equipment Directive (RED) ...
    [CURRENT QUERY]
    user: and the second one?

An entry of the history is one line, whatever was typed, so that no message can pose as another
or as a marker.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_PAIRS = 10
"""Pairs of a user's and the assistant's entry that are remembered."""
MAX_TOKENS = 8_000
"""Tokens that the remembered entries may have together."""
BYTES_PER_TOKEN = 4
"""Of UTF-8 text; the usual rule of thumb for English, and on the safe side for most others."""

_HISTORY = "[CONVERSATION HISTORY]"
_QUERY = "[CURRENT QUERY]"
_USER = "user"
_ASSISTANT = "assistant"

Entry = dict[str, str]
"""What somebody said: `role` ("user" or "assistant") and `content`."""


@dataclass(frozen=True, slots=True)
class EnrichedQuery:
    """An enriched query, taken apart.

    Attributes:
        history: the entries before the query, oldest first, each on one line.
        query: what the user asks now, in their own words.
    """

    history: tuple[Entry, ...]
    query: str


def select_recent_pairs(
    history: Iterable[Mapping[str, Any]],
    *,
    max_pairs: int = MAX_PAIRS,
    max_tokens: int = MAX_TOKENS,
) -> list[Entry]:
    """The last pairs of a history that stay within a number of tokens, the oldest dropped first.

    Args:
        history: entries, oldest first; what has no answer, or answers nothing, is left out.
        max_pairs: pairs at most.
        max_tokens: tokens of all contents at most, as `tokens` estimates them.
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
    """About how many tokens a language model makes of a text: one for BYTES_PER_TOKEN."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def build_enriched_query(query: str, history: Sequence[Mapping[str, str]]) -> str:
    """The query with its history before it; without any, the query itself.

    A query that begins with the marker of a history, and has none, is put under the marker of
    queries, so that it is read as what it is.
    """
    if not (history or query.startswith(_HISTORY)):
        return query
    lines = [f"{entry['role']}: {_flatten(entry['content'])}" for entry in history]
    return "\n".join((_HISTORY, *lines, _QUERY, f"{_USER}: {query}"))


def read_enriched_query(text: str) -> EnrichedQuery:
    """Take an enriched query apart; any other text is a query without history. Never raises."""
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
