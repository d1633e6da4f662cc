"""Products whose interview is finished, as makers described and answered."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from functools import cache
from typing import Any

from services.conversation import interview

TODAY = date(2026, 11, 21)
MOST_TURNS = 20

INTERVIEWS: dict[str, dict[str, str]] = {
    "desk lamp": {
        "opener": "USB-powered LED desk lamp",
        "who": "consumers at home",
    },
    "earbuds": {
        "opener": "Bluetooth wireless earbuds",
        "power": "rechargeable li-ion battery, 3.7 V, USB-C charging",
        "radio": "only bluetooth",
        "data": "app with account",
        "who": "consumers, worn on the body",
    },
    "standing desk": {
        "opener": "Electric standing desk",
        "power": "230 V mains",
        "current": "1.5 A",
        "who": "offices and consumers",
    },
    "power bank": {
        "opener": "Portable power bank",
        "power": "USB 5 V, lithium battery",
        "battery": "rechargeable lithium",
        "who": "consumers",
    },
    "bulb": {
        "opener": "WiFi smart light bulb with RGB LEDs",
        "power": "Yes, 230V AC",
        "data": "app with account",
        "who": "consumers at home",
    },
    "mug": {
        "opener": "ceramic mug",
        "power": "no electricity",
        "who": "consumers",
        "any": "food contact",
    },
    "robot": {
        "opener": "industrial robot arm, 400 V AC, with ethernet",
        "current": "16 A",
        "data": "I don't know",
        "who": "professionals only",
    },
}
"""By product: the opener, and what its maker says to each topic; to others it is "none"."""


def run_interview(opener: str, answers: Mapping[str, str], otherwise: str) -> dict[str, Any]:
    """The state of an interview that runs to its end.

    Args:
        opener: the description it begins with.
        answers: what is said to a topic.
        otherwise: what is said to any other topic.
    """
    state, reply = interview.begin(opener, today=TODAY)
    for _ in range(MOST_TURNS):
        if reply.complete:
            return state
        state, reply = interview.respond(state, answers.get(state["topic"], otherwise))
    raise AssertionError("the interview does not end")


@cache
def _run_finished(product: str) -> dict[str, Any]:
    answers = INTERVIEWS[product]
    return run_interview(answers["opener"], answers, "none")


def get_finished(product: str) -> dict[str, Any]:
    """The state of a product's finished interview; a copy."""
    return deepcopy(_run_finished(product))
