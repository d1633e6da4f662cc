"""What makers type is turned into facts: whole words, negations, numbers, answers."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.understanding.message import understand
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.facts import FACTS, Kind

YES, NO = True, False
RADIO_BANDS = TOPIC_FACTS["radio"][1:]

STATED: list[tuple[str, dict[str, Any]]] = [
    # radio
    ("Bluetooth", {"radio": YES, "band_2g4": YES}),
    ("WLAN", {"radio": YES, "band_2g4": YES}),
    ("Wi-Fi (2.4 and 5 GHz)", {"band_2g4": YES, "band_5g": YES}),
    ("dual-band WiFi", {"band_2g4": YES, "band_5g": YES}),
    ("868 MHz", {"radio": YES, "band_sub1g": YES}),
    ("LoRaWAN and NFC", {"band_sub1g": YES, "nfc_inductive": YES}),
    ("13.56 MHz reader", {"nfc_inductive": YES}),
    ("with a SIM card", {"cellular": YES, "radio": YES}),
    ("4G tracker", {"cellular": YES}),
    ("Qi", {"wireless_charger": YES}),
    ("no wireless", {"radio": NO}),
    ("it does not have any radio", {"radio": NO}),
    ("we do not have Wi-Fi", {"band_5g": NO}),
    ("wired, not wireless", {"radio": NO}),
    ("neither Bluetooth nor Wi-Fi", {"band_2g4": NO, "band_5g": NO}),
    ("no Wi-Fi, Bluetooth or NFC", {"band_2g4": NO, "band_5g": NO, "nfc_inductive": NO}),
    ("Wi-Fi and Bluetooth are not used", {"band_2g4": NO, "band_5g": NO}),
    ("no radio at all, except NFC", {"radio": YES, "nfc_inductive": YES, "band_2g4": NO}),
    ("no Wi-Fi, just Bluetooth", {"band_2g4": YES, "band_5g": NO}),
    ("not Bluetooth, Zigbee", {"radio": YES, "band_2g4": YES}),
    ("only Bluetooth", {"band_2g4": YES, "band_5g": NO, "cellular": NO}),
    ("Wi-Fi: no, Bluetooth: yes", {"band_2g4": YES, "band_5g": NO}),
    ("kein WLAN, kein Bluetooth", {"band_2g4": NO, "band_5g": NO}),
    # power
    ("230V", {"v_ac": 230, "v_dc": 0, "mains": YES, "electrical": YES}),
    ("230 V AC", {"v_ac": 230}),
    ("100-240V ~ 50/60Hz", {"v_ac": 240, "mains": YES}),
    ("5 V / 2 A", {"v_dc": 5, "v_ac": 0, "input_a": 2, "mains": NO}),
    ("12 volts dc", {"v_dc": 12, "v_ac": 0}),
    ("24 V AC", {"v_ac": 24}),
    ("230 V, 1,5 A", {"v_ac": 230, "input_a": 1.5}),
    ("230 V 500 mA", {"input_a": 0.5}),
    ("230 V, 2300 W", {"input_a": 10}),
    ("400 V three phase, 11 kW", {"v_ac": 400, "input_a": 15.88}),
    ("mains, 60 W", {"mains": YES, "input_a": 0.26}),
    ("Netzteil 12 V", {"eps": YES, "v_dc": 12, "v_ac": 0, "mains": NO}),
    ("12 V with a 230 V adapter", {"eps": YES, "v_dc": 12, "v_ac": 0}),
    ("no adapter in the box", {"eps": NO}),
    ("adapter not included", {"eps": NO}),
    ("built-in power supply", {"mains": YES}),
    ("USB-powered", {"electrical": YES, "v_dc": 5, "v_ac": 0, "mains": NO}),
    ("USB-C PD 20 V", {"v_dc": 20, "v_ac": 0}),
    ("12 V DC instead of 230 V AC", {"v_dc": 12, "v_ac": 0}),
    ("230 V AC input, 12 V DC output", {"v_ac": 230, "v_dc": 12}),
    ("not 230 V but 12 V", {"v_dc": 12, "v_ac": 0}),
    ("non-electric", {"electrical": NO}),
    ("it needs no electricity", {"electrical": NO}),
    ("no mains, only battery", {"mains": NO, "battery": YES, "eps": NO}),
    ("only USB", {"battery": NO, "eps": NO, "mains": NO}),
    ("no battery and mains powered", {"battery": NO, "mains": YES}),
    # battery
    ("without battery", {"battery": NO}),
    ("battery-free", {"battery": NO}),
    ("battery: none", {"battery": NO}),
    ("runs on 2 AA batteries (not included)", {"battery": YES, "mains": NO, "v_ac": 0}),
    ("Li-ion 2000 mAh", {"lithium": YES, "rechargeable": YES}),
    ("CR2032", {"lithium": YES, "rechargeable": NO}),
    ("alkaline cells", {"battery": YES, "rechargeable": NO}),
    ("rechargeable but not lithium", {"rechargeable": YES, "lithium": NO}),
    ("cordless", {"battery": YES, "mains": NO}),
    ("mit Akku", {"battery": YES, "rechargeable": YES}),
    # data, people, the rest
    ("doesn't connect to the internet", {"internet": NO}),
    ("it stores no personal data and no payments", {"personal_data": NO, "payments": NO}),
    ("user account and location", {"personal_data": YES}),
    ("not for children", {"child_play": NO, "childcare": NO}),
    ("for professionals only", {"consumer": NO}),
    ("both consumers and professionals", {"consumer": YES}),
    ("not a toy", {"child_play": NO}),
    ("toy drone", {"child_play": YES}),
    ("medical examination lamp", {"medical": YES}),
    ("up to 0.5 MPa", {"pressure_bar": 5}),
    ("not under pressure", {"pressure_bar": 0}),
    ("R32 refrigerant", {"fgas": YES}),
    ("R290", {"fgas": NO}),
    ('a 24" display', {"display_cm2": 1588}),
    ("27 inch monitor", {"display_cm2": 2010}),
    ("10x15 cm screen", {"display_cm2": 150}),
    ("on the market in 2028", {"market_date": 20280101}),
    ("launch from March 2027", {"market_date": 20270301}),
    ("sold without packaging", {"packaged": NO}),
]


@pytest.mark.parametrize(("text", "expected"), STATED)
def test_statements(text: str, expected: dict[str, Any]) -> None:
    """Each text states these facts, whatever else it may suggest."""
    facts = understand(text).facts
    assert {name: facts.get(name) for name in expected} == expected


SILENT: list[tuple[str, set[str]]] = [
    ("microphone", {"phone_tablet"}),
    ("ECG monitor", {"is_display", "ict_av"}),
    ("toymaker's lamp", {"child_play"}),
    ("dog toy", {"child_play"}),
    ("phone holder", {"phone_tablet", "ict_av", "electrical"}),
    ("laptop stand", {"ict_av", "charger_list"}),
    ("a stand for my phone", {"phone_tablet"}),
    ("phone gimbal", {"phone_tablet"}),
    ("wireless earbuds", {"phone_tablet"}),
    ("2000 mAh", {"input_a"}),
    ("60 W", {"v_ac", "v_dc", "electrical"}),
    ("10-inch pan", {"display_cm2"}),
    ("2 bar stools", {"pressure_bar"}),
    ("3 GHz processor", {"radio"}),
    ("multimeter that measures up to 600 V", {"v_ac", "mains"}),
    ("laser engraved wooden box", {"laser"}),
    ("batteries not included", {"eps"}),
    ("no Wi-Fi", {"radio", "band_2g4", "internet"}),
    ("no lamp", {"luminaire"}),
    ("not only Bluetooth", {"band_5g"}),
    ("hello", set(FACTS)),
    ("????", set(FACTS)),
    ("我想卖一个台灯", set(FACTS)),
]


@pytest.mark.parametrize(("text", "absent"), SILENT)
def test_what_is_not_said(text: str, absent: set[str]) -> None:
    """Parts of words, purposes and look-alikes set nothing."""
    facts = understand(text).facts
    assert not {name for name in absent if facts.get(name)}


ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("power", "yes, 230V AC", {"v_ac": 230, "battery": NO, "eps": NO}),
    ("power", "230", {"v_ac": 230}),
    ("power", "12", {"v_dc": 12}),
    ("power", "no", {"electrical": NO}),
    ("power", "Netzteil", {"eps": YES, "mains": NO, "battery": NO}),
    ("power", "AA batteries", {"battery": YES, "mains": NO, "eps": NO}),
    ("current", "1.5", {"input_a": 1.5}),
    ("current", "ordinary plug", {"input_a": 16}),
    ("battery", "no", {"rechargeable": NO, "lithium": NO}),
    ("battery", "yes", {"rechargeable": YES, "lithium": YES}),
    ("radio", "no", dict.fromkeys(TOPIC_FACTS["radio"], NO)),
    ("radio", "It does not.", {"radio": NO}),
    ("radio", "nein", {"radio": NO}),
    ("radio", "only Bluetooth", {"radio": YES, "band_2g4": YES, "cellular": NO}),
    ("radio", "Bluetooth and NFC", {"nfc_inductive": YES, "band_5g": NO}),
    ("radio", "yes", {"radio": YES}),
    ("data", "none of these", dict.fromkeys(TOPIC_FACTS["data"], NO)),
    ("data", "an app and an account", {"data_conn": YES, "personal_data": YES, "payments": NO}),
    ("data", "by USB", {"data_conn": YES, "internet": NO}),
    ("who", "yes", {"consumer": YES}),
    ("who", "no", {"consumer": NO}),
    ("who", "professionals", {"consumer": NO}),
    ("who", "at home", {"consumer": YES, "residential": YES}),
    ("who", "both", {"consumer": YES}),
    ("any", "nope", {"laser": NO, "pressure_bar": 0, "biocide": NO}),
    ("any", "it has a laser", {"laser": YES, "ai": NO, "biocide": NO}),
    ("any", "2 bar", {"pressure_bar": 2, "laser": NO}),
    ("any", "glue", {"mixture": YES, "laser": NO}),
    ("kind", "none of these", {"appliance": NO, "child_play": NO, "display_cm2": 0}),
    ("kind", "a household appliance", {"appliance": YES, "ict_av": NO}),
    ("screen", "24", {"display_cm2": 1588}),
    ("pressure", "8", {"pressure_bar": 8}),
    ("pressure", "none", {"pressure_bar": 0}),
]


@pytest.mark.parametrize(("topic", "text", "expected"), ANSWERS)
def test_answers_are_read_in_the_light_of_their_question(
    topic: str, text: str, expected: dict[str, Any]
) -> None:
    """Yes, no, none, bare numbers and parts of a list mean what the question makes of them."""
    facts = understand(text, topic).facts
    assert {name: facts.get(name) for name in expected} == expected


def test_naming_pressure_leaves_its_height_open() -> None:
    """A list answer that names pressure without a number denies only the others."""
    facts = understand("pressure", "any").facts
    assert "pressure_bar" not in facts
    assert facts["laser"] is False


def test_plain_wi_fi_leaves_its_second_band_open() -> None:
    """Wi-Fi may use 5 GHz or not; the other radios of the list are denied."""
    facts = understand("Wi-Fi", "radio").facts
    assert "band_5g" not in facts
    assert facts["cellular"] is False


@pytest.mark.parametrize(
    ("topic", "text", "unsure"),
    [
        ("radio", "I don't know", set(TOPIC_FACTS["radio"])),
        ("battery", "no idea, skip", {"rechargeable", "lithium"}),
        ("battery", "weiß nicht", {"rechargeable", "lithium"}),
        ("current", "not sure about the amps", {"input_a"}),
        (None, "not sure about the amps", {"input_a"}),
        (None, "maybe Bluetooth", {"radio", "band_2g4"}),
        ("power", "230 V, but I don't know the amps", {"input_a"}),
        (None, "lithium? not sure", {"battery", "lithium"}),
        (None, "I don't know", set()),
    ],
)
def test_what_the_maker_does_not_know(topic: str | None, text: str, unsure: set[str]) -> None:
    """Doubt takes the facts it names, else those of the question."""
    assert understand(text, topic).unsure == unsure


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I want to sell a desk lamp", "desk lamp"),
        ("LED strip 12V with adapter", "LED strip"),
        ("coffee machine with app", "coffee machine"),
        ("Electric guitar amplifier", "electric guitar amplifier"),
        ("2-in-1 laptop", "laptop"),
        ("router table", "table"),
        ("a pair of headphones", "headphones"),
        ("Schreibtischlampe", "Schreibtischlampe"),
        ("smartphone case", "case"),
        ("gadget for my phone", "gadget"),
        ("works with your phone", None),
        ("not a lamp", None),
        ("phone antenna", None),
    ],
)
def test_the_head_of_the_first_noun_phrase_is_the_product(text: str, kind: str | None) -> None:
    """Qualifiers, parts, purposes and denied things are not the product."""
    found = understand(text).kind
    assert (found.name if found else None) == kind


@pytest.mark.parametrize("use", ["medical", "toy"])
def test_medical_and_play_use_override_the_class(use: str) -> None:
    """A medical or toy lamp is judged as such, not as lighting."""
    facts = understand(f"{use} lamp").facts
    assert facts["luminaire"] is False
    assert facts["light_source"] is False


def test_words_for_children_make_play_a_question() -> None:
    """A children's night light may be a toy or not."""
    assert "child_play" not in understand("children's night light").facts
    assert understand("night light").facts["child_play"] is False


def test_the_particular_words_are_kept() -> None:
    """Each fact remembers what set it, and the echo lists the parts in their order."""
    message = understand("Wi-Fi and Bluetooth lamp, no battery")
    assert message.said["band_2g4"] == "Wi-Fi, Bluetooth"
    assert message.heard == ("Wi-Fi", "Bluetooth", "lamp (luminaire)", "no battery")
    assert message.denied == {"battery"}


def test_statements_outrank_assumptions() -> None:
    """Wi-Fi suggests the internet, unless the maker says otherwise."""
    assert understand("Wi-Fi lamp").facts["internet"] is True
    assert understand("Wi-Fi lamp without internet").facts["internet"] is False
    assert understand("mug with a heated base, 12 V").facts["electrical"] is True


VOCABULARY = st.sampled_from(
    [
        "no",
        "not",
        "without",
        "neither",
        "nor",
        "Wi-Fi",
        "Bluetooth",
        "radio",
        "battery",
        "lithium",
        "USB",
        "230V",
        "12",
        "V",
        "DC",
        "AC",
        "1,5",
        "A",
        "60W",
        ",",
        ".",
        ";",
        ":",
        "?",
        "-",
        "only",
        "except",
        "but",
        "and",
        "or",
        "with",
        "for",
        "lamp",
        "phone",
        "toy",
        "case",
        "monitor",
        "I",
        "don't",
        "know",
        "not",
        "sure",
        "maybe",
        "both",
        "none",
        "yes",
        "it",
        "is",
        "actually",
        "instead",
        "of",
        "5",
        "bar",
        "24",
        "inch",
        "2027-01-20",
        "1e999",
        "kein",
        "children",
        "medical",
        "never",
        "\u202e",
        "\x00",
        "🙂",
        "台灯",
        "''",
        "",
        "“",
        "99999999999999999999",
        "V",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(VOCABULARY, max_size=30).map(" ".join),
    st.lists(VOCABULARY, max_size=30).map("".join),
)
TOPICS = st.sampled_from([None, "unheard-of", *TOPIC_FACTS])


@given(TEXTS, TOPICS)
def test_any_text_is_read_without_an_error_into_facts_of_the_right_kind(
    text: str, topic: str | None
) -> None:
    """Whatever is typed, the result is sound: known facts, right types, finite numbers."""
    message = understand(text, topic)
    for name, value in message.facts.items():
        if FACTS[name].kind is Kind.BOOL:
            assert isinstance(value, bool)
        else:
            assert not isinstance(value, bool)
            assert 0 <= value < 1e9
    assert message.unsure <= FACTS.keys()
    assert not message.unsure & message.stated.keys()


@pytest.mark.parametrize(
    "text",
    ["9" * 4000, "9." * 2000, "- " * 2000, "not " * 1000, "no a, " * 700, "'" * 4000, "5-" * 2000,
     "no Wi-Fi, " * 400, "x" * 100_000, "phone " * 700, "1 V " * 1000, "(((((" * 800],
)  # fmt: skip
def test_hostile_texts_take_no_longer_than_their_length_warrants(text: str) -> None:
    """Repetition does not make the reading blow up; the bound is some 20 times the usual."""
    understand("warm up")
    begin = time.perf_counter()
    understand(text, "any")
    assert time.perf_counter() - begin < 0.25
