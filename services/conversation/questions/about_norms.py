"""Answers about the norms that a question names: why, why not, what it is, how to avoid it."""

from collections.abc import Sequence

from services.conversation.analysis.counterfactual import find_ways
from services.conversation.analysis.findings import Findings
from services.conversation.analysis.verdicts import NormResult
from services.conversation.language.intents import Intent
from services.conversation.questions.answers import Answer, build_answer, label_norm, lower_first
from services.norms.catalogue import get_catalogue
from services.norms.facts import join_items

_MOST = 4  # norms explained in one answer
_STATUSES = ("applies", "to_be_checked", "watch", "does_not_apply")
_MOST_WAYS = 2  # norms for which one answer says what would change them


def explain_norms(
    findings: Findings, ids: Sequence[str], asked: Sequence[Intent], unknown: Sequence[str] = ()
) -> Answer:
    """Explain each norm, and say which ones the catalogue does not hold.

    Args:
        findings: the product and its results.
        ids: the norms, ids of the catalogue; one at least.
        asked: what is asked about them; if nothing, what they are is explained.
        unknown: ids that the catalogue does not hold.
    """
    results = [findings.results[norm_id] for norm_id in ids]
    if len(results) > _MOST:
        results.sort(key=lambda result: _STATUSES.index(result.status))
    explained = results[:_MOST]
    paragraphs = [
        _write_paragraph(findings, result, asked, with_ways=place < _MOST_WAYS)
        for place, result in enumerate(explained)
    ]
    if len(results) > _MOST:
        others = join_items(result.norm_id for result in results[_MOST:])
        paragraphs.append(f"Ask me about {others} one by one.")
    if unknown:
        paragraphs.append(write_not_held(unknown))
    return build_answer("\n".join(paragraphs), explained)


def write_not_held(ids: Sequence[str]) -> str:
    """Say that the catalogue does not hold these norms."""
    return f"My catalogue does not hold {join_items(ids, 'or')}, so I cannot say anything about it."


def _write_paragraph(
    findings: Findings, result: NormResult, asked: Sequence[Intent], *, with_ways: bool
) -> str:
    verdict = f"{label_norm(result)}: {lower_first(result.reasoning)}"
    if Intent.CONFIDENCE in asked:
        return f"{verdict} Confidence: {result.confidence} of 100."
    explaining = Intent.EXPLAIN in asked and not {Intent.WHY, Intent.APPLIES} & {*asked}
    if explaining or not asked:
        opening = "For your product it" if result.applies else "For your product:"
        here = f"{opening} {lower_first(result.reasoning)}"
        parts = (f"{label_norm(result)}: {result.summary}", result.note, here)
        return " ".join(filter(None, parts))
    if with_ways and (result.status == "does_not_apply" or Intent.AVOID in asked):
        return f"{verdict}{_write_ways(findings, result)}"
    return verdict


def _write_ways(findings: Findings, result: NormResult) -> str:
    """Say what would have to be true to reverse a decided verdict."""
    norm = get_catalogue().get(result.norm_id)
    if norm is None or result.status == "to_be_checked":
        return ""
    wanted = result.status == "does_not_apply"
    ways = find_ways(norm.trigger, findings.facts, outcome=wanted)
    if not ways:
        return "" if wanted else " No change of the product that I know of would lift it."
    opening = "It would apply if" if wanted else "It would no longer apply if"
    return f" {opening} this were so: {'; or '.join(ways)}."
