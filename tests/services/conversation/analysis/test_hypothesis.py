"""Reading changes: rewording them, and supposing them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.conversation.analysis.hypothesis import suppose
from services.conversation.interview.state import get_known_facts
from services.conversation.language.rewording import reword_change
from tests.services.conversation.products import get_finished


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("if I leave the Wi-Fi out", "if I without the Wi-Fi"),
        ("if we disable Bluetooth", "if we without Bluetooth"),
        ("replace Wi-Fi by Zigbee", "without Wi-Fi. It has Zigbee"),
        ("what if Wi-Fi is replaced with Zigbee", "what if without Wi-Fi. It has Zigbee"),
        ("wenn ich WLAN weglasse", "ohne ich WLAN  "),
        ("what if it had a laser", "what if it had a laser"),
        ("a plug-in lamp, turn by turn", "a plug-in lamp, turn by turn"),
    ],
)
def test_ways_to_speak_of_a_change(question: str, plain: str) -> None:
    """Verbs of removal become "without", exchanges become both halves."""
    assert reword_change(question) == plain


@given(st.text(max_size=200))
def test_any_text_can_be_reworded(text: str) -> None:
    """Nothing raises."""
    reword_change(text)


def find_changes(product: str, question: str) -> dict[str, object]:
    """The facts that a question changes, with their new values; None for no longer known."""
    state = get_finished(product)
    supposed = suppose(state, question)
    assert supposed is not None, question
    before, after = get_known_facts(state), get_known_facts(supposed.state)
    return {
        name: after.get(name)
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }


NO_WIFI = {"radio": False, "band_2g4": False, "internet": None, "data_conn": None}


@pytest.mark.parametrize(
    "question",
    [
        "what if I drop Wi-Fi?",
        "what if I remove the radio",
        "what if I leave the Wi-Fi out",
        "what if we take the Wi-Fi out",
        "if we disable the radio",
        "without Wi-Fi",
        "what if Wi-Fi is removed",
        "was wenn ich WLAN weglasse?",
        "wenn wir auf WLAN verzichten",
    ],
)
def test_without_its_only_radio_a_product_has_none(question: str) -> None:
    """Whether data still flow is open then."""
    assert find_changes("bulb", question) == NO_WIFI


def test_a_cable_keeps_the_connection() -> None:
    """The maker of the robot spoke of Ethernet."""
    state = get_finished("robot")
    with_radio = suppose(state, "what if I add Bluetooth")
    assert with_radio is not None
    without = suppose(with_radio.state, "and without the Bluetooth")
    assert without is not None
    assert get_known_facts(without.state)["data_conn"] is True


def test_another_radio_keeps_the_radio() -> None:
    """Bluetooth for Wi-Fi is no end of radio."""
    assert "radio" not in find_changes("bulb", "what if I replace Wi-Fi with LoRa")
    assert find_changes("bulb", "what if I replace Wi-Fi with LoRa")["band_sub1g"] is True


def test_a_new_voltage_replaces_the_old_one() -> None:
    """12 V is not mains."""
    found = find_changes("bulb", "what if it ran on 12 V?")
    assert (found["v_ac"], found["v_dc"], found["mains"]) == (0, 12, False)


def test_what_goes_with_the_words_is_meant() -> None:
    """Industrial use means no consumers, although a lamp maker said consumers before."""
    assert find_changes("bulb", "for industrial use only")["consumer"] is False


def test_a_kind_of_another_sort_is_a_change_and_its_own_is_a_mention() -> None:
    """The bulb may become a toy; "the lamp" is still the bulb."""
    assert find_changes("bulb", "what if it were a toy") == {"child_play": True}
    assert "luminaire" not in find_changes("bulb", "what if the lamp ran on batteries")


def test_a_product_for_children_may_be_a_toy() -> None:
    """It becomes an open question."""
    assert find_changes("bulb", "what if it is for children?")["child_play"] is None


def test_doubt_takes_a_fact_away() -> None:
    """And what it was derived from."""
    found = find_changes("bulb", "what if I don't know whether it has radio")
    assert found["radio"] is None
    assert found["band_2g4"] is None


@pytest.mark.parametrize("question", ["", "what if?", "the weather", "\U0001f600", "<b>if</b>"])
def test_no_change_is_none(question: str) -> None:
    """A text that names no fact supposes nothing."""
    assert suppose(get_finished("bulb"), question) is None


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_the_state_is_left_alone(text: str) -> None:
    """Whatever is supposed."""
    state = get_finished("bulb")
    before = repr(state)
    suppose(state, text)
    assert repr(state) == before
