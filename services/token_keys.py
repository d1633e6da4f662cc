"""What bearer tokens are verified with: one secret (HS256), or the public keys in a file (RS256).

Each kind accepts exactly one algorithm. The algorithm that a token names is never used to choose.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

log = logging.getLogger(__name__)

SECRET_LENGTH = 32
"""The shortest secret, in characters: the length of a SHA-256 hash (RFC 7518, 3.2)."""
KEY_BITS = (2048, 16_384)
"""The shortest RSA key (RFC 7518, 3.3), and the longest that OpenSSL supports."""
LOOK_SECONDS = 1.0
"""Seconds between two looks at the file; a removed key stays valid for up to this long."""
FILE_BYTES = 1_048_576
"""The longest file that is read."""


class Secret:
    """A secret that we share with whoever issues the tokens.

    Args:
        text: the secret; it also signs.
        earlier: secrets that only verify, while they are being replaced.

    Raises:
        ValueError: it is too short, or a key of another kind.
    """

    algorithm = "HS256"

    def __init__(self, text: str, earlier: Sequence[str] = ()) -> None:
        self._texts = [self._check(one) for one in (text, *earlier)]

    def find_key(self, _kid: str | None) -> str:
        """The secret that signs, whichever key a token names."""
        return self._texts[0]

    def find_keys(self, _kid: str | None) -> Sequence[str]:
        """Every secret that verifies, whichever key a token names."""
        return self._texts

    @staticmethod
    def _check(text: str) -> str:
        if len(text.strip()) < SECRET_LENGTH:
            raise ValueError(f"it has fewer than {SECRET_LENGTH} characters")
        try:
            HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(text)
        except (jwt.InvalidKeyError, UnicodeError):
            raise ValueError("it is a key of another kind, not random text") from None
        return text


class KeySet:
    """The RSA keys of a JSON Web Key Set in a file, which is read again when it changes.

    While the file cannot be read, the last valid keys stay in use.

    Args:
        file: the key set; only the public part of a key is used.
        clock: seconds, monotonic.

    Raises:
        ValueError: it cannot be read or holds no usable key.
    """

    algorithm = "RS256"

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._text = _read(file)
        self._keys = parse_key_set(self._text)
        self._fault = ""
        self._look_at = clock() + LOOK_SECONDS

    def find_key(self, kid: str | None) -> RSAPublicKey | None:
        """The key of this name; for a token that names none, the only key if there is just one."""
        if self._clock() >= self._look_at:
            self._reload_if_changed()
        keys = self._keys
        if kid is None and len(keys) == 1:
            return next(iter(keys.values()))
        return keys.get(kid) if kid is not None else None

    def find_keys(self, kid: str | None) -> Sequence[RSAPublicKey]:
        """The same as a list, which is empty if there is none."""
        found = self.find_key(kid)
        return [found] if found else []

    def _reload_if_changed(self) -> None:
        # Set before reading, so that other threads go on with the present keys. If two threads read
        # at once, the older text may win; the next look corrects that.
        self._look_at = self._clock() + LOOK_SECONDS
        try:
            text = _read(self._file)
            if text != self._text:
                self._keys = parse_key_set(text)
                self._text = text
                log.warning("the key set has changed and was read again: %d keys", len(self._keys))
            elif self._fault:
                log.warning("the key set can be read again")
            self._fault = ""
        except ValueError as error:
            if str(error) != self._fault:
                self._fault = str(error)
                log.error("the key set cannot be used, the last valid keys stay: %s", error)


def parse_key_set(text: bytes) -> Mapping[str | None, RSAPublicKey]:
    """The RSA keys for RS256 signatures in a JSON Web Key Set, by name.

    Raises:
        ValueError: it is not one, has no such key, or several of one name; nothing is quoted.
    """
    try:
        members = msgspec.json.decode(text, type=dict[str, Any]).get("keys")
    except (ValueError, RecursionError):
        raise ValueError("it is not a JSON object") from None
    if not isinstance(members, list):
        raise ValueError("it has no list of keys")
    keys: dict[str | None, RSAPublicKey] = {}
    for member in members:
        key = _parse_key(member)
        if key is None:
            continue
        if member.get("kid") in keys:
            raise ValueError("several of its keys have the same kid")
        keys[member.get("kid")] = key
    if not keys:
        raise ValueError(f"it has no RSA key of {KEY_BITS[0]} bits or more for RS256 signatures")
    return keys


def _parse_key(member: Any) -> RSAPublicKey | None:
    """The public key of an entry; None if it is for another use or invalid (RFC 7517, 5)."""
    if not isinstance(member, dict) or not isinstance(member.get("kid", ""), str):
        return None
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    if member.get("use", "sig") != "sig" or member.get("alg", "RS256") != "RS256":
        return None
    try:
        # Only the public members: a private key that was put here by mistake is not loaded.
        public = {name: member[name] for name in ("kty", "n", "e")}
        key = RSAAlgorithm.from_jwk(public)
    except (KeyError, TypeError, ValueError, jwt.PyJWTError):
        return None
    shortest, longest = KEY_BITS
    return key if isinstance(key, RSAPublicKey) and shortest <= key.key_size <= longest else None


def _read(file: Path) -> bytes:
    """The file's bytes.

    Raises:
        ValueError: it cannot be read, is not a regular file, or is longer than FILE_BYTES.
    """
    try:
        if not file.is_file():
            raise ValueError("there is no such file")
        with file.open("rb") as source:
            text = source.read(FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    if len(text) > FILE_BYTES:
        raise ValueError(f"it is longer than {FILE_BYTES} bytes")
    return text
