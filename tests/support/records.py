"""Records for the engines' contract, and what they look like when they are stored."""

import time

from services.sessions import codec
from services.sessions.stores.base import Record

HOUR = 3_600_000
SHORT = 400
"""Milliseconds that a busy machine does not take to store a document, and a test can wait."""


def now() -> int:
    """The engines' own clock, in milliseconds."""
    return int(time.time() * 1000)


def record(key: str, version: int = 1, text: str = "hello", *, lives: int = HOUR) -> Record:
    """A document that lives so many milliseconds from now, in two indexes."""
    body = b',"format":1,"text":"%s"}' % text.encode()
    return Record(key, version, body, now() + lives, key, ("all", "owner:a"))


def value(version: int, text: str) -> bytes:
    """What a document of `record` looks like when it is stored."""
    return codec.join(version, record("any", version, text).body)


def tombstone(key: str, version: int) -> Record:
    """What a deletion leaves while two copies exist."""
    return record(key, version)._replace(body=codec.tombstone_body("a"), deleted=True)
