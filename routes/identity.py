"""Who asks: by a bearer token that is verified, never by another header or the body."""

from typing import cast

from flask import current_app, request

from services.addresses import parse_address
from services.operators import Operators
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


def is_operator() -> bool:
    """Whether the request has the operators' token, if there is one."""
    operators: Operators | None = current_app.extensions.get("operators")
    token = read_bearer_token()
    return operators is not None and token is not None and operators.is_valid(token)


def is_no_guess() -> bool:
    """Whether the request cannot be a guess at the operators' token: it has that one, or none."""
    return read_bearer_token() is None or is_operator()


def is_from_this_host() -> bool:
    """Whether a program of this host sent the request, and not a proxy of this host."""
    # A proxy adds these headers; whoever adds them himself is only told less.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    address = parse_address(request.remote_addr or "")
    return address is not None and address.is_loopback


def read_bearer_token() -> str | None:
    """The token after `Bearer` in the Authorization header; None for any other scheme."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
