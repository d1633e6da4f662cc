"""Every error a service raises on purpose; routes/errors.py gives each its HTTP answer."""

from collections.abc import Mapping

from services.sessions.errors import SessionNotFound

NO_TOKEN = "no_token"  # noqa: S105 - a reason
"""Why a request without a bearer token is refused."""


class TeaserChatError(Exception):
    """Root of all errors the services raise on purpose."""


class TenantIsolationError(SessionNotFound):
    """A context's document belongs to another tenant or user than its key says.

    Nobody can cause this through this program. Clients get it as a missing session; it is logged.
    """


class ConversationError(TeaserChatError):
    """Root of what the teaser chat refuses because of the state of a conversation."""


class ConversationIncomplete(ConversationError):
    """The analysis was requested while the interview still has open questions."""


class AnalysisMissing(ConversationError):
    """A question about the analysis came before the analysis."""


class CorrectionRefused(ConversationError):
    """A correction has impossible values; none of them is stored.

    Attributes:
        faults: what is wrong with each fact, by its name; empty when no fact was named.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(f"the correction is refused: {', '.join(faults) or 'it is empty'}")
        self.faults = faults

    def to_messages(self) -> dict[str, list[str]] | list[str]:
        """The faults in the form of a response's `errors`."""
        named = {name: [sentence] for name, sentence in self.faults.items()}
        return named or ["Please name at least one fact."]


class ConversationFull(ConversationError):
    """The conversation has as many messages or questions as one may have."""


class MessageIdReused(ConversationError):
    """A client_message_id came a second time with a different text."""


class AuthenticationNotConfigured(TeaserChatError):
    """There is nothing to verify tokens with, or nothing to sign them with."""


class RateLimited(TeaserChatError):
    """The client has sent too many requests.

    Attributes:
        limit: the name of the limit.
        retry_after: seconds after which it may send the next one.
    """

    def __init__(self, limit: str, *, retry_after: int) -> None:
        super().__init__(f"the limit for {limit} is exceeded")
        self.limit = limit
        self.retry_after = retry_after


class BudgetSpent(RateLimited):
    """The client has stored too many bytes within an hour."""


class TokenRefused(TeaserChatError):
    """There is no bearer token, or it is not valid.

    Attributes:
        reason: one stable word for logs, never shown to a client.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token is refused: {reason}")
        self.reason = reason
