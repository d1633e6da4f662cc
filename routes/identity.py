"""The caller's identity: from the verified bearer token, never from another header or the body."""

from typing import cast

from flask import current_app, request

from services.tokens import Identity, Tokens

_ENVIRON_KEY = "teaser_chat.identity"
"""The key in a request's environ; a client can only set keys that begin with HTTP_."""


def get_identity() -> Identity:
    """The caller; the token is verified once per request.

    Raises:
        AuthenticationNotConfigured: there is nothing to verify tokens with.
        TokenRefused: there is no bearer token, or it is not valid.
    """
    # Not in `g`, which requests of one application context share.
    known: Identity | None = request.environ.get(_ENVIRON_KEY)
    if known is None:
        tokens = cast(Tokens, current_app.extensions["tokens"])
        known = request.environ[_ENVIRON_KEY] = tokens.verify(read_bearer_token())
    return known


def read_bearer_token() -> str | None:
    """The token after `Bearer` in the Authorization header; None for any other scheme."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
