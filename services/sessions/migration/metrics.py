"""How far the migration is in this process, for the metrics."""

import threading

from .. import metrics
from .stages import Stage
from .store import MigratingStore


class MigrationMetrics:
    """Reports to the metrics how far the migration is in this process.

    Args:
        store: the two engines.
    """

    def __init__(self, store: MigratingStore) -> None:
        self._store = store
        self._reported: dict[str, int] = {}
        self._lock = threading.Lock()

    def report(self) -> None:
        """Report the stage, what is to be sent, and what became of copies since the last time."""
        stage, copies = self._store.plan.stage, self._store.copies
        # In off nothing is meant to be sent.
        metrics.set_migration(stage, 0 if stage is Stage.OFF else len(copies.unsent))
        stats = {
            "compared": copies.stats.compared,
            "lag": copies.stats.lag,
            "mismatched": copies.stats.mismatched,
            "adopted": copies.stats.adopted,
            "sent": copies.stats.sent,
            "merged": copies.stats.merged,
            "unmirrored": copies.stats.unmirrored,
        }
        with self._lock:
            for event, tally in stats.items():
                metrics.count_copies(event, tally - self._reported.get(event, 0))
            self._reported = stats
