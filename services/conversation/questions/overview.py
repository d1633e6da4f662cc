"""Answers about all results: lists, counts, what is open, what comes first and next."""

from collections.abc import Sequence

from services.conversation.analysis import confidence, reasoning
from services.conversation.analysis.description import summarise
from services.conversation.analysis.findings import Findings
from services.conversation.analysis.next_steps import list_ce_acts, list_steps, write_marking
from services.conversation.analysis.verdicts import NormResult
from services.conversation.language.phrases import Word
from services.conversation.language.word_lists import get_kinds
from services.conversation.questions.answers import (
    Answer,
    build_answer,
    extract_reason,
    format_count,
    format_list,
    label_norm,
    lower_first,
    name_some,
)
from services.norms.catalogue import DISCLAIMER, get_catalogue
from services.norms.facts import FACTS, join_items

_TOP = 5
_MOST_EXCLUDED = 12
_MOST_OPEN = 12
_MOST_NORMS = 6  # named behind one open fact
_OFFER = (
    "I can tell you why a norm applies or not, what changes if the product changes, which norms "
    "matter most, what to do next, which dates count, and what is still open."
)


def list_norms(findings: Findings, words: Sequence[Word]) -> Answer:
    """List the norms that apply, or those of one kind when the question names it."""
    kinds = [kind for word in words for kind in get_kinds("overview.kinds").get(word.text, ())]
    chosen = [result for result in findings.matched if not kinds or result.kind in kinds]
    called = f"{join_items(dict.fromkeys(kinds))}" if kinds else "norm"
    if len(set(kinds)) > 1:
        called = "legal act"
    rest = "" if kinds else _write_rest(findings)
    return build_answer(f"{format_matches(chosen, called)}{rest}", chosen)


def format_matches(chosen: Sequence[NormResult], called: str = "norm") -> str:
    """List norms that apply, best first; `called` is the word for one of them."""
    if not chosen:
        return f"No {called} of my catalogue applies."
    verb = "applies" if len(chosen) == 1 else "apply"
    opening = (
        f"{format_count(len(chosen), called)} {verb} to your product, the most important first:"
    )
    return f"{opening}\n{format_list(map(label_norm, chosen))}"


def _write_rest(findings: Findings) -> str:
    parts = []
    if findings.open:
        ids = name_some([result.norm_id for result in findings.open], _MOST_OPEN)
        parts.append(f"{_write_open(findings)}: {ids}.")
    parts.append(write_watched(findings))
    return "".join(f"\n{part}" for part in filter(None, parts))


def write_watched(findings: Findings) -> str:
    """Name the framework acts to be watched; "" without any."""
    names = join_items(map(label_norm, findings.watched))
    return f"To be watched: {names}." if names else ""


def _write_open(findings: Findings) -> str:
    number = len(findings.open)
    return f"{format_count(number, 'norm')} {'is' if number == 1 else 'are'} still to be checked"


def explain_matches(findings: Findings) -> Answer:
    """Give the reasons of the most important norms that apply."""
    top = findings.matched[:_TOP]
    lines = (f"{label_norm(result)}: {lower_first(result.reasoning)}" for result in top)
    more = len(findings.matched) - len(top)
    others = f"\nName any of the other {more} to hear why it applies." if more else ""
    opening = "The most important norms apply for these reasons:"
    return build_answer(f"{opening}\n{format_list(lines)}{others}", top)


def count_norms(findings: Findings) -> Answer:
    """Count the norms by verdict."""
    acts = sum(result.kind != "standard" for result in findings.matched)
    found = len(findings.matched)
    text = (
        f"{format_count(found, 'norm')} {'applies' if found == 1 else 'apply'} to your product: "
        f"{format_count(acts, 'legal act')} and {format_count(found - acts, 'standard')}. Of the "
        f"{len(findings.results)} norms in my catalogue, {len(findings.open)} are still to be "
        f"checked, {len(findings.watched)} to be watched, and {len(findings.excluded)} do not "
        "apply."
    )
    return build_answer(text, findings.matched)


def write_open_points(findings: Findings) -> str:
    """Say what must be checked: the open facts, each with the norms that it keeps open."""
    norms = {norm.id: norm for norm in get_catalogue().list_undecided(findings.facts)}
    by_fact: dict[str, list[str]] = {}
    for result in findings.open:
        for name in norms[result.norm_id].trigger.find_open_facts(findings.facts):
            by_fact.setdefault(name, []).append(result.norm_id)
    if not by_fact:
        return "Nothing is open: every norm of my catalogue is decided for your product."
    names = sorted(reasoning.sort_facts(by_fact), key=lambda name: -len(by_fact[name]))
    lines = [
        f"{FACTS[name].label}: matters for {name_some(by_fact[name], _MOST_NORMS)}"
        for name in names[:_MOST_OPEN]
    ]
    if len(names) > _MOST_OPEN:
        lines.append(f"{format_count(len(names) - _MOST_OPEN, 'other fact')} that matter less")
    return f"{_write_open(findings)}. What I need to know:\n{format_list(lines)}"


def list_open(findings: Findings) -> Answer:
    """List the open facts and the norms that each of them keeps open, then the doubts."""
    parts = [write_open_points(findings)]
    doubtful = [result for result in findings.matched if result.doubts]
    if doubtful:
        doubts = (f"{label_norm(r)}: {' '.join(r.doubts)}" for r in doubtful)
        parts.append(f"My catalogue is not certain about these points:\n{format_list(doubts)}")
    return build_answer("\n".join(parts), [*findings.open, *doubtful])


def list_excluded(findings: Findings) -> Answer:
    """List the most important norms that do not apply, each with its reason."""
    norms = {norm.id: norm.weight for norm in get_catalogue().norms}
    ranked = sorted(findings.excluded, key=lambda result: -norms[result.norm_id])
    shown = ranked[:_MOST_EXCLUDED]
    if not shown:
        return build_answer("No norm of my catalogue is ruled out so far.", [])
    verb = "does" if len(ranked) == 1 else "do"
    some = " The most important of them:" if len(ranked) > len(shown) else ""
    lines = (f"{label_norm(r)}: {extract_reason(r)}" for r in shown)
    return build_answer(
        f"{format_count(len(ranked), 'norm')} {verb} not apply.{some}\n{format_list(lines)}", shown
    )


def list_priorities(findings: Findings) -> Answer:
    """List the most important norms, what each demands, and the first step."""
    top = findings.matched[:_TOP]
    lines = (f"{label_norm(result)}: {result.summary}" for result in top)
    first = lower_first(list_steps(findings)[0])
    text = f"The most important for your product:\n{format_list(lines)}\nTo start: {first}"
    return build_answer(text, top)


def list_next_steps(findings: Findings) -> Answer:
    """List the steps to take, in order."""
    lines = "\n".join(f"{place}. {step}" for place, step in enumerate(list_steps(findings), 1))
    text = f"{write_marking(findings)} The usual order of work:\n{lines}"
    about = set(list_ce_acts(findings)) or {result.norm_id for result in findings.matched}
    return build_answer(text, [result for result in findings.matched if result.norm_id in about])


def repeat_facts(findings: Findings) -> Answer:
    """Repeat what is known of the product, what was assumed and what is not known."""
    parts = [summarise(findings.state)]
    if findings.unsure:
        parts.append(f"You could not say {reasoning.join_labels(findings.unsure)}.")
    parts.append("If something is wrong, tell me what is right, for example: no, it runs on 12 V.")
    return Answer("\n".join(parts), (), confidence.CERTAIN)


def disclaim_advice() -> Answer:
    """Say what the catalogue cannot replace."""
    number = len(get_catalogue().norms)
    text = f"My catalogue holds {number} acts and standards. {DISCLAIMER}"
    return Answer(text, (), confidence.CERTAIN)


def explain_confidence() -> Answer:
    """Say how the percentages are computed."""
    return Answer(confidence.CONFIDENCE_NOTE, (), confidence.CERTAIN)


def offer_help() -> Answer:
    """Say what can be asked."""
    return Answer(_OFFER, (), confidence.CERTAIN)


def decline_change() -> Answer:
    """Say that a "what if" names no change that can be understood."""
    return Answer(
        "I could not tell from that what would change. Name the fact, for example: what if it has "
        "no Wi-Fi, or: what if it runs on 12 V?",
        (),
        confidence.UNKNOWN,
    )


def decline() -> Answer:
    """Say that the question cannot be answered from the catalogue, and offer what can be."""
    return Answer(
        f"I cannot answer that: I only know the facts of your product and my catalogue of norms. "
        f"{_OFFER}",
        (),
        confidence.UNKNOWN,
    )
