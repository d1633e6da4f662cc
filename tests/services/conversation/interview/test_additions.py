"""What is said later: additions, second batteries, engines, and words that end the talk."""

from datetime import date
from typing import Any

import pytest

from services.conversation.interview import Reply, State, begin, get_known_facts, respond
from services.conversation.interview.topics import write_question

TODAY = date(2026, 11, 21)
TORCH = "Torch with a rechargeable LiPo battery, 3.7 V, USB-C charging"
CHAIR = ("wooden chair", "consumers at home", "none")
LAMP = "desk lamp, 230 V, 10 W, no battery, no radio, no data"


def hold_interview(*texts: str) -> tuple[State, Reply]:
    """Hold an interview with the given messages."""
    state, reply = begin(texts[0], TODAY)
    for text in texts[1:]:
        state, reply = respond(state, text)
    return state, reply


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Actually it also has a laser pointer class 2", "with laser pointer"),
        ("it also has a small lamp", "with lamp"),
        ("it has a built-in speaker", "with speaker"),
        ("it is also a lamp", "with lamp"),
        ("plus a lamp", "with lamp"),
        ("with a laser pointer", "with laser pointer"),
    ],
)
def test_an_addition_leaves_the_product_what_it_is(text: str, heard: str) -> None:
    """The kind stays; what it has besides is noted, and a laser counts."""
    state, reply = hold_interview("Kitchen scale, 3 V battery", text)
    assert state["kind"] == "kitchen scale"
    assert f"I noted: {heard}." in reply.message
    assert "Changed" not in reply.message
    assert get_known_facts(state).get("laser", False) is ("laser" in text)
    assert get_known_facts(state)["appliance"] is True


def test_an_addition_in_the_first_text_counts() -> None:
    """A part that is named after the product says what it says of it."""
    state, _ = hold_interview("Kitchen scale, 3 V, with a display. It also has a laser pointer")
    assert state["kind"] == "kitchen scale"
    assert get_known_facts(state)["laser"] is True


@pytest.mark.parametrize("text", ["Our company has a new kettle, 230 V", "We also make a kettle"])
def test_a_first_product_is_no_addition(text: str) -> None:
    """There is nothing that it could be added to."""
    assert hold_interview(text)[0]["kind"] == "kettle"


def test_what_only_qualifies_another_noun_is_no_part() -> None:
    """A phone holder is no phone."""
    state, _ = hold_interview("bicycle helmet", "it has a phone holder")
    assert get_known_facts(state)["electrical"] is False


@pytest.mark.parametrize(
    "text", ["it is a kettle", "no, a kettle", "actually a kettle", "I meant a kettle"]
)
def test_a_correction_renames_the_product(text: str) -> None:
    """And its "no" answers no question."""
    state, reply = hold_interview("Kitchen scale", text)
    assert state["kind"] == "kettle"
    assert "Changed: kettle instead of kitchen scale." in reply.message
    assert "battery" not in get_known_facts(state)


@pytest.mark.parametrize(
    "text", ["a CR2032 coin cell keeps the clock", "plus an alkaline cell", "also a NiMH cell"]
)
def test_a_second_battery_does_not_erase_the_first(text: str) -> None:
    """What holds for one of several batteries stays, and no adapter was spoken of."""
    state, reply = hold_interview(TORCH, text)
    known = get_known_facts(state)
    assert (known["rechargeable"], known["lithium"]) == (True, True)
    assert "eps" not in known or "NiMH" in text
    assert "Changed" not in reply.message


@pytest.mark.parametrize(
    ("text", "lithium"),
    [
        ("no, it is alkaline", False),
        ("the battery is alkaline", False),
        ("actually alkaline cells", False),
        ("not rechargeable", True),
    ],
)
def test_a_battery_can_be_corrected(text: str, lithium: bool) -> None:
    """A correction replaces what was said of it."""
    known = get_known_facts(hold_interview(TORCH, text)[0])
    assert (known["rechargeable"], known["lithium"]) == (False, lithium)


@pytest.mark.parametrize("text", ["no", "none", "nope", "that's all", "ok", "No, thanks!"])
def test_after_the_end_a_polite_word_is_fine(text: str) -> None:
    """It says nothing of a product and needs no complaint."""
    state, before = hold_interview(*CHAIR)
    assert before.complete
    state, reply = respond(state, text)
    assert reply.message.startswith("Fine. I have no more questions.")
    assert reply.complete
    assert state["misses"] == 0


@pytest.mark.parametrize("text", ["none", "neither"])
def test_nobody_is_asked_back_once(text: str) -> None:
    """Somebody uses it; said again, it is left open."""
    state, reply = hold_interview(LAMP, text)
    assert "consumer" not in get_known_facts(state)
    assert reply.message.endswith("Answer consumers, professionals or both.")
    assert "yes or no" not in reply.message
    state, reply = respond(state, text)
    assert "I leave open who uses it." in reply.message
    assert "consumer" in state["unsure"]


def test_a_no_to_consumers_means_professionals() -> None:
    """It answers the first half of the question."""
    assert get_known_facts(hold_interview(LAMP, "no")[0])["consumer"] is False


@pytest.mark.parametrize("text", ["Paper notebook, 96 pages, ruled", "a paper notebook with lines"])
def test_a_paper_notebook_is_no_computer(text: str) -> None:
    """It uses no electricity."""
    known = get_known_facts(hold_interview(text)[0])
    assert (known["electrical"], known["ict_av"]) == (False, False)


@pytest.mark.parametrize(
    "texts",
    [
        ("Garden chainsaw, petrol engine",),
        ("Garden chainsaw", "petrol engine"),
        ("Garden chainsaw", "diesel"),
        ("Garden chainsaw", "it has a combustion engine"),
    ],
)
def test_an_engine_leaves_electricity_open(texts: tuple[str, ...]) -> None:
    """It drives parts and is not on the mains; an ignition is asked for."""
    state, reply = hold_interview(*texts)
    known = get_known_facts(state)
    assert (known["driven_moving_parts"], known["mains"]) == (True, False)
    assert "electrical" not in known
    assert "combustion engine" in reply.message
    assert "Does it use any electricity, for an ignition" in reply.message
    assert get_known_facts(respond(state, "yes")[0])["electrical"] is True
    assert get_known_facts(respond(state, "no")[0])["electrical"] is False


@pytest.mark.parametrize(
    ("denied", "listed"),
    [
        ("no Bluetooth", "radio: Zigbee or Wi-Fi at 2.4 GHz;"),
        ("no Bluetooth, no Zigbee", "radio: Wi-Fi at 2.4 GHz;"),
        ("no Zigbee", "radio: Bluetooth or Wi-Fi at 2.4 GHz;"),
    ],
)
def test_what_was_denied_by_name_is_not_asked_for(denied: str, listed: str) -> None:
    """The question lists the others."""
    state, reply = hold_interview(f"desk lamp, 230 V, 10 W, no battery, {denied}")
    assert state["topic"] == "radio"
    assert listed in reply.message


def test_what_is_named_again_is_no_longer_denied() -> None:
    """The last word counts."""
    state, _ = hold_interview(
        "desk lamp, 230 V, 10 W, no battery, no Bluetooth", "it has Bluetooth"
    )
    assert state["denied"] == []


@pytest.mark.parametrize(
    ("texts", "change"),
    [
        (("flurbinator, battery operated", "4.5 V"), ""),
        (("Drill, 12 V battery", "6 V"), "Changed: 6 V DC instead of 12 V DC."),
        (("drill, mains", "12 V"), "Changed: 12 V DC instead of 230 V AC."),
    ],
)
def test_only_what_was_said_is_changed(texts: tuple[str, ...], change: str) -> None:
    """A voltage that was merely assumed is replaced without a word."""
    message = hold_interview(*texts)[1].message
    assert change in message
    assert bool(change) is ("Changed" in message)


@pytest.mark.parametrize(
    ("topic", "name", "expected"),
    [
        ("battery", "rechargeable", "Is the battery rechargeable?"),
        ("battery", "lithium", "Is the battery a lithium one?"),
        ("kind", "child_play", "Are children under 14 meant to play with it?"),
        ("data", "internet", "Does it reach the internet, also through a phone or hub?"),
        ("data", "personal_data", "Does it handle personal data?"),
        ("any", "food_contact", "Does it touch food or drinking water?"),
        ("any", "fgas", "Does it contain or rely on fluorinated gases?"),
        ("any", "mixture", "Is it or does it contain a chemical to be used or released?"),
        ("who", "worn", "Is it worn on the body?"),
    ],
)
def test_a_single_fact_is_asked_for_naturally(topic: str, name: str, expected: str) -> None:
    """A question, and when it is repeated, how to answer it."""
    known: dict[str, Any] = {}
    assert write_question(topic, [name], known, again=False) == expected
    repeated = write_question(topic, [name], known, again=True)
    assert repeated == f"{expected} A plain yes or no will do, or “I don't know”."
