"""Resolves conflicts between what a message says, denies and suggests."""

from services.conversation.understanding.evidence import Evidence
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.facts import add_implications

_BANDS = TOPIC_FACTS["radio"][1:]
_TECHNOLOGIES_2G4 = {"Wi-Fi", "Bluetooth"}
# What "only mains", "only USB" and "only an adapter" exclude.
_ONLY_POWER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mains", ("eps", "battery")),
    ("USB power", ("mains", "eps", "battery")),
    ("power adapter", ("mains", "battery")),
)


def resolve_conflicts(found: Evidence) -> None:
    """Apply denials and "only", and drop the assumptions that statements decide."""
    _apply_only(found)
    if found.denied:
        _apply_denials(found)
    if found.likely:
        implied = add_implications(found.stated)
        found.likely = {n: value for n, value in found.likely.items() if n not in implied}


def _apply_denials(found: Evidence) -> None:
    """Apply denials; in "no radio, except NFC" the particular beats the general."""
    implied = add_implications(found.stated)
    for mention in found.scan.mentions:
        if mention.said is not False or mention.concept.name in found.names:
            continue
        for name, value in mention.concept.no:
            if implied.get(name) is not True:
                found.set_fact(name, value, f"no {mention.concept.name}")
            elif name == "radio":
                _close_bands(found)
    if found.denied >= _TECHNOLOGIES_2G4 and "band_2g4" not in found.stated:
        found.set_fact("band_2g4", value=False, words="no Wi-Fi, no Bluetooth")


def _apply_only(found: Evidence) -> None:
    """Deny the rest of a group of which one is the only one: "only Bluetooth", "only USB"."""
    only = {each.concept.name: each.concept.group for each in found.scan.mentions if each.only}
    if not only:
        return
    if "radio" in only.values() and any(found.stated.get(name) for name in _BANDS):
        _close_bands(found)
    for name, excluded in _ONLY_POWER:
        if name in only and name in found.names:
            for fact in excluded:
                if not found.stated.get(fact):
                    found.set_fact(fact, value=False, words=f"only {name}")
    if "battery" in only.values() and found.stated.get("battery"):
        for fact in ("mains", "eps"):
            found.stated.setdefault(fact, False)
        found.stated.setdefault("v_ac", 0)


def _close_bands(found: Evidence) -> None:
    for band in _BANDS:
        found.stated.setdefault(band, False)
