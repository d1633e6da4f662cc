"""Every error of the library; their root is SessionError."""

OWNER_UNKNOWN = "unsettled"
"""The reason while a session's owner cannot be known, because the engine cannot be asked."""


class SessionError(Exception):
    """Root of what can go wrong between a caller and a stored session."""


class InvalidSessionId(SessionError):
    """The id cannot name a session of this keyspace (a conversation's id is a UUID)."""


class SessionNotFound(SessionError):
    """The session is missing, expired or deleted, or belongs to someone else."""


class SessionForeign(SessionNotFound):
    """The session belongs to someone else; the answer is the same as for SessionNotFound."""


class SessionConflict(SessionError):
    """The stored version is not the one the change was made from."""


class SessionChanged(SessionError):
    """The session is not the one that the caller has seen and wanted to change."""


class SessionUnreadable(SessionError):
    """The stored value is no session document this release can read."""


class SessionFormatUnknown(SessionError):
    """The document was written by a newer release; unlike an unreadable one it is left alone."""


class SessionTooLarge(SessionError):
    """The document is longer than SESSION_MAX_BYTES.

    Attributes:
        size: bytes of the refused document.
        limit: bytes a document may have.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the session would take {size} bytes, {limit} are allowed")
        self.size = size
        self.limit = limit


class SessionNotSerialisable(SessionError):
    """The data is not plain JSON, or would come back different from what was saved."""


class StoreUnavailable(SessionError):
    """The engine could not be asked, or would not do it; nothing is known of the session.

    Attributes:
        reason: one stable word for logs and counters, never shown to a client.
        retry_after: seconds after which asking again makes sense.
    """

    def __init__(self, reason: str, *, retry_after: int = 1) -> None:
        super().__init__(f"the session store is unavailable: {reason}")
        self.reason = reason
        self.retry_after = retry_after


class StoreRefused(StoreUnavailable):
    """The engine answers and would not do it: it is full, read-only or lacks the permission."""


class StoreReplyUnknown(StoreUnavailable):
    """The engine answered with an error that nobody listed; it may concern this session alone.

    Attributes:
        key: of which session or index it was asked; empty where the caller knows that.
    """

    def __init__(self, reason: str, *, retry_after: int = 1, key: str = "") -> None:
        super().__init__(reason, retry_after=retry_after)
        self.key = key


class StoreFull(StoreRefused):
    """There is no room for a new session; those that are stored can be changed."""


class StoreCorrupt(StoreUnavailable):
    """What the engine keeps its sessions in is damaged, and asking again changes nothing."""
