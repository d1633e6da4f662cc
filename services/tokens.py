"""Bearer tokens (JSON Web Tokens, RFC 7519): who the caller is, by a signature alone."""

import contextlib
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.errors import NO_TOKEN, AuthenticationNotConfigured, TokenRefused
from services.token_keys import KeySet, Secret

AUDIENCE = "teaser-chat"
"""The audience of tokens, unless the settings name another."""
LEEWAY = 10
"""Seconds by which the issuer's clock may differ from ours."""
MAX_BYTES = 8192
"""The longest token that is decoded."""
MAX_TENANT_ID = 64
MAX_USER_ID = 128
REQUIRED = ["exp", "aud", "sub", "tenant_id"]
TIME_CLAIMS = ("exp", "nbf", "iat")

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
"""The reason for each of PyJWT's errors; the first match wins."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, as a verified token names it.

    Attributes:
        tenant_id: 1 to 64 characters, none of them a control character.
        user_id: 1 to 128 such characters.
    """

    tenant_id: str
    user_id: str


class Tokens:
    """Verifies bearer tokens, and issues them if it has a secret.

    Args:
        keys: what they are verified with; None if the settings name nothing.
        audience: the audience they must name.
        issuer: the issuer they must name; None accepts any.
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
        """Verify a token and return whom it names; None stands for no token.

        Raises:
            AuthenticationNotConfigured: there is nothing to verify it with.
            TokenRefused: there is no token, or it is not valid.
        """
        if self._keys is None:
            raise AuthenticationNotConfigured("neither a secret nor a key set is configured")
        if token is None:
            raise TokenRefused(NO_TOKEN)
        if len(token) > MAX_BYTES:
            raise TokenRefused("too_long")  # before any decoding, which costs time
        if not token.isascii():
            raise TokenRefused("malformed")
        claims = _check_times(self._decode(token, self._keys))
        return Identity(
            tenant_id=_check_name(claims["tenant_id"], MAX_TENANT_ID),
            user_id=_check_name(claims["sub"], MAX_USER_ID),
        )

    def issue(self, identity: Identity, *, seconds: int) -> str:
        """Issue a token that is valid from now for so many seconds.

        Raises:
            AuthenticationNotConfigured: there is no secret; keys in a file only verify.
            ValueError: `verify` would refuse such an identity, or the time is not positive.
        """
        if not isinstance(self._keys, Secret):
            raise AuthenticationNotConfigured("tokens can be issued with AUTH_SECRET only")
        if seconds < 1:
            raise ValueError("a token must be valid for at least a second")
        try:
            _check_name(identity.tenant_id, MAX_TENANT_ID)
            _check_name(identity.user_id, MAX_USER_ID)
        except TokenRefused:
            raise ValueError("the tenant or user is empty, too long or not plain text") from None
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
        return jwt.encode(claims, self._keys.find_key(None), algorithm=Secret.algorithm)

    def _decode(self, token: str, keys: Secret | KeySet) -> dict[str, Any]:
        """The claims of a token whose signature, times, audience and issuer are valid."""
        try:
            found = keys.find_keys(jwt.get_unverified_header(token).get("kid"))
            if not found:
                raise TokenRefused("key_unknown")
            for key in found[:-1]:
                with contextlib.suppress(jwt.InvalidSignatureError):
                    return self._decode_with(key, token, keys.algorithm)
            return self._decode_with(found[-1], token, keys.algorithm)
        except jwt.InvalidTokenError as error:
            reason = next(word for kind, word in REASONS if isinstance(error, kind))
            raise TokenRefused(reason) from error

    def _decode_with(self, key: str | RSAPublicKey, token: str, algorithm: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY,
            # The subject is checked more strictly afterwards.
            options={
                "require": REQUIRED,
                "verify_sub": False,
                "enforce_minimum_key_length": True,
            },
        )


def open_tokens(
    secret: str | None,
    key_set_file: str | None,
    *,
    audience: str,
    issuer: str | None,
    earlier_secrets: Sequence[str] = (),
) -> Tokens:
    """Open what verifies a deployment's tokens; without a secret or a file it verifies none.

    Args:
        secret: signs and verifies.
        key_set_file: verifies instead.
        audience: see Tokens.
        issuer: see Tokens.
        earlier_secrets: verify as well, while the secret is being replaced.

    Raises:
        ValueError: the secret or the file cannot be used.
    """
    keys: Secret | KeySet | None = None
    if key_set_file:
        keys = KeySet(Path(key_set_file))
    elif secret:
        keys = Secret(secret, earlier_secrets)
    return Tokens(keys, audience=audience, issuer=issuer)


def _check_times(claims: dict[str, Any]) -> dict[str, Any]:
    """Check that times are numbers; PyJWT accepts strings and booleans for some of them."""
    for name in TIME_CLAIMS:
        if name in claims and type(claims[name]) not in (int, float):
            raise TokenRefused("claim_wrong")
    return claims


def is_name(value: Any, most: int) -> bool:
    """Whether this can be a tenant's or a user's id, which goes into keys, logs and lists."""
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        return False
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)


def _check_name(value: Any, most: int) -> str:
    """Return a tenant's or a user's id, if it is one."""
    if not is_name(value, most):
        raise TokenRefused("claim_wrong")
    return str(value)
