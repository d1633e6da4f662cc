"""Words a reply: what was understood, what it changes, and what is assumed."""

from collections.abc import Mapping, Sequence

from services.conversation.interview.state import State
from services.conversation.language.terms import CLASS_LABELS, PURPOSE_LABELS, Value
from services.conversation.understanding.message import Understanding
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.facts import (
    FACTS,
    Facts,
    Kind,
    format_day,
    format_number,
    join_items,
    phrase_fact,
)
from services.norms.implications import is_implied

# How the echo says that the rest of a list was denied: alone, or after things that were named.
_DENIED_LIST: Mapping[str, tuple[str, str]] = {
    "kind": ("none of these kinds", "none of the other kinds"),
    "data": ("none of these", "nothing else of these"),
    "any": ("none of these", "nothing else of these"),
}
_SHORT_NO: Mapping[str, str] = {
    "electrical": "no electricity",
    "mains": "not on the mains",
    "eps": "no power adapter",
    "battery": "no battery",
    "consumer": "professionals only",
}
# Openings of clauses that a short phrase leaves out; the first that fits.
_OPENINGS = ("it is or ", "it is ", "it has ", "there is ", "there are ", "it ")
_VOLTS = ("v_ac", "v_dc")
_TELLING_NO = ("electrical", "consumer")  # assumed to be no, and worth showing
# Assumptions that the echo already contains.
_UNTOLD = frozenset((*CLASS_LABELS, *PURPOSE_LABELS, "residential"))
_BANDS = TOPIC_FACTS["radio"][1:]
_MOST_NAMED = 3  # more phrases than this do not help the reader


def phrase_briefly(name: str, value: Value | None) -> str:
    """Say one fact in as few words as it takes: "230 V AC", "no radio", "not known".

    Raises:
        KeyError: `name` is not in the vocabulary.
    """
    if value is None:
        return "not known"
    if not value and name in _SHORT_NO:
        return _SHORT_NO[name]
    clause = phrase_fact(name, value)
    opening = next((words for words in _OPENINGS if clause.startswith(words)), "")
    return clause.removeprefix("it " if opening == _OPENINGS[0] else opening)


def write_echo(before: State, after: State, message: Understanding) -> str:
    """Say what was understood from a message, "" when nothing was.

    Args:
        before: the state before the message.
        after: the state after it.
        message: the message.
    """
    parts = list(message.heard)
    closed = [
        name
        for name in before["pending"]
        if name in after["facts"] and name not in message.stated and name not in before["facts"]
    ]
    if closed:
        parts.extend(_phrase_closed(before["topic"], closed, after["facts"], named=bool(parts)))
    sentences = [f"I noted: {', '.join(parts)}."] if parts else []
    if any(name in before["pending"] for name in after["unsure"]):
        sentences.append("I leave open what you do not know.")
    return " ".join(sentences)


def _phrase_closed(topic: str, names: Sequence[str], facts: Facts, *, named: bool) -> list[str]:
    """Word the facts that an answer decided without naming them."""
    if not any(facts[name] for name in names):
        if topic == "radio":
            return ["no radio" if "radio" in names else "no other radio"]
        if len(names) > 1 and topic in _DENIED_LIST:
            return [_DENIED_LIST[topic][named]]
        if "electrical" in names:
            return [_SHORT_NO["electrical"]]
        shorter = [_SHORT_NO[name] for name in names if name in _SHORT_NO]
        if shorter:
            return shorter
    return [phrase_fact(name, facts[name]) for name in names[:_MOST_NAMED]]


def write_changes(before: Facts, after: Facts, old: State, new: State) -> str:
    """Say which earlier statements a message reverses: "Changed: 12 V DC instead of ...".

    Args:
        before: the facts known before the message.
        after: the facts known with it.
        old: the state before it.
        new: the state with it.
    """
    meant: Mapping[str, Value] = {**old["likely"], **old["facts"]}
    turned = [n for n in meant if n in after and n in before and before[n] != after[n]]
    found = []
    if old["kind"] and new["kind"] != old["kind"]:
        found.append(f"{new['kind']} instead of {old['kind']}")
    if any(name in _VOLTS for name in turned):
        stated = {n: before[n] for n in _VOLTS if n in before and _is_stated(n, old["facts"])}
        supplies = _phrase_supply(stated), _phrase_supply(after)
        if all(supplies) and supplies[0] != supplies[1]:
            found.append(f"{supplies[1]} instead of {supplies[0]}")
        turned = [name for name in turned if name not in (*_VOLTS, "mains", "eps")]
    if "radio" in turned:
        turned = [name for name in turned if name not in _BANDS]
    pairs = [(name, after[name]) for name in turned]
    found.extend(
        _phrase_change(name, before[name], value)
        for name, value in pairs
        if not is_implied(name, value, [other for other in pairs if other[0] != name])
    )
    return f"Changed: {'; '.join(found)}." if found else ""


def _is_stated(volts: str, facts: Facts) -> bool:
    """Tell whether a voltage was said, or meant by "mains", rather than only assumed."""
    return volts in facts or (volts == "v_ac" and bool(facts.get("mains")))


def _phrase_change(name: str, old: Value, new: Value) -> str:
    kind = FACTS[name].kind
    if kind is Kind.BOOL:
        return phrase_fact(name, new)
    if kind is Kind.DATE:
        return f"{format_day(new)} instead of {format_day(old)}"
    return f"{phrase_fact(name, new)} instead of {phrase_fact(name, old)}"


def _phrase_supply(known: Facts) -> str:
    return next((phrase_fact(name, known[name]) for name in _VOLTS if known.get(name)), "")


def write_assumptions(before: Facts, after: Facts, state: State) -> str:
    """Say what is newly assumed, so that it can be corrected."""
    facts = state["facts"]
    fresh = {
        name: value
        for layer in ("of_kind", "likely")
        for name, value in state[layer].items()
        if (value or name in _TELLING_NO)
        and before.get(name) != value
        and after.get(name) == value
        and name not in _UNTOLD
        and name not in facts
    }
    if not fresh:
        return ""
    if "mains" in facts:
        fresh.pop("v_ac", None)  # already in the echo
    volts = [phrase_fact(name, fresh.pop(name)) for name in _VOLTS if name in fresh]
    amps = fresh.pop("input_a", None)
    electrical = fresh.pop("electrical", True)
    grounds = [*fresh.items(), *facts.items()]
    clauses = [phrase_fact(*pair) for pair in fresh.items() if not is_implied(*pair, grounds)]
    if not electrical:
        clauses.append("it uses no electricity")
    if volts:
        clauses.append(f"it is rated {join_items(volts)} at most")
    if amps:
        clauses.append(f"it draws at most {format_number(amps)} A, as from an ordinary socket")
    return f"I take it that {join_items(clauses)}; correct me if not." if clauses else ""


def write_closing(state: State, known: Facts, open_norms: int, norms: int) -> tuple[str, str]:
    """Word the end of the interview.

    Returns:
        The message for the maker, and the reasoning: why nothing more is asked.
    """
    unsure = [FACTS[name].label for name in state["unsure"] if name not in known]
    message = ["I have no more questions."]
    reasoning = f"All {norms} norms of the catalogue are decided by what is known."
    if open_norms:
        which = join_items(unsure) if len(unsure) <= _MOST_NAMED else f"{len(unsure)} open facts"
        message.append("Norms that hang on what you do not know will be marked “to be checked”.")
        reasoning = (
            f"{norms - open_norms} of {norms} norms are decided by what is known; {open_norms} "
            f"{'hangs' if open_norms == 1 else 'hang'} on {which}, which you could not tell."
        )
    assumed = [
        words
        for name, words in (
            ("packaged", "sold packaged"),
            ("market_date", f"placed on the market from {format_day(known.get('market_date', 0))}"),
        )
        if name not in state["facts"] and name in known
    ]
    if assumed:
        message.append(f"I assume that it is {join_items(assumed)}.")
    message.append("The norms can be checked now; you can still correct anything.")
    return " ".join(message), reasoning
