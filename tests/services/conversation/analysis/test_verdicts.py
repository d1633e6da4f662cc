"""Judging every norm for a product."""

import json
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.conversation.analysis import (
    CONFIDENCE_NOTE,
    NormResult,
    check_norms,
    check_state,
    select_matched,
    summarise,
)
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, Fact, Facts, Kind, add_implications
from tests.services.conversation.products import INTERVIEWS, get_finished

calm = settings(max_examples=60)


def _draw_values(fact: Fact) -> st.SearchStrategy[bool | int | float]:
    if fact.kind is Kind.BOOL:
        return st.booleans()
    if fact.kind is Kind.DATE:
        return st.sampled_from([20260101, 20270119, 20270120, 20281214, 20300801])
    return st.sampled_from([0, 0.5, 5, 12, 16, 50, 75, 230, 1000, 1500, 1e9])


complete = st.fixed_dictionaries({name: _draw_values(fact) for name, fact in FACTS.items()})
names = st.frozensets(st.sampled_from(sorted(FACTS)))


def check_product(product: str) -> dict[str, NormResult]:
    """The results for a product whose interview is finished."""
    return {result.norm_id: result for result in check_state(get_finished(product))}


def check_one(facts: Facts, norm_id: str, assumed: frozenset[str] = frozenset()) -> NormResult:
    """The result for one norm."""
    found = check_norms(add_implications(facts), assumed=assumed)
    return next(result for result in found if result.norm_id == norm_id)


def test_norms_are_judged_one_by_one_in_the_order_of_the_catalogue() -> None:
    """The stream can show progress: nothing is judged before it is asked for."""
    stream = check_norms({})
    assert isinstance(stream, Iterator)
    assert next(stream).norm_id == get_catalogue().norms[0].id
    ids = [result.norm_id for result in check_norms({})]
    assert ids == [norm.id for norm in get_catalogue().norms]


def test_low_voltage_directive_applies_by_its_voltage() -> None:
    """The reasons are the facts in words, and the verdict is certain."""
    result = check_one(
        {"v_ac": 230, "v_dc": 0, "radio": False, "medical": False, "explosive_atm": False,
         "driven_moving_parts": False},
        "2014/35/EU",
    )  # fmt: skip
    assert result.applies
    assert result.status == "applies"
    assert result.confidence == 100
    assert "230 V lies within 50 to 1,000 V AC" in result.reasoning
    assert "there is no radio" in result.reasoning
    assert result.open_facts == ()


def test_low_voltage_directive_does_not_apply_to_radio() -> None:
    """One fact that rules it out is enough."""
    result = check_one({"v_ac": 230, "radio": True}, "2014/35/EU")
    assert (result.applies, result.status) == (False, "does_not_apply")
    assert result.reasoning == "Does not apply because it has radio."


def test_an_open_norm_names_what_is_open() -> None:
    """Unknown is not no."""
    result = check_one({"rechargeable": True}, "EN IEC 62133-2")
    assert (result.applies, result.status) == (False, "to_be_checked")
    assert result.reasoning.startswith("To be checked: ")
    assert result.open_facts == (FACTS["lithium"].label,)
    assert FACTS["lithium"].label in result.reasoning
    assert 0 < result.confidence <= 45


def test_a_framework_is_watched_and_not_applied() -> None:
    """ESPR sets no duty yet."""
    result = check_one({}, "(EU) 2024/1781")
    assert (result.applies, result.status) == (False, "watch")
    assert result not in select_matched(check_norms({}))


def test_doubts_stay_visible_and_cost_confidence() -> None:
    """A doubt is part of the reasoning of a norm that applies."""
    result = check_one({"ai": True}, "(EU) 2024/1689")
    assert result.doubts
    assert all(doubt in result.reasoning for doubt in result.doubts)
    assert result.confidence == 85
    assert check_one({"ai": False}, "(EU) 2024/1689").confidence == 100


def test_assumptions_cost_confidence_only_where_the_verdict_rests_on_them() -> None:
    """The packaging decides one act, the voltage none that radio decides."""
    facts = {"packaged": True, "v_ac": 230, "radio": True}
    assumed = frozenset({"packaged", "v_ac"})
    packaging = check_one(facts, "(EU) 2025/40", assumed)
    assert packaging.confidence == 90
    assert "Assumed, not stated by you: it is sold packaged." in packaging.reasoning
    assert check_one(facts, "2014/35/EU", assumed).confidence == 100
    assert check_one(facts, "(EU) 2025/40").confidence == 100


def test_results_are_json() -> None:
    """With the fields that clients depend on, and lists for tuples."""
    found = check_one({"battery": True}, "(EU) 2023/1542").as_dict()
    assert json.loads(json.dumps(found)) == found
    assert {"norm_id", "norm_name", "applies", "confidence", "reasoning", "url"} <= found.keys()
    assert found["deadlines"][0] == {"date": "2024-02-18", "what": "applies"}


@calm
@given(complete, names)
def test_everything_known_decides_everything(
    facts: dict[str, float], assumed: frozenset[str]
) -> None:
    """No norm stays open, and no decided norm falls below 50."""
    for result in check_norms(facts, assumed=assumed):
        assert result.status != "to_be_checked"
        assert 50 <= result.confidence <= 100
        assert result.applies == (result.status == "applies")


@calm
@given(complete, names, st.sampled_from(sorted(FACTS)))
def test_learning_a_fact_never_lowers_the_confidence_of_an_open_norm(
    everything: Mapping[str, float], hidden: frozenset[str], learnt: str
) -> None:
    """Neither while it stays open nor when it is decided; a decided one keeps its verdict."""
    before = {name: value for name, value in everything.items() if name not in hidden}
    after = {**before, learnt: everything[learnt]}
    for old, new in zip(check_norms(before), check_norms(after), strict=True):
        if old.status == "to_be_checked":
            assert new.confidence >= old.confidence
        else:
            assert new.status == old.status


@calm
@given(complete, names, names)
def test_stating_what_was_assumed_never_lowers_confidence(
    facts: dict[str, float], assumed: frozenset[str], stated: frozenset[str]
) -> None:
    """And it changes no verdict."""
    for less, more in zip(
        check_norms(facts, assumed=assumed),
        check_norms(facts, assumed=assumed - stated),
        strict=True,
    ):
        assert more.confidence >= less.confidence
        assert more.status == less.status


@pytest.mark.parametrize("product", INTERVIEWS)
def test_best_first(product: str) -> None:
    """By weight, and no standard before an act that it supports."""
    found = [result.norm_id for result in select_matched(check_product(product).values())]
    norms = {norm.id: norm for norm in get_catalogue().norms}
    for place, norm_id in enumerate(found):
        for act in norms[norm_id].supports:
            assert act not in found[place:]
    acts = [norms[norm_id].weight for norm_id in found if norms[norm_id].kind != "standard"]
    assert acts == sorted(acts, reverse=True)


@pytest.mark.parametrize("product", INTERVIEWS)
def test_reasons_read_well(product: str) -> None:
    """Each is made of whole sentences with a verdict at its head and nothing left unfilled."""
    for result in check_product(product).values():
        text = result.reasoning
        assert text.endswith(".")
        assert "  " not in text
        assert " ." not in text
        assert text.startswith(
            ("Applies ", "Does not apply because ", "To be checked: ", "No duty")
        )
        assert "because ." not in text
        assert "None" not in text


def test_what_the_openers_come_to() -> None:
    """The acts that decide what a maker does first."""
    best = {
        product: select_matched(check_product(product).values())[0].norm_id
        for product in INTERVIEWS
    }
    assert best == {
        "desk lamp": "2014/30/EU",
        "earbuds": "2014/53/EU",
        "standing desk": "2006/42/EC",
        "power bank": "2014/30/EU",
        "bulb": "2014/53/EU",
        "mug": "(EU) 2023/988",
        "robot": "2006/42/EC",
    }


def test_what_could_not_be_told_is_marked() -> None:
    """The robot's maker did not know which data it handles."""
    result = check_product("robot")["(EU) 2016/679"]
    assert result.status == "to_be_checked"
    assert "you could not say whether it handles personal data" in result.reasoning


def test_a_summary_tells_words_facts_and_assumptions_apart() -> None:
    """The maker's words come in quotes, what nobody said is called assumed."""
    text = summarise(get_finished("bulb"))
    assert text.startswith("\u201cWiFi smart light bulb with RGB LEDs\u201d. Understood: ")
    assert "230 V AC" in text
    assert "Assumed: " in text
    assert "it is sold packaged" in text.partition("Assumed: ")[2]


def test_the_note_explains_the_percentages() -> None:
    """It is shown to makers."""
    assert "assumed" in CONFIDENCE_NOTE
