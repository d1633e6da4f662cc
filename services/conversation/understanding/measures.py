"""Turns numbers with units other than volts and amps into facts: bands, pressure, screen, date."""

from services.conversation.language.quantities import LARGEST, Quantity
from services.conversation.language.word_lists import get_words
from services.conversation.understanding.evidence import Evidence
from services.norms.facts import format_day, format_number

# cm2 per square inch of diagonal of a 16:9 screen: 2.54**2 * 16 * 9 / (16**2 + 9**2)
_CM2_PER_SQUARE_INCH = 2.7568
_BANDS: tuple[tuple[float, float, str], ...] = (
    (0.009, 30, "nfc_inductive"),
    (25, 1_000, "band_sub1g"),
    (2_400, 2_500, "band_2g4"),
    (5_000, 5_730, "band_5g"),
)
_FEW_TOKENS = 2  # "24 inch" alone means a screen: no other topic asks for inches
_LOWEST_RADIO_MHZ = 0.1  # lower frequencies are those of the mains or of sound


def read_measures(found: Evidence) -> None:
    """Add the facts that these numbers state."""
    for quantity in found.scan.quantities:
        if quantity.unit == "MHz":
            _read_frequency(found, quantity)
        elif quantity.unit in ("inch", "cm") or (found.topic == "screen" and not quantity.unit):
            _read_screen(found, quantity)
        elif quantity.unit == "date":
            found.set_fact("market_date", int(quantity.values[0]), format_day(quantity.values[0]))
            found.add_echo(quantity.at, f"on the market from {format_day(quantity.values[0])}")
    pressure = max(found.find_amounts("bar", topic="pressure"), default=0)
    if pressure:
        found.set_fact("pressure_bar", pressure, f"{format_number(pressure)} bar")
        found.add_echo(len(found.scan.tokens), f"{format_number(pressure)} bar")


def _read_frequency(found: Evidence, quantity: Quantity) -> None:
    nearby = found.scan.tokens[quantity.at : quantity.at + 4]
    if not get_words("measures.processor_words").isdisjoint(nearby):
        return
    for value in quantity.values:
        band = next((name for low, high, name in _BANDS if low <= value <= high), "")
        if band and value >= _LOWEST_RADIO_MHZ:
            amount, unit = (value / 1_000, "GHz") if value >= 1_000 else (value, "MHz")  # noqa: PLR2004
            words = f"{format_number(amount)} {unit}"
            found.set_fact("radio", value=True, words=words)
            found.set_fact(band, value=True, words=words)
            found.add_echo(quantity.at, words)
    if found.stated.get("band_5g") and found.said.get("band_2g4") == "Wi-Fi":
        found.likely["band_2g4"] = found.stated.pop("band_2g4")  # "Wi-Fi at 5 GHz": maybe only


def _read_screen(found: Evidence, quantity: Quantity) -> None:
    """Read a diagonal in inches or a width and height in cm, if a screen is mentioned."""
    alone = len(found.scan.tokens) <= _FEW_TOKENS and quantity.unit == "inch"
    spoken_of = not get_words("measures.screen_words").isdisjoint(found.scan.tokens)
    if found.topic != "screen" and not alone and not spoken_of:
        return
    if quantity.unit == "cm":
        if len(quantity.values) == 1:
            area = (quantity.values[0] / 2.54) ** 2 * _CM2_PER_SQUARE_INCH
            size = f"{format_number(quantity.values[0])} cm"
        else:
            area = quantity.values[0] * quantity.values[1]
            size = " x ".join(format_number(value) for value in quantity.values[:2]) + " cm"
    else:
        if not 0 < max(quantity.values) <= LARGEST["inch"]:
            return
        area = max(quantity.values) ** 2 * _CM2_PER_SQUARE_INCH
        size = f"{format_number(max(quantity.values))}-inch"
    area = round(area)
    found.set_fact("display_cm2", area, size)
    found.add_echo(quantity.at, f"{size} screen (about {format_number(area)} cm²)")
