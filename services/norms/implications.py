"""Infers facts from other facts, so that nobody is asked for them."""

from collections.abc import Iterable

from services.norms.vocabulary import FACTS, Facts, Kind

# A fact on the left, when yes (or above 0), makes those on the right yes;
# when one of those on the right is no, the fact on the left is no (or 0).
_BOTH_WAYS: dict[str, tuple[str, ...]] = {
    "mains": ("electrical", "v_ac"),
    "eps": ("electrical",),
    "battery": ("electrical",),
    "rechargeable": ("battery",),
    "lithium": ("battery",),
    "v_ac": ("electrical",),
    "v_dc": ("electrical",),
    "input_a": ("electrical",),
    "radio": ("electrical",),
    "band_2g4": ("radio",),
    "band_5g": ("radio",),
    "band_sub1g": ("radio",),
    "nfc_inductive": ("radio",),
    "wireless_charger": ("radio",),
    "cellular": ("radio", "data_conn"),
    "internet": ("data_conn",),
    "ict_av": ("electrical",),
    "luminaire": ("lighting", "electrical"),
    "light_source": ("lighting", "electrical"),
    "phone_tablet": ("ict_av", "radio", "rechargeable"),
    "is_display": ("ict_av", "display_cm2"),
    "ebike": ("driven_moving_parts", "rechargeable"),
    "usb_c_cable": ("electrical",),
    "charger_list": ("electrical",),
    "eaa_list": ("electrical",),
    "standby_list": ("electrical",),
    "laser": ("electrical",),
    "childcare": ("consumer",),
    "child_play": ("consumer",),
}

# Only in the negative: a thing without electricity has none of these, while
# software that has them is not electrical itself.
_ONLY_IF_NO: dict[str, tuple[str, ...]] = {
    "electrical": ("data_conn", "usage_data", "personal_data", "payments", "ai"),
    "is_display": ("display_cm2",),
}

Literal = tuple[str, bool]
"""A fact and whether it is yes (a number: above 0)."""


def _build_steps() -> dict[Literal, set[Literal]]:
    steps: dict[Literal, set[Literal]] = {}
    for name, consequences in _BOTH_WAYS.items():
        for other in consequences:
            steps.setdefault((name, True), set()).add((other, True))
            steps.setdefault((other, False), set()).add((name, False))
    for name, others in _ONLY_IF_NO.items():
        steps.setdefault((name, False), set()).update((other, False) for other in others)
    return steps


def _find_reachable(start: Literal, steps: dict[Literal, set[Literal]]) -> set[Literal]:
    found: set[Literal] = set()
    todo = [start]
    while todo:
        for literal in steps.get(todo.pop(), ()):
            if literal not in found:
                found.add(literal)
                todo.append(literal)
    return found


def _build_closure() -> dict[Literal, tuple[tuple[str, bool | int], ...]]:
    """Map each literal to everything that follows from it, with its value.

    That a number is above 0 does not give its value, so it is no conclusion of its own.
    """
    steps = _build_steps()
    closed: dict[Literal, tuple[tuple[str, bool | int], ...]] = {}
    for start in steps:
        conclusions: list[tuple[str, bool | int]] = []
        for name, value in sorted(_find_reachable(start, steps)):
            if FACTS[name].kind is Kind.BOOL:
                conclusions.append((name, value))
            elif not value:
                conclusions.append((name, 0))
        closed[start] = tuple(conclusions)
    return closed


_CLOSURE = _build_closure()


def add_implications(facts: Facts) -> dict[str, bool | int | float]:
    """Return the facts with what they imply; given facts are never changed.

    All rules have one premise and keep the sign (yes makes yes, no makes no), so the result
    is closed, applying it again adds nothing, and the order of `facts` does not matter. Where
    the given facts contradict each other, what follows from a yes is taken before what
    follows from a no: naming a thing is better evidence than leaving it out.
    """
    result = dict(facts)
    negatives = []
    for name, value in facts.items():
        if value > 0:
            for other, implied in _CLOSURE.get((name, True), ()):
                result.setdefault(other, implied)
        else:
            negatives.append(name)
    for name in negatives:
        for other, implied in _CLOSURE.get((name, False), ()):
            result.setdefault(other, implied)
    return result


def is_implied(name: str, value: bool | float, known: Iterable[tuple[str, bool | float]]) -> bool:
    """Tell whether one of the other `known` facts implies that `name` has `value`."""
    return any(
        (name, value) in _CLOSURE.get((other, known_value > 0), ())
        for other, known_value in known
        if other != name
    )
