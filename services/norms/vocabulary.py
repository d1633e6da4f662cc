"""The product facts that decide which norms apply, each with its wording for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

Facts = Mapping[str, bool | int | float]
"""What is known of a product, by fact name; a name that is absent is unknown."""


class Kind(StrEnum):
    """The type of a fact's value."""

    BOOL = "bool"
    NUMBER = "number"
    DATE = "date"
    """A day as the integer yyyymmdd, so that it compares like any number."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that can be known of a product.

    Attributes:
        name: the key used in triggers and in stored conversations.
        kind: the type of its values.
        label: names the fact while it is open; fits after "still to be known:".
        yes: the clause for True, or for a number the noun that names the quantity.
        no: the clause for False, or for a number that is 0.
        unit: unit of a number as printed after it; empty for the other kinds.
    """

    name: str
    kind: Kind
    label: str
    yes: str
    no: str
    unit: str = ""


def _flag(name: str, yes: str, no: str, at_length: str = "") -> Fact:
    return Fact(name, Kind.BOOL, f"whether {at_length or yes}", yes, no)


def _trait(name: str, what: str, hint: str = "") -> Fact:
    at_length = f"it is {what} ({hint})" if hint else ""
    return _flag(name, f"it is {what}", f"it is not {what}", at_length)


def _number(name: str, label: str, none: str, unit: str) -> Fact:
    return Fact(name, Kind.NUMBER, f"the {label}", label, none, unit)


_POWER = (
    _trait("electrical", "electrical"),
    _flag("mains", "it is connected to the mains", "it is not connected to the mains"),
    _flag(
        "eps", "it comes with or is an external power supply", "there is no external power supply"
    ),
    _flag("battery", "it has a battery", "there is no battery"),
    _flag("rechargeable", "the battery is rechargeable", "there is no rechargeable battery"),
    _flag(
        "lithium",
        "it has a lithium battery",
        "there is no lithium battery",
        "the battery is a lithium one",
    ),
    _number("v_ac", "highest rated AC voltage", "there is no AC voltage", "V AC"),
    _number("v_dc", "highest rated DC voltage", "there is no DC voltage", "V DC"),
    _number("input_a", "rated input current", "it draws no current from the mains", "A per phase"),
)

_RADIO = (
    _flag("radio", "it has radio", "there is no radio"),
    _flag(
        "band_2g4",
        "it uses the 2.4 GHz band",
        "it does not use the 2.4 GHz band",
        "it uses the 2.4 GHz band (Bluetooth, Wi-Fi, Zigbee)",
    ),
    _flag("band_5g", "it uses the 5 GHz Wi-Fi band", "it does not use the 5 GHz Wi-Fi band"),
    _flag(
        "band_sub1g",
        "it uses radio between 25 and 1,000 MHz",
        "it does not use short-range radio between 25 and 1,000 MHz",
        "it uses radio between 25 and 1,000 MHz (433 or 868 MHz, LoRa, Z-Wave)",
    ),
    _flag(
        "nfc_inductive",
        "it uses NFC, RFID or other inductive radio",
        "it uses no NFC, RFID or other inductive radio",
    ),
    _flag(
        "wireless_charger", "it charges other devices without a wire", "it is no wireless charger"
    ),
    _flag(
        "cellular",
        "it uses a mobile network",
        "it does not use a mobile network",
        "it uses a mobile network (4G, 5G)",
    ),
)

_DATA = (
    _flag(
        "internet",
        "it reaches the internet",
        "it does not reach the internet",
        "it reaches the internet, also through a phone or hub",
    ),
    _flag(
        "data_conn",
        "it has a data connection",
        "there is no data connection",
        "it has any data connection, also by cable",
    ),
    _flag(
        "usage_data",
        "it records data on its use or surroundings",
        "it records no data on its use or surroundings",
    ),
    _flag("personal_data", "it handles personal data", "it handles no personal data"),
    _flag("payments", "it handles money or virtual money", "it handles no money"),
)

_USE = (
    _flag("consumer", "consumers use it or are likely to", "consumers do not use it"),
    _flag("residential", "it is used in homes", "it is not used in homes"),
    _flag("childcare", "it serves the care of children", "it does not serve the care of children"),
    _flag("worn", "it is worn on the body", "it is not worn on the body"),
)

_CLASS = (
    _trait("ict_av", "audio, video, IT or telecom equipment"),
    _trait("appliance", "a household or similar appliance"),
    _flag("lighting", "it is lighting equipment", "it is not lighting equipment"),
    _trait("luminaire", "a luminaire", "a complete lamp"),
    _flag(
        "light_source",
        "it is or contains a light source",
        "it is no light source and contains none",
        "it is or contains a light source for lighting",
    ),
    _trait("hand_tool", "a hand-held or transportable motor tool"),
    _trait("lab_equipment", "measuring, control or laboratory equipment"),
    _flag(
        "child_play",
        "children under 14 are meant to play with it",
        "it is not meant for children's play",
    ),
    _flag(
        "driven_moving_parts",
        "it has moving parts with a drive",
        "there are no moving parts with a drive",
    ),
    _trait("ebike", "an electrically assisted bicycle"),
    _trait("phone_tablet", "a smartphone, mobile or cordless phone, or slate tablet"),
    _trait("is_display", "an electronic display", "television, monitor, sign"),
    _number("display_cm2", "screen size", "there is no screen", "cm²"),
    _trait("usb_c_cable", "a USB-C cable"),
    _trait("charger_list", "on the common charger list", "phones, headphones, laptops and others"),
    _trait("eaa_list", "on the accessibility list", "computers, phones, terminals, e-readers"),
    _trait(
        "standby_list",
        "in a group of the standby rules",
        "home, IT, leisure, furniture",
    ),
)

_SPECIAL = (
    _flag("medical", "it has a medical purpose", "there is no medical purpose"),
    _flag(
        "ivd",
        "it examines specimens from the human body",
        "it examines no specimens from the human body",
    ),
    _trait("ppe", "personal protective equipment"),
    _flag("laser", "it contains a laser", "there is no laser"),
    _flag("ai", "it contains an AI system", "there is no AI system"),
    _trait("explosive_atm", "meant for explosive atmospheres"),
    _flag("burns_gas", "it burns gas", "it burns no gas"),
    _number("pressure_bar", "highest pressure", "there is nothing under pressure", "bar"),
    _flag("fgas", "it contains or relies on fluorinated gases", "there are no fluorinated gases"),
    _flag(
        "legal_metrology",
        "it measures for a legally regulated purpose",
        "it does not measure for a legally regulated purpose",
        "it measures for a legally regulated purpose (bills, fuel, taxi)",
    ),
    _flag("food_contact", "it touches food or drinking water", "it does not touch food"),
    _flag(
        "mixture",
        "it is or contains a chemical to be used or released",
        "no chemical is to be used or released",
    ),
    _flag(
        "biocide",
        "it is biocidal or treated with a biocide",
        "there is no biocidal claim or treatment",
        "it is biocidal or treated (antibacterial, anti-mould)",
    ),
    _flag("packaged", "it is sold packaged", "it is sold without packaging"),
    Fact("market_date", Kind.DATE, "when it is placed on the market", "placed on the market", ""),
)

FACTS: Mapping[str, Fact] = MappingProxyType(
    {fact.name: fact for fact in (*_POWER, *_RADIO, *_DATA, *_USE, *_CLASS, *_SPECIAL)}
)
"""Every fact of the vocabulary, by name."""
