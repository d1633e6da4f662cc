"""Which engine serves: the stages between the in-process dict and the engine, as one Store.

`old` is the dict of this process, `new` the engine. Callers see one Store, whatever the stage.

========== ======================== ================= ========================
stage      reads                    writes            if the second write fails
========== ======================== ================= ========================
off        old; on a miss new       old
dualwrite  old; on a miss new       old, then new     counted, sent again
shadow     as dualwrite, compared   old, then new     counted, sent again
live       new; on a miss old       new, then old     counted
rampdown   new                      new, then old     counted
complete   new                      new
========== ======================== ================= ========================

If the first write fails, the request fails and the second is not tried.
"""

import contextlib
import logging
import time
from collections.abc import Iterable, Sequence

from ..errors import SessionFormatUnknown, StoreUnavailable
from ..keyspaces import Keyspace
from ..stores.base import Clock, Condition, DocumentStore, Extract, Put, Record, Store
from ..stores.memory import MemoryStore
from .copies import Copies
from .stages import Plan, Stage
from .strategies import (
    Cohort,
    DictFirst,
    DictOnly,
    EngineFirst,
    EngineOnly,
)

log = logging.getLogger(__name__)


class MigratingStore(Store):
    """The dict and the engine behind one contract.

    Args:
        old: the dict of this process.
        new: the engine.
        keyspaces: the kinds of session that are stored.
        plan: the stage to begin with.
        alone: whether no other process writes to the engine.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        old: MemoryStore,
        new: Store,
        keyspaces: Iterable[Keyspace],
        plan: Plan,
        *,
        alone: bool = False,
        clock: Clock = time.time,
    ) -> None:
        self.old = old
        self.new = new
        self.copies = Copies(old, new, keyspaces, clock=clock)
        self._alone = alone
        self._off = DictOnly(self.copies)
        self._plan, self._strategy = plan, self._choose_strategy(plan)

    @property
    def plan(self) -> Plan:
        """How it serves now."""
        return self._plan

    @property
    def name(self) -> str:  # type: ignore[override] # it changes with the stage
        """The engine that decides."""
        return self._first.name

    def switch(self, plan: Plan) -> None:
        """Serve by another plan from the next call on.

        Where the dict will not be read any more, all it has is in the engine first; where the
        engine will not be, the dict has what is newest first. A dict that served is emptied when
        it is not kept in line any more.

        Raises:
            StoreUnavailable: the engine could not be asked; the plan is the same as before.
        """
        before = self._plan.stage
        leaves_dict = plan.stage in (Stage.RAMPDOWN, Stage.COMPLETE)
        if leaves_dict:
            self.copies.send_all()
        if plan.stage is Stage.OFF and before is not Stage.OFF:
            self._refresh()
        self._plan, self._strategy = plan, self._choose_strategy(plan)
        if leaves_dict and before is not plan.stage:
            # What was written while the plan changed; the flusher sends what comes even later.
            with contextlib.suppress(StoreUnavailable):
                self.copies.send_all()
        if plan.stage is Stage.COMPLETE and before is not Stage.COMPLETE:
            self.copies.empty_dict()

    def write_through(self) -> None:
        """From now on send every change at once, because this process is about to end."""
        self._off.write_through = True

    def get(self, key: str) -> bytes | None:
        """The stored value of the copy that counts."""
        return self._strategy.get(key)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The stored values of the copies that count."""
        return self._strategy.get_many(keys)

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """What lists show of the copies that count; no copy is brought into line for that."""
        return self._strategy.extracts(keys, length, landmark)

    def put(self, record: Record, condition: Condition) -> Put:
        """Store a document if the condition holds where it is decided."""
        return self._strategy.put(record, condition)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        """As `put`, each."""
        return self._strategy.put_many(records, condition)

    def delete(self, record: Record) -> bool:
        """Remove a session, leaving a tombstone while two copies may exist."""
        if record.deleted:
            return self._strategy.delete(record)
        everywhere = [engine.delete(record) for engine in self._engines]
        return any(everywhere)

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        """As `delete`, each."""
        if all(record.deleted for record in records):
            return self._strategy.delete_many(records)
        return super().delete_many(records)

    def touch(self, record: Record) -> bool:
        """Move expiry of every copy, never to an earlier instant."""
        return self._strategy.touch(record)

    def expires_at(self, key: str) -> int | None:
        """Milliseconds since 1970 at which the copy that counts ends."""
        ends = (engine.expires_at(key) for engine in self._engines)
        return next((end for end in ends if end is not None), None)

    def is_unsure(self, key: str) -> bool:
        """Whether the id was taken while the engine could not be asked, and it still cannot."""
        if key in self.copies.unasked:
            try:
                self.copies.ask_engine(key)
            except (StoreUnavailable, SessionFormatUnknown):
                return True
        return self.new.is_unsure(key)

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        """Quarantine an unreadable value wherever it is."""
        moved = False
        for engine in self._engines:
            moved = engine.quarantine(key, value, keep_until, member, indexes) or moved
        return moved

    def count(self, index: str) -> int:
        """How many sessions there are; while two copies exist, the larger of both counts."""
        return max(engine.count(index) for engine in self._engines)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        """Names in this index: those of the engine that decides, then what only the other has."""
        found: dict[str, None] = {}
        for engine in self._engines:
            found.update(dict.fromkeys(engine.members(index, start=0, limit=start + limit)))
        return list(found)[start : start + limit]

    def trim(self, index: str) -> int:
        """Drop expired entries of both engines; how many went in the engine that decides."""
        first, *_ = [engine.trim(index) for engine in self._engines]
        return first

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        """In the engine that decides."""
        return self._first.idle(index, before, limit=limit)

    def ping(self) -> None:
        """Ask the engine that decides for a sign of life."""
        self._first.ping()

    def close(self) -> None:
        """Close both engines."""
        self.old.close()
        self.new.close()

    def _refresh(self) -> None:
        try:
            self.copies.refresh()
        except StoreUnavailable as error:
            # The way back to the dict needs no engine; the dict has what this process wrote.
            log.warning("the dict serves as it is, the engine is unavailable: %s", error.reason)

    @property
    def _first(self) -> Store:
        return self.old if self._plan.stage.is_dict_first else self.new

    @property
    def _engines(self) -> tuple[Store, ...]:
        """The engines in use, the one that decides first."""
        if self._plan.stage is Stage.COMPLETE:
            return (self.new,)
        return (self.old, self.new) if self._plan.stage.is_dict_first else (self.new, self.old)

    def _choose_strategy(self, plan: Plan) -> DocumentStore:
        match plan.stage:
            case Stage.OFF:
                return self._off
            case Stage.DUALWRITE:
                return DictFirst(self.copies, alone=self._alone)
            case Stage.SHADOW:
                shadow = DictFirst(self.copies, compare=True, alone=self._alone)
                live = EngineFirst(self.copies, reads_old=True)
                return Cohort(shadow, live, plan) if plan.cohort else shadow
            case Stage.LIVE | Stage.RAMPDOWN:
                return EngineFirst(self.copies, reads_old=plan.stage is Stage.LIVE)
            case Stage.COMPLETE:
                return EngineOnly(self.new) if plan.stepped else self.new
