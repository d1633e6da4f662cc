"""Open facts and reasons of conditions that are made of others."""

import pytest

from services.norms.facts import Facts
from services.norms.logic import parse


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("radio and medical", {}, {"radio", "medical"}),
        ("radio and medical", {"radio": True}, {"medical"}),
        ("radio and medical", {"radio": False}, set()),
        ("radio or medical", {"radio": True}, set()),
        ("radio and (medical or ivd)", {"ivd": True}, {"radio"}),
        ("radio or not (medical or ivd)", {"ivd": True}, {"radio"}),
        ("radio and not medical", {"radio": True}, {"medical"}),
        ("(mains and v_ac <= 250) or (eps and v_dc <= 50)", {"mains": False}, {"eps", "v_dc"}),
        ("not (radio and not (medical or ivd))", {"medical": False}, {"radio", "ivd"}),
        ("radio and not not medical", {"radio": True}, {"medical"}),
        ("radio and True", {}, {"radio"}),
        ("medical or (False and radio)", {}, {"medical"}),
    ],
)
def test_only_facts_that_can_still_matter_are_open(
    text: str, facts: Facts, expected: set[str]
) -> None:
    """Branches that are decided already ask for nothing."""
    assert parse(text).find_open_facts(facts) == expected


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        (
            "electrical and radio and not medical",
            {"electrical": True, "radio": True, "medical": False},
            ("it is electrical", "it has radio", "there is no medical purpose"),
        ),
        (
            "battery and not radio and not medical",
            {"battery": True, "radio": True, "medical": True},
            ("it has radio", "it has a medical purpose"),
        ),
        (
            "medical and not (radio and battery and laser) and (ai or ivd)",
            {
                "medical": False,
                "radio": True,
                "battery": True,
                "laser": True,
                "ai": False,
                "ivd": False,
            },
            (
                "there is no medical purpose",
                "there is no AI system",
                "it examines no specimens from the human body",
            ),
        ),
        (
            "medical and not (radio and battery and laser)",
            {"medical": True, "radio": True, "battery": True, "laser": True},
            ("it has radio", "it has a battery", "it contains a laser"),
        ),
        (
            "radio or laser or ai",
            {"radio": False, "laser": True, "ai": True},
            ("it contains a laser", "it contains an AI system"),
        ),
        (
            "electrical and (radio or laser or ai)",
            {"electrical": True, "laser": True, "ai": True},
            ("it is electrical", "it contains a laser"),
        ),
        (
            "radio and (battery or (laser and ai and ivd))",
            {"radio": True, "battery": False, "laser": False, "ai": False},
            ("there is no battery", "there is no laser"),
        ),
        (
            "electrical and 50 <= v_ac <= 1000",
            {"electrical": False, "v_ac": 0},
            ("it is not electrical",),
        ),
        (
            "is_display and display_cm2 > 100",
            {"is_display": False, "display_cm2": 0},
            ("it is not an electronic display",),
        ),
        (
            "False and radio",
            {"radio": False},
            ("no product is covered", "there is no radio"),
        ),
        ("radio and radio", {"radio": True}, ("it has radio",)),
    ],
)
def test_reasons_name_what_decides(text: str, facts: Facts, expected: tuple[str, ...]) -> None:
    """Inside a larger condition one sufficient ground is enough; consequences are left out."""
    assert parse(text).write_reasons(facts) == expected


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("electrical and radio", {"electrical": True}, ("it is electrical",)),
        ("electrical or radio", {"electrical": False}, ()),
        (
            "electrical and not (laser or ai)",
            {"electrical": True, "laser": False},
            ("it is electrical", "there is no laser"),
        ),
        (
            "radio and (battery or (laser and ai))",
            {"battery": False, "laser": True},
            ("it contains a laser",),
        ),
    ],
)
def test_an_open_condition_tells_what_speaks_for_it(
    text: str, facts: Facts, expected: tuple[str, ...]
) -> None:
    """What speaks against it is not mixed in."""
    condition = parse(text)
    assert condition.evaluate(facts) is None
    assert condition.write_reasons(facts) == expected
