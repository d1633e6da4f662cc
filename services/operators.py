"""Who may see the operators' page: whoever has the operators' token."""

import hashlib
import hmac
from collections.abc import Sequence

from services.errors import NO_TOKEN, TokenRefused


class Operators:
    """Checks the operators' token, of which only a digest is kept.

    Args:
        token: the valid one.
        earlier: tokens that are valid as well, while they are being replaced.
    """

    def __init__(self, token: str, earlier: Sequence[str] = ()) -> None:
        # Digests have one length, as compare_digest needs.
        self._digests = [_hash_token(one) for one in (token, *earlier)]

    def is_valid(self, token: str) -> bool:
        """Whether this is a token; the time it takes does not reveal how much of it is right."""
        given = _hash_token(token)
        # All of them are compared, whichever it is.
        matches = [hmac.compare_digest(given, digest) for digest in self._digests]
        return any(matches)

    def check(self, token: str | None) -> None:
        """Refuse whoever does not have the token; None stands for no token.

        Raises:
            TokenRefused: there is none, or it is another one.
        """
        if token is None:
            raise TokenRefused(NO_TOKEN)
        if not self.is_valid(token):
            raise TokenRefused("no_operator")


def _hash_token(token: str) -> bytes:
    # A header may hold bytes that are not valid Unicode.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
