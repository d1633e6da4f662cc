"""Describing a product."""

import pytest

from services.conversation import interview
from services.conversation.analysis import find_assumed_facts
from services.conversation.analysis.description import describe, summarise, write_clauses
from services.conversation.interview.state import get_known_facts
from tests.services.conversation.products import INTERVIEWS, TODAY, get_finished


def test_defaults_and_guesses_are_assumed_and_statements_are_not() -> None:
    """The lamp's maker named the mains and no voltage."""
    state, _ = interview.begin("desk lamp that plugs into the mains", today=TODAY)
    assert {"packaged", "market_date", "v_ac"} <= find_assumed_facts(state)
    assert not {"mains", "electrical", "luminaire"} & find_assumed_facts(state)


def test_a_stated_default_is_assumed_no_longer() -> None:
    """The maker said when."""
    state, _ = interview.begin("desk lamp, on the market in March 2028", today=TODAY)
    assert "market_date" not in find_assumed_facts(state)


def test_what_follows_is_not_repeated() -> None:
    """230 V AC makes "electrical" superfluous, no radio makes every band superfluous."""
    said = write_clauses({"electrical": True, "v_ac": 230, "radio": False, "band_2g4": False})
    assert said == ["its highest rated AC voltage is 230 V AC", "there is no radio"]
    assert write_clauses({"laser": False}) == []
    assert write_clauses({"laser": False}, (), {"laser"}) == ["there is no laser"]


def test_a_long_description_is_cut() -> None:
    """The summary quotes the beginning on one line."""
    state, _ = interview.begin("lamp \n" * 500, today=TODAY)
    quote = summarise(state).partition("\u201d")[0]
    assert len(quote) <= 201
    assert quote.endswith("\u2026")
    assert "\n" not in quote


@pytest.mark.parametrize("product", INTERVIEWS)
def test_a_description_can_be_read_again(product: str) -> None:
    """An interview that begins with it knows the same telling facts."""
    before = get_known_facts(get_finished(product))
    state, _ = interview.begin(describe(get_finished(product)), today=TODAY)
    after = get_known_facts(state)
    for name in ("electrical", "mains", "battery", "radio", "v_ac", "consumer", "market_date"):
        assert after.get(name) == before.get(name), name
