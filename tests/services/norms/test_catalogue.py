"""The packaged catalogue and the questions a catalogue answers."""

import subprocess
import sys

import pytest

from services.norms.catalogue import DISCLAIMER, get_catalogue, read_catalogue
from services.norms.facts import FACTS, Facts, Kind, add_implications

NO_TO_ALL = {
    name: False if fact.kind is Kind.BOOL else 0
    for name, fact in FACTS.items()
    if fact.kind is not Kind.DATE
}
PLAIN = {**NO_TO_ALL, "packaged": True, "market_date": 20270101}
KETTLE = {
    "electrical": True, "mains": True, "v_ac": 230, "v_dc": 0, "input_a": 10,
    "appliance": True, "standby_list": True, "consumer": True, "food_contact": True,
}  # fmt: skip
LIGHT_BULB = {
    "electrical": True, "mains": True, "v_ac": 230, "v_dc": 0, "input_a": 1, "radio": True,
    "band_2g4": True, "light_source": True, "lighting": True, "internet": True,
    "data_conn": True, "usage_data": True, "personal_data": True, "consumer": True,
}  # fmt: skip
EVERY_PRODUCT = {"(EC) 1907/2006", "(EU) 2019/1021", "(EU) 2024/1781", "(EU) 2025/40"}


def find_applying(facts: Facts) -> set[str]:
    """Name the norms that apply to a product of which everything else is denied."""
    return {norm.id for norm in get_catalogue().norms if norm.trigger.evaluate({**PLAIN, **facts})}


def test_the_catalogue_is_read_on_first_use_only() -> None:
    """Importing parses nothing; asking twice gives the same object."""
    code = (
        "import services.norms, services.norms.catalogue as c\n"
        "assert c.get_catalogue.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert get_catalogue() is get_catalogue()


def test_the_packaged_catalogue_is_complete_in_itself() -> None:
    """It loads, has eighty entries, and each fact of the vocabulary matters to one at least."""
    norms = get_catalogue().norms
    assert len(norms) == 80
    assert frozenset().union(*(norm.trigger.list_facts() for norm in norms)) == FACTS.keys()


def test_acts_outrank_standards() -> None:
    """A standard comes after every act that it could support; a framework comes last."""
    norms = get_catalogue().norms
    acts = [norm for norm in norms if norm.kind != "standard" and not norm.watch]
    standards = [norm for norm in norms if norm.kind == "standard"]
    watched = [norm for norm in norms if norm.watch]
    assert min(norm.weight for norm in acts) > max(norm.weight for norm in standards)
    assert [norm.id for norm in watched] == ["(EU) 2024/1781"]
    assert watched[0].weight < min(norm.weight for norm in standards)


def test_acts_link_to_the_official_text() -> None:
    """The link of an act leads to EUR-Lex and contains its year and number."""
    for norm in get_catalogue().norms:
        if norm.kind == "standard":
            continue
        base, _, rest = norm.url.partition("/eli/")
        assert base == "https://eur-lex.europa.eu", norm.id
        first, second = norm.id.replace("(EU) ", "").replace("(EC) ", "").split("/")[:2]
        assert f"/{first}/{second}/oj" in rest or f"/{second}/{first}/oj" in rest, norm.id


def test_texts_are_sentences() -> None:
    """Summaries, notes and doubts end with a full stop; dates are short clauses."""
    for norm in get_catalogue().norms:
        texts = [norm.summary, *norm.doubts, *([norm.note] if norm.note else [])]
        assert all(text[0].isupper() and text.endswith(".") for text in texts), norm.id
        assert not any(deadline.what.endswith(".") for deadline in norm.deadlines), norm.id


def test_an_uncertain_date_is_marked_and_explained() -> None:
    """A deadline that is not certain says so and the norm has a doubt about it."""
    unsure = [
        norm
        for norm in get_catalogue().norms
        for each in norm.deadlines
        if "not certain" in each.what
    ]
    assert unsure
    assert all(norm.doubts for norm in unsure)


def test_a_norm_is_found_by_its_id() -> None:
    """An id that is not there finds nothing."""
    found = get_catalogue().get("2014/35/EU")
    assert found is not None
    assert found.title == "Low Voltage Directive (LVD)"
    assert get_catalogue().get("2014/35") is None


def test_the_disclaimer_says_what_the_catalogue_is_not() -> None:
    """It is neither complete nor legal advice."""
    assert "not complete" in DISCLAIMER
    assert "no legal advice" in DISCLAIMER


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, EVERY_PRODUCT),
        ({"packaged": False}, EVERY_PRODUCT - {"(EU) 2025/40"}),
        (
            KETTLE,
            EVERY_PRODUCT
            | {"2014/35/EU", "2014/30/EU", "2011/65/EU", "2012/19/EU", "(EU) 2023/988"}
            | {"(EU) 2023/826", "(EC) 1935/2004", "EN 60335-1", "EN IEC 55014-1"}
            | {"EN IEC 55014-2", "EN IEC 61000-3-2", "EN 61000-3-3", "EN IEC 63000"},
        ),
        (
            LIGHT_BULB,
            EVERY_PRODUCT
            | {"2014/53/EU", "(EU) 2022/30", "2011/65/EU", "2012/19/EU", "(EU) 2023/988"}
            | {"(EU) 2024/2847", "(EU) 2023/2854", "(EU) 2016/679", "(EU) 2019/2020"}
            | {"(EU) 2019/2015", "EN 62471", "EN IEC 55015", "EN 61547", "EN IEC 61000-3-2"}
            | {"EN 61000-3-3", "EN 301 489-1", "EN 300 328", "EN IEC 62311", "EN 18031-1"}
            | {"EN 18031-2", "ETSI EN 303 645", "EN IEC 63000"},
        ),
    ],
)
def test_known_products_get_their_norms(facts: Facts, expected: set[str]) -> None:
    """A plain thing, a kettle and a connected bulb: exactly these norms apply."""
    assert find_applying(facts) == expected


@pytest.mark.parametrize(
    ("facts", "inside", "outside"),
    [
        ({"electrical": True, "v_ac": 50}, "2014/35/EU", None),
        ({"electrical": True, "v_ac": 49}, None, "2014/35/EU"),
        ({"electrical": True, "v_dc": 75}, "2014/35/EU", None),
        ({"electrical": True, "v_ac": 230, "radio": True}, "2014/53/EU", "2014/35/EU"),
        (
            {"electrical": True, "v_ac": 230, "driven_moving_parts": True},
            "2006/42/EC",
            "2014/35/EU",
        ),
        (
            {"driven_moving_parts": True, "market_date": 20270120},
            "(EU) 2023/1230",
            "2006/42/EC",
        ),
        ({"driven_moving_parts": True, "child_play": True}, "2009/48/EC", "2006/42/EC"),
        ({"child_play": True, "market_date": 20300801}, "(EU) 2025/2509", "2009/48/EC"),
        ({"electrical": True, "medical": True}, "(EU) 2017/745", "2014/30/EU"),
        ({"eps": True, "market_date": 20281214}, "(EU) 2025/2052", "(EU) 2019/1782"),
        ({"electrical": True, "v_ac": 1001}, None, "2011/65/EU"),
        ({"pressure_bar": 0.5}, None, "2014/68/EU"),
        ({"pressure_bar": 0.6}, "2014/68/EU", None),
        ({"is_display": True, "display_cm2": 100}, None, "(EU) 2019/2021"),
        (
            {"radio": True, "personal_data": True, "worn": True},
            "(EU) 2022/30",
            "EN 18031-1",
        ),
        ({"electrical": True, "residential": True}, "EN IEC 61000-6-3", None),
        ({"electrical": True, "residential": True, "appliance": True}, None, "EN IEC 61000-6-3"),
        ({"mains": True, "input_a": 17}, None, "EN IEC 61000-3-2"),
    ],
)
def test_the_borders_between_norms(facts: Facts, inside: str | None, outside: str | None) -> None:
    """Limits belong to the side that the act puts them on, and acts give way to each other."""
    found = find_applying(facts)
    assert inside is None or inside in found
    assert outside is None or outside not in found


def test_open_facts_count_the_norms_that_need_them() -> None:
    """The count is that of the undecided norms whose outcome the fact can change."""
    facts = add_implications({"electrical": False, "packaged": True, "market_date": 20270101})
    undecided = get_catalogue().list_undecided(facts)
    needed = get_catalogue().count_open_facts(facts)
    assert needed["consumer"] == 1
    assert needed["child_play"] > 1
    assert "radio" not in needed
    for fact, norms in needed.items():
        assert norms == sum(fact in norm.trigger.find_open_facts(facts) for norm in undecided)


def test_nothing_is_open_once_all_is_known() -> None:
    """A product of which everything is known is decided."""
    assert get_catalogue().list_undecided(PLAIN) == []
    assert not get_catalogue().count_open_facts(PLAIN)


def test_a_catalogue_of_its_own_works_alike() -> None:
    """An empty catalogue needs nothing."""
    own = read_catalogue("")
    assert own.list_undecided({}) == []
    assert not own.count_open_facts({})
