"""Who may watch: whoever has the one token of the operators."""

import hashlib
import hmac

from services.errors import NO_TOKEN, TokenRefused


class Operators:
    """Checks the operators' token, of which only a digest is kept.

    Args:
        token: the one that is good.
    """

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    def knows(self, token: str) -> bool:
        """Whether it is the one; the time it takes tells nothing of how much of it is right."""
        return hmac.compare_digest(_digest(token), self._digest)

    def check(self, token: str | None) -> None:
        """Refuse whoever has not got it; None stands for no token.

        Raises:
            TokenRefused: there is none, or it is another one.
        """
        if token is None:
            raise TokenRefused(NO_TOKEN)
        if not self.knows(token):
            raise TokenRefused("no_operator")


def _digest(token: str) -> bytes:
    # Headers come as text of any bytes.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
