"""Recognising norms by id, number, name and abbreviation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.language.norm_names import find_norms, read_names
from services.norms.catalogue import get_catalogue


def test_every_id_of_the_catalogue_names_its_norm() -> None:
    """As written, in lower case, and in the middle of a question."""
    for norm in get_catalogue().norms:
        for text in (norm.id, norm.id.lower(), f"why does {norm.id} apply?"):
            assert find_norms(text).ids == (norm.id,), text


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("2014/35/EU", ["2014/35/EU"]),
        ("directive 2014/35", ["2014/35/EU"]),
        ("2014 / 35 / EU", ["2014/35/EU"]),
        ("EU 2022/30", ["(EU) 2022/30"]),
        ("regulation (EU) 2023/1542?", ["(EU) 2023/1542"]),
        ("2022/30/EU", ["(EU) 2022/30"]),
        ("LVD", ["2014/35/EU"]),
        ("lvd", ["2014/35/EU"]),
        ("the Low-Voltage Directive", ["2014/35/EU"]),
        ("RED", ["2014/53/EU"]),
        ("Radio Equipment Directive", ["2014/53/EU"]),
        ("EMC and RoHS", ["2014/30/EU", "2011/65/EU"]),
        ("cyber resilience", ["(EU) 2024/2847"]),
        ("CRA", ["(EU) 2024/2847"]),
        ("EN 62368", ["EN IEC 62368-1"]),
        ("62368-1", ["EN IEC 62368-1"]),
        ("DIN EN IEC 62368-1:2020", ["EN IEC 62368-1"]),
        ("EN 71", ["EN 71-1", "EN 71-3"]),
        ("18031", ["EN 18031-1", "EN 18031-2", "EN 18031-3"]),
        ("EN 300328", ["EN 300 328"]),
        ("301 489-1", ["EN 301 489-1"]),
        ("UN38.3", ["UN 38.3"]),
        ("battery regulation", ["(EU) 2023/1542"]),
        ("GDPR", ["(EU) 2016/679"]),
        ("DSGVO", ["(EU) 2016/679"]),
        ("AI act", ["(EU) 2024/1689"]),
        ("machinery", ["2006/42/EC", "(EU) 2023/1230"]),
        ("toy safety", ["2009/48/EC", "(EU) 2025/2509"]),
        ("Niederspannungsrichtlinie", ["2014/35/EU"]),
    ],
)
def test_usual_spellings(text: str, ids: list[str]) -> None:
    """Numbers with or without letters around them, names, abbreviations, German names."""
    assert list(find_norms(text).ids) == ids


@pytest.mark.parametrize(
    "text",
    [
        "a red lamp",
        "what if it is red",
        "WHAT IF THE LAMP IS RED",
        "within reach of children",
        "midnight",
        "it ran on 12 V in 2027",
        "4/20/2027",
        "100000 pieces for 62368.50",
        "a scra tch",
    ],
)
def test_ordinary_words_and_numbers_name_nothing(text: str) -> None:
    """Abbreviations that are words count in capitals only, and only whole words count."""
    assert find_norms(text).ids == ()


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("what about EN 12345?", ("EN 12345",)),
        ("EN 60335-2-29", ("EN 60335-2-29",)),
        ("directive 2001/95/EC", ("2001/95/EC",)),
        ("the regulation 2019/1020", ("2019/1020",)),
        ("3/4 of the customers", ()),
        ("en 2027", ()),
    ],
)
def test_norms_outside_the_catalogue_are_told_apart(text: str, unknown: tuple[str, ...]) -> None:
    """A number that is written like a norm is reported as unknown, a fraction is not."""
    named = find_norms(text)
    assert named.unknown == unknown
    assert named.ids == ()


def test_the_rest_is_free_of_names_but_keeps_topics() -> None:
    """What may describe the product stays, so that a change can be read from it."""
    assert "2014/35" not in find_norms("would 2014/35/EU apply at 12 V").rest
    assert "12 V" in find_norms("would 2014/35/EU apply at 12 V").rest
    assert "RED" not in find_norms("does RED apply").rest
    topic = find_norms("what if it has a standby mode")
    assert (topic.ids, topic.topics) == ((), ("(EU) 2023/826",))
    assert "standby" in topic.rest
    assert find_norms("does RoHS cover the battery").topics == ()


def test_a_norm_is_named_once_and_in_the_order_of_the_text() -> None:
    """Two names of one norm are one."""
    assert find_norms("RoHS, LVD, 2014/35/EU and 2011/65").ids == ("2011/65/EU", "2014/35/EU")


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    """Whatever is typed, only ids of the catalogue come out."""
    assert all(get_catalogue().get(norm_id) for norm_id in find_norms(text).ids)


def test_a_name_for_an_unknown_norm_is_refused() -> None:
    """The data file cannot name what the catalogue does not hold."""
    with pytest.raises(ValueError, match="1999/1"):
        read_names('[[norm]]\nids = ["1999/1"]\nnames = "old one"')
