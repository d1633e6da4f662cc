"""What an error of redis-py or of the server means, by what the caller can do about it.

Few replies speak about the value that is stored. Any other error in a reply, listed here or not,
means that the engine would not. The text of ours names a reason and nothing else: a server's own
words may hold keys, users and host names.
"""

import builtins
import re

import redis
from redis import exceptions

from ...errors import (
    SessionError,
    SessionUnreadable,
    StoreRefused,
    StoreReplyUnknown,
    StoreUnavailable,
)

_Meaning = tuple[type[StoreUnavailable], str, int]
"""Which error of ours, its reason, and seconds after which asking again makes sense."""

BY_CLASS: tuple[tuple[type[Exception], _Meaning], ...] = (
    (exceptions.BusyLoadingError, (StoreUnavailable, "loading", 2)),
    (exceptions.AuthenticationError, (StoreUnavailable, "authentication", 30)),
    (exceptions.AuthenticationWrongNumberOfArgsError, (StoreUnavailable, "authentication", 30)),
    (exceptions.AuthorizationError, (StoreUnavailable, "authentication", 30)),
    (exceptions.ExternalAuthProviderError, (StoreUnavailable, "authentication", 30)),
    (exceptions.MaxConnectionsError, (StoreUnavailable, "pool_exhausted", 1)),
    (exceptions.TimeoutError, (StoreUnavailable, "timeout", 1)),
    (builtins.TimeoutError, (StoreUnavailable, "timeout", 1)),
    (exceptions.ConnectionError, (StoreUnavailable, "connection", 1)),
    (OSError, (StoreUnavailable, "connection", 1)),
    (exceptions.InvalidResponse, (StoreUnavailable, "protocol", 5)),
    (exceptions.TryAgainError, (StoreUnavailable, "tryagain", 1)),
    (exceptions.MasterDownError, (StoreUnavailable, "masterdown", 5)),
    (exceptions.MovedError, (StoreUnavailable, "moved", 1)),
    (exceptions.ClusterError, (StoreUnavailable, "clusterdown", 5)),
    (exceptions.OutOfMemoryError, (StoreRefused, "out_of_memory", 30)),
    (exceptions.ReadOnlyError, (StoreRefused, "read_only", 5)),
    (exceptions.NoPermissionError, (StoreRefused, "no_permission", 30)),
)
"""The driver's errors that mean "not now" or "not this", the first match wins.

redis-py makes loading and authentication kinds of ConnectionError."""
BY_WORD: dict[str, _Meaning] = {
    "BUSY": (StoreUnavailable, "busy", 5),
    "NOREPLICAS": (StoreUnavailable, "noreplicas", 5),
    "MISCONF": (StoreRefused, "misconf", 30),
}
"""First words of error replies that redis-py has no class for."""
BY_PHRASE: dict[str, _Meaning] = {
    # What a server says to a command it finds too long before the password was given.
    "unauthenticated": (StoreUnavailable, "authentication", 30),
    # What a script says whose commands its user may not run, in Redis 7.0 and since.
    "The user executing the script can't run": (StoreRefused, "no_permission", 30),
    "ACL failure in script": (StoreRefused, "no_permission", 30),
}
"""What error replies without a first word of their own contain."""
UNREADABLE_REPLIES = ("CORRUPT", "WRONGTYPE")
"""First words of error replies about the stored value: our scripts' own, and the server's."""
ELSEWHERE = frozenset({"loading", "masterdown", "moved", "noreplicas", "read_only"})
"""Reasons of a server that does not serve where it did; its address may be another one's by now."""
UNLISTED_RETRY_AFTER = 5
"""Seconds after which asking again makes sense where nobody knows what the reply means."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,19}")
FINAL = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.BusyLoadingError,
    exceptions.ExternalAuthProviderError,
    exceptions.MaxConnectionsError,
)
"""Kinds of ConnectionError that a second attempt would only meet again."""


def translate_error(error: BaseException) -> SessionError | None:
    """Our error for one of the driver's; None for what is not ours to translate.

    NOSCRIPT is not: whoever ran the script can send it once more.
    """
    meaning = next((one for kind, one in BY_CLASS if isinstance(error, kind)), None)
    if meaning:
        kind, reason, retry_after = meaning
        return kind(reason, retry_after=retry_after)
    if isinstance(error, redis.ResponseError) and not isinstance(error, exceptions.NoScriptError):
        return _translate_words(error)
    return None


def translate_set_up_error(error: redis.ResponseError) -> StoreUnavailable:
    """Our error for a reply to what sets a connection up, which concerns no session."""
    ours = translate_error(error)
    if isinstance(ours, StoreUnavailable) and not isinstance(ours, StoreReplyUnknown):
        return ours
    return StoreUnavailable(_read_reason(error), retry_after=30)


def _translate_words(error: redis.ResponseError) -> SessionError:
    """Our error for a reply without a class, by its first word or by what it contains."""
    text = str(error)
    word = text.partition(" ")[0]
    if word in UNREADABLE_REPLIES:
        return SessionUnreadable("the stored value is no session document")
    said = next((one for phrase, one in BY_PHRASE.items() if phrase in text), None)
    meaning = BY_WORD.get(word) or said
    if not meaning:
        return StoreReplyUnknown(_read_reason(error), retry_after=UNLISTED_RETRY_AFTER)
    kind, reason, retry_after = meaning
    return kind(reason, retry_after=retry_after)


def _read_reason(error: redis.ResponseError) -> str:
    """A reply's first word as a reason; `unknown` for what is no word and could be an id."""
    # redis-py takes a word that it knows off the text.
    word = error.status_code or str(error).partition(" ")[0].strip(":,.")
    return word.lower() if _WORD.fullmatch(word) else "unknown"
