"""Who has the operators' token, and who has not."""

import pytest

from services.errors import NO_TOKEN, TokenRefused
from services.operators import Operators

TOKEN = "a-token-for-the-operators"
OTHERS = ("", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), f" {TOKEN}", "é", "\udcff", "x" * 100_000)


def test_the_one_token_is_known() -> None:
    """And lets through."""
    operators = Operators(TOKEN)
    assert operators.is_valid(TOKEN)
    operators.check(TOKEN)


@pytest.mark.parametrize("token", OTHERS)
def test_any_other_is_refused(token: str) -> None:
    """Also one that begins like it, and one of whatever bytes a header may have."""
    operators = Operators(TOKEN)
    assert not operators.is_valid(token)
    with pytest.raises(TokenRefused) as refused:
        operators.check(token)
    assert refused.value.reason != NO_TOKEN


def test_earlier_tokens_are_known_while_they_are_replaced() -> None:
    """Each of them, and nothing like them."""
    earlier = ["the token of last year", "the token of the year before"]
    operators = Operators(TOKEN, earlier)
    for token in (TOKEN, *earlier):
        operators.check(token)
        assert not Operators("another token for the operators").is_valid(token)
    for other in (*OTHERS, earlier[0][:-1], ",".join(earlier)):
        assert not operators.is_valid(other)


def test_no_token_is_refused_as_such() -> None:
    """Whoever asks is told what to send, and no error."""
    with pytest.raises(TokenRefused) as refused:
        Operators(TOKEN).check(None)
    assert refused.value.reason == NO_TOKEN


def test_the_token_itself_is_not_kept() -> None:
    """Nothing that prints the object, or what it holds, could tell it."""
    operators = Operators(TOKEN)
    assert TOKEN not in f"{operators!r} {vars(operators)}"
