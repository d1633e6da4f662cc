"""Reasons in words."""

import pytest

from services.conversation.analysis import reasoning
from services.norms.catalogue import Norm, get_catalogue
from services.norms.facts import FACTS, Kind, add_implications


def get_norm(norm_id: str) -> Norm:
    """A norm of the catalogue."""
    found = get_catalogue().get(norm_id)
    assert found is not None
    return found


def test_grounds_come_before_what_rules_nothing_out() -> None:
    """The voltage carries the verdict, the exclusions follow in a sentence of their own."""
    facts = add_implications(
        {"v_ac": 230, "radio": False, "medical": False, "explosive_atm": False,
         "driven_moving_parts": False}
    )  # fmt: skip
    text = reasoning.explain_applies(get_norm("2014/35/EU"), facts)
    assert text.startswith(
        "Applies because it is electrical and 230 V lies within 50 to 1,000 V AC. Nothing rules "
        "it out: there is no radio, "
    )


def test_a_norm_for_every_product_says_so() -> None:
    """REACH needs no facts."""
    assert reasoning.explain_applies(get_norm("(EC) 1907/2006"), {}) == "Applies to every product."


def test_what_keeps_a_product_outside() -> None:
    """Only the facts that decide it."""
    assert (
        reasoning.explain_exclusion(get_norm("(EU) 2023/1542"), {"battery": False, "radio": True})
        == "Does not apply because there is no battery."
    )


def test_open_facts_are_named_and_told_apart() -> None:
    """What is awaited, what the maker could not say, and what is known already."""
    text = reasoning.explain_open(
        get_norm("(EU) 2023/2854"), {"usage_data": True}, unsure=frozenset({"data_conn"})
    )
    assert text == (
        "To be checked: you could not say whether it has any data connection, also by cable. "
        "So far it records data on its use or surroundings."
    )
    text = reasoning.explain_open(get_norm("2014/53/EU"), {}, unsure=())
    assert text == "To be checked: I still need to know whether it has radio."


def test_labels_with_commas_are_separated_by_semicolons() -> None:
    """A list of labels stays readable."""
    assert (
        reasoning.join_labels(["battery", "radio"])
        == "whether it has a battery and whether it has radio"
    )
    assert "; " in reasoning.join_labels(["data_conn", "radio"])


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_can_be_said_as_a_clause(name: str) -> None:
    """Clauses have a subject and a verb, for every value."""
    values = {Kind.BOOL: (True, False), Kind.NUMBER: (0, 12.5), Kind.DATE: (20270101,)}
    for value in values[FACTS[name].kind]:
        text = reasoning.write_clause(name, value)
        assert text == text.strip()
        assert text.split()[0] in {"it", "its", "the", "there", "children", "consumers", "no"}, text


def test_assumptions_are_owned_up_to() -> None:
    """And nothing is said where there are none."""
    assert reasoning.write_assumptions((), {}) == ""
    assert (
        reasoning.write_assumptions({"packaged"}, {"packaged": True})
        == "Assumed, not stated by you: it is sold packaged."
    )
