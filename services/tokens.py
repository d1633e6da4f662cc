"""Bearer tokens (JSON Web Tokens, RFC 7519): who asks, from a signature and nothing else."""

import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from services.errors import NO_TOKEN, AuthenticationNotConfigured, TokenRefused
from services.token_keys import KeySet, Secret

AUDIENCE = "teaser-chat"
"""Whom tokens are for, unless the settings say otherwise."""
LEEWAY = 10
"""Seconds by which the clock of whoever issues tokens may differ from ours."""
MAX_BYTES = 8192
"""The longest token that is looked at."""
MAX_TENANT_ID = 64
MAX_USER_ID = 128
REQUIRED = ["exp", "aud", "sub", "tenant_id"]
INSTANTS = ("exp", "nbf", "iat")

REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not_yet_valid"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.InvalidAlgorithmError, "algorithm"),
    (jwt.InvalidSignatureError, "signature"),
    (jwt.MissingRequiredClaimError, "claim_missing"),
    (jwt.InvalidTokenError, "malformed"),
)
"""What an error of PyJWT means in a word, the first match wins."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as a verified token says.

    Attributes:
        tenant_id: 1 to 64 characters, none of them a control character.
        user_id: 1 to 128 such characters.
    """

    tenant_id: str
    user_id: str


class Tokens:
    """Verifies bearer tokens, and issues them where the secret is ours.

    Args:
        keys: what they are verified with; None where the settings name nothing.
        audience: whom they must be for.
        issuer: who must have issued them; None for anyone with the key.
        clock: seconds since 1970, for issuing.
    """

    def __init__(
        self,
        keys: Secret | KeySet | None,
        *,
        audience: str = AUDIENCE,
        issuer: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._issuer = issuer
        self._clock = clock

    def verify(self, token: str | None) -> Identity:
        """Who the token says is asking; None stands for no token.

        Raises:
            AuthenticationNotConfigured: there is nothing to verify it with.
            TokenRefused: there is none, or it is not good.
        """
        if self._keys is None:
            raise AuthenticationNotConfigured("neither a secret nor a key set is configured")
        if token is None:
            raise TokenRefused(NO_TOKEN)
        if len(token) > MAX_BYTES:
            raise TokenRefused("too_long")
        if not token.isascii():
            raise TokenRefused("malformed")
        claims = _check_times(self._claims(token, self._keys))
        return Identity(
            tenant_id=_name(claims["tenant_id"], MAX_TENANT_ID),
            user_id=_name(claims["sub"], MAX_USER_ID),
        )

    def issue(self, identity: Identity, *, seconds: int) -> str:
        """A token for someone, good from now for so many seconds.

        Raises:
            AuthenticationNotConfigured: there is no secret; keys in a file only verify.
            ValueError: `verify` would refuse such an identity, or the time is not positive.
        """
        if not isinstance(self._keys, Secret):
            raise AuthenticationNotConfigured("tokens are issued with AUTH_SECRET only")
        if seconds < 1:
            raise ValueError("a token must be good for a second or more")
        try:
            _name(identity.tenant_id, MAX_TENANT_ID)
            _name(identity.user_id, MAX_USER_ID)
        except TokenRefused:
            raise ValueError("the tenant or the user is empty, too long or no plain text") from None
        now = int(self._clock())
        claims: dict[str, Any] = {
            "tenant_id": identity.tenant_id,
            "sub": identity.user_id,
            "aud": self._audience,
            "iat": now,
            "exp": now + seconds,
        }
        if self._issuer:
            claims["iss"] = self._issuer
        return jwt.encode(claims, self._keys.key(None), algorithm=Secret.algorithm)

    def _claims(self, token: str, keys: Secret | KeySet) -> dict[str, Any]:
        """What a token says whose signature, times, audience and issuer are good."""
        try:
            key = keys.key(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise TokenRefused("key_unknown")
            return jwt.decode(
                token,
                key,
                algorithms=[keys.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                # The subject is held to more below.
                options={
                    "require": REQUIRED,
                    "verify_sub": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.InvalidTokenError as error:
            reason = next(word for kind, word in REASONS if isinstance(error, kind))
            raise TokenRefused(reason) from error


def open_tokens(
    secret: str | None, key_set_file: str | None, *, audience: str, issuer: str | None
) -> Tokens:
    """What verifies the tokens of a deployment; without a secret and a file, none.

    Raises:
        ValueError: the secret or the file is of no use.
    """
    keys: Secret | KeySet | None = None
    if key_set_file:
        keys = KeySet(Path(key_set_file))
    elif secret:
        keys = Secret(secret)
    return Tokens(keys, audience=audience, issuer=issuer)


def _check_times(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims, whose instants are numbers; PyJWT takes texts and truth values for some too."""
    for name in INSTANTS:
        if name in claims and type(claims[name]) not in (int, float):
            raise TokenRefused("claim_wrong")
    return claims


def is_name(value: Any, most: int) -> bool:
    """Whether this can be a tenant's or a user's id; it goes into keys, logs and lists."""
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        return False
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)


def _name(value: Any, most: int) -> str:
    """A tenant's or user's id, if it is one."""
    if not is_name(value, most):
        raise TokenRefused("claim_wrong")
    return str(value)
