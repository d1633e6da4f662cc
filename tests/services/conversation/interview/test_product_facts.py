"""The list of what is understood: what is on it, in which order, and whence it is known."""

import json
from typing import Any

import pytest

from services.conversation import interview
from services.conversation.interview.product_facts import SOURCES, list_product_facts
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS
from tests.services.conversation.products import INTERVIEWS, TODAY, get_finished


def list_facts(state: dict[str, Any]) -> dict[str, tuple[Any, str, str]]:
    """Value, words and source by fact."""
    return {
        entry["name"]: (entry["value"], entry["words"], entry["source"])
        for entry in list_product_facts(state)
    }


def test_a_lamp_at_the_beginning() -> None:
    """What was said, what is assumed from the kind, what is open, and ISO dates."""
    state, _ = interview.begin("USB-powered LED desk lamp with Bluetooth", TODAY)
    found = list_facts(state)
    assert found["v_dc"] == (5, "5 V DC", "said")
    assert found["band_2g4"] == (True, "uses the 2.4 GHz band", "said")
    assert found["luminaire"] == (True, "a luminaire", "assumed")
    assert found["battery"] == (None, "not known", "open")
    assert found["food_contact"] == (False, "does not touch food", "assumed")
    assert found["market_date"] == (
        "2027-01-01",
        "placed on the market 2027-01-01",
        "assumed",
    )


def test_what_follows_is_told_from_what_is_said() -> None:
    """Who says Bluetooth says radio."""
    state, _ = interview.begin("wooden chair", TODAY)
    state, _ = interview.correct(state, {"battery": True})
    found = list_facts(state)
    assert found["electrical"] == (True, "electrical", "follows")
    assert found["battery"] == (True, "a battery", "said")


def test_a_no_that_only_follows_is_left_out() -> None:
    """Without electricity there is no battery, and a chair is no e-bike."""
    state, _ = interview.begin("wooden chair, no electricity", TODAY)
    found = list_facts(state)
    assert found["electrical"] == (False, "no electricity", "said")
    assert not {"battery", "radio", "band_2g4", "internet", "ebike"} & found.keys()


def test_what_the_maker_does_not_know_is_open() -> None:
    """Also when the interview is over and nobody asks any more."""
    state = get_finished("robot")
    assert "usage_data" in state["unsure"]
    assert list_facts(state)["usage_data"] == (None, "not known", "open")


@pytest.mark.parametrize("product", INTERVIEWS)
def test_every_entry_is_whole(product: str) -> None:
    """One line for each fact, in the order of the topics, with all that is needed to show it."""
    state = get_finished(product)
    begun, _ = interview.begin(INTERVIEWS[product]["opener"], TODAY)
    order = [name for facts in TOPIC_FACTS.values() for name in facts]
    for each in (state, begun):
        entries = list_product_facts(each)
        names = [entry["name"] for entry in entries]
        assert len(set(names)) == len(names)
        places = [order.index(name) if name in order else len(order) for name in names]
        assert places == sorted(places)
        for entry in entries:
            fact = FACTS[entry["name"]]
            assert (entry["label"], entry["kind"], entry["unit"]) == (
                fact.label,
                fact.kind,
                fact.unit,
            )
            assert entry["words"]
            assert entry["source"] in SOURCES
            assert (entry["value"] is None) == (entry["source"] == "open")
        assert json.loads(json.dumps(entries)) == entries


@pytest.mark.parametrize("product", INTERVIEWS)
def test_everything_that_is_said_or_needed_is_on_it(product: str) -> None:
    """Nothing that a norm waits for is missing, and no yes that was said."""
    state, _ = interview.begin(INTERVIEWS[product]["opener"], TODAY)
    names = {entry["name"] for entry in list_product_facts(state)}
    needed = set(get_catalogue().count_open_facts(interview.get_known_facts(state)))
    assert needed <= names
    assert {name for name, value in state["facts"].items() if value} <= names
