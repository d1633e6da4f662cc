"""Who asks: from the request's verified bearer token, never from another header or the body."""

from typing import cast

from flask import current_app, request

from services.tokens import Identity, Tokens

_KEPT = "teaser_chat.identity"
"""Where a request's environ keeps it; no client can set a name without HTTP_ before it."""


def identity() -> Identity:
    """Who asks; the token is verified once a request.

    Raises:
        AuthenticationNotConfigured: there is nothing to verify tokens with.
        TokenRefused: there is no bearer token, or it is not good.
    """
    known: Identity | None = request.environ.get(_KEPT)
    if known is None:
        tokens = cast(Tokens, current_app.extensions["tokens"])
        known = request.environ[_KEPT] = tokens.verify(bearer_token())
    return known


def bearer_token() -> str | None:
    """What stands behind `Bearer` in the Authorization header; None for any other scheme."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
