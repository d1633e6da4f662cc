"""Every error a service raises on purpose; routes/errors.py gives each its HTTP answer."""

from collections.abc import Mapping

NO_TOKEN = "no_token"  # noqa: S105 - a reason
"""Why a request without a bearer token is refused."""
UNSETTLED = "unsettled"
"""Why nobody is told of a session whose owner is not known before the engine can be asked."""


class TeaserChatError(Exception):
    """Root of all errors the services raise on purpose."""


class SessionError(TeaserChatError):
    """Root of what can go wrong between a caller and a stored session."""


class InvalidSessionId(SessionError):
    """The id cannot name a session of this keyspace (a conversation's id is a UUID)."""


class SessionNotFound(SessionError):
    """The session is missing, expired or deleted, or belongs to someone else."""


class SessionForeign(SessionNotFound):
    """The session belongs to someone else; whoever asks is told what SessionNotFound says."""


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


class StoreFull(StoreRefused):
    """There is no room for a new session; those that are stored can be changed."""


class StoreCorrupt(StoreUnavailable):
    """What the engine keeps its sessions in is damaged, and asking again changes nothing."""


class TenantIsolationError(SessionNotFound):
    """A context's document belongs to another tenant or user than its key says.

    Nobody can cause this through this program. It is told as a missing session, and logged.
    """


class ConversationError(TeaserChatError):
    """Root of what the teaser chat refuses because of the state of the conversation."""


class ConversationIncomplete(ConversationError):
    """The analysis was asked for while the interview still has open questions."""


class AnalysisMissing(ConversationError):
    """A question about the analysis came before the analysis."""


class CorrectionRefused(ConversationError):
    """A correction names what cannot be so; nothing of it is taken in.

    Attributes:
        faults: what is wrong, by the fact at fault; empty when there is nothing to correct.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(f"the correction is refused: {', '.join(faults) or 'it is empty'}")
        self.faults = faults

    def by_member(self) -> dict[str, list[str]] | list[str]:
        """The faults in the shape of a body's errors."""
        named = {name: [sentence] for name, sentence in self.faults.items()}
        return named or ["Please name at least one fact."]


class MessageIdReused(ConversationError):
    """A client_message_id came a second time with a different text."""


class AuthenticationNotConfigured(TeaserChatError):
    """There is nothing to verify tokens with, or for issuing them nothing to sign them with."""


class RateLimited(TeaserChatError):
    """The client has asked too often.

    Attributes:
        limit: the name of the limit.
        retry_after: seconds after which it may ask again.
    """

    def __init__(self, limit: str, *, retry_after: int) -> None:
        super().__init__(f"more than the limit for {limit} allows")
        self.limit = limit
        self.retry_after = retry_after


class TokenRefused(TeaserChatError):
    """There is no bearer token, or it is not good.

    Attributes:
        reason: one stable word for logs, never shown to a client.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token is refused: {reason}")
        self.reason = reason
