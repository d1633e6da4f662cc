"""Corrections of single facts: what is refused, what they end, and that they hold."""

import copy
import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.conversation import interview
from services.conversation.analysis import check_state
from services.conversation.analysis.description import find_assumed_facts, summarise
from services.conversation.interview import State, corrections, get_known_facts
from services.conversation.interview.product_facts import list_product_facts
from services.errors import CorrectionRefused
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, Kind, add_implications
from tests.services.conversation.products import INTERVIEWS, TODAY, get_finished

NOT_BOOL: tuple[Any, ...] = (0, 1, "true", "", [], {}, 1.0)
NOT_NUMBER: tuple[Any, ...] = (True, False, "230", -1, -0.5, math.nan, math.inf, 10**400, [], {})
NOT_DATE: tuple[Any, ...] = (
    *(True, 20270101, 2027.5, "20270101", "2027-1-1", "2027-02-30", "1999-12-31", "2100-01-01"),
    *("2027-01-01T00:00", " 2027-01-01", "2027-W01-1", "\u0662\u0660\u0662\u0667-01-01", ""),
)
OF_KIND = {Kind.BOOL: NOT_BOOL, Kind.NUMBER: NOT_NUMBER, Kind.DATE: NOT_DATE}


def list_legal_values(name: str) -> tuple[Any, ...]:
    """Values that a fact may be given."""
    if FACTS[name].kind is Kind.BOOL:
        return (True, False, None)
    if FACTS[name].kind is Kind.DATE:
        return ("2000-01-01", "2028-02-29", "2099-12-31", None)
    return (0, 0.5, 230, corrections.HIGHEST_VALUES[name], None)


def correct_facts(state: State, given: Mapping[str, Any]) -> State:
    """The state after a correction as it comes from outside."""
    return interview.correct(state, corrections.read_corrections(given))[0]


def get_faults(given: Mapping[Any, Any]) -> Mapping[str, str]:
    """The faults of what is refused."""
    with pytest.raises(CorrectionRefused) as caught:
        corrections.read_corrections(given)
    return caught.value.faults


def find_contradictions(known: Mapping[str, Any]) -> list[str]:
    """Facts of which something follows that is known to be otherwise."""
    return [
        f"{name}={value} and {other}={known[other]}"
        for name, value in known.items()
        for other, implied in add_implications({name: value}).items()
        if known.get(other, implied) != implied
    ]


@cache
def _begin(opener: str) -> State:
    return interview.begin(opener, TODAY)[0]


def build_states() -> list[State]:
    """Products in the middle of their interviews and at the end of them."""
    openers = (*(product["opener"] for product in INTERVIEWS.values()), "thing", "smart watch")
    begun = [copy.deepcopy(_begin(opener)) for opener in openers]
    return [*begun, *(get_finished(product) for product in INTERVIEWS)]


@pytest.mark.parametrize("name", FACTS)
def test_a_value_of_another_type_is_refused_by_name(name: str) -> None:
    """Nothing is taken for what it is not: 1 is no yes, and a number is no date."""
    for value in OF_KIND[FACTS[name].kind]:
        assert list(get_faults({name: value})) == [name], value


def test_a_number_beyond_its_range_is_refused() -> None:
    """The range of each unit, as the interview reads it."""
    for name, most in corrections.HIGHEST_VALUES.items():
        assert corrections.read_corrections({name: most}) == {name: most}
        assert "from 0 to" in get_faults({name: most * 1.01})[name]


def test_every_fault_is_reported_and_nothing_is_taken() -> None:
    """Unknown facts and wrong values together; the good one does not pass either."""
    assert set(get_faults({"wings": True, "battery": "no", "radio": False})) == {"wings", "battery"}
    assert get_faults({}) == {}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"battery": False, "rechargeable": True}, {"battery", "rechargeable"}),
        ({"mains": True, "v_ac": 0}, {"mains"}),
        ({"electrical": False, "data_conn": True}, {"data_conn"}),
        ({"radio": None, "band_2g4": True}, {"radio"}),
        ({"is_display": True, "display_cm2": 0}, {"is_display"}),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, Any], named: set[str]) -> None:
    """Of two that exclude each other nobody can tell which is meant."""
    assert set(get_faults(given)) == named


def test_values_come_back_in_their_json_form() -> None:
    """Dates are ISO dates there and numbers here; whole numbers are whole."""
    values = corrections.read_corrections(
        {"market_date": "2028-03-01", "v_dc": 12.0, "battery": None}
    )
    assert values == {"battery": None, "v_dc": 12, "market_date": 20280301}
    assert isinstance(values["v_dc"], int)
    assert corrections.export_corrections(values) == {
        "battery": None,
        "v_dc": 12,
        "market_date": "2028-03-01",
    }


def test_they_are_worded_as_a_message() -> None:
    """As the history shows it."""
    assert corrections.write_corrections({"battery": False}) == "Correction: no battery."
    both = corrections.write_corrections(
        {"v_ac": 230, "battery": True, "radio": None, "display_cm2": None}
    )
    assert both == (
        "Correction: 230 V AC, a battery. I do not know whether it has radio; the screen size."
    )


@pytest.mark.parametrize(
    ("texts", "given", "ended", "expected"),
    [
        (
            ["lamp with a rechargeable lithium battery"],
            {"battery": False},
            {"rechargeable", "lithium"},
            {"battery": False, "rechargeable": False, "lithium": False},
        ),
        (
            ["wooden chair", "no electricity"],
            {"mains": True},
            {"electrical"},
            {"mains": True, "electrical": True},
        ),
        (
            ["wooden chair", "no electricity"],
            {"data_conn": True},
            {"electrical"},
            {"data_conn": True, "electrical": None},
        ),
        (["lamp, 12 V DC"], {"mains": True}, {"v_ac", "mains"}, {"mains": True, "v_ac": None}),
        (
            ["lamp with a rechargeable battery"],
            {"battery": None},
            {"battery", "rechargeable"},
            {"battery": None, "rechargeable": None},
        ),
        (["Bluetooth lamp"], {"radio": False}, {"band_2g4"}, {"radio": False, "band_2g4": False}),
    ],
)
def test_what_contradicts_a_correction_is_withdrawn(
    texts: list[str], given: dict[str, Any], ended: set[str], expected: dict[str, Any]
) -> None:
    """Also what only leads to the contrary, and what an unknown fact would follow from."""
    state, _ = interview.begin(texts[0], TODAY)
    for text in texts[1:]:
        state, _ = interview.respond(state, text)
    after = correct_facts(state, given)
    assert not (ended & state["facts"].keys()) & after["facts"].keys() - given.keys()
    known = get_known_facts(after)
    assert {name: known.get(name) for name in expected} == expected


def test_a_yes_after_a_no_asks_for_what_the_no_left_out() -> None:
    """Who said no to the radio question was not asked which band."""
    state, _ = interview.begin("USB desk lamp without battery, no adapter", TODAY)
    assert state["topic"] == "radio"
    state, _ = interview.respond(state, "no")
    assert state["facts"]["band_2g4"] is False
    state, reply = interview.correct(state, {"radio": True})
    assert state["topic"] == "radio"
    assert "Which radio does it use" in reply.message


def test_an_assumed_fact_becomes_a_said_one() -> None:
    """Confirmed or turned round."""
    state = get_finished("mug")
    for value in (True, False):
        entries = {
            entry["name"]: entry
            for entry in list_product_facts(correct_facts(state, {"packaged": value}))
        }
        assert (entries["packaged"]["value"], entries["packaged"]["source"]) == (value, "said")


def test_it_may_answer_the_pending_question() -> None:
    """Then the next one comes."""
    state, _ = interview.begin("USB-powered LED desk lamp, no adapter", TODAY)
    assert state["pending"] == ["battery"]
    after, reply = interview.correct(state, {"battery": False})
    assert reply.message.startswith("I noted: no battery. ")
    assert after["topic"] == "radio"


def test_a_question_beside_which_facts_are_corrected_waits() -> None:
    """It is asked again, as if it had not been asked yet, however often that happens."""
    state, _ = interview.begin("USB-powered LED desk lamp, no adapter", TODAY)
    for value in (True, False) * 20:
        state, reply = interview.correct(state, {"food_contact": value})
        assert state["pending"] == ["battery"]
        assert "battery" in reply.message.partition(".")[2]
    assert state["asked"] == ["power"]


def test_the_words_behind_a_fact_stay_where_it_is_only_confirmed() -> None:
    """So that "drop the Bluetooth" still knows what rests on it; a new value has new words."""
    state, _ = interview.begin("lamp with Bluetooth", TODAY)
    assert correct_facts(state, {"band_2g4": True})["said"]["band_2g4"] == "Bluetooth"
    changed = correct_facts(correct_facts(state, {"band_2g4": False}), {"band_2g4": True})
    after, _ = interview.respond(changed, "without Bluetooth")
    assert "Bluetooth" not in changed["said"]["band_2g4"]
    assert get_known_facts(after)["band_2g4"] is True  # it did not rest on Bluetooth


@pytest.mark.parametrize("at", range(len(build_states())))
def test_every_fact_that_is_shown_takes_each_of_its_values_and_reads_so(at: int) -> None:
    """The list is one of which every line can be corrected, by what it shows itself as well."""
    state = build_states()[at]
    before = copy.deepcopy(state)
    for entry in list_product_facts(state):
        for value in (*list_legal_values(entry["name"]), entry["value"]):
            after = correct_facts(state, {entry["name"]: value})
            entries = {each["name"]: each for each in list_product_facts(after)}
            assert entry["name"] in entries, (entry["name"], value)
            assert entries[entry["name"]]["value"] == value, (entry["name"], value)
            source = "open" if value is None else "said"
            assert entries[entry["name"]]["source"] == source
    assert state == before


def test_a_default_that_is_taken_back_is_no_assumption() -> None:
    """What nobody knows any more cannot be what a result rests on."""
    state = correct_facts(get_finished("desk lamp"), {"packaged": None, "market_date": None})
    assert not {"packaged", "market_date"} & find_assumed_facts(state)
    assert "packaged" not in summarise(state)


one_correction = st.sampled_from(sorted(FACTS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(list_legal_values(name)))
)
some_corrections = st.lists(
    st.lists(one_correction, min_size=1, max_size=4).map(dict), min_size=1, max_size=6
)


@settings(max_examples=100, derandomize=True, database=None)
@given(at=st.integers(0, len(build_states()) - 1), sequence=some_corrections, texts=st.data())
def test_any_sequence_holds(at: int, sequence: list[dict[str, Any]], texts: st.DataObject) -> None:
    """It never raises, does the same twice, and leaves nothing known that contradicts itself."""
    state = build_states()[at]
    for given_facts in sequence:
        try:
            values = corrections.read_corrections(given_facts)
        except CorrectionRefused:
            assert len(given_facts) > 1  # each is legal by itself
            continue
        before = copy.deepcopy(state)
        after, reply = interview.correct(state, values)
        again, repeated = interview.correct(after, values)
        assert state == before
        known = get_known_facts(after)
        assert find_contradictions(known) == []
        assert {name: known.get(name) for name in values} == values
        assert add_implications(known).keys() - known.keys() <= set(after["unsure"])
        assert (get_known_facts(again), list_product_facts(again)) == (
            known,
            list_product_facts(after),
        )
        assert (repeated.complete, repeated.missing) == (reply.complete, reply.missing)
        assert reply.complete == (not reply.missing)
        assert json.loads(json.dumps(after)) == after
        state = after
        if texts.draw(st.booleans()):
            state, _ = interview.respond(state, texts.draw(st.sampled_from(("no", "I don't know"))))
    assert len(list(check_state(state))) == len(get_catalogue().norms)
