"""The smallest changes that turn a verdict around."""

import pytest

from services.conversation.analysis.counterfactual import find_ways
from services.conversation.interview.state import get_known_facts
from services.norms.catalogue import get_catalogue
from tests.services.conversation.products import INTERVIEWS, get_finished


def find_product_ways(norm_id: str, product: str, *, outcome: bool) -> list[str]:
    """What would have to be true of a product."""
    norm = get_catalogue().get(norm_id)
    assert norm is not None
    return find_ways(norm.trigger, get_known_facts(get_finished(product)), outcome=outcome)


@pytest.mark.parametrize(
    ("norm_id", "product", "expected"),
    [
        ("2014/35/EU", "bulb", ["there is no radio"]),
        (
            "2014/35/EU",
            "desk lamp",
            [
                "its highest rated AC voltage lies within 50 to 1,000 V AC",
                "its highest rated DC voltage lies within 75 to 1,500 V DC",
            ],
        ),
        ("2014/68/EU", "mug", ["its highest pressure is above 0.5 bar"]),
        (
            "(EU) 2023/1230",
            "robot",
            ["it is placed on the market on or after 2027-01-20"],
        ),
        (
            "2014/35/EU",
            "earbuds",
            [
                "its highest rated AC voltage lies within 50 to 1,000 V AC and there is no radio",
                "its highest rated DC voltage lies within 75 to 1,500 V DC and there is no radio",
            ],
        ),
    ],
)
def test_what_would_bring_a_product_under_a_norm(
    norm_id: str, product: str, expected: list[str]
) -> None:
    """One change where one is enough, else two together."""
    assert find_product_ways(norm_id, product, outcome=True) == expected


def test_what_would_lift_a_norm() -> None:
    """Removing the radio lifts RED; nothing lifts REACH."""
    assert find_product_ways("2014/53/EU", "bulb", outcome=False) == ["there is no radio"]
    assert find_product_ways("(EC) 1907/2006", "bulb", outcome=False) == []
    assert "there are no moving parts with a drive" in find_product_ways(
        "2006/42/EC", "robot", outcome=False
    )
    assert find_product_ways("2009/48/EC", "mug", outcome=True) == [
        "children under 14 are meant to play with it"
    ]


@pytest.mark.parametrize("product", INTERVIEWS)
def test_every_alternative_is_said_once(product: str) -> None:
    """At most two, none of them twice, for every norm either way."""
    for norm in get_catalogue().norms:
        for outcome in (True, False):
            found = find_product_ways(norm.id, product, outcome=outcome)
            assert len(found) <= 2
            assert len(set(found)) == len(found)
