"""Words the interview's questions: one per topic, naming only what is still open."""

from collections.abc import Callable, Mapping, Sequence

from services.conversation.understanding.replies import TECHNOLOGIES_2G4, TOPIC_FACTS
from services.norms.facts import FACTS, Facts, join_items

# Short names for lists; a fact without one uses its clause from the vocabulary.
ITEMS: Mapping[str, str] = {
    "band_2g4": "Bluetooth, Zigbee or Wi-Fi at 2.4 GHz",
    "band_5g": "Wi-Fi at 5 GHz",
    "band_sub1g": "433 or 868 MHz (LoRa, Z-Wave, remote controls)",
    "nfc_inductive": "NFC or RFID",
    "wireless_charger": "wireless charging of other devices (Qi)",
    "cellular": "a mobile network (4G, 5G)",
    "internet": "the internet, also through a phone or hub",
    "data_conn": "data to or from another device, by cable or radio",
    "usage_data": "records of its use or surroundings",
    "personal_data": "personal data (account, camera, voice, location, health)",
    "payments": "payments",
    "residential": "it is used in homes",
    "worn": "it is worn on the body",
    "childcare": "it is made for the care of babies or small children",
    "medical": "a medical purpose",
    "ivd": "tests on samples from the human body",
    "ppe": "protection of the wearer (helmet, gloves, goggles)",
    "laser": "a laser",
    "ai": "artificial intelligence",
    "explosive_atm": "use in explosive atmospheres",
    "burns_gas": "burning gas",
    "pressure_bar": "pressure inside (above 0.5 bar)",
    "fgas": "fluorinated gas (refrigerants)",
    "legal_metrology": "measuring for bills or other legal purposes",
    "food_contact": "contact with food or drinking water",
    "mixture": "chemicals that are used up or released (glue, ink, cleaner)",
    "biocide": "an antibacterial or other biocidal effect",
}
# How a label begins, and how the question for it does.
_ASKED = (
    ("it is or contains ", "Is it or does it contain "),
    ("it contains or relies on ", "Does it contain or rely on "),
    ("it is ", "Is it "),
    ("it has ", "Does it have "),
    ("the battery is ", "Is the battery "),
    ("children under 14 are ", "Are children under 14 "),
)
_LISTS = frozenset(("kind", "data", "any", "battery"))
EXAMPLES: Mapping[str, str] = {
    "kind": "desk lamp",
    "screen": "24 inch",
    "power": "230 V AC, 60 W",
    "current": "1.5 A",
    "battery": "rechargeable Li-ion",
    "radio": "only Bluetooth",
    "data": "an app with a user account",
    "who": "consumers, at home",
    "any": "none of these",
    "pressure": "8 bar",
}


def write_question(
    topic: str, pending: Sequence[str], known: Facts, *, again: bool, denied: Sequence[str] = ()
) -> str:
    """Word the question of a topic.

    Args:
        topic: id of the topic.
        pending: the facts that are needed, in the order of the topic.
        known: what is known of the product.
        again: whether the topic was asked for before, so that an example helps.
        denied: radio technologies that were denied by name and are not asked for again.
    """
    if len(pending) == 1 and (topic in _LISTS or (topic == "who" and "consumer" not in pending)):
        text = _write_single(pending[0])
    else:
        text = _QUESTIONS[topic](pending, known)
    if denied and topic == "radio":
        text = text.replace(ITEMS["band_2g4"], _write_band_2g4(denied))
    helped = any(words in text.lower() for words in ("for example", "such as", "(yes or no)"))
    return f"{text} {_write_example(topic, pending)}" if again and not helped else text


def _write_example(topic: str, pending: Sequence[str]) -> str:
    if "consumer" in pending:
        return "Answer consumers, professionals or both."
    plain = topic not in ("screen", "power", "current", "pressure")
    if len(pending) == 1 and (plain or pending[0] in ("battery", "eps")):
        return "A plain yes or no will do, or “I don't know”."
    return f"For example: “{EXAMPLES[topic]}”, or “I don't know”."


def _write_single(name: str) -> str:
    """Turn "whether it has a battery" into "Does it have a battery?"."""
    label = FACTS[name].label
    about = label.removeprefix("whether ")
    for opening, asked in _ASKED:
        if about.startswith(opening):
            return f"{asked}{about.removeprefix(opening)}?"
    it, _, rest = about.partition(" ")
    verb, _, rest = rest.partition(" ")
    if it != "it" or not verb.endswith("s"):
        return f"Please tell me {label}."
    return f"Does it {verb[:-2] if verb.endswith('ches') else verb[:-1]} {rest}?"


def _write_band_2g4(denied: Sequence[str]) -> str:
    """Name what may use the 2.4 GHz band, except what was denied by name."""
    left = [name for name in TECHNOLOGIES_2G4 if name not in denied]
    if not left:
        return "another radio at 2.4 GHz"
    names = [name.removesuffix(" or Thread") for name in left]
    return f"{join_items(names, 'or')} at 2.4 GHz"


def _join_names(pending: Sequence[str]) -> str:
    return "; ".join(ITEMS.get(name, FACTS[name].yes) for name in pending)


def _ask_kind(pending: Sequence[str], known: Facts) -> str:
    if "appliance" in pending or "ict_av" in pending:
        if known.get("electrical") is False:
            return (
                "What kind of product is it: furniture, clothing, tableware, a toy, a tool, a "
                "chemical, or something else?"
            )
        return (
            "What kind of product is it? For example a lamp, a household appliance, computer, "
            "audio or video equipment, a power tool, measuring equipment, a toy, a machine with "
            "driven parts, furniture or clothing; or none of these."
        )
    asked = [name for name in pending if name != "display_cm2"]  # has a topic of its own
    return f"Does any of these hold: {_join_names(asked)}? Name them, or say none."


def _ask_screen(_pending: Sequence[str], _known: Facts) -> str:
    return "How large is its screen, in inches or as width and height in cm?"


def _ask_power(pending: Sequence[str], known: Facts) -> str:
    open_facts = set(pending)
    if "electrical" in open_facts and known.get("mains") is False:
        return (
            "Does it use any electricity, for an ignition, a starter or a display? Name what "
            "supplies it, such as a 12 V battery, or say no electricity."
        )
    if "electrical" in open_facts:
        return (
            "How is it powered? Name all that apply: mains (with volts, and amps or watts), a "
            "power adapter in the box, USB, batteries, solar. If it uses no electricity, say so."
        )
    if open_facts <= {"eps", "battery", "input_a"}:
        parts = {
            "battery": "does it have a battery",
            "eps": "is a power adapter or charger for the mains in the box",
        }
        text = join_items([parts[name] for name in parts if name in open_facts], "or")
        return f"{text.capitalize()}?"
    if known.get("eps") and open_facts <= {"v_dc", "v_ac", "battery", "mains", "input_a"}:
        return "What voltage does the power adapter give it, for example 12 V DC?"
    if known.get("driven_moving_parts") and known.get("mains") is False and "v_dc" in open_facts:
        return "What supplies its electricity, and with how many volts? For example a 12 V battery."
    beside = "Besides its battery, what" if known.get("battery") else "What"
    return (
        f"{beside} powers it? Name all that apply, with the highest rated volts: mains (also "
        "amps or watts), a power adapter in the box, USB, batteries, solar."
    )


def _ask_current(_pending: Sequence[str], _known: Facts) -> str:
    return (
        "What current or power does its rating plate state, such as 1.5 A or 60 W? "
        "“Ordinary plug” will do: that is at most 16 A."
    )


def _ask_battery(_pending: Sequence[str], _known: Facts) -> str:
    return "Is its battery rechargeable, and is it a lithium one (Li-ion, LiPo, lithium coin cell)?"


def _ask_radio(pending: Sequence[str], known: Facts) -> str:
    if list(pending) == ["band_5g"]:
        return "Does its Wi-Fi use the 5 GHz band, too (yes or no)?"
    if "radio" in pending:
        bands = _join_names([name for name in pending if name != "radio"])
        listed = f": {bands}" if bands else ""
        return f"Does it have any radio{listed}? Name what it has, or say no radio."
    if not any(known.get(band) for band in TOPIC_FACTS["radio"][1:]):
        return f"Which radio does it use: {_join_names(pending)}?"
    return f"Which other radio does it use: {_join_names(pending)}? Name them, or say none."


def _ask_data(pending: Sequence[str], known: Facts) -> str:
    done = [name for name in ("internet", "data_conn") if known.get(name)]
    start = "Besides its data connection, which" if done else "Which"
    return (
        f"{start} of these does it have or handle: {_join_names(pending)}? Name them, or say none."
    )


def _ask_who(pending: Sequence[str], _known: Facts) -> str:
    rest = [name for name in pending if name not in ("consumer", "residential")]
    if "consumer" not in pending:
        return f"Does any of these hold: {_join_names(pending)}? Name them, or say none."
    text = "Do consumers use it, at home for instance, or only professionals?"
    also = join_items([ITEMS[name] for name in rest], "or")
    return f"{text} Say also if {also}." if rest else text


def _ask_any(pending: Sequence[str], _known: Facts) -> str:
    return f"Does any of these belong to it: {_join_names(pending)}? Name them, or say none."


def _ask_pressure(_pending: Sequence[str], _known: Facts) -> str:
    return "What is the highest pressure inside, in bar?"


_QUESTIONS: Mapping[str, Callable[[Sequence[str], Facts], str]] = {
    "kind": _ask_kind,
    "screen": _ask_screen,
    "power": _ask_power,
    "current": _ask_current,
    "battery": _ask_battery,
    "radio": _ask_radio,
    "data": _ask_data,
    "who": _ask_who,
    "any": _ask_any,
    "pressure": _ask_pressure,
}
