"""Engines for tests: one that can be cut off, and a record to put into any of them."""

import time
from collections.abc import Sequence

from services.errors import StoreUnavailable
from services.sessions.stores import MemoryStore
from services.sessions.stores.base import Condition, Put, Record


class CutOff(MemoryStore):
    """A memory engine that answers nothing while it is down, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.asked = 0

    def get(self, key: str) -> bytes | None:
        self._ask()
        return super().get(key)

    def put(self, record: Record, condition: Condition) -> Put:
        self._ask()
        return super().put(record, condition)

    def delete(self, record: Record) -> bool:
        self._ask()
        return super().delete(record)

    def touch(self, record: Record) -> bool:
        self._ask()
        return super().touch(record)

    def expires_at(self, key: str) -> int | None:
        self._ask()
        return super().expires_at(key)

    def members(self, index: str, *, start: int = 0, limit: int = 50) -> list[str]:
        self._ask()
        return super().members(index, start=start, limit=limit)

    def ping(self) -> None:
        self._ask()

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("connection")


def document_record(
    key: str, version: int, text: str, *, lives: float = 3600, indexes: Sequence[str] = ()
) -> Record:
    """A readable document of some version, living so many seconds from now."""
    session_id = key.rpartition(":")[2]
    now = int(time.time() * 1000)
    end = now + int(lives * 1000)
    body = (
        f',"format":1,"session_id":"{session_id}","owner":null,"created_at":{now},'
        f'"updated_at":{now},"expires_at":{end},"text":"{text}"}}'
    )
    return Record(key, version, body.encode(), end, session_id, tuple(indexes))
