"""The interview: asks what is needed, echoes, takes corrections, and always comes to an end."""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.conversation.interview import (
    MOST_TURNS,
    Reply,
    State,
    begin,
    get_known_facts,
    respond,
)
from services.conversation.interview.topics import EXAMPLES, ITEMS
from services.conversation.understanding.message import understand
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, add_implications

TODAY = date(2026, 11, 21)
YES, NO = True, False

PLAUSIBLE: Mapping[str, str] = {
    "kind": "none of these",
    "power": "230 V AC",
    "current": "10 A",
    "battery": "rechargeable lithium",
    "screen": "24 inch",
    "radio": "none",
    "data": "none of these",
    "who": "consumers at home",
    "any": "none",
    "pressure": "8 bar",
}

# Opener, most questions with plausible answers, facts that must hold right after the opener.
OPENERS: list[tuple[str, int, dict[str, Any]]] = [
    ("USB-powered LED desk lamp", 5, {"luminaire": YES, "v_dc": 5, "v_ac": 0, "appliance": NO}),
    ("Bluetooth wireless earbuds", 6, {"ict_av": YES, "band_2g4": YES, "battery": YES,
                                       "worn": YES, "charger_list": YES, "phone_tablet": NO}),
    ("Electric standing desk", 6, {"driven_moving_parts": YES, "standby_list": YES,
                                   "appliance": NO, "electrical": YES}),
    ("Portable power bank", 6, {"rechargeable": YES, "lithium": YES, "mains": NO}),
    ("WiFi smart light bulb with RGB LEDs", 5, {"light_source": YES, "luminaire": NO,
                                                "radio": YES, "internet": YES}),
    ("kettle", 6, {"appliance": YES, "food_contact": YES}),
    ("cordless drill", 6, {"hand_tool": YES, "battery": YES, "driven_moving_parts": YES}),
    ("baby monitor with camera", 6, {"childcare": YES, "radio": YES, "personal_data": YES,
                                     "is_display": NO}),
    ("wooden toy train", 6, {"child_play": YES, "consumer": YES, "appliance": NO}),
    ("robot vacuum", 6, {"appliance": YES, "rechargeable": YES}),
    ("e-bike", 6, {"ebike": YES, "rechargeable": YES, "v_ac": 0}),
    ("blood pressure monitor", 5, {"medical": YES, "is_display": NO, "ict_av": NO}),
    ("bicycle helmet", 2, {"ppe": YES, "electrical": NO}),
    ("ceramic mug", 2, {"food_contact": YES, "electrical": NO}),
    ("laser pointer", 6, {"laser": YES, "battery": YES}),
    ("phone charger", 5, {"eps": YES, "mains": YES, "phone_tablet": NO}),
    ("solar garden light", 6, {"luminaire": YES, "battery": YES, "mains": NO}),
    ("gas camping stove", 6, {"burns_gas": YES, "appliance": NO}),
    ("pressure washer", 6, {"appliance": YES, "driven_moving_parts": YES}),
    ("smart watch", 6, {"worn": YES, "ict_av": YES, "phone_tablet": NO}),
    ("3D printer", 6, {"driven_moving_parts": YES}),
    ("electric guitar amplifier", 6, {"ict_av": YES, "electrical": YES}),
    ("drone", 7, {"radio": YES, "driven_moving_parts": YES}),
    ("USB-C cable", 2, {"usb_c_cable": YES, "battery": NO}),
    ("antibacterial cutting board", 2, {"biocide": YES, "food_contact": YES}),
    ("glue", 2, {"mixture": YES, "electrical": NO}),
    ("T-shirt", 2, {"electrical": NO}),
    ("yoga mat", 2, {"electrical": NO}),
    ("wooden chair", 2, {"electrical": NO}),
    ("hair dryer", 5, {"appliance": YES}),
    ("coffee machine with app", 5, {"appliance": YES, "data_conn": YES}),
    ("LED strip 12V with adapter", 5, {"eps": YES, "v_dc": 12, "v_ac": 0, "light_source": YES}),
    ("router", 5, {"ict_av": YES, "eaa_list": YES, "data_conn": YES}),
    ("children's night light", 6, {"luminaire": YES}),
    ("wireless charger", 6, {"wireless_charger": YES, "radio": YES}),
    ("electric scooter", 6, {"driven_moving_parts": YES, "ebike": NO}),
    ("soldering iron", 5, {"appliance": YES}),
    ("multimeter", 5, {"lab_equipment": YES}),
    ("heat pump", 6, {"appliance": YES}),
    ("fridge", 5, {"appliance": YES, "food_contact": YES}),
    ("smart lock", 5, {"electrical": YES}),
    ("hearing aid", 5, {"medical": YES}),
    ("flurbinator", 7, {}),
    ("hello", 7, {}),
    ("我想卖一个台灯", 7, {}),
]  # fmt: skip


def converse(opener: str, say: Callable[[State], str], most: int) -> tuple[State, Reply, int]:
    """Hold an interview and return its end and the number of replies it took."""
    state, reply = begin(opener, TODAY)
    replies = 0
    while not reply.complete:
        state, reply = respond(state, say(state))
        replies += 1
        assert replies <= most
    return state, reply, replies


def hold_interview(*texts: str) -> tuple[State, Reply]:
    """Hold an interview with the given messages."""
    state, reply = begin(texts[0], TODAY)
    for text in texts[1:]:
        state, reply = respond(state, text)
    return state, reply


@pytest.mark.parametrize(("opener", "most", "facts"), OPENERS)
def test_an_opener_leads_to_a_complete_interview(
    opener: str, most: int, facts: dict[str, Any]
) -> None:
    """What the opener says is known at once, and a few questions decide every norm."""
    state, _ = begin(opener, TODAY)
    known = get_known_facts(state)
    assert {name: known.get(name) for name in facts} == facts
    state, reply, replies = converse(opener, lambda state: PLAUSIBLE[state["topic"]], most)
    assert replies <= most
    assert reply.missing == ()
    assert "All 80 norms" in reply.reasoning
    assert get_catalogue().list_undecided(get_known_facts(state)) == []


@pytest.mark.parametrize("opener", [opener for opener, _, _ in OPENERS])
@pytest.mark.parametrize("text", ["I don't know", "no", "qwrt zxcv", "????", "yes"])
def test_it_ends_within_nine_replies_whatever_is_always_answered(opener: str, text: str) -> None:
    """Neither ignorance nor denial nor gibberish keeps a maker in the interview."""
    state, reply, _ = converse(opener, lambda _: text, 9)
    still = set(get_catalogue().count_open_facts(get_known_facts(state)))
    assert still <= set(state["unsure"])
    assert reply.missing == ()


def test_the_first_reply_echoes_and_asks_one_question() -> None:
    """The maker sees what was understood, then one question on one topic."""
    state, reply = begin("USB-powered LED desk lamp", TODAY)
    assert reply.message.startswith("I noted: USB power (5 V DC), desk lamp (luminaire). ")
    assert reply.message.count("?") == 1
    assert state["topic"] == "power"
    assert not reply.complete
    assert reply.reasoning == ""
    assert "battery" in reply.missing
    assert set(reply.missing) <= FACTS.keys()


def test_the_live_pages_light_bulb() -> None:
    """The opener and answer seen on a live page are understood."""
    state, reply = hold_interview("WiFi smart light bulb with RGB LEDs", "Yes, 230V AC")
    assert "mains, 230 V AC" in reply.message
    known = get_known_facts(state)
    assert (known["v_ac"], known["mains"], known["battery"]) == (230, True, False)


def test_nothing_known_is_asked_again() -> None:
    """No topic comes back once it is answered."""
    state, _, _ = converse("kettle", lambda state: PLAUSIBLE[state["topic"]], 9)
    assert len(state["asked"]) == len(set(state["asked"]))


def test_a_correction_replaces_the_power_supply() -> None:
    """A "no, it is 12 V" ends the mains and does not answer the question about radio."""
    state, reply = hold_interview("desk lamp, 230 V AC, no battery", "no, it is 12 V")
    known = get_known_facts(state)
    assert (known["v_dc"], known["v_ac"], known["mains"]) == (12, 0, False)
    assert "Changed: 12 V DC instead of 230 V AC." in reply.message
    assert "radio" not in known
    assert state["topic"] == "radio"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("lamp, no radio", "actually it has Wi-Fi"), {"radio": YES, "band_2g4": YES}),
        (("Bluetooth lamp", "not Bluetooth, Zigbee"), {"band_2g4": YES}),
        (("lamp without battery", "I meant rechargeable"), {"battery": YES, "rechargeable": YES}),
        (("ceramic mug", "it has a rechargeable battery"), {"electrical": YES, "battery": YES}),
        (("lamp, 12 V", "actually mains"), {"mains": YES, "v_ac": 230, "v_dc": 0}),
        (("desk lamp", "no, it is a toy"), {"child_play": YES, "luminaire": NO}),
        (("toy car", "sorry, I meant a desk lamp"), {"luminaire": YES, "child_play": NO}),
        (("WiFi lamp", "without Wi-Fi"), {"band_2g4": NO, "band_5g": NO}),
        (("lamp on sale from 2027", "launch in 2031"), {"market_date": 20310101}),
        (("lamp", "sold without packaging"), {"packaged": NO}),
    ],
)
def test_later_statements_win(texts: tuple[str, ...], expected: dict[str, Any]) -> None:
    """A correction replaces what was said and what followed from it."""
    known = get_known_facts(hold_interview(*texts)[0])
    assert {name: known.get(name) for name in expected} == expected


def test_wi_fi_and_bluetooth_share_a_band() -> None:
    """Dropping one of two technologies leaves the band in use; dropping both ends it."""
    state, _ = hold_interview("lamp with Wi-Fi and Bluetooth", "no Wi-Fi")
    assert get_known_facts(state)["band_2g4"] is True
    state, _ = respond(state, "and no Bluetooth")
    assert get_known_facts(state)["band_2g4"] is False


def test_the_last_radio_takes_radio_with_it() -> None:
    """When every other band is known to be unused, dropping Wi-Fi leaves no radio."""
    state, _ = hold_interview(
        "Wi-Fi lamp, 230 V", "no battery", "nothing else", "none", "yes", "none"
    )
    state, reply = respond(state, "drop the Wi-Fi")
    assert get_known_facts(state)["radio"] is False
    assert "Changed: there is no radio." in reply.message


def test_it_can_be_corrected_after_the_end_and_asks_on() -> None:
    """A correction may reopen a finished interview, and what was left out of its lists."""
    state, _, _ = converse("kettle", lambda state: PLAUSIBLE[state["topic"]], 9)
    state, reply = respond(state, "actually it has Wi-Fi")
    known = get_known_facts(state)
    assert (known["radio"], known["data_conn"], known["internet"]) == (True, True, True)
    assert "Changed: " in reply.message
    assert "Does its Wi-Fi use the 5 GHz band" in reply.message
    assert not reply.complete
    state, reply = respond(state, "yes")
    assert get_known_facts(state)["band_5g"] is True


def test_the_end_names_the_defaults_until_they_are_stated() -> None:
    """Packaging and date are assumed, said to be so, and can be changed."""
    state, reply, _ = converse("yoga mat", lambda state: PLAUSIBLE[state["topic"]], 9)
    assert "sold packaged and placed on the market from 2027-01-01" in reply.message
    state, reply = respond(state, "sold without packaging, on the market from March 2028")
    assert reply.complete
    assert "I assume" not in reply.message
    assert get_known_facts(state)["market_date"] == 20280301
    assert get_known_facts(state)["packaged"] is False


def test_ignorance_is_taken_down_and_explained() -> None:
    """What the maker does not know is not asked again and named in the reasoning."""
    state, _, _ = converse("kettle, 230 V", lambda state: PLAUSIBLE[state["topic"]], 9)
    state, reply = hold_interview(
        "kettle, 230 V, no battery, no radio", "none", "I don't know", "none of these"
    )
    assert reply.complete
    assert "consumer" in state["unsure"]
    assert "consumers" in reply.reasoning
    assert "to be checked" in reply.message


def test_an_answer_later_settles_what_was_unsure() -> None:
    """A fact once unknown can be stated at any time."""
    state, _ = hold_interview(
        "kettle, 230 V, no battery, no radio", "none", "I don't know", "consumers"
    )
    assert "consumer" not in state["unsure"]
    assert get_known_facts(state)["consumer"] is True


def test_gibberish_gets_an_example_and_the_question_again() -> None:
    """A message that says nothing is named as such, and the question comes back with help."""
    _, reply = hold_interview("desk lamp", "qwrt")
    assert reply.message.startswith("I could not read an answer in that.")
    assert "For example: “230 V AC, 60 W”" in reply.message


def test_a_bare_yes_to_a_list_is_asked_back() -> None:
    """Yes to several things is no answer."""
    _, reply = hold_interview("USB-powered LED desk lamp", "yes")
    assert reply.message.startswith("Yes to which of them?")


def test_assumptions_are_shown() -> None:
    """What goes with the kind is said, so that it can be corrected."""
    _, reply = begin("Portable power bank", TODAY)
    assert "I take it that the battery is rechargeable" in reply.message
    _, reply = begin("wooden chair", TODAY)
    assert "it uses no electricity" in reply.message


def test_mains_without_a_voltage_is_230_volts() -> None:
    """The assumed voltage is said in the echo, and the current is that of a household plug."""
    state, reply = hold_interview("desk lamp", "mains")
    assert "taken as 230 V AC" in reply.message
    assert get_known_facts(state)["v_ac"] == 230
    assert get_known_facts(state)["input_a"] == 16


def test_large_appliances_are_asked_for_their_current() -> None:
    """A heat pump may draw more than a household plug gives; watts are taken per phase."""
    state, reply = hold_interview("heat pump", "400 V three phase")
    assert state["topic"] == "current"
    state, reply = respond(state, "10 kW")
    assert get_known_facts(state)["input_a"] == pytest.approx(14.43)
    assert "14.43 A" in reply.message


def test_the_description_is_the_first_message_that_says_something() -> None:
    """A greeting is not the product."""
    state, _ = hold_interview("hello", "USB desk lamp")
    assert state["description"] == "USB desk lamp"
    assert begin("Desk lamp!", TODAY)[0]["description"] == "Desk lamp!"


def test_the_market_date_is_fixed_when_the_interview_begins() -> None:
    """Next year is that of the first message, however late the analysis is."""
    assert get_known_facts(begin("lamp", date(2031, 5, 1))[0])["market_date"] == 20320101
    assert begin("lamp")[0]["defaults"]["market_date"] % 10_000 == 101


def test_stated_beats_implied_beats_assumed() -> None:
    """The layers of what is known, from the firmest to the default."""
    state, _ = begin("Bluetooth mug", TODAY)
    known = get_known_facts(state)
    assert known["radio"] is True  # stated
    assert known["electrical"] is True  # follows from it, against the assumption for mugs
    assert known["food_contact"] is True  # assumed
    assert known["packaged"] is True  # default


WORDS = [
    "no",
    "not",
    "yes",
    "only",
    "actually",
    "Wi-Fi",
    "Bluetooth",
    "battery",
    "230V",
    "12",
    "V",
    "USB",
    "mains",
    "adapter",
    "lamp",
    "toy",
    "none",
    "both",
    "consumers",
    "laser",
    "medical",
    "lithium",
    ",",
    ".",
    "I",
    "don't",
    "know",
    "5",
    "bar",
    "it",
    "is",
    "a",
    "without",
    "NFC",
    "maybe",
    "2029",
    "radio",
    "children",
    "app",
    "16",
    "A",
    "kein",
    "qwrt",
]
MESSAGES = st.lists(
    st.one_of(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join),
        st.text(max_size=40),
        st.sampled_from(list(PLAUSIBLE.values())),
    ),
    min_size=1,
    max_size=MOST_TURNS + 4,
)


@settings(max_examples=60)
@given(MESSAGES)
def test_any_sequence_of_texts(messages: list[str]) -> None:
    """States stay JSON, are never changed in place, and the interview ends in bounded time."""
    state, reply = begin(messages[0], TODAY)
    for turn, text in enumerate(messages[1:], start=2):
        before = copy.deepcopy(state)
        following, reply = respond(state, text)
        assert state == before
        assert json.loads(json.dumps(following)) == following
        assert reply.complete or turn < MOST_TURNS
        assert bool(reply.missing) != reply.complete
        assert bool(reply.reasoning) == reply.complete
        assert (following["topic"] is None) == reply.complete
        state = following
    assert get_known_facts(state).keys() <= FACTS.keys()


ONE_FACT = {
    "radio": "no radio",
    "battery": "no battery",
    "v_dc": "12 V DC",
    "consumer": "consumers",
    "laser": "it has a laser",
    "personal_data": "no personal data",
    "market_date": "on the market from March 2029",
}


@settings(max_examples=60)
@given(st.permutations(sorted(ONE_FACT)), st.sampled_from(["qwrt", "I don't know", "hm, 台灯"]))
def test_a_known_fact_is_not_lost_by_an_unrelated_message(order: list[str], noise: str) -> None:
    """In whatever order facts are stated, with noise between them, all are kept."""
    state, _ = begin("desk lamp", TODAY)
    stated: dict[str, Any] = {}
    for name in order:
        state, _ = respond(state, ONE_FACT[name])
        stated[name] = state["facts"][name]
        state, _ = respond(state, noise)
    assert {name: state["facts"].get(name) for name in stated} == stated


def test_every_topic_can_be_asked() -> None:
    """Each topic has an answer in the table above, so that none goes untested."""
    assert PLAUSIBLE.keys() == TOPIC_FACTS.keys()


@pytest.mark.parametrize(
    ("topic", "name"),
    [(topic, name) for topic in ("radio", "data", "who", "any") for name in TOPIC_FACTS[topic]],
)
def test_the_words_of_a_question_are_understood_as_its_answer(topic: str, name: str) -> None:
    """A maker may answer with a piece of the list that was read to him."""
    words = ITEMS.get(name, FACTS[name].yes)
    known = add_implications(understand(words, topic).facts)
    assert name == "pressure_bar" or known.get(name) is True
    others = set(TOPIC_FACTS[topic]) - {name, *add_implications({name: True})}
    assert not {other for other in others if known.get(other)} - {
        "residential",
        "consumer",
        "band_2g4",
    }


@pytest.mark.parametrize("topic", [topic for topic in TOPIC_FACTS if topic not in ("who",)])
def test_the_example_of_a_question_is_understood(topic: str) -> None:
    """What the interview offers as an example, it can read."""
    message = understand(EXAMPLES[topic], topic)
    assert message.facts.keys() & set(TOPIC_FACTS[topic])


@pytest.mark.parametrize(
    "text",
    [
        "5 V DC, no battery, no power adapter",
        "no, there is no power adapter",
        "it has no power supply",
        "without power adapter",
    ],
)
def test_a_denied_power_adapter_leaves_the_power(text: str) -> None:
    """What is denied is the adapter, not the power; the lamp stays a lamp with USB."""
    state, _ = begin("USB-powered LED desk lamp", TODAY)
    state, reply = respond(state, text)
    known = get_known_facts(state)
    assert (known["eps"], known["electrical"], known["v_dc"]) == (False, True, 5)
    assert state["kind"] == "desk lamp"
    assert "no power adapter" in reply.message


@pytest.mark.parametrize("text", ["no power", "no power needed", "no power, no radio"])
def test_denied_power_is_no_electricity(text: str) -> None:
    """Alone, the word means what it says."""
    state, _ = begin("wooden chair", TODAY)
    state, _ = respond(state, text)
    assert get_known_facts(state)["electrical"] is False


@pytest.mark.parametrize(
    ("product", "reply"),
    [
        ("A wooden train", "nothing at all"),
        ("A wooden train", "none at all"),
        ("A wooden train", "that is all"),
        ("A wooden train", "No electronics at all"),
        ("Wooden puzzle, no electronics", "It is just a puzzle, all wood"),
        ("Smart bathroom scale, battery, no radio", "nothing at all"),
    ],
)
def test_all_is_an_answer_by_itself_only(product: str, reply: str) -> None:
    """In the middle of other words it says yes to nothing that was asked."""
    before, _ = begin(product)
    after, _ = respond(before, reply)
    asked = {name: after["facts"].get(name) for name in before["pending"]}
    assert [name for name, value in asked.items() if value is True] == []


@pytest.mark.parametrize("reply", ["all of them", "Yes, all of these please", "everything"])
def test_all_is_a_yes_to_everything_asked(reply: str) -> None:
    """By itself, or with a yes."""
    before, _ = begin("A box, no electricity")
    after, _ = respond(before, reply)
    assert [name for name in before["pending"] if after["facts"].get(name) is True]
