"""The state of an interview: what was said, what is assumed, and how a message changes it."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from services.conversation.language.terms import Value
from services.conversation.understanding.message import Understanding
from services.conversation.understanding.power import compute_amps
from services.conversation.understanding.replies import TECHNOLOGIES_2G4, TOPIC_FACTS
from services.norms.facts import FACTS, Kind, add_implications

State = dict[str, Any]
"""A JSON object. Its members:

description: the maker's first words. facts: what was said. likely, of_kind, defaults:
assumptions from words, from the kind of product, and for every product. kind: that kind, or
None. denied: radio technologies that were denied by name. said: the words behind facts. unsure:
facts the maker does not know. topic and pending: the question that waits for an answer and the
facts it asks for. asked: topics asked so far. misses: messages that were not understood. turns:
messages read.
"""

_ORDINARY_SOCKET_V = 250  # up to here a current of at most 16 A may be assumed
_NEEDS_ELECTRICITY = frozenset(
    name for name in FACTS if add_implications({name: 1}).get("electrical") is True
)
_LEADING = frozenset(
    (name, value)
    for name in FACTS
    for value in (True, False)
    if len(add_implications({name: value})) > 1
)
_BANDS = TOPIC_FACTS["radio"][1:]
_LAYERS = ("facts", "likely", "of_kind")


def build_state(description: str, today: date) -> State:
    """Build the state of a new interview; the assumed market date is the next 1 January."""
    defaults = {"packaged": True, "market_date": (today.year + 1) * 10_000 + 101}
    return {
        "description": description,
        "facts": {},
        "likely": {},
        "of_kind": {},
        "defaults": defaults,
        "kind": None,
        "denied": [],
        "said": {},
        "unsure": [],
        "topic": None,
        "pending": [],
        "asked": [],
        "misses": 0,
        "turns": 0,
    }


def get_known_facts(state: State) -> dict[str, Value]:
    """Return the facts that the triggers are evaluated on.

    What was said comes first, then what follows from it, then the assumptions that do not
    contradict it: those from the words, those from the kind of product, the defaults. A fact the
    maker is unsure of is not assumed, and a kind alone does not make a product electrical.
    """
    known = add_implications(state["facts"])
    unsure = state.get("unsure", ())
    for layer in (state.get("likely"), state.get("of_kind")):
        if layer:
            _assume(known, layer, unsure)
    for name, value in state.get("defaults", {}).items():
        if name not in unsure:
            known.setdefault(name, value)
    return known


def _assume(known: dict[str, Value], layer: Mapping[str, Value], unsure: Collection[str]) -> None:
    electrical = known.get("electrical", layer.get("electrical"))
    leading: dict[str, Value] = {}  # those that imply something
    for name, value in layer.items():
        if name in known or name in unsure or name == "input_a":
            continue
        if electrical or not value or name not in _NEEDS_ELECTRICITY:
            known[name] = value
            if (name, value > 0) in _LEADING:
                leading[name] = value
    if leading:
        for name, value in add_implications(leading).items():
            if name not in unsure:
                known.setdefault(name, value)
    amps = layer.get("input_a")
    on_ordinary_mains = known.get("mains") and 0 < known.get("v_ac", 0) <= _ORDINARY_SOCKET_V
    if amps and on_ordinary_mains and "input_a" not in unsure:
        known.setdefault("input_a", amps)


def apply_message(state: State, message: Understanding) -> State:
    """Return the state after a message; new statements replace earlier ones.

    A new statement also removes the earlier ones that it contradicts: "with a battery" removes
    "no electricity". The argument is not changed.
    """
    stated = _add_answers(state, message)
    facts, likely, said = dict(state["facts"]), dict(state["likely"]), dict(state["said"])
    if message.denied:
        _withdraw(message.denied, facts, likely, said)
    following = add_implications(stated)
    facts = {name: value for name, value in facts.items() if following.get(name, value) == value}
    _reopen(facts, said, message)
    if stated.get("mains") and not facts.get("v_ac", 1):
        del facts["v_ac"]  # a zero from an earlier "12 V" or "USB"
    if stated.get("rechargeable") is False and message.likely.get("lithium") is False:
        facts.pop("lithium", None)  # "no, it is alkaline" ends "LiPo"
    facts.update(stated)
    likely.update(message.likely)
    for name, words in message.said.items():
        if name in stated or name in likely:
            same = state["facts"].get(name, state["likely"].get(name)) == facts.get(name, True)
            said[name] = _join_words(said.get(name, "") if same else "", words)
    if len(state["pending"]) == 1 and state["pending"][0] in facts:
        said.setdefault(state["pending"][0], "the answer")  # the only fact asked for
    changed = {**state, "facts": facts, "likely": likely, "said": said}
    changed["denied"] = _list_denied(state, message)
    changed["unsure"] = _list_unsure(state, message, following)
    named = state["kind"] is None or state["topic"] == "kind" or message.renames
    if named and message.kind and message.of_kind != state["of_kind"]:
        changed["kind"] = message.kind.name
        changed["of_kind"] = message.of_kind
    elif "electrical" in message.opens and "electrical" in state["of_kind"]:
        of_kind = {n: value for n, value in state["of_kind"].items() if n != "electrical"}
        changed["of_kind"] = of_kind
    return changed


def forget_facts(state: State, names: Collection[str]) -> State:
    """Return the state without the named facts and without what implies them."""
    if not names:
        return state

    def is_kept(name: str, value: Value) -> bool:
        return add_implications({name: value}).keys().isdisjoint(names)

    return keep_facts(state, is_kept)


def keep_facts(state: State, is_kept: Callable[[str, Value], bool]) -> State:
    """Return the state with only the statements and assumptions for which `is_kept` is true."""
    changed = dict(state)
    for layer in _LAYERS:
        facts: dict[str, Value] = state.get(layer) or {}
        changed[layer] = {name: value for name, value in facts.items() if is_kept(name, value)}
    return changed


def _reopen(facts: dict[str, Value], said: Mapping[str, str], message: Understanding) -> None:
    """Drop a "no" that only came from a list, if it is suggested or made doubtful now.

    "None" to the data question, then "it has Bluetooth": there is a data connection after all.
    """
    for name in (*message.likely, *message.opens):
        if name not in said and facts.get(name) is False:
            del facts[name]


def _add_answers(state: State, message: Understanding) -> dict[str, Value]:
    """Add what a message means as the answer to the pending question."""
    stated = dict(message.stated)
    implied = add_implications(stated)
    pending = state["pending"]
    if message.neither and "consumer" in pending:
        return stated  # to "consumers or only professionals?" this is no answer
    for name in pending:
        if name in message.closing and name not in implied and name not in message.likely:
            stated[name] = message.closing[name]
    if message.both and len(pending) == 2:  # noqa: PLR2004 - both are two
        stated.update((name, True) for name in pending if FACTS[name].kind is Kind.BOOL)
    if message.yes_or_no and len(pending) == 1 and FACTS[pending[0]].kind is Kind.BOOL:
        stated.setdefault(pending[0], True)
    kept = [name for name in message.besides if state["facts"].get(name) is True]
    for name in kept:
        stated.pop(name, None)  # still true of the other battery
    if kept and pending == ["eps"]:
        stated.pop("eps", None)  # a second battery does not answer "is an adapter in the box?"
    if message.watts:
        known = get_known_facts(state)
        volts = known.get("v_ac")
        if volts and known.get("mains"):
            stated["input_a"] = compute_amps(message.watts, volts)
    return stated


def _list_unsure(state: State, message: Understanding, following: Mapping[str, Value]) -> list[str]:
    """List what the maker does not know; of the topic, only what was asked for."""
    pending = state["pending"]
    of_topic = TOPIC_FACTS.get(state["topic"] or "", ())
    asked = (n for n in message.unsure if n in pending or n not in of_topic)
    everything = [*state["unsure"], *(name for name in asked if name not in state["facts"])]
    return [name for name in dict.fromkeys(everything) if name not in following]


def _list_denied(state: State, message: Understanding) -> list[str]:
    """List the technologies that were denied by name and not mentioned since."""
    denied = {*state.get("denied", ()), *message.denied}
    if not denied:
        return []
    said = {word for words in message.said.values() for word in words.split(", ")}
    return sorted(denied.intersection(TECHNOLOGIES_2G4) - said)


def _join_words(before: str, words: str) -> str:
    if before and words.endswith("Hz"):
        return before  # "2.4 GHz" after "Wi-Fi" is the same radio, not another one
    return ", ".join(dict.fromkeys([*filter(None, before.split(", ")), *words.split(", ")]))


def _withdraw(
    denied: Collection[str],
    facts: dict[str, Value],
    likely: dict[str, Value],
    said: dict[str, str],
) -> None:
    """Drop the facts that rest only on what is denied now ("drop the Wi-Fi").

    A radio band that only the denied technology used is not used; when no band is left, there is
    no radio. Other facts become open again.
    """
    for name, words in list(said.items()):
        left = [word for word in words.split(", ") if word not in denied]
        if left:
            said[name] = ", ".join(left)
            continue
        del said[name]
        likely.pop(name, None)
        if facts.pop(name, None) and name in _BANDS:
            facts[name] = False
    if "radio" not in facts and all(facts.get(band) is False for band in _BANDS):
        facts["radio"] = False
