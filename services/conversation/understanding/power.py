"""Works out how a product is powered from the volts, watts and power words of a message."""

from services.conversation.language.word_lists import get_words
from services.conversation.understanding.evidence import Evidence
from services.norms.facts import format_number

ADAPTER = "power adapter"
USB = "USB power"
ASSUMED_MAINS_V = 230
USB_V = 5
# Unmarked voltages from here on are AC: 100 V is the lowest mains voltage in the world, 60 V
# the highest usual battery or adapter voltage.
_LOWEST_AC_V = 85
_THREE_PHASE_V = 380
_WIRED_IN = ("mains", "built-in power supply")
_SPELLED = {ADAPTER, USB, *_WIRED_IN}  # their echo is worded here, not in the lexicon
_RUNS_ON_BATTERY = ("battery power", "AA or AAA cells", "9 V battery")
_BATTERY_V = {
    "AA or AAA cells": 1.5,
    "9 V battery": 9,
    "lithium coin cell": 3.0,
    "Li-ion battery": 3.7,
}
USUAL_BATTERY_V = 12  # most battery products use less; all that counts is that it is below 75


def read_power(found: Evidence, *, is_adapter: bool) -> None:
    """Add what the message says of the power supply.

    The highest voltage of each sort counts. A voltage replaces the other sort ("12 V" after
    "230 V AC" leaves no AC) unless the message mentions an output or says "also".

    Args:
        found: the message; facts and echo are added to it.
        is_adapter: whether the product itself is a power adapter or charger.
    """
    ac, dc, at = _read_volts(found)
    adapter = ADAPTER in found.names and not is_adapter
    wired = any(name in found.names for name in _WIRED_IN) and not adapter
    if adapter and ac is not None:
        ac = None  # the mains voltage belongs to the adapter, a separate product
    beside = not get_words("power.beyond_input").isdisjoint(found.scan.tokens)
    if ac is not None:
        _read_ac(found, ac, dc, at, beside=beside)
    elif wired:
        _assume_mains_volts(found, dc)
    else:
        _read_dc(found, dc, at, adapter=adapter, beside=beside)
    if is_adapter and ADAPTER in found.names:
        found.set_fact("eps", value=True, words=ADAPTER)
    _read_current(found, ac or (ASSUMED_MAINS_V if wired else None))


def _read_volts(found: Evidence) -> tuple[float | None, float | None, int]:
    ac: list[float] = []
    dc: list[float] = []
    at = 0
    mentioned = [each.concept.name for each in found.scan.mentions]
    bare_counts = "voltage" in mentioned or (found.topic == "power" and not mentioned)
    for quantity in found.scan.quantities:
        bare = not quantity.unit and bare_counts
        if quantity.unit != "V" and not bare:
            continue
        value = max(quantity.values)
        if bare and not 1 < value <= 1_000:  # noqa: PLR2004 - a year or a count, not volts
            continue
        at = quantity.at
        is_ac = quantity.form == "~" or (not quantity.form and value >= _LOWEST_AC_V)
        (ac if is_ac else dc).append(value)
    return max(ac, default=None), max(dc, default=None), at


def _read_ac(found: Evidence, ac: float, dc: float | None, at: int, *, beside: bool) -> None:
    words = f"{format_number(ac)} V AC"
    found.set_fact("electrical", value=True, words=words)
    found.set_fact("v_ac", ac, words)
    on_mains = ac >= _LOWEST_AC_V and "mains" not in found.denied
    if on_mains and not beside:
        found.set_fact("mains", value=True, words=words)
        found.likely.setdefault("eps", False)
        words = f"mains, {words}"
    if dc is not None:
        found.set_fact("v_dc", dc, f"{format_number(dc)} V DC")
        words = f"{words} and {format_number(dc)} V DC"
    elif USB in found.names:
        found.likely["v_dc"] = USB_V
    elif not beside:
        found.set_fact("v_dc", 0, words)
    found.add_echo(at, words)


def _assume_mains_volts(found: Evidence, dc: float | None) -> None:
    at = min(each.at for name in _WIRED_IN if (each := found.find_first(name)))
    found.likely["v_ac"] = ASSUMED_MAINS_V
    found.add_words("v_ac", "mains")
    found.likely.setdefault("eps", False)
    words = f"mains (taken as {ASSUMED_MAINS_V} V AC, as no voltage was given)"
    if dc is not None:
        found.set_fact("v_dc", dc, f"{format_number(dc)} V DC")
        words = f"{words} and {format_number(dc)} V DC"
    else:
        found.set_fact("v_dc", 0, "mains")
    found.add_echo(at, words)


def _read_dc(found: Evidence, dc: float | None, at: int, *, adapter: bool, beside: bool) -> None:
    """Read a supply other than the mains: adapter, USB, battery, solar, or just volts DC."""
    usb = found.find_first(USB) if USB in found.names else None
    on_battery = any(name in found.names for name in _RUNS_ON_BATTERY)
    words: list[str] = []
    if usb:
        words.append(f"USB power ({format_number(dc or USB_V)} V DC)")
        at = usb.at
        found.set_fact("v_dc", dc or USB_V, words[0])
    elif dc is not None:
        words.append(f"{format_number(dc)} V DC")
        found.set_fact("electrical", value=True, words=words[0])
        found.set_fact("v_dc", dc, words[0])
    elif on_battery or "solar power" in found.names:
        found.likely.setdefault("v_dc", _estimate_battery_volts(found))
    mention = found.find_first(ADAPTER)
    if adapter and mention:
        words.append("a power adapter (a product of its own)")
        at = at or mention.at
    if not words and not on_battery and "solar power" not in found.names:
        return
    if not (beside and dc is not None):
        found.set_fact("v_ac", 0, words[0] if words else "battery")
        found.set_fact("mains", value=False, words=words[0] if words else "battery")
    if words:
        found.add_echo(at, " from ".join(words))


def _estimate_battery_volts(found: Evidence) -> float:
    """Estimate the voltage of the battery named: "2 AA" is 3 V."""
    volts = next((_BATTERY_V[name] for name in _BATTERY_V if name in found.names), None)
    if volts is None:
        return USUAL_BATTERY_V
    cells = found.find_first("AA or AAA cells")
    if cells:
        before = [q for q in found.scan.quantities if not q.unit and 0 < cells.at - q.at <= 2]  # noqa: PLR2004
        count = before[-1].values[0] if before else 1
        volts *= count if 1 <= count <= 24 else 1  # noqa: PLR2004 - more is no cell count
    return volts


def _read_current(found: Evidence, volts: float | None) -> None:
    """Read amps as stated, or compute them from watts if the mains voltage is known."""
    currents = found.find_amounts("A", topic="current")
    if currents:
        words = f"{format_number(max(currents))} A"
        found.set_fact("input_a", max(currents), words)
        found.add_echo(len(found.scan.tokens), words)
        return
    power = find_watts(found)
    if power and volts:
        amount = compute_amps(power, volts)
        found.set_fact("input_a", amount, f"{format_number(power)} W")
        source = f"{format_number(power)} W at {format_number(volts)} V"
        words = f"{source}, so about {format_number(amount)} A"
        found.add_echo(len(found.scan.tokens), words)


def compute_amps(power: float, volts: float) -> float:
    """Compute the current per phase from watts; 380 V and more mean three phases."""
    phases = 3**0.5 if volts >= _THREE_PHASE_V else 1
    return max(round(power / volts / phases, 2), 0.01)


def find_watts(found: Evidence) -> float:
    """Return the highest power in the message, 0 for none."""
    return max(found.find_amounts("W"), default=0)


def has_own_wording(name: str) -> bool:
    """Tell whether the echo of a concept is worded here."""
    return name in _SPELLED
