"""The keys of bearer tokens: which are used, and that a changed file is followed."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from services.errors import TokenRefused
from services.token_keys import LOOK_SECONDS, KeySet, Secret, parse_key_set
from services.tokens import Tokens
from tests.support.signing import public, rsa_key, signed, write_key_set


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def go_on(self) -> None:
        """Until the file is looked at again."""
        self.now += LOOK_SECONDS


@pytest.fixture(scope="module")
def keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """The key pair before a rotation, and the one after it."""
    return rsa_key(), rsa_key()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test keeps its keys."""
    return tmp_path / "keys.json"


def text_of(*entries: Any) -> bytes:
    """A key set's text."""
    return json.dumps({"keys": entries}).encode()


@pytest.mark.parametrize("text", ["", "short", " " * 40, "x" * 31, '{"kty":"oct","k":"' + "a" * 40])
def test_a_secret_has_some_length(text: str) -> None:
    """Blanks around it do not count."""
    if text.startswith("{"):
        text += '"}'
    with pytest.raises(ValueError, match=r"fewer than 32|another kind") as refused:
        Secret(text)
    assert len(text) < 2 or text not in str(refused.value)


def test_a_key_of_another_kind_is_no_secret(keys: tuple[rsa.RSAPrivateKey, ...]) -> None:
    """Whoever put a public key here would let everybody sign."""
    pem = (
        keys[0]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(ValueError, match="another kind"):
        Secret(pem.decode())


def test_a_key_is_found_by_its_name(file: Path, keys: tuple[rsa.RSAPrivateKey, ...]) -> None:
    """A token without a name is for the only key; with several it must name one."""
    old, new = keys
    one = Tokens(KeySet(write_key_set(file, public(old, kid="old"))))
    assert one.verify(signed(old, kid="old")) == one.verify(signed(old))
    both = Tokens(KeySet(write_key_set(file, public(old, kid="old"), public(new, kid="new"))))
    assert both.verify(signed(old, kid="old")) == both.verify(signed(new, kid="new"))
    for token, reason in (
        (signed(old), "key_unknown"),
        (signed(old, kid="other"), "key_unknown"),
        (signed(old, kid="new"), "signature"),
    ):
        with pytest.raises(TokenRefused, match=reason):
            both.verify(token)


def test_a_rotation_is_followed_without_a_restart(
    file: Path, keys: tuple[rsa.RSAPrivateKey, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """The new key is good and the old one is not, from the next look on."""
    old, new = keys
    clock = Clock()
    tokens = Tokens(KeySet(write_key_set(file, public(old, kid="old")), clock=clock))
    write_key_set(file, public(new, kid="new"))
    tokens.verify(signed(old, kid="old"))
    with pytest.raises(TokenRefused, match="key_unknown"):
        tokens.verify(signed(new, kid="new"))
    clock.go_on()
    tokens.verify(signed(new, kid="new"))
    with pytest.raises(TokenRefused, match="key_unknown"):
        tokens.verify(signed(old, kid="old"))
    assert "read again: 1 keys" in caplog.text


def test_the_file_is_looked_at_once_a_second_at_most(
    file: Path, keys: tuple[rsa.RSAPrivateKey, ...]
) -> None:
    """However many tokens come."""
    clock = Clock()
    key_set = KeySet(write_key_set(file, public(keys[0], kid="old")), clock=clock)
    write_key_set(file, public(keys[1], kid="new"))
    clock.now = LOOK_SECONDS * 0.99
    assert key_set.find_key("new") is None
    clock.now = LOOK_SECONDS
    assert key_set.find_key("new") is not None
    write_key_set(file, public(keys[0], kid="old"))
    clock.now = LOOK_SECONDS * 1.99
    assert key_set.find_key("old") is None


@pytest.mark.parametrize("fault", ["gone", "empty", "half", "no_keys", "folder", "endless"])
def test_a_file_that_is_of_no_use_changes_nothing(
    file: Path, keys: tuple[rsa.RSAPrivateKey, ...], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The last valid keys stay in use, it is logged once, and what comes next is followed again."""
    old, new = keys
    clock = Clock()
    key_set = KeySet(write_key_set(file, public(old, kid="old")), clock=clock)
    good = file.read_bytes()
    file.unlink()
    if fault == "folder":
        file.mkdir()
    elif fault != "gone":
        texts = {"empty": b"", "half": good[:60], "no_keys": text_of(), "endless": b" " * 2**21}
        file.write_bytes(texts[fault])
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        clock.go_on()
        assert key_set.find_key("old") is not None
    assert caplog.text.count("the last valid keys stay") == 1
    if fault == "folder":
        file.rmdir()
    write_key_set(file, public(new, kid="new"))
    clock.go_on()
    assert (key_set.find_key("old"), key_set.find_key("new") is None) == (None, False)
    file.unlink()
    clock.go_on()
    key_set.find_key("new")
    assert caplog.text.count("the last valid keys stay") == 2


def test_the_same_file_may_come_back(
    file: Path, keys: tuple[rsa.RSAPrivateKey, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """The log says that it is good again."""
    clock = Clock()
    key_set = KeySet(write_key_set(file, public(keys[0], kid="old")), clock=clock)
    away = file.rename(file.with_suffix(".away"))
    clock.go_on()
    key_set.find_key("old")
    away.rename(file)
    clock.go_on()
    assert key_set.find_key("old") is not None
    assert "can be read again" in caplog.text


def test_only_keys_for_these_signatures_are_used(keys: tuple[rsa.RSAPrivateKey, ...]) -> None:
    """Others may stand beside them in the file."""
    key = keys[0]
    found = parse_key_set(
        text_of(
            public(key, kid="good"),
            public(key, kid="plain", alg=None, use=None, key_ops=None),
            public(key, kid="encrypts", use="enc"),
            public(key, kid="other", alg="RS512"),
            public(key, kid="signs", key_ops=["sign"]),
            public(key, kid=7),
            public(key, kid="even", n="AQAA"),
            public(key, kid="no number", e=3),
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0" * 8, "alg": "HS256"},
            {"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"},
            public(rsa_key(1024), kid="short"),
            "text",
            None,
            [],
        )
    )
    assert set(found) == {"good", "plain"}


def test_a_private_key_is_used_by_its_public_half(keys: tuple[rsa.RSAPrivateKey, ...]) -> None:
    """What signs is not kept in this process."""
    private = RSAAlgorithm.to_jwk(keys[0], as_dict=True) | {"key_ops": ["sign", "verify"]}
    (key,) = parse_key_set(text_of(private)).values()
    assert isinstance(key, rsa.RSAPublicKey)


def test_two_keys_cannot_share_a_name(keys: tuple[rsa.RSAPrivateKey, ...]) -> None:
    """Which of them is meant would be a matter of order."""
    for kid in ("one", None):
        with pytest.raises(ValueError, match="same kid"):
            parse_key_set(text_of(public(keys[0], kid=kid), public(keys[1], kid=kid)))


@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["keys", "kty", "n", "e", "kid", "use", "alg", "key_ops"]), inner
            )
        ),
    ).map(lambda value: json.dumps({"keys": value}).encode())
)
def test_garbage_is_no_key_set(text: bytes) -> None:
    """Whatever stands in the file, the one error says so."""
    with pytest.raises(ValueError, match=r"^it (is not|has no) "):
        parse_key_set(text)
