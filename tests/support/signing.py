"""Key sets and tokens as an identity provider makes them, with real RSA keys."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "teaser-chat"
SECRET = "a secret for the tokens of the tests"


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A fresh key pair."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


def public(key: rsa.RSAPrivateKey, **members: Any) -> dict[str, Any]:
    """The public half of a key as an entry of a key set; a member that is None is left out."""
    entry = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"alg": "RS256", "use": "sig"}
    return {name: value for name, value in (entry | members).items() if value is not None}


def write_key_set(file: Path, *entries: Any) -> Path:
    """Write a key set as a whole; nobody sees a part of it."""
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps({"keys": entries}), encoding="utf-8")
    return beside.replace(file)


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, changed; a claim that is None is left out."""
    good = {"tenant_id": "acme", "sub": "ann", "aud": AUDIENCE, "exp": int(time.time()) + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(key: Any = SECRET, *, kid: str | None = None, **changes: Any) -> str:
    """A token for ann of acme, signed with a secret or an RSA key."""
    algorithm = "HS256" if isinstance(key, str | bytes) else "RS256"
    headers = {"kid": kid} if kid else None
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)
