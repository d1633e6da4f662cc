"""What becomes of two copies of one session that were changed apart; pure.

A rule takes the copy that counts more, the other one and, where it is known, the version both
were made from. In a conflict of two requests the copy that is about to be written counts more.
"""

import copy
import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from .errors import SessionNotSerialisable

Merge = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any] | None], dict[str, Any]]
"""Makes one session of two: the higher copy (or ours), the lower (or theirs), their base."""

MESSAGE_LISTS = frozenset({"history", "qa_history"})
"""Members that hold messages, whatever those look like."""
MESSAGE_MARKS = frozenset({"id", "role", "timestamp"})
"""What tells a message in any other list from, say, a result; one of them is enough."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class _Gone:
    """Stands for a member that a copy does not have."""


_GONE = _Gone()
_Key = tuple[bytes, int]


class _Placed(NamedTuple):
    """A message where its copy has it: what it is known by, its turn's moment, itself."""

    key: _Key
    moment: float
    follows: bool
    message: Any


def merge_higher(
    higher: Mapping[str, Any],
    lower: Mapping[str, Any],  # noqa: ARG001 - one shape for all rules
    base: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> dict[str, Any]:
    """The higher copy, whole."""
    return copy.deepcopy(dict(higher))


def merge_conversations(
    higher: Mapping[str, Any], lower: Mapping[str, Any], base: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All messages of both copies, and everything else of the higher one.

    Messages are the dicts in MESSAGE_LISTS and in every list of dicts that bear a MESSAGE_MARK.
    Each stays once: it is known by its `id`, without one by its whole content and that of the
    message it replies to; the second of two equal ones in a copy is the second in the other,
    too. They stand in order of their `timestamp` (ISO 8601, or a number), one without it after
    the one before it. A reply stays with what it answers: the one it names in `reply_to`, or
    an assistant's the message before it. Of two at the same moment the lower copy's is first,
    as it was stored first. A message that one copy dropped and the other has is kept.

    Args:
        higher: the copy whose other members count.
        lower: the other copy.
        base: what both were made from; with it a member that only the lower copy changed,
            or dropped, is taken from there. Dicts in both are merged by the same rule.

    Returns:
        A dict of its own; the arguments stay as they are and share nothing with it.
    """
    return copy.deepcopy(_Rule(_has_messages).members(higher, lower, base))


def merge_contexts(
    higher: Mapping[str, Any], lower: Mapping[str, Any], base: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything of both copies: mappings and lists together, of a single value the higher's.

    Lists are put together as messages are by `merge_conversations`, whatever is in them: an
    entry is known by its `id`, or by its whole content.

    Args and Returns:
        As `merge_conversations`.
    """
    return copy.deepcopy(_Rule(_are_lists, keeps_all=True).members(higher, lower, base))


class _Rule:
    """How members of two copies become one.

    Args:
        joins: whether a member's values, by its name, are lists to be put together.
        keeps_all: whether a member that only the lower copy has stays, if nobody knows whether
            the higher one never had it or dropped it.
    """

    def __init__(self, joins: Callable[..., bool], *, keeps_all: bool = False) -> None:
        self._joins = joins
        self._keeps_all = keeps_all

    def members(
        self, higher: Mapping[str, Any], lower: Mapping[str, Any], base: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        merged = {}
        for name in dict.fromkeys((*higher, *lower)):
            ours, theirs = higher.get(name, _GONE), lower.get(name, _GONE)
            before = None if base is None else (base.get(name, _GONE),)
            if self._joins(name, ours, theirs):
                old = before[0] if before and self._joins(name, before[0]) else []
                value: Any = self._joined(ours, theirs, old, with_base=base is not None)
            else:
                value = self._one_of(ours, theirs, before)
            if value is not _GONE:
                merged[name] = value
        return merged

    def _one_of(self, ours: Any, theirs: Any, before: tuple[Any] | None) -> Any:
        """The higher copy's value, unless only the lower copy changed it."""
        if isinstance(ours, dict) and isinstance(theirs, dict):
            if before is None:
                return self.members(ours, theirs, None)
            return self.members(ours, theirs, before[0] if isinstance(before[0], dict) else {})
        if before is None:
            return theirs if ours is _GONE and self._keeps_all else ours
        return theirs if ours == before[0] else ours

    def _joined(
        self, higher: Any, lower: Any, base: Sequence[Any], *, with_base: bool
    ) -> list[Any]:
        """The entries of two lists, each once."""
        ours, theirs = _place(_entries(higher)), _place(_entries(lower))
        mine = {placed.key: placed.message for placed in ours}
        other = {placed.key: placed.message for placed in theirs}
        old = {placed.key: placed.message for placed in _place(base)}
        merged = []
        for key in _in_order(ours, theirs):
            entry = mine[key] if key in mine else other[key]
            if key in mine and key in other and isinstance(entry, dict):
                before = old.get(key, {}) if with_base else None
                # An id that is a list or a mapping is one value, not something to be merged.
                own_id = {"id": entry["id"]} if "id" in entry else {}
                entry = self.members(entry, other[key], before) | own_id
            merged.append(entry)
        return merged


def _are_lists(_name: str, *copies: Any) -> bool:
    """Whether a member is a list in a copy, and nothing else in any."""
    held = [one for one in copies if one is not _GONE and one is not None]
    return any(held) and all(isinstance(one, list) for one in held)


def _entries(held: Any) -> Sequence[Any]:
    """A list's entries; none of a list that is not there."""
    return held if isinstance(held, list) else ()


def _has_messages(name: str, *copies: Any) -> bool:
    """Whether a member is a list of messages in a copy, and nothing else in any."""
    lists = [held for held in copies if held is not _GONE and held is not None]
    if not any(lists) or not all(isinstance(held, list) for held in lists):
        return False
    entries = [entry for held in lists for entry in held]
    return all(
        isinstance(entry, dict) and (name in MESSAGE_LISTS or not MESSAGE_MARKS.isdisjoint(entry))
        for entry in entries
    )


def _place(messages: Sequence[Any]) -> list[_Placed]:
    """The messages of a copy by the moment of their turn; turns stay whole.

    What is no message, as a text in a list of texts, stays after the one before it.
    """
    placed: list[_Placed] = []
    seen: Counter[bytes] = Counter()
    moment, turn, first = -math.inf, set[bytes](), b""
    for message in messages:
        about = message if isinstance(message, dict) else {}
        follows = bool(placed) and _replies(about, turn)
        if not follows:
            said = _moment(about)
            moment, turn, first = moment if said is None else said, set(), b""
        known_by = _identify(message, first)
        key = known_by, seen[known_by]
        seen[known_by] += 1
        turn.add(encode_id(about.get("id")))
        first = first or b"%b %d " % key
        placed.append(_Placed(key, moment, follows, message))
    return sorted(placed, key=lambda one: one.moment)


def _identify(message: Any, first: bytes) -> bytes:
    """What a message is known by in both copies: its id, or its content and its turn's first."""
    if isinstance(message, dict) and message.get("id") is not None:
        return b"id " + encode_id(message["id"])
    return first + _encode(message)


def encode_id(value: Any) -> bytes:
    """Bytes that two ids share exactly if they are the same value in JSON.

    Any value may be an id. The numbers 1 and 1.0 are the same; the text "1" and true are others.

    Raises:
        SessionNotSerialisable: the value is not plain JSON.
    """
    try:
        return _encode(value if isinstance(value, str) else _unify_numbers(value))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise SessionNotSerialisable(f"an id is not plain JSON: {error}") from error


def _unify_numbers(value: Any) -> Any:
    """The same value with equal numbers as one type, at every depth; JSON has one kind of them."""
    kind = type(value)
    if kind is int or kind is float:
        return _unify_number(value)
    if kind is list:
        return [_unify_numbers(entry) for entry in value]
    if kind is dict:
        return {name: _unify_numbers(entry) for name, entry in value.items()}
    return value


def _unify_number(value: int | float) -> int | float:
    """A whole number of 64 bits as an integer; a greater one as a float if that is exact."""
    if -(2**63) <= value < 2**64:
        return int(value) if value == int(value) else value
    try:
        # As an integer, 1e308 would be 309 digits long, and lists of ids may be long as well.
        nearest = float(value)
    except OverflowError:
        return value
    return nearest if nearest == value else value


def _replies(message: Mapping[str, Any], turn: set[bytes]) -> bool:
    answered = message.get("reply_to")
    if answered is None:
        return message.get("role") == "assistant"
    return encode_id(answered) in turn


def _moment(message: Mapping[str, Any]) -> float | None:
    """Seconds since 1970, or whatever its number counts; None without a readable timestamp."""
    said = message.get("timestamp")
    try:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return float(said)
        if isinstance(said, str):
            when = datetime.fromisoformat(said)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return None


def _in_order(higher: Sequence[_Placed], lower: Sequence[_Placed]) -> Iterator[_Key]:
    """The keys of both copies, each once; what stands before another in a copy stays before it."""
    shared = {one.key for one in higher} & {one.key for one in lower}
    queues, done, last = (deque(lower), deque(higher)), set[_Key](), 0
    while True:
        for queue in queues:
            while queue and queue[0].key in done:
                queue.popleft()
        heads = [(side, queue[0]) for side, queue in enumerate(queues) if queue]
        if not heads:
            return
        same = len({one.key for _, one in heads}) == 1
        # What is in both copies waits until both have come to it. Where neither has, the
        # copies disagree about their order, and the moment decides.
        free = [head for head in heads if same or head[1].key not in shared] or heads
        last, first = min(free, key=lambda head: _rank(head, last))
        done.add(first.key)
        yield first.key


def _rank(head: tuple[int, _Placed], last: int) -> tuple[bool, float, bool, int]:
    """A turn that has begun is finished first, then the earlier one, then the lower copy's."""
    side, one = head
    return not one.follows, one.moment, one.follows and side != last, side
