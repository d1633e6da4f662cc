"""A store in front of another one: a subclass writes only the methods that it changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, Protocol, TypeVar

from .base import Condition, Extract, Put, Record, Store

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Caller(Protocol):
    """How a method of an engine is called."""

    def __call__(self, method: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """The method's result."""
        ...


def call_directly(method: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call it, and nothing else."""
    return method(*args, **kwargs)


class StoreWrapper(Store):
    """A store in front of another one, which answers whatever a subclass does not change.

    Args:
        engine: the store behind.
        read, write: how its methods are called.

    Attributes:
        engine: as given.
    """

    def __init__(
        self, engine: Store, *, read: Caller = call_directly, write: Caller = call_directly
    ) -> None:
        self.engine = engine
        self._read = read
        self._write = write
        self.name = engine.name
        self.timeout = engine.timeout

    def get(self, key: str) -> bytes | None:
        return self._read(self.engine.get, key)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return self._read(self.engine.get_many, keys)

    def heads(self, keys: Sequence[str]) -> list[bytes | None]:
        return self._read(self.engine.heads, keys)

    def extracts(
        self, keys: Sequence[str], length: int, landmark: bytes = b""
    ) -> list[Extract | None]:
        return self._read(self.engine.extracts, keys, length, landmark)

    def put(self, record: Record, condition: Condition) -> Put:
        return self._write(self.engine.put, record, condition)

    def put_many(self, records: Sequence[Record], condition: Condition) -> list[Put]:
        return self._write(self.engine.put_many, records, condition)

    def delete(self, record: Record) -> bool:
        return self._write(self.engine.delete, record)

    def delete_many(self, records: Sequence[Record]) -> list[bool]:
        return self._write(self.engine.delete_many, records)

    def touch(self, record: Record) -> bool:
        return self._write(self.engine.touch, record)

    def expires_at(self, key: str) -> int | None:
        return self._read(self.engine.expires_at, key)

    def is_unsure(self, key: str) -> bool:
        return self.engine.is_unsure(key)

    def quarantine(
        self, key: str, value: bytes, keep_until: int, member: str, indexes: Sequence[str] = ()
    ) -> bool:
        return self._write(self.engine.quarantine, key, value, keep_until, member, indexes)

    def count(self, index: str) -> int:
        return self._read(self.engine.count, index)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        return self._read(self.engine.members, index, start=start, limit=limit)

    def trim(self, index: str) -> int:
        return self._write(self.engine.trim, index)

    def idle(self, index: str, before: int, *, limit: int) -> list[str]:
        return self._read(self.engine.idle, index, before, limit=limit)

    def ping(self) -> None:
        self._read(self.engine.ping)

    def risks(self) -> list[str]:
        return self._read(self.engine.risks)

    def memory(self) -> Mapping[str, int]:
        return self._read(self.engine.memory)

    def close(self) -> None:
        self.engine.close()
