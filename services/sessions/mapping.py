"""Sessions behind a dict's own syntax, for code that was written for a dict of dicts.

The line that made the dict makes a SessionMapping instead, and the rest stays::

    conversation_sessions: dict[str, dict] = {}                       # before
    conversation_sessions = SessionMapping(scope=RequestScope())      # after

A session is loaded when it is first looked up, is the same object for the rest of the unit of
work (a request, or the block of `with mapping.saved():`), and whatever changed in it is saved
at the end. Two units that changed the same session at once are merged, not overwritten.

Where it is not a dict:

- Others see an assignment or a change when the unit ends; only `del` and `pop` act at once.
- A unit that ends with an exception, or a request with a status of 500 or more, saves nothing.
- A save may fail at the end: the answer is then the error's, also after the view returned.
- Values are plain JSON: dicts with text for keys, lists, texts, numbers, true, false, None.
  Tuples come back as lists. At the top level the names in codec.ENVELOPE are taken.
- Ids must be the keyspace's. Another one is in no mapping, and assigning to it is refused.
  One that was deleted is not used again: while a migration has two copies it stays deleted.
- One value under two ids is two sessions from the next unit on, each with its own copy.
- Sessions expire. A look-up keeps one alive, walking over `items()` or `values()` does not.
- `len` asks the index, iteration reads all of it, `items` every session; other units may
  come and go meanwhile. With an owner only what belongs to the owner is counted and listed.
- Every assignment costs a look-up, to know what it replaces.
- Threads that a unit starts are outside it. They may change a value they were handed, but must
  be done before the unit ends; else each needs a `with mapping.saved():` of its own.
- A generator must not yield inside `with mapping.saved():`.
- Two mappings are equal only if they are the same one.
"""

import logging
from collections.abc import Callable, ItemsView, Iterable, Iterator, MutableMapping, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, Self

import msgspec

from . import Change, Session, sessions_of
from .errors import InvalidSessionId, SessionConflict, SessionNotFound
from .merge import Merge
from .repository import Sessions

log = logging.getLogger(__name__)

PAGE = 500
"""Ids that are read from an index at once."""

Value = MutableMapping[str, Any]


class SessionMissing(SessionNotFound, KeyError):
    """What a mapping raises instead of a dict's KeyError; unhandled, it is answered with 404."""


class Scope(Protocol):
    """How a mapping knows which unit of work is going on."""

    def get_unit(self, mapping: "SessionMapping") -> "UnitOfWork":
        """The mapping's unit of work: the one going on, or `mapping.begin()`, kept.

        The scope calls its `commit()` once the work is done, or drops it when that failed.

        Raises:
            RuntimeError: no unit of work is going on.
        """
        ...


class SessionMapping(MutableMapping[str, Value]):
    """A keyspace's sessions as a mapping of ids to their data; see the module for its limits.

    Looking up raises KeyError for what is missing, expired, deleted, someone else's, or no id.
    That the store could not be asked is StoreUnavailable, here as everywhere.

    Args:
        keyspace: which kind of session; the process's default when left out.
        scope: where units of work begin and end; None leaves only `with mapping.saved():`.
        owner: who is asking, asked once per unit; None is everyone who knows an id.
        merge: makes one of our copy and the stored one when both were changed; the keyspace's
            rule when left out.
    """

    def __init__(
        self,
        keyspace: str | None = None,
        *,
        scope: Scope | None = None,
        owner: Callable[[], str | None] = lambda: None,
        merge: Merge | None = None,
    ) -> None:
        self.keyspace = keyspace
        self._merge = merge
        self._scope = scope
        self._owner = owner

    def begin(self) -> "UnitOfWork":
        """A fresh unit of work, for a Scope; whoever begins it commits it."""
        return UnitOfWork(self.keyspace, self._owner(), self._merge)

    @contextmanager
    def unit_of_work(self) -> Iterator[Self]:
        """A unit of work of its own: what changed in the block is saved when it ends well.

        A block inside another one belongs to the outer one.

        Raises:
            SessionError: a value could not be saved; the others were.
        """
        outer = _blocks.get()
        if self in outer:
            yield self
            return
        unit = self.begin()
        _blocks.set(MappingProxyType({**outer, self: unit}))
        try:
            yield self
        finally:
            _blocks.set(outer)
        unit.commit()

    def __getitem__(self, session_id: str) -> Value:
        return self._unit().value(session_id)

    def __setitem__(self, session_id: str, value: Value) -> None:
        self._unit().assign(session_id, value)

    def __delitem__(self, session_id: str) -> None:
        self._unit().delete(session_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._unit().ids())

    def __len__(self) -> int:
        return self._unit().count()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def items(self) -> ItemsView[str, Value]:
        """Ids with their values; what goes away meanwhile is left out."""
        return _Items(self)

    def values(self) -> ValuesView[Value]:
        """All values; what goes away meanwhile is left out."""
        return _Values(self)

    def walk(self) -> Iterator[tuple[str, Value]]:
        """Ids with their values, without keeping any of them alive."""
        unit = self._unit()
        for session_id in unit.ids():
            try:
                value = unit.value(session_id, keep_alive=False)
            except KeyError:
                continue
            yield session_id, value

    def _unit(self) -> "UnitOfWork":
        block = _blocks.get().get(self)
        if block is not None:
            return block
        if self._scope is None:
            raise RuntimeError("no unit of work is going on; use `with mapping.saved():`")
        return self._scope.get_unit(self)


class UnitOfWork:
    """The values of one mapping from the first look-up to the end of the work.

    Args:
        keyspace: which kind of session.
        owner: who is asking.
        merge: see SessionMapping.
    """

    def __init__(self, keyspace: str | None, owner: str | None, merge: Merge | None = None) -> None:
        self._keyspace = keyspace
        self._owner = owner
        self._merge = merge
        self._held: dict[str, _Held] = {}

    def value(self, session_id: str, *, keep_alive: bool = True) -> Value:
        """The value under an id, loaded the first time.

        Raises:
            SessionMissing: there is none, or none for this owner.
            SessionError: as Sessions.get, where it is not known whether there is one.
        """
        held = self._held.get(session_id)
        if held is None:
            try:
                session = self._sessions.get(session_id, owner=self._owner)
            except (SessionNotFound, InvalidSessionId) as error:
                raise SessionMissing(session_id) from error
            held = self._held[session_id] = _Held(session, session, _snapshot(session))
        held.looked_up = held.looked_up or keep_alive
        return held.value

    def assign(self, session_id: str, value: Value) -> None:
        """Make an object the value; it is saved over what is stored now, and nothing later.

        Raises:
            SessionError: as Sessions.get, but for SessionNotFound.
        """
        held = self._held.get(session_id)
        if held is not None:
            held.value, held.looked_up = value, True
            return
        try:
            stored = self._sessions.get(session_id, owner=self._owner)
        except SessionNotFound:
            self._held[session_id] = _Held(value)
        else:
            self._held[session_id] = _Held(value, stored, _snapshot(stored), looked_up=True)

    def delete(self, session_id: str) -> None:
        """Delete what is stored, now.

        Raises:
            SessionMissing: there is none, or none for this owner.
            SessionError: as Sessions.delete.
        """
        try:
            found = self._sessions.delete(session_id, owner=self._owner)
        except InvalidSessionId as error:
            raise SessionMissing(session_id) from error
        held = self._held.pop(session_id, None)
        if not found and (held is None or held.stored is not None):
            raise SessionMissing(session_id)

    def count(self) -> int:
        """How many sessions there are, with the new ones of this unit."""
        return self._sessions.store.count(self._index()) + len(self._list_new())

    def ids(self) -> list[str]:
        """All ids, with the new ones of this unit."""
        index, store = self._index(), self._sessions.store
        found: dict[str, None] = {}
        for start in range(0, store.count(index) + PAGE, PAGE):
            found |= dict.fromkeys(store.members(index, start=start, limit=PAGE))
        return list(found | dict.fromkeys(self._list_new()))

    def commit(self) -> None:
        """Save what changed and let what was looked up live on; again for later changes.

        Raises:
            SessionError: the first value that could not be saved; the others were.
        """
        run_all(partial(self._keep, *one) for one in list(self._held.items()))

    @property
    def _sessions(self) -> Sessions:
        return sessions_of(self._keyspace)

    def _index(self) -> str:
        keyspace = self._sessions.keyspace
        if not keyspace.indexed:
            raise TypeError(
                f"{keyspace.name} sessions have no index, so none can count or list them"
            )
        return keyspace.index() if self._owner is None else keyspace.owner_index(self._owner)

    def _list_new(self) -> list[str]:
        return [session_id for session_id, held in self._held.items() if held.stored is None]

    def _keep(self, session_id: str, held: "_Held") -> None:
        sessions, session = self._sessions, held.stored
        if session is not None and _snapshot(held.value) == held.before:
            if held.looked_up:
                sessions.extend(session)
                held.looked_up = False
            return
        try:
            if session is None:
                saved = sessions.save(session_id, dict(held.value), owner=self._owner)
            else:
                saved = sessions.save(session_id, held.write_into(session))
        except SessionConflict:
            saved = sessions.update(session_id, self._build_merge(held), owner=self._owner)
            held.value.clear()
            held.value.update(saved)
        held.stored, held.before, held.looked_up = saved, _snapshot(saved), False

    def _build_merge(self, held: "_Held") -> Change:
        ours, rule = dict(held.value), self._merge or self._sessions.keyspace.merge
        base = msgspec.json.decode(held.before) if held.stored is not None else None

        def change(theirs: Session) -> None:
            merged = rule(ours, dict(theirs), base)
            theirs.clear()
            theirs.update(merged)

        return change


@dataclass(slots=True)
class _Held:
    """A value in the hands of a unit, and what was stored when it came there."""

    value: Value
    stored: Session | None = None
    before: bytes = b""
    looked_up: bool = False

    def write_into(self, session: Session) -> Session:
        """The stored session with the value as its data, for the version that guards it."""
        if self.value is not session:
            session.clear()
            session.update(self.value)
        return session


class _Items(ItemsView[str, Value]):
    """The items, each loaded as it comes."""

    def __init__(self, mapping: SessionMapping) -> None:
        super().__init__(mapping)
        self._walk = mapping.walk

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return self._walk()


class _Values(ValuesView[Value]):
    """The values, each loaded as it comes."""

    def __init__(self, mapping: SessionMapping) -> None:
        super().__init__(mapping)
        self._walk = mapping.walk

    def __iter__(self) -> Iterator[Value]:
        return (value for _, value in self._walk())


_blocks: ContextVar[MappingProxyType[SessionMapping, UnitOfWork]] = ContextVar(
    "blocks", default=MappingProxyType({})
)
"""The units of the `with mapping.saved():` blocks that are open here."""


def run_all(actions: Iterable[Callable[[], None]]) -> None:
    """Do every one of these, also after one failed; then raise the first error."""
    first: Exception | None = None
    for action in actions:
        try:
            action()
        except Exception as error:
            if first is not None:
                log.warning("a further session was not saved", exc_info=error)
            first = first or error
    if first is not None:
        raise first


def _snapshot(value: Value) -> bytes:
    """The value as bytes to compare; nothing is equal to one that cannot be encoded."""
    try:
        return msgspec.json.encode(dict(value))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return b""
