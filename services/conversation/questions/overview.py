"""Answers about the whole result: lists, counts, what is open, what comes first and next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.conversation.analysis import confidence, reasoning
from services.conversation.analysis.description import summarise
from services.conversation.analysis.next_steps import ce_acts, marking, steps
from services.conversation.language.word_lists import get_kinds
from services.conversation.questions.answers import (
    Answer,
    count_of,
    label,
    listed,
    lowered,
    reason,
    some,
)
from services.norms.catalogue import DISCLAIMER, get_catalogue
from services.norms.facts import FACTS, join_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.conversation.analysis.findings import Findings
    from services.conversation.analysis.verdicts import NormResult
    from services.conversation.language.phrases import Word

_TOP = 5
_MOST_EXCLUDED = 12
_MOST_OPEN = 12
_MOST_NORMS = 6  # named behind one open fact
_OFFER = (
    "I can tell you why a norm applies or not, what changes if the product changes, which norms "
    "matter most, what to do next, which dates count, and what is still open."
)


def _answer(text: str, results: Sequence[NormResult]) -> Answer:
    scores = [result.confidence for result in results]
    return Answer(text, tuple(result.norm_id for result in results), confidence.together(scores))


def list_norms(findings: Findings, words: Sequence[Word]) -> Answer:
    """List the norms that apply, or those of one kind when the question names it."""
    kinds = [kind for word in words for kind in get_kinds("overview.kinds").get(word.text, ())]
    chosen = [result for result in findings.matched if not kinds or result.kind in kinds]
    called = f"{join_items(dict.fromkeys(kinds))}" if kinds else "norm"
    if len(set(kinds)) > 1:
        called = "legal act"
    rest = "" if kinds else _rest(findings)
    return _answer(f"{applying(chosen, called)}{rest}", chosen)


def applying(chosen: Sequence[NormResult], called: str = "norm") -> str:
    """List norms that apply, best first; `called` is what one of them is."""
    if not chosen:
        return f"No {called} of my catalogue applies."
    verb = "applies" if len(chosen) == 1 else "apply"
    opening = f"{count_of(len(chosen), called)} {verb} to your product, the most important first:"
    return f"{opening}\n{listed(map(label, chosen))}"


def _rest(findings: Findings) -> str:
    parts = []
    if findings.open:
        ids = some([result.norm_id for result in findings.open], _MOST_OPEN)
        parts.append(f"{_to_be_checked(findings)}: {ids}.")
    parts.append(watched(findings))
    return "".join(f"\n{part}" for part in filter(None, parts))


def watched(findings: Findings) -> str:
    """Name the framework acts to be watched; "" without any."""
    names = join_items(map(label, findings.watched))
    return f"To be watched: {names}." if names else ""


def _to_be_checked(findings: Findings) -> str:
    number = len(findings.open)
    return f"{count_of(number, 'norm')} {'is' if number == 1 else 'are'} still to be checked"


def why_all(findings: Findings) -> Answer:
    """Give the reasons of the most important norms that apply."""
    top = findings.matched[:_TOP]
    lines = (f"{label(result)}: {lowered(result.reasoning)}" for result in top)
    more = len(findings.matched) - len(top)
    others = f"\nName any of the other {more} to hear why it applies." if more else ""
    opening = "The most important norms apply for these reasons:"
    return _answer(f"{opening}\n{listed(lines)}{others}", top)


def count(findings: Findings) -> Answer:
    """Count the norms by verdict."""
    acts = sum(result.kind != "standard" for result in findings.matched)
    found = len(findings.matched)
    text = (
        f"{count_of(found, 'norm')} {'applies' if found == 1 else 'apply'} to your product: "
        f"{count_of(acts, 'legal act')} and {count_of(found - acts, 'standard')}. Of the "
        f"{len(findings.results)} norms in my catalogue, {len(findings.open)} are still to be "
        f"checked, {len(findings.watched)} to be watched, and {len(findings.excluded)} do not "
        "apply."
    )
    return _answer(text, findings.matched)


def open_points(findings: Findings) -> str:
    """Say what must be checked: the open facts, each with the norms that it keeps open."""
    norms = {norm.id: norm for norm in get_catalogue().list_undecided(findings.facts)}
    by_fact: dict[str, list[str]] = {}
    for result in findings.open:
        for name in norms[result.norm_id].trigger.find_open_facts(findings.facts):
            by_fact.setdefault(name, []).append(result.norm_id)
    if not by_fact:
        return "Nothing is open: every norm of my catalogue is decided for your product."
    names = sorted(reasoning.in_order(by_fact), key=lambda name: -len(by_fact[name]))
    lines = [
        f"{FACTS[name].label}: matters for {some(by_fact[name], _MOST_NORMS)}"
        for name in names[:_MOST_OPEN]
    ]
    if len(names) > _MOST_OPEN:
        lines.append(f"{count_of(len(names) - _MOST_OPEN, 'other fact')} that matter less")
    return f"{_to_be_checked(findings)}. What I need to know:\n{listed(lines)}"


def still_open(findings: Findings) -> Answer:
    """List the open facts and the norms that each of them keeps open, then the doubts."""
    parts = [open_points(findings)]
    doubtful = [result for result in findings.matched if result.doubts]
    if doubtful:
        doubts = (f"{label(r)}: {' '.join(r.doubts)}" for r in doubtful)
        parts.append(f"My catalogue is not certain about these points:\n{listed(doubts)}")
    return _answer("\n".join(parts), [*findings.open, *doubtful])


def excluded(findings: Findings) -> Answer:
    """Name the weightiest norms that do not apply, each with its reason."""
    norms = {norm.id: norm.weight for norm in get_catalogue().norms}
    ranked = sorted(findings.excluded, key=lambda result: -norms[result.norm_id])
    shown = ranked[:_MOST_EXCLUDED]
    if not shown:
        return _answer("No norm of my catalogue is ruled out so far.", [])
    verb = "does" if len(ranked) == 1 else "do"
    some = " The most important of them:" if len(ranked) > len(shown) else ""
    lines = (f"{label(r)}: {reason(r)}" for r in shown)
    return _answer(
        f"{count_of(len(ranked), 'norm')} {verb} not apply.{some}\n{listed(lines)}", shown
    )


def priority(findings: Findings) -> Answer:
    """Name the most important norms, what each demands, and the first step."""
    top = findings.matched[:_TOP]
    lines = (f"{label(result)}: {result.summary}" for result in top)
    first = steps(findings)[0]
    text = f"The most important for your product:\n{listed(lines)}\nTo start: {lowered(first)}"
    return _answer(text, top)


def what_next(findings: Findings) -> Answer:
    """List the steps to take, in order."""
    lines = "\n".join(f"{place}. {step}" for place, step in enumerate(steps(findings), 1))
    text = f"{marking(findings)} The usual order of work:\n{lines}"
    about = set(ce_acts(findings)) or {result.norm_id for result in findings.matched}
    return _answer(text, [result for result in findings.matched if result.norm_id in about])


def facts_used(findings: Findings) -> Answer:
    """Repeat what is known of the product, what was assumed and what is not known."""
    parts = [summarise(findings.state)]
    if findings.unsure:
        parts.append(f"You could not say {reasoning.labels(findings.unsure)}.")
    parts.append("If something is wrong, tell me what is right, for example: no, it runs on 12 V.")
    return Answer("\n".join(parts), (), confidence.CERTAIN)


def advice() -> Answer:
    """Say what the catalogue is not."""
    number = len(get_catalogue().norms)
    text = f"My catalogue holds {number} acts and standards. {DISCLAIMER}"
    return Answer(text, (), confidence.CERTAIN)


def how_confident() -> Answer:
    """Say how the percentages are made."""
    return Answer(confidence.CONFIDENCE_NOTE, (), confidence.CERTAIN)


def offer() -> Answer:
    """Say what can be asked."""
    return Answer(_OFFER, (), confidence.CERTAIN)


def no_change_read() -> Answer:
    """Say that a "what if" names no change that can be read."""
    return Answer(
        "I could not tell from that what would change. Name the fact, for example: what if it has "
        "no Wi-Fi, or: what if it runs on 12 V?",
        (),
        confidence.UNKNOWN,
    )


def cannot() -> Answer:
    """Say that the question cannot be answered from the catalogue, and offer what can be."""
    return Answer(
        f"I cannot answer that: I only know the facts of your product and my catalogue of norms. "
        f"{_OFFER}",
        (),
        confidence.UNKNOWN,
    )
