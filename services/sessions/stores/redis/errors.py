"""What an error of redis-py or of the server means, by what the caller can do about it.

The text of ours names a reason of this list and nothing else: a server's own words may hold keys,
users and host names.
"""

import builtins

import redis
from redis import exceptions

from ...errors import SessionError, SessionUnreadable, StoreRefused, StoreUnavailable

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
"""First words of error replies about the stored value: put.lua's own, and the server's."""
FINAL = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.BusyLoadingError,
    exceptions.ExternalAuthProviderError,
    exceptions.MaxConnectionsError,
)
"""Kinds of ConnectionError that a second attempt would only meet again."""


def translate_error(error: BaseException) -> SessionError | None:
    """Our error for one of the driver's; None for what is not ours to translate."""
    meaning = next((one for kind, one in BY_CLASS if isinstance(error, kind)), None)
    if not meaning and isinstance(error, redis.ResponseError):
        text = str(error)
        word = text.partition(" ")[0]
        if word in UNREADABLE_REPLIES:
            return SessionUnreadable("the stored value is no session document")
        said = next((one for phrase, one in BY_PHRASE.items() if phrase in text), None)
        meaning = BY_WORD.get(word) or said
    if not meaning:
        return None
    kind, reason, retry_after = meaning
    return kind(reason, retry_after=retry_after)
