"""What follows plainly from known facts."""

import pytest

from services.norms.facts import Facts, add_implications, is_implied


@pytest.mark.parametrize(
    ("given", "implied"),
    [
        ({"band_2g4": True}, {"radio": True, "electrical": True}),
        ({"cellular": True}, {"radio": True, "data_conn": True, "electrical": True}),
        ({"radio": False}, {"band_5g": False, "nfc_inductive": False, "wireless_charger": False}),
        ({"radio": False}, {"cellular": False, "phone_tablet": False}),
        ({"battery": False}, {"rechargeable": False, "lithium": False}),
        ({"lithium": True}, {"battery": True, "electrical": True}),
        ({"light_source": True}, {"lighting": True, "electrical": True}),
        ({"lighting": False}, {"light_source": False, "luminaire": False}),
        ({"internet": True}, {"data_conn": True}),
        ({"data_conn": False}, {"internet": False, "cellular": False}),
        ({"is_display": False}, {"display_cm2": 0}),
        ({"v_ac": 230}, {"electrical": True}),
        ({"v_ac": 0}, {"mains": False}),
        ({"child_play": True}, {"consumer": True}),
        ({"childcare": True}, {"consumer": True}),
        ({"ebike": True}, {"driven_moving_parts": True, "battery": True}),
    ],
)
def test_one_fact_brings_others(given: Facts, implied: Facts) -> None:
    """What is named on the right follows from what is named on the left."""
    assert implied.items() <= add_implications(given).items()


def test_a_thing_without_electricity_has_nothing_electrical() -> None:
    """One no settles power, radio, data and the classes that are electrical by nature."""
    closed = add_implications({"electrical": False})
    for name in ("mains", "eps", "battery", "radio", "band_2g4", "internet", "data_conn", "laser"):
        assert closed[name] is False, name
    for name in ("v_ac", "v_dc", "input_a"):
        assert closed[name] == 0, name
        assert not isinstance(closed[name], bool), name


@pytest.mark.parametrize(
    ("given", "open_fact"),
    [
        ({"lighting": True}, "light_source"),
        ({"lighting": True}, "luminaire"),
        ({"data_conn": True}, "electrical"),
        ({"data_conn": True}, "internet"),
        ({"electrical": False}, "consumer"),
        ({"electrical": True}, "mains"),
        ({"radio": True}, "data_conn"),
    ],
)
def test_what_does_not_follow_stays_open(given: Facts, open_fact: str) -> None:
    """Rules are not turned round, and software may have data without being electrical."""
    assert open_fact not in add_implications(given)


def test_what_is_given_wins_over_what_follows() -> None:
    """A contradiction is left as it was said; a named thing beats a general no."""
    closed = add_implications({"electrical": False, "band_2g4": True})
    assert closed["electrical"] is False
    assert closed["band_2g4"] is True
    assert closed["radio"] is True
    assert closed["band_5g"] is False


def test_the_argument_is_not_changed() -> None:
    """The result is a new dict."""
    given = {"radio": True}
    assert add_implications(given) is not given
    assert given == {"radio": True}


def test_follows_tells_what_another_fact_already_says() -> None:
    """A fact does not follow from itself."""
    known = [("electrical", False), ("v_ac", 0)]
    assert is_implied("v_ac", 0, known)
    assert not is_implied("electrical", value=False, known=known)
    assert not is_implied("v_ac", 230, known)
