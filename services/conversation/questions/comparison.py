"""Answers "what if": applies a change to the product and shows how the results differ."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.conversation.analysis import confidence
from services.conversation.analysis.description import describe
from services.conversation.analysis.findings import Findings
from services.conversation.analysis.hypothesis import suppose
from services.conversation.analysis.reasoning import join_labels, sort_facts, write_clause
from services.conversation.analysis.verdicts import NormResult
from services.conversation.language.norm_names import NormMentions
from services.conversation.language.phrases import split_words
from services.conversation.language.word_lists import get_words
from services.conversation.questions.answers import (
    Answer,
    extract_reason,
    format_count,
    format_list,
    label_norm,
    lower_first,
)
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, is_implied, join_items

_MOST_LISTED = 8
_MOST_CLAUSES = 6
_FRAGMENT_WORDS = 8
_WOULD = {
    "applies": "would apply",
    "does_not_apply": "would not apply",
    "to_be_checked": "would have to be checked",
    "watch": "would be watched",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """How the verdicts differ after a change; each list has the best first."""

    gained: list[NormResult]
    lost: list[NormResult]
    opened: list[NormResult]
    closed: list[NormResult]

    def list_all(self) -> list[NormResult]:
        """List every norm whose verdict differs, with its new verdict."""
        return [*self.gained, *self.lost, *self.opened, *self.closed]


def compare(findings: Findings, named: NormMentions, *, hypothetical: bool) -> Answer | None:
    """Answer a question about a changed product.

    Args:
        findings: the unchanged product and its results.
        named: the question, split into the norms that it names and the rest.
        hypothetical: whether the question has the form of a "what if"; otherwise only a
            short fragment ("and without the battery?") counts as one.

    Returns:
        The difference, or None when the question names no change.
    """
    if not hypothetical and not _is_fragment(named.rest):
        return None
    supposed = suppose(findings.state, named.rest)
    if supposed is None:
        return None
    after = Findings(supposed.state)
    changed = [name for name in FACTS if findings.facts.get(name) != after.facts.get(name)]
    if not changed:
        # If the question names norms, it is answered as one about these norms.
        return None if named.ids else _answer_unchanged(findings, supposed.stated)
    return _answer_changed(findings, after, changed, named.ids)


def find_difference(before: Findings, after: Findings) -> Difference:
    """Group the norms whose verdict differs by how it changed."""
    old = before.results
    return Difference(
        gained=[r for r in after.matched if not old[r.norm_id].applies],
        lost=[
            after.results[r.norm_id]
            for r in before.matched
            if after.results[r.norm_id].status == "does_not_apply"
        ],
        opened=[r for r in after.open if old[r.norm_id].status != "to_be_checked"],
        closed=[
            after.results[r.norm_id]
            for r in before.open
            if after.results[r.norm_id].status == "does_not_apply"
        ],
    )


def _is_fragment(text: str) -> bool:
    spelled = split_words(text)
    if not spelled or len(spelled) > _FRAGMENT_WORDS:
        return False
    first = spelled[0].text
    return first in get_words("comparison.fragment_openings") or first[0].isdigit()


def _answer_unchanged(findings: Findings, names: Collection[str]) -> Answer:
    stated = {name: findings.facts[name] for name in names if name in findings.facts}
    if len(stated) > 1:
        stated.pop("electrical", None)
    independent = (
        name for name in sort_facts(stated) if not is_implied(name, stated[name], stated.items())
    )
    known = join_items([write_clause(name, stated[name]) for name in independent][:_MOST_CLAUSES])
    ground = f"I already take it that {known}" if known else "that fits what I already know"
    text = f"Nothing changes: {ground}."
    return Answer(text, (), confidence.CERTAIN - confidence.FOR_HYPOTHESIS)


def _answer_changed(
    before: Findings, after: Findings, changed: Sequence[str], asked: Sequence[str]
) -> Answer:
    found = find_difference(before, after)
    different = found.list_all()
    verdict = _write_verdict(before, after, differs=bool(different))
    named = [after.results[norm_id] for norm_id in asked]
    direct = [f"{label_norm(result)} {_WOULD[result.status]}." for result in named]
    parts = [f"{_write_change(before, after, changed)} {verdict}", *direct]
    for heading, results in (
        ("Newly applies", found.gained),
        ("No longer applies", found.lost),
        ("Newly to be checked", found.opened),
        ("No longer open, does not apply", found.closed),
    ):
        if results:
            parts.append(f"{heading}:\n{_format_results(results)}")
    dates = _list_dates_between(before, after)
    if dates:
        parts.append(f"In force by then, but not on the earlier date:\n{format_list(dates)}")
    still = [result for result in named if result not in different]
    if still:
        lines = (f"{label_norm(result)}: {lower_first(result.reasoning)}" for result in still)
        parts.append(f"The same as before:\n{format_list(lines)}")
    about = list(dict.fromkeys(r.norm_id for r in (*named, *different)))
    grounds = [*named, *different] or after.matched
    score = confidence.average_scores([result.confidence for result in grounds])
    return Answer(
        "\n".join(parts),
        tuple(about),
        max(score - confidence.FOR_HYPOTHESIS, 0),
        describe(after.state, changed),
    )


def _write_verdict(before: Findings, after: Findings, *, differs: bool) -> str:
    count, old = len(after.matched), len(before.matched)
    if not differs:
        return f"Nothing changes: the same {format_count(count, 'norm')} would apply."
    compared = "as many as before" if count == old else f"instead of {old}"
    return f"{format_count(count, 'norm')} would apply, {compared}."


def _list_dates_between(before: Findings, after: Findings) -> list[str]:
    """List the dates between the old market date and a later new one, for the norms that apply."""
    old, new = before.marketed, after.marketed
    found = sorted(
        (date, f"{date}: {label_norm(result)}: {what}")
        for result in after.matched
        for date, what in result.deadlines
        if old and old < date <= new
    )
    return [line for _, line in found]


def _format_results(results: Sequence[NormResult]) -> str:
    lines = [f"{label_norm(result)}: {extract_reason(result)}" for result in results[:_MOST_LISTED]]
    rest = [result.norm_id for result in results[_MOST_LISTED:]]
    if rest:
        lines.append(f"also {join_items(rest)}")
    return format_list(lines)


def _write_change(before: Findings, after: Findings, changed: Sequence[str]) -> str:
    """Say which facts the change sets, and which it leaves unknown."""
    new = {name: after.facts[name] for name in changed if name in after.facts}
    independent = [name for name in new if not is_implied(name, new[name], new.items())]
    more = len(independent) - _MOST_CLAUSES
    shown = [write_clause(name, new[name]) for name in independent[:_MOST_CLAUSES]]
    if more > 0:
        shown.append(f"{format_count(more, 'other fact')} that go with it")
    parts = [f"I take the change to mean: {join_items(shown)}."] if shown else []
    needed = get_catalogue().count_open_facts(after.facts)
    gone = [name for name in changed if name in needed and name in before.facts]
    if gone:
        parts.append(f"That leaves open {join_labels(gone)}.")
    return " ".join(parts)
