"""Suggests what a visitor may send with one click: answers, or questions on the results."""

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from services.conversation.analysis.findings import Findings
from services.conversation.analysis.verdicts import NormResult
from services.conversation.interview.dialogue import is_answer
from services.conversation.interview.state import State, get_known_facts
from services.conversation.language.intents import Intent, find_intents
from services.conversation.language.norm_names import find_norms
from services.conversation.language.phrases import split_words
from services.norms.facts import FACTS, Facts, Kind

MOST = 5
"""How many suggestions are made at a time."""
UNSURE = "I don't know"
NEXT = "What comes next?"

_YES_OR_NO = ("Yes", "No")
_NONE = "None of these"
_SUPPLIES = ("USB, 5 V DC", "230 V mains", "A rechargeable lithium battery")
_AT_HAND: Mapping[str, tuple[str, ...]] = {
    "screen": ("6 inch", "15 inch", "24 inch", "55 inch"),
    "current": ("Ordinary plug", "60 W", "1.5 A", "16 A"),
    "battery": ("Rechargeable lithium", "Rechargeable, not lithium", "Not rechargeable"),
    "pressure": ("8 bar", "2 bar", "0.4 bar"),
}
"""Answers to the questions that have one wording only."""
ITEMS: Mapping[str, str] = {
    "phone_tablet": "A smartphone",
    "is_display": "A monitor",
    "luminaire": "A lamp",
    "light_source": "A light bulb",
    "driven_moving_parts": "A motor",
    "band_2g4": "Bluetooth",
    "band_5g": "Wi-Fi at 5 GHz",
    "band_sub1g": "868 MHz",
    "nfc_inductive": "NFC",
    "wireless_charger": "Qi charging",
    "cellular": "A mobile network",
    "internet": "The internet",
    "data_conn": "Data by USB cable",
    "usage_data": "Records of its use",
    "personal_data": "A user account",
    "payments": "Payments",
    "worn": "Worn on the body",
    "childcare": "For the care of babies",
    "food_contact": "Contact with food",
    "laser": "A laser",
    "ai": "Artificial intelligence",
    "medical": "A medical purpose",
    "mixture": "A chemical to be used up",
    "biocide": "An antibacterial effect",
    "ppe": "Protection of the wearer",
    "fgas": "A refrigerant",
    "burns_gas": "It burns gas",
}
"""How an answer names one item of a list."""

_NAMED = re.compile(r"\(([^()]+)\)$")
_LONG_NAMES = ("Directive", "Regulation", "Act", "act")


def suggest(state: State, *, complete: bool, analyzed: bool, asked: Container[str]) -> list[str]:
    """List short texts that may be sent next; none between the interview and the analysis.

    Args:
        state: the interview's state.
        complete: whether the interview is complete.
        analyzed: whether there is an analysis of what is known.
        asked: what the messages and questions so far mean, as `find_meaning` returns it.
    """
    if not complete:
        return suggest_answers(state)
    return suggest_questions(Findings(state), asked) if analyzed else []


def suggest_answers(state: State) -> list[str]:
    """List typical answers to the pending question, all of which are understood."""
    candidates = _list_candidates(state["topic"], state["pending"], get_known_facts(state))
    denied = state.get("denied", ())
    fitting = [
        text
        for text in dict.fromkeys(candidates)
        if is_answer(state, text) and not any(name in text for name in denied)
    ]
    return [*fitting[: MOST - 1], UNSURE]


def _list_candidates(topic: str, pending: Sequence[str], known: Facts) -> Iterable[str]:
    """List answers to the question that `interview.topics` words for these facts."""
    if topic == "power":
        return _list_supplies(pending, known)
    if topic == "who" and "consumer" in pending:
        return ("Consumers, at home", "Only professionals", "Both")
    if len(pending) == 1 and FACTS[pending[0]].kind is Kind.BOOL:
        return _YES_OR_NO
    if topic in _AT_HAND:
        return _AT_HAND[topic]
    return _list_items(topic, pending, known)


def _list_items(topic: str, pending: Sequence[str], known: Facts) -> Iterable[str]:
    if "radio" in pending:
        return ("No radio", "Only Bluetooth", "Wi-Fi", "NFC")
    if topic != "kind" or not {"appliance", "ict_av"}.intersection(pending):
        return (_NONE, *(ITEMS[name] for name in pending if name in ITEMS))
    if known.get("electrical") is False:
        return ("A piece of furniture", "Clothing", "Tableware", "A toy")
    return ("A lamp", "A household appliance", "Audio or video equipment", "A toy")


def _list_supplies(pending: Sequence[str], known: Facts) -> Iterable[str]:
    if "electrical" in pending:
        return (*_SUPPLIES, "No electricity")
    if known.get("eps") and "v_dc" in pending:
        return ("5 V DC", "12 V DC", "24 V DC")
    if not {"eps", "battery", "input_a"}.issuperset(pending):
        return (*_SUPPLIES, "12 V DC")
    if list(pending) == ["eps"]:
        return ("A power adapter in the box", "No power adapter")
    battery = ("No battery", "A rechargeable lithium battery", "AA cells")
    return (*battery, "A power adapter in the box") if "eps" in pending else battery


def suggest_questions(findings: Findings, asked: Container[str]) -> list[str]:
    """List questions about the results that were not asked yet.

    Args:
        findings: the results.
        asked: what was asked so far, as `find_meaning` returns it.
    """
    fresh = (text for text in list_questions(findings) if find_meaning(text) not in asked)
    return [text for text, _ in zip(fresh, range(MOST), strict=False)]


def find_meaning(question: str) -> str:
    """Return a short text for what a question means, whatever its wording; it may be stored.

    For a "what if" it stands for the words, as it does for what is no question.
    """
    spelled = split_words(question)
    kinds = find_intents(spelled)[:1]
    if not kinds or kinds[0] is Intent.WHAT_IF:
        words = " ".join(word.text for word in spelled)
        return hashlib.sha256(words.encode(errors="surrogatepass")).hexdigest()[:16]
    return " ".join((*kinds, *find_norms(question).ids))


def list_questions(findings: Findings) -> Iterator[str]:
    """Yield the questions that are worth asking, one of each sort first."""
    whys = filter(None, (_ask_why(result) for result in findings.matched))
    suppositions = _list_suppositions(findings)
    yield from _take(whys, 1)
    yield from _take(suppositions, 1)
    yield NEXT
    if findings.open:
        yield "What is still open?"
    yield from _take(whys, 1)
    yield "Which deadlines count?"
    yield from suppositions
    yield "Which norms matter most?"
    yield "Which norms do not apply?"
    yield from whys


def _take(texts: Iterator[str], most: int) -> Iterator[str]:
    return (text for _, text in zip(range(most), texts, strict=False))


def _ask_why(result: NormResult) -> str:
    """Ask why a norm applies, by its first unambiguous name; "" without one."""
    asked = (f"Why does {name} apply?" for name in _list_names(result))
    return next((text for text in asked if find_norms(text).ids == (result.norm_id,)), "")


def _list_names(result: NormResult) -> Iterator[str]:
    """Yield the names of a norm, the shortest first, its number last."""
    title = result.norm_name
    for name in (*_NAMED.findall(title), title.partition(" (")[0]):
        long = name.endswith(_LONG_NAMES)
        yield f"the {name}" if long else name
    yield result.norm_id


def _list_suppositions(findings: Findings) -> Iterator[str]:
    """Yield "what if" questions that are worth asking."""
    facts = findings.facts
    yield "What if it had no radio?" if facts.get("radio") else "What if it had Wi-Fi?"
    if facts.get("battery"):
        yield "What if it had no battery?"
    else:
        yield "What if it had a rechargeable battery?"
    yield "What if it ran on USB?" if facts.get("mains") else "What if it ran on 230 V mains?"
    if facts.get("consumer"):
        yield "What if only professionals used it?"
    else:
        yield "What if consumers used it?"
