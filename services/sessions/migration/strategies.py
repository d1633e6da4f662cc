"""How reads and writes go through two engines, one class for each row of the stages.

The engine that is written first decides; the other follows with put-if-newer. A strategy knows
nothing of stages: MigratingStore chooses one for its plan.
"""

import contextlib
from collections.abc import Sequence

from ..errors import SessionFormatUnknown, StoreUnavailable
from ..reconcile import is_same_owner
from ..stores.base import Condition, DocumentStore, Extract, Outcome, Put, Record
from ..stores.wrapper import StoreWrapper
from .copies import Copies, is_newer
from .stages import Plan, in_cohort

TAKES_ID = (Condition.ABSENT, Condition.OWNED)
"""Conditions of a write that may be the first under its id."""


class DictOnly(DocumentStore):
    """off: the dict serves; what only the engine has is adopted when it is asked for."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self.write_through = False

    def get(self, key: str) -> bytes | None:
        """From the dict; on a miss from the engine."""
        with self._copies.lock(key):
            _ask_if_unasked(self._copies, key)
            value = self._copies.old.get(key)
            return value if value is not None else self._copies.adopt(key)

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """From the dict; what it lacks from the engine."""
        mine = dict(zip(keys, self._copies.old.extracts(keys, length, landmark), strict=True))
        missing = [key for key in keys if mine[key] is None]
        if missing:
            theirs = self._copies.new.extracts(missing, length, landmark)
            mine.update(zip(missing, theirs, strict=True))
        return [mine[key] for key in keys]

    def put(self, record: Record, condition: Condition) -> Put:
        """Into the dict."""
        with self._copies.lock(record.key):
            if condition in TAKES_ID:
                _adopt_if_missing(self._copies, record.key)
            done = _put_into_dict(self._copies, record, condition)
            if done.outcome is Outcome.STORED:
                self._mark_changed(record.key)
            return done

    def delete(self, record: Record) -> bool:
        """A tombstone in the dict, because the engine may have a copy."""
        return self.put(record, Condition.ANY).outcome is Outcome.STORED

    def touch(self, record: Record) -> bool:
        """In the dict."""
        with self._copies.lock(record.key):
            there = self._copies.old.touch(record)
            if there:
                self._mark_changed(record.key)
            return there

    def _mark_changed(self, key: str) -> None:
        """Remember what the engine does not have; while the process ends, send it at once."""
        self._copies.unsent.add(key)
        if self.write_through:
            try:
                self._copies.send(key)
            except StoreUnavailable:
                self._copies.postpone(key)


class DictFirst(DocumentStore):
    """dualwrite and shadow: the dict decides, the engine follows in the same request.

    A dict sees only its own process. So the engine is asked for its version when the dict is
    read, and a write that the engine has overtaken is taken back: two processes that overlap
    during a reload lose nothing to each other.

    Args:
        copies: the two engines.
        compare: whether what was read is compared with the engine's copy later.
        alone: whether no other process ever writes to the engine, which spares the question.
    """

    def __init__(self, copies: Copies, *, compare: bool = False, alone: bool = False) -> None:
        self._copies = copies
        self._compare = compare
        self._alone = alone

    def get(self, key: str) -> bytes | None:
        """From the dict, unless the engine has a newer copy; on a miss from the engine."""
        with self._copies.lock(key):
            _ask_if_unasked(self._copies, key)
            value = self._copies.old.get(key)
            if value is None:
                value = self._copies.adopt(key)
            elif not self._alone:
                value = self._read_newest(key, value)
            if self._compare:
                self._copies.uncompared.add(key)
            return value

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """From the dict, unless the engine has a newer copy or the only one."""
        mine = self._copies.old.extracts(keys, length, landmark)
        try:
            theirs = self._copies.new.extracts(keys, length, landmark)
        except StoreUnavailable:
            if None in mine:
                raise
            return mine
        return _newer_ones(mine, theirs)

    def put(self, record: Record, condition: Condition) -> Put:
        """Into the dict, then into the engine."""
        with self._copies.lock(record.key):
            if condition in TAKES_ID:
                _adopt_if_missing(self._copies, record.key)
            done = _put_into_dict(self._copies, record, condition)
            if done.outcome is not Outcome.STORED:
                return done
            try:
                return self._follow(record.at(done.version))
            except StoreUnavailable:
                self._copies.postpone(record.key)
                return done

    def delete(self, record: Record) -> bool:
        """A tombstone in the dict, then in the engine."""
        with self._copies.lock(record.key):
            done = self._copies.old.put(record, Condition.ANY)
            if done.outcome is not Outcome.STORED:
                return False
            self._copies.unsent.add(record.key)
            try:
                self._copies.send(record.key)
            except StoreUnavailable:
                self._copies.postpone(record.key)
            return True

    def touch(self, record: Record) -> bool:
        """In the dict, then in the engine."""
        with self._copies.lock(record.key):
            there = self._copies.old.touch(record)
            try:
                if not self._copies.new.touch(record):
                    self._copies.unsent.add(record.key)
            except StoreUnavailable:
                self._copies.postpone(record.key)
            return there

    def _read_newest(self, key: str, value: bytes) -> bytes | None:
        """The engine's copy if it is newer than the dict's and can be asked, else the dict's."""
        copies = self._copies
        try:
            if key in copies.unsent:
                copies.send(key)
                return copies.old.get(key)
            (head,) = copies.new.heads((key,))
            if head is None:
                copies.unsent.add(key)
            return copies.adopt(key) if is_newer(head, value) else value
        except StoreUnavailable:
            copies.postpone(key)
            return value

    def _follow(self, record: Record) -> Put:
        """Write the second copy of what the dict has just taken."""
        copies, key = self._copies, record.key
        done = Put(Outcome.STORED, record.version)
        if key in copies.unsent:
            # The engine lacks earlier writes too, and what it has may have gone its own way.
            return self._reconcile(record)
        # The dict may have taken an id while nobody could say that it is somebody else's.
        condition = Condition.OLDER if record.deleted else Condition.MIRROR
        second = copies.new.put(record, condition)
        if second.outcome is Outcome.STORED:
            return done
        if second.outcome is not Outcome.CONFLICT:
            copies.unsent.add(key)
            return done
        if second.version < record.version:
            return self._reconcile(record)
        copies.accept_engine_copy(key)
        return Put(Outcome.CONFLICT, second.version)

    def _reconcile(self, record: Record) -> Put:
        """Bring both copies to what is right; a conflict if that is another owner's."""
        self._copies.send(record.key)
        sent = self._copies.old.read_record(record.key) or record
        if not sent.deleted and not is_same_owner(sent, record):
            return Put(Outcome.CONFLICT, sent.version)
        return Put(Outcome.STORED, sent.version)


class EngineFirst(DocumentStore):
    """live and rampdown: the engine decides, the dict follows.

    Args:
        copies: the two engines.
        reads_old: whether what the engine lacks is looked for in the dict, and what both have
            is compared later.
    """

    def __init__(self, copies: Copies, *, reads_old: bool) -> None:
        self._copies = copies
        self._reads_old = reads_old

    def get(self, key: str) -> bytes | None:
        """From the engine; where the dict has it newer, or alone, it is sent there first."""
        value = self._copies.new.get(key)
        mine = self._copies.old.get(key) if self._reads_old else None
        if mine is None:
            return value
        if value is None or is_newer(mine, value):
            self._copies.send(key)
            value = self._copies.new.get(key)
        else:
            self._copies.uncompared.add(key)
        return value

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """From the engine, unless the dict has a newer copy or the only one."""
        theirs = self._copies.new.extracts(keys, length, landmark)
        if not self._reads_old:
            return theirs
        return _newer_ones(theirs, self._copies.old.extracts(keys, length, landmark))

    def put(self, record: Record, condition: Condition) -> Put:
        """Into the engine, then into the dict."""
        if self._reads_old and condition in TAKES_ID and record.key in self._copies.unsent:
            self._copies.send(record.key)  # the dict's is somebody's, and must not win by version
        done = self._copies.new.put(record, condition)
        if done.outcome is Outcome.MISSING and self._reads_old:
            self._copies.send(record.key)
            done = self._copies.new.put(record, condition)
        if done.outcome is Outcome.STORED:
            self._follow(record.at(done.version))
        return done

    def delete(self, record: Record) -> bool:
        """A tombstone in the engine, then in the dict."""
        return self.put(record, Condition.ANY).outcome is Outcome.STORED

    def touch(self, record: Record) -> bool:
        """In the engine, then in the dict."""
        there = self._copies.new.touch(record)
        self._copies.old.touch(record)
        return there

    def _follow(self, record: Record) -> None:
        try:
            second = self._copies.old.put(record, Condition.OLDER)
        except StoreUnavailable:  # the dict is full; on the way back it adopts what it lacks
            self._copies.stats.unmirrored += 1
            return
        if second.outcome is not Outcome.STORED and record.deleted:
            self._copies.unsent.add(record.key)


class EngineOnly(StoreWrapper):
    """complete, after a migration: the engine serves, and other processes may hold copies."""

    def delete(self, record: Record) -> bool:
        """A tombstone in the engine."""
        return self.engine.put(record, Condition.ANY).outcome is Outcome.STORED

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        """Tombstones in the engine in one round trip."""
        answers = self.engine.put_many(records, Condition.ANY)
        return [answer.outcome is Outcome.STORED for answer in answers]


class Cohort(DocumentStore):
    """shadow for most sessions and live for a cohort of them.

    Args:
        rest, chosen: the strategies of those outside the cohort and in it.
        plan: the cohort's percentage and salt.
    """

    def __init__(self, rest: DocumentStore, chosen: DocumentStore, plan: Plan) -> None:
        self._rest = rest
        self._chosen = chosen
        self._plan = plan

    def get(self, key: str) -> bytes | None:
        """As the session's strategy."""
        return self._choose(key).get(key)

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        """As the sessions' strategies, each in one trip."""
        found: dict[str, Extract | None] = {}
        for strategy in (self._rest, self._chosen):
            its = [key for key in keys if self._choose(key) is strategy]
            if its:
                found.update(zip(its, strategy.extracts(its, length, landmark), strict=True))
        return [found[key] for key in keys]

    def put(self, record: Record, condition: Condition) -> Put:
        """As the session's strategy."""
        return self._choose(record.key).put(record, condition)

    def delete(self, record: Record) -> bool:
        """As the session's strategy."""
        return self._choose(record.key).delete(record)

    def touch(self, record: Record) -> bool:
        """As the session's strategy."""
        return self._choose(record.key).touch(record)

    def _choose(self, key: str) -> DocumentStore:
        session_id = key.rpartition(":")[2]
        is_chosen = in_cohort(session_id, self._plan.cohort, self._plan.salt)
        return self._chosen if is_chosen else self._rest


def _newer_ones(
    first: Sequence[Extract | None], second: Sequence[Extract | None]
) -> list[Extract | None]:
    """Of two copies each the one with the higher version, else the first."""
    return [
        other if other and is_newer(other.head, one.head if one else None) else one
        for one, other in zip(first, second, strict=True)
    ]


def _ask_if_unasked(copies: Copies, key: str) -> None:
    """Look whether an id was taken that nobody could look for when it was taken here."""
    if key in copies.unasked:
        with contextlib.suppress(StoreUnavailable, SessionFormatUnknown):
            copies.ask_engine(key)


def _adopt_if_missing(copies: Copies, key: str) -> None:
    """Adopt what the dict lacks, if the engine has it: the id may be taken."""
    _ask_if_unasked(copies, key)
    if copies.old.get(key) is None:
        try:
            copies.adopt(key)
        except StoreUnavailable:
            copies.unasked.add(key)


def _put_into_dict(copies: Copies, record: Record, condition: Condition) -> Put:
    """Write into the dict, also what was read from the engine before the stage changed."""
    done = copies.old.put(record, condition)
    if done.outcome is Outcome.MISSING and copies.adopt(record.key) is not None:
        return copies.old.put(record, condition)
    return done
