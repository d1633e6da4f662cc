"""Filters norms by what a question asks for: a verdict, a kind, a procedure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.conversation.analysis.findings import Findings
from services.conversation.analysis.next_steps import NOTIFIED_BODY, list_ce_acts
from services.conversation.analysis.verdicts import NormResult
from services.conversation.language.intents import Intent
from services.conversation.language.word_lists import get_kinds, get_words


class NormFilter(NamedTuple):
    """A property that some norms have, with its wording for one, for many and for none."""

    is_match: Callable[[NormResult], bool]
    one: str
    many: str
    none: str


def build_procedure_filter(findings: Findings, texts: Sequence[str]) -> NormFilter | None:
    """Filter by a notified body or the CE marking, if the question mentions one."""
    if "notified" in texts:
        body = "a notified body"
        words = f"may call for {body}"
        return NormFilter(lambda r: r.norm_id in NOTIFIED_BODY, words, words, f"calls for {body}")
    if "ce" in texts:
        calling, mark = list_ce_acts(findings), "the CE marking"
        words = f"calls for {mark}"
        return NormFilter(lambda r: r.norm_id in calling, words, f"call for {mark}", words)
    return None


def build_status_filter(asked: Sequence[Intent], texts: Sequence[str]) -> NormFilter | None:
    """Filter by the verdict that the question asks for."""
    if Intent.EXCLUDED in asked:
        status, words = "does_not_apply", ("does not apply", "do not apply", "is ruled out")
    elif Intent.OPEN in asked:
        open_ = "still to be checked"
        status, words = "to_be_checked", (f"is {open_}", f"are {open_}", f"is {open_}")
    elif Intent.APPLIES in asked and not get_words("filters.apply").isdisjoint(texts):
        status, words = "applies", ("applies", "apply", "applies as far as I know")
    else:
        return None
    return NormFilter(lambda result: result.status == status, *words)


def build_kind_filter(texts: Sequence[str]) -> NormFilter | None:
    """Filter by the kind of norm that the question names or excludes."""
    named = get_kinds("overview.kinds")
    at = next((at for at, text in enumerate(texts) if text in named), None)
    if at is None:
        return None
    kinds = named[texts[at]]
    noun = kinds[0] if len(kinds) == 1 else "legal act"
    if get_words("filters.not").isdisjoint(texts[max(0, at - 2) : at]):
        one = f"is a {noun}"
        return NormFilter(lambda result: result.kind in kinds, one, f"are {noun}s", one)
    other = f"something else than a {noun}"
    one = f"is {other}"
    return NormFilter(lambda result: result.kind not in kinds, one, f"are {other}", one)
