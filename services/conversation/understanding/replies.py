"""Reads an answer in the light of its question: "no", "none of these", a part of a list."""

from collections.abc import Mapping

from services.conversation.language.terms import CLASS_LABELS, Value
from services.conversation.understanding.evidence import Evidence
from services.conversation.understanding.power import USUAL_BATTERY_V

TOPIC_FACTS: Mapping[str, tuple[str, ...]] = {
    "kind": (*CLASS_LABELS, "display_cm2"),
    "power": ("electrical", "mains", "v_ac", "v_dc", "eps", "battery", "input_a"),
    "current": ("input_a",),
    "battery": ("rechargeable", "lithium"),
    "screen": ("display_cm2",),
    "radio": (
        "radio", "band_2g4", "band_5g", "band_sub1g", "nfc_inductive", "wireless_charger",
        "cellular",
    ),
    "data": ("data_conn", "internet", "usage_data", "personal_data", "payments"),
    "who": ("consumer", "residential", "worn", "childcare"),
    "any": (
        "medical", "ivd", "ppe", "laser", "ai", "explosive_atm", "burns_gas", "pressure_bar",
        "fgas", "legal_metrology", "food_contact", "mixture", "biocide",
    ),
    "pressure": ("pressure_bar",),
}  # fmt: skip
"""Topics of the interview in their natural order, and the facts each settles."""

TECHNOLOGIES_2G4 = ("Bluetooth", "Zigbee or Thread", "Wi-Fi")
"""The concepts that use the 2.4 GHz band, as the question lists them."""

_NUMBERS = frozenset(("display_cm2", "v_ac", "v_dc", "input_a", "pressure_bar"))
# An answer to these denies the rest of the list; to others it says nothing of the rest.
_LISTS = frozenset(("radio", "data", "any"))
_AMOUNTS = frozenset(("screen", "current"))  # "no" does not answer "how much?"


def deny_facts(names: tuple[str, ...]) -> dict[str, Value]:
    """Map facts to their "no": False, or 0 for a number."""
    return {name: 0 if name in _NUMBERS else False for name in names}


def read_reply(found: Evidence) -> None:
    """Add what the message means as an answer to `found.topic`.

    A plain "no" denies the whole topic. Naming a part of a list denies the rest of it. "I don't
    know" makes the whole topic unsure.
    """
    topic = found.topic
    if topic is None or topic not in TOPIC_FACTS:
        return
    facts = TOPIC_FACTS[topic]
    named = any(name in found.stated or name in found.likely for name in facts)
    if found.scan.unsure:
        found.unsure.update(name for name in facts if name not in found.stated)
    elif found.scan.both and topic == "who":
        found.closing.update(consumer=True, residential=True, worn=False, childcare=False)
    elif found.scan.every and not named:
        found.closing.update((name, True) for name in facts if name not in _NUMBERS)
    elif found.scan.yes_or_no and not (found.scan.mentions or found.scan.quantities):
        found.closing.update((name, True) for name in _PLAIN_YES.get(topic, ()))
    elif topic == "power":
        _close_power(found)
    elif topic == "who":
        _close_who(found)
    elif topic not in _AMOUNTS and _is_rest_denied(found, topic):
        found.closing.update(deny_facts(facts))
        _keep_open(found)


_PLAIN_YES: Mapping[str, tuple[str, ...]] = {
    "power": ("electrical",),
    "battery": ("rechargeable", "lithium"),
    "radio": ("radio",),
    "who": ("consumer", "residential"),
}
"""What "yes" means where it does not leave open what it is said to."""


def _is_rest_denied(found: Evidence, topic: str) -> bool:
    groups = {each.concept.group for each in found.scan.mentions if each.said}
    if any(quantity.unit == "bar" for quantity in found.scan.quantities):
        groups.add("any")
    if topic == "radio":
        bands = TOPIC_FACTS["radio"][1:]
        if any(found.stated.get(name) for name in bands) or found.stated.get("radio") is False:
            return True
    elif topic in _LISTS and (topic in groups or any(map(found.stated.get, TOPIC_FACTS[topic]))):
        return True
    elsewhere = (groups | ({"number"} if found.scan.quantities else set())) - {topic}
    return found.scan.yes_or_no is False and not (elsewhere and topic not in groups)


def _keep_open(found: Evidence) -> None:
    """Leave open what was named without a value, and the band of plain "Wi-Fi"."""
    for each in found.scan.mentions:
        if each.said is not False:
            for name in each.concept.open:
                found.closing.pop(name, None)
    if "Wi-Fi" in found.names and not any(q.unit == "MHz" for q in found.scan.quantities):
        found.closing.pop("band_5g", None)


def _close_power(found: Evidence) -> None:
    """Deny the power sources that the answer does not name."""
    source = any(
        found.stated.get(name) or found.likely.get(name)
        for name in ("mains", "v_ac", "v_dc", "eps", "battery")
    )
    if source:
        found.closing.update({"mains": False, "eps": False, "battery": False, "v_ac": 0})
        if found.stated.get("battery") and "eps" not in found.stated:
            found.likely.setdefault("v_dc", USUAL_BATTERY_V)
    elif found.stated.get("electrical") is False or found.scan.yes_or_no is False:
        found.closing.update({"electrical": False, "eps": False, "battery": False})


def _close_who(found: Evidence) -> None:
    consumer = found.stated.get("consumer")
    if consumer is not None:
        found.closing.update({"worn": False, "childcare": False, "residential": bool(consumer)})
    elif found.scan.yes_or_no is False:
        found.closing.update(deny_facts(TOPIC_FACTS["who"]))
