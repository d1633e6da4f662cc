"""Bearer tokens: who is let in, and that nothing else is, however a token was made."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from services.errors import NO_TOKEN, AuthenticationNotConfigured, TokenRefused
from services.token_keys import Secret
from services.tokens import (
    LEEWAY,
    MAX_BYTES,
    MAX_TENANT_ID,
    MAX_USER_ID,
    REASONS,
    Identity,
    Tokens,
    open_tokens,
)
from tests.support.signing import (
    AUDIENCE,
    SECRET,
    claims,
    public,
    rsa_key,
    signed,
    write_key_set,
)

ANN = Identity(tenant_id="acme", user_id="ann")
REFUSALS = {word for _, word in REASONS} | {"too_long", "claim_wrong", "key_unknown"}
by_secret = Tokens(Secret(SECRET))


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The key pair of whoever issues tokens."""
    return rsa_key()


@pytest.fixture(scope="module")
def by_key(key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """Tokens verified with that key's public half in a file."""
    file = write_key_set(tmp_path_factory.mktemp("keys") / "keys.json", public(key, kid="one"))
    return opened(file)


def opened(file: Path) -> Tokens:
    """Tokens verified with the keys of a file."""
    return open_tokens(None, str(file), audience=AUDIENCE, issuer=None)


def refusal(tokens: Tokens, token: str | None) -> str:
    """Why a token is refused."""
    with pytest.raises(TokenRefused) as refused:
        tokens.verify(token)
    return refused.value.reason


def verified(token: str) -> Identity | str:
    """Who asks, or why the token is refused."""
    try:
        return by_secret.verify(token)
    except TokenRefused as refused:
        return refused.reason


def segment(data: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: bytes, payload: bytes, secret: bytes = SECRET.encode()) -> str:
    """A token of any header and payload with a good HS256 signature."""
    body = f"{segment(header)}.{segment(payload)}"
    return f"{body}.{segment(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def test_a_valid_token_names_the_caller(by_key: Tokens, key: rsa.RSAPrivateKey) -> None:
    """Of either kind, by the claims `tenant_id` and `sub`, whatever else it claims."""
    assert by_secret.verify(signed(user_id="bob", roles=["admin"])) == ANN
    assert by_secret.verify(signed(aud=["other", AUDIENCE])) == ANN
    assert by_key.verify(signed(key, kid="one")) == ANN
    assert by_key.verify(signed(key)) == ANN


def test_an_identity_cannot_be_changed() -> None:
    """What was verified stays."""
    with pytest.raises(AttributeError):
        ANN.tenant_id = "other"  # type: ignore[misc]


def test_without_keys_nobody_is_known() -> None:
    """Neither with a token nor without one; that is no fault of the client."""
    for token in (None, signed()):
        with pytest.raises(AuthenticationNotConfigured):
            open_tokens(None, None, audience=AUDIENCE, issuer=None).verify(token)


def test_a_rotation_of_the_secret_refuses_no_valid_token() -> None:
    """In each of its three steps, whoever issued the token; afterwards the old one is nothing."""
    old, new = "the secret of last year for tokens", "the secret of this year for tokens"
    first, known, changed, last = (
        open_tokens(one[0], None, audience=AUDIENCE, issuer=None, earlier_secrets=one[1:])
        for one in ([old], [old, new], [new, old], [new])
    )
    tokens = {one: one.issue(ANN, seconds=60) for one in (first, known, changed, last)}
    for host, others in (
        *((first, (first, known)), (known, (first, known, changed))),
        *((changed, (known, changed, last)), (last, (changed, last))),
    ):
        for issuer in others:
            assert host.verify(tokens[issuer]) == ANN
    assert refusal(last, tokens[known]) == "signature"
    assert refusal(changed, signed("a secret of somebody else's choice")) == "signature"
    assert refusal(changed, signed(old, exp=1)) == "expired"
    assert refusal(changed, signed(new, aud="another")) == "audience"


def test_no_token_differs_from_an_invalid_one() -> None:
    """The client is challenged differently."""
    assert refusal(by_secret, None) == NO_TOKEN
    for garbage in ("", "\ud800", "é.é.é"):
        assert refusal(by_secret, garbage) == "malformed"


@pytest.mark.parametrize("name", ["exp", "aud", "sub", "tenant_id"])
def test_a_claim_that_is_needed(name: str) -> None:
    """Missing, it is never guessed."""
    assert refusal(by_secret, signed(**{name: None})) == "claim_missing"
    nothing = claims() | {name: None}
    assert refusal(by_secret, by_hand(b'{"alg":"HS256"}', json.dumps(nothing).encode())) == (
        "claim_missing"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -1}, "expired"),
        ({"exp": 1e300, "nbf": 1e300}, "not_yet_valid"),
        ({"exp": "99999999999"}, "claim_wrong"),
        ({"exp": [99_999_999_999]}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"nbf": True}, "claim_wrong"),
        ({"iat": "1"}, "claim_wrong"),
        ({"aud": "another"}, "audience"),
        ({"aud": {"teaser-chat": 1}}, "audience"),
        ({"aud": "teaser-chat "}, "audience"),
        ({"aud": ["teaser", "chat"]}, "audience"),
        ({"sub": 7}, "claim_wrong"),
        ({"sub": ""}, "claim_wrong"),
        ({"sub": " \t"}, "claim_wrong"),
        ({"tenant_id": ["acme"]}, "claim_wrong"),
        ({"tenant_id": {}}, "claim_wrong"),
        ({"tenant_id": True}, "claim_wrong"),
        ({"tenant_id": "a\x00b"}, "claim_wrong"),
        ({"tenant_id": "a\nb"}, "claim_wrong"),
        ({"sub": "a\x7fb"}, "claim_wrong"),
        ({"sub": "a\x9fb"}, "claim_wrong"),
        ({"sub": "a\ud800b"}, "claim_wrong"),
        ({"tenant_id": "a" * (MAX_TENANT_ID + 1)}, "claim_wrong"),
        ({"sub": "a" * (MAX_USER_ID + 1)}, "claim_wrong"),
    ],
)
def test_a_claim_that_is_wrong(changes: dict[str, Any], reason: str) -> None:
    """Signed well and still refused."""
    assert refusal(by_secret, signed(**changes)) == reason


def test_names_may_be_as_long_as_that_and_in_any_script() -> None:
    """The limits count characters."""
    tenant, user = "ü" * MAX_TENANT_ID, "名" * MAX_USER_ID
    assert by_secret.verify(signed(tenant_id=tenant, sub=user)) == Identity(tenant, user)


def test_clocks_may_differ_a_little() -> None:
    """By the leeway and no more, in both directions."""
    now = int(time.time())
    assert by_secret.verify(signed(exp=now - LEEWAY // 2)) == ANN
    assert by_secret.verify(signed(nbf=now + LEEWAY // 2, iat=now + LEEWAY // 2)) == ANN
    assert refusal(by_secret, signed(exp=now - 2 * LEEWAY)) == "expired"
    assert refusal(by_secret, signed(nbf=now + 10 * LEEWAY)) == "not_yet_valid"
    assert refusal(by_secret, signed(iat=now + 10 * LEEWAY)) == "not_yet_valid"


def test_the_issuer_counts_where_one_is_named() -> None:
    """Another's token, and one that names nobody, are refused then."""
    tokens = open_tokens(SECRET, None, audience=AUDIENCE, issuer="https://login.example")
    assert tokens.verify(signed(iss="https://login.example")) == ANN
    assert refusal(tokens, signed(iss="https://login.example.evil")) == "issuer"
    assert refusal(tokens, signed()) == "claim_missing"
    wrong = by_hand(b'{"alg":"HS256"}', json.dumps(claims(iss=["https://login.example"])).encode())
    assert refusal(tokens, wrong) == "issuer"


def test_another_secret_or_key_signs_nothing(by_key: Tokens) -> None:
    """However well formed."""
    assert refusal(by_secret, signed("another secret of thirty-two characters")) == "signature"
    assert refusal(by_key, signed(rsa_key(), kid="one")) == "signature"


def test_the_public_key_is_no_secret(by_key: Tokens, key: rsa.RSAPrivateKey) -> None:
    """An HS256 token that was made with what everybody may know of an RSA key is refused."""
    known = key.public_key()
    formats = [
        known.public_bytes(encoding, form)
        for encoding, form in (
            (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
            (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
            (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        )
    ]
    formats.append(json.dumps(public(key, kid="one")).encode())
    payload = json.dumps(claims()).encode()
    for secret in formats:
        for header in (b'{"alg":"HS256","kid":"one"}', b'{"alg":"RS256","kid":"one"}'):
            assert refusal(by_key, by_hand(header, payload, secret)) in ("algorithm", "signature")


def test_no_algorithm_but_the_configured_one(by_key: Tokens, key: rsa.RSAPrivateKey) -> None:
    """Also when the signature would be good by it."""
    curve = ec.generate_private_key(ec.SECP256R1())
    for tokens in (by_secret, by_key):
        for swapped in (
            jwt.encode(claims(), "", algorithm="none"),
            jwt.encode(claims(), curve, algorithm="ES256"),
            jwt.encode(claims(), key, algorithm="RS512"),
            jwt.encode(claims(), key, algorithm="PS256"),
            jwt.encode(claims(), SECRET * 2, algorithm="HS512"),
        ):
            assert refusal(tokens, swapped) == "algorithm"
    assert refusal(by_secret, signed(key)) == "algorithm"
    assert refusal(by_key, signed()) == "algorithm"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "hs256", None, ["HS256"], {}, 0])
def test_an_algorithm_that_is_none(alg: Any) -> None:
    """In no spelling, with a signature and without one."""
    header = json.dumps({"alg": alg}).encode()
    good = by_hand(header, json.dumps(claims()).encode())
    bare = good.rpartition(".")[0]
    for token in (good, bare, f"{bare}."):
        assert refusal(by_secret, token) in ("algorithm", "malformed")


def test_a_token_cannot_bring_its_own_key(by_key: Tokens) -> None:
    """Whatever its header says of where the key is to be found."""
    own = rsa_key()
    for headers in (
        {"kid": "one", "jwk": public(own)},
        {"kid": "one", "jku": "https://evil.example/keys.json"},
        {"kid": "one", "x5u": "https://evil.example/"},
        {"kid": "../../../dev/null"},
        {"kid": "one' OR '1'='1"},
    ):
        forged = jwt.encode(claims(), own, algorithm="RS256", headers=headers)
        assert refusal(by_key, forged) in ("signature", "key_unknown")


def test_a_long_token_is_not_even_read() -> None:
    """The limit is met exactly, and it comes before everything else."""
    good = signed()
    assert refusal(by_secret, "x" * (MAX_BYTES + 1)) == "too_long"
    assert refusal(by_secret, "x" * MAX_BYTES) == "malformed"
    assert refusal(by_secret, good + "A" * MAX_BYTES) == "too_long"


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 4000,
        b'{"a":' * 700,
        b'{"exp":' + b"9" * 5000 + b"}",
        b'{"exp":1e999}',
        b'{"exp":-Infinity}',
        b'"\\ud800"',
        b"\xff\xfe",
        b"null",
        b"[]",
        b"",
    ],
)
def test_hostile_json_is_only_malformed(hostile: bytes) -> None:
    """As a header, and as claims with a good signature."""
    assert refusal(by_secret, by_hand(hostile, b"{}")) in ("malformed", "algorithm")
    assert refusal(by_secret, by_hand(b'{"alg":"HS256"}', hostile)) in (
        "malformed",
        "claim_missing",
    )


any_text = st.text(st.characters())
"""Lone surrogates as well, which `st.text()` leaves out."""
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "cty"])
claim_names = st.sampled_from(["exp", "nbf", "iat", "aud", "sub", "tenant_id", "iss", "jti"])


@given(any_text | st.lists(st.binary().map(segment), max_size=4).map(".".join))
def test_garbage_is_refused(token: str) -> None:
    """Any text at all, lone surrogates among it."""
    assert refusal(by_secret, token) in REFUSALS


@given(st.dictionaries(names, json_values, max_size=4), st.booleans())
def test_any_header_is_refused_or_harmless(header: dict[str, Any], honest: bool) -> None:
    """Around good claims with a good signature."""
    said = header | ({"alg": "HS256"} if honest else {})
    token = by_hand(json.dumps(said).encode(), json.dumps(claims()).encode())
    outcome = verified(token)
    assert outcome in REFUSALS or (outcome, said.get("alg")) == (ANN, "HS256")


@given(st.dictionaries(claim_names, json_values, max_size=4))
def test_any_claims_are_refused_or_sound(changes: dict[str, Any]) -> None:
    """With a good signature: what is answered is what the limits allow."""
    token = by_hand(b'{"alg":"HS256"}', json.dumps(claims() | changes).encode())
    who = verified(token)
    if isinstance(who, str):
        assert who in REFUSALS
    else:
        assert 1 <= len(who.tenant_id) <= MAX_TENANT_ID
        assert 1 <= len(who.user_id) <= MAX_USER_ID
        assert f"{who.tenant_id}{who.user_id}".encode()


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    """Any one character replaced by another."""
    good = signed()
    at = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda one: one != good[at]))
    assert refusal(by_secret, f"{good[:at]}{other}{good[at + 1 :]}") in REFUSALS


def test_what_is_issued_is_verified() -> None:
    """By the same settings, for so many seconds from the clock's now."""
    now = time.time()
    tokens = Tokens(Secret(SECRET), issuer="us", clock=lambda: now)
    token = tokens.issue(ANN, seconds=60)
    assert tokens.verify(token) == ANN
    said = jwt.decode(token, options={"verify_signature": False})
    assert said["exp"] - said["iat"] == 60
    assert said["iss"] == "us"
    late = Tokens(Secret(SECRET), issuer="us", clock=lambda: now - 60 - 2 * LEEWAY)
    assert refusal(tokens, late.issue(ANN, seconds=60)) == "expired"


def test_only_a_secret_issues_tokens(by_key: Tokens) -> None:
    """Public keys verify; the private ones are elsewhere."""
    for tokens in (by_key, Tokens(None)):
        with pytest.raises(AuthenticationNotConfigured, match="AUTH_SECRET"):
            tokens.issue(ANN, seconds=60)


@pytest.mark.parametrize(
    ("identity", "seconds"),
    [
        (Identity("", "ann"), 60),
        (Identity("acme", "a\nb"), 60),
        (Identity("a" * (MAX_TENANT_ID + 1), "ann"), 60),
        (ANN, 0),
        (ANN, -60),
    ],
)
def test_nothing_is_issued_that_would_be_refused(identity: Identity, seconds: int) -> None:
    """The one who asks for it is told."""
    with pytest.raises(ValueError, match=r"must be valid|not plain text"):
        by_secret.issue(identity, seconds=seconds)
