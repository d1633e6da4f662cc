"""How often the engine has refused single entries of a spill, and when each is tried again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..stores.base import Record

MOST_ATTEMPTS = 8
"""Attempts after which an entry is given up; with the pauses between them that is a minute, more
than a single shard behind a proxy takes to come back."""
FIRST_PAUSE = 0.5
"""Seconds until the second attempt; each further pause is twice as long."""
LONGEST_PAUSE = 60.0
"""Seconds between two attempts at most."""


@dataclass(slots=True)
class _Attempt:
    """What is known of one entry: how often it was refused, why, and when to try it again."""

    count: int = 0
    reason: str = ""
    next_at: float = 0.0


class Attempts:
    """Counts refusals by entry, round by round; only rounds in which others succeed count.

    Args:
        clock: seconds, monotonic.

    Attributes:
        refused: what was refused in this round, by key.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Attempt] = {}
        self.refused: dict[str, Record] = {}

    @property
    def paused(self) -> set[str]:
        """The keys of entries that are not to be tried yet."""
        now = self._clock()
        return {key for key, attempt in self._known.items() if attempt.next_at > now}

    def begin_round(self) -> None:
        """Forget what was refused in the round before."""
        self.refused = {}

    def note_refused(self, record: Record, reason: str) -> None:
        """The engine has refused an entry in this round, for this reason."""
        self.refused[record.key] = record
        self._known.setdefault(record.key, _Attempt()).reason = reason

    def count_round(self) -> list[Record]:
        """Count what was refused in this round; what was refused too often.

        Tombstones are never given up: what was deleted would be there again.
        """
        hopeless = []
        for key, record in self.refused.items():
            attempt = self._known[key]
            attempt.count += 1
            pause = FIRST_PAUSE * 2 ** min(attempt.count - 1, MOST_ATTEMPTS)
            attempt.next_at = self._clock() + min(pause, LONGEST_PAUSE)
            if attempt.count >= MOST_ATTEMPTS and not record.deleted:
                hopeless.append(record)
        return hopeless

    def clear(self) -> None:
        """Forget everything: nothing waits any more."""
        self._known.clear()
        self.refused = {}

    def forget(self, key: str) -> str:
        """Forget an entry; the reason it was refused for last, empty for one never refused."""
        known = self._known.pop(key, None)
        return known.reason if known else ""
