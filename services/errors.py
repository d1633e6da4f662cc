"""Every error a service raises on purpose; routes/errors.py gives each its HTTP answer."""

from collections.abc import Mapping

from services.sessions.errors import SessionNotFound

NO_TOKEN = "no_token"  # noqa: S105 - a reason
"""Why a request without a bearer token is refused."""


class TeaserChatError(Exception):
    """Root of all errors the services raise on purpose."""


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
