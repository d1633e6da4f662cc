"""Answers about a group of norms named before: which come first, which are standards."""

from collections.abc import Sequence
from dataclasses import replace

from services.conversation.analysis import confidence
from services.conversation.analysis.findings import Findings
from services.conversation.analysis.verdicts import NormResult, Status
from services.conversation.language.back_references import get_known_words as pointing_words
from services.conversation.language.intents import Intent, get_known_words
from services.conversation.language.phrases import Word, split_words
from services.conversation.language.word_lists import get_words
from services.conversation.questions.about_norms import explain_norms
from services.conversation.questions.answers import (
    Answer,
    build_answer,
    extract_reason,
    format_count,
    format_list,
    label_norm,
    lower_first,
)
from services.conversation.questions.filters import (
    NormFilter,
    build_kind_filter,
    build_procedure_filter,
    build_status_filter,
)
from services.conversation.questions.references import ReferencedNorms
from services.norms.facts import join_items

_FEW = 4  # so many norms are explained rather than listed
_SHORT = 2  # words of so few letters do not name a subject
_ONE_BY_ONE = frozenset((Intent.DEADLINES, Intent.AVOID, Intent.CONFIDENCE))
_VERDICTS: dict[Status, str] = {
    "does_not_apply": "Does not apply to your product",
    "to_be_checked": "Still to be checked",
    "watch": "Only to be watched",
}


def answer_about_group(
    findings: Findings,
    referred: ReferencedNorms,
    asked: Sequence[Intent],
    spelled: Sequence[Word],
    topics: Sequence[str],
) -> Answer | None:
    """Answer a question about the norms that it refers back to.

    Args:
        findings: the product and its results.
        referred: the norms.
        asked: what is asked about them.
        spelled: the question's words.
        topics: norms on a subject that the question mentions.

    Returns:
        The answer; None when each norm should be explained on its own.
    """
    results = [findings.results[norm_id] for norm_id in referred.ids]
    texts = [word.text for word in spelled]
    decisive = asked[0] if asked else None
    if decisive is Intent.PRIORITY:
        return _answer_priority(
            findings, results, urgent=not get_words("norm_group_answers.urgent").isdisjoint(texts)
        )
    if decisive in _ONE_BY_ONE:
        return None
    if len(results) == 1:
        asks_kind = not get_words("norm_group_answers.is").isdisjoint(texts) and build_kind_filter(
            texts
        )
        text = f"{label_norm(results[0])} is a {results[0].kind}."
        return build_answer(text, results) if asks_kind else None
    wants_some = not get_words("norm_group_answers.selecting").isdisjoint(texts)
    selecting = referred.together and wants_some
    some = _answer_which(findings, referred, asked, texts, topics) if selecting else None
    wanted = decisive in (Intent.LIST, Intent.COUNT)
    if (
        some
        or not (wanted or decisive is None)
        or _should_explain(len(results), asked, listing=wanted)
    ):
        return some
    number = format_count(len(results), "norm")
    return build_answer(f"These are {number}:\n{format_list(map(label_norm, results))}", results)


def _should_explain(number: int, asked: Sequence[Intent], *, listing: bool) -> bool:
    """Tell whether each norm is explained; nobody reads a dozen explanations."""
    explained = not listing or not {Intent.EXPLAIN, Intent.WHY}.isdisjoint(asked)
    return explained and number <= _FEW


def _answer_which(
    findings: Findings,
    referred: ReferencedNorms,
    asked: Sequence[Intent],
    texts: Sequence[str],
    topics: Sequence[str],
) -> Answer | None:
    """Answer which of the norms have a property, if that is the question."""
    if topics or not get_words("norm_group_answers.about").isdisjoint(texts):
        return _answer_on_subject(findings, referred, asked, texts, topics)
    norm_filter = build_procedure_filter(findings, texts) or build_status_filter(asked, texts)
    if norm_filter is None and not referred.kinds:
        norm_filter = build_kind_filter(texts)
    return _filter(findings, referred, norm_filter) if norm_filter else None


def _answer_priority(findings: Findings, results: Sequence[NormResult], *, urgent: bool) -> Answer:
    """Name the norm that comes first, then all in order, then those that do not apply."""
    marketed = findings.marketed
    place = {result.norm_id: at for at, result in enumerate(findings.matched)}
    ranked = sorted(
        (result for result in results if result.applies),
        key=lambda result: (
            _find_later_start(result, marketed) if urgent else "",
            place[result.norm_id],
        ),
    )
    if not ranked:
        verdicts = explain_norms(findings, [result.norm_id for result in results], (Intent.WHY,))
        none = "None of them applies" if len(results) > 1 else "It does not apply"
        return replace(
            verdicts, answer=f"{none} to your product as far as I know.\n{verdicts.answer}"
        )
    first = ranked[0]
    duty = f"{first.summary} {_write_start(first, marketed)}"
    if len(results) == 1:
        at = (
            f"number {place[first.norm_id] + 1} of the {len(place)} norms that apply, by importance"
        )
        return build_answer(f"{label_norm(first)} is {at}. {duty}", ranked)
    what = "urgent" if urgent else "important"
    parts = [f"{label_norm(first)} is the most {what} of these {len(results)} norms. {duty}"]
    if len(ranked) > 1:
        lines = (
            f"{label_norm(result)}: {lower_first(_write_start(result, marketed))}"
            for result in ranked
        )
        parts.append(f"The order, the most {what} first:\n{format_list(lines)}")
    for status, said in _VERDICTS.items():
        names = [result.norm_id for result in results if result.status == status]
        if names:
            parts.append(f"{said}: {join_items(names)}.")
    return build_answer("\n".join(parts), ranked)


def _find_later_start(result: NormResult, marketed: str) -> str:
    """Return the day from which a norm binds, if the product is marketed before it."""
    first = min((date for date, _ in result.deadlines), default="")
    return first if first > marketed else ""


def _write_start(result: NormResult, marketed: str) -> str:
    """Say from when a norm binds, and which dates follow."""
    begins = _find_later_start(result, marketed)
    if begins:
        return f"It binds from {begins}, after your product goes on the market."
    coming = [f"{date}: {what}" for date, what in result.deadlines if date > marketed]
    later = f"; later comes {join_items(coming)}" if coming else ""
    on = f" on {marketed}" if marketed else ""
    return f"It must be met when your product goes on the market{on}{later}."


def _answer_on_subject(
    findings: Findings,
    referred: ReferencedNorms,
    asked: Sequence[Intent],
    texts: Sequence[str],
    topics: Sequence[str],
) -> Answer:
    """Answer which norms are about a known subject, or about a word of their own texts."""
    subject = {text for text in texts if len(text) > _SHORT} - get_known_words() - pointing_words()
    for ids in (referred.ids, *referred.wider):
        kept = [
            norm_id
            for norm_id in ids
            if norm_id in topics
            or not subject.isdisjoint(_collect_words(findings.results[norm_id]))
        ]
        if kept:
            return explain_norms(findings, kept, asked)
    number = len(referred.ids)
    none = f"None of these {number} norms is about that, as far as my catalogue tells."
    if not topics:
        return Answer(none, (), confidence.CERTAIN)
    elsewhere = explain_norms(findings, topics, asked)
    return replace(elsewhere, answer=f"{none}\n{elsewhere.answer}")


def _collect_words(result: NormResult) -> set[str]:
    return {word.text for word in split_words(f"{result.norm_name} {result.summary} {result.note}")}


def _filter(findings: Findings, referred: ReferencedNorms, norm_filter: NormFilter) -> Answer:
    """List the norms that pass the filter; if none does, try longer lists before."""
    for ids in (referred.ids, *referred.wider):
        results = [findings.results[norm_id] for norm_id in ids]
        kept = [result for result in results if norm_filter.is_match(result)]
        if kept:
            predicate = norm_filter.one if len(kept) == 1 else norm_filter.many
            with_reason = any(not result.applies for result in kept)
            lines = (
                f"{label_norm(r)}: {extract_reason(r)}" if with_reason else label_norm(r)
                for r in kept
            )
            all_of_them = len(kept) == len(ids)
            some = f"All of these {len(ids)}" if all_of_them else f"{len(kept)} of these {len(ids)}"
            return build_answer(f"{some} norms {predicate}:\n{format_list(lines)}", kept)
    return build_answer(f"None of these {len(referred.ids)} norms {norm_filter.none}.", [])
