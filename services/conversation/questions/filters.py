"""What some norms have and others have not: a verdict, a kind, a step that they call for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.conversation.analysis.next_steps import NOTIFIED_BODY, ce_acts
from services.conversation.language.intents import Intent
from services.conversation.language.word_lists import get_kinds, get_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.conversation.analysis.findings import Findings
    from services.conversation.analysis.verdicts import NormResult


class Sieve(NamedTuple):
    """What some norms have and others have not, in words for one, for many and for none."""

    holds: Callable[[NormResult], bool]
    one: str
    many: str
    none: str


def of_procedure(findings: Findings, texts: Sequence[str]) -> Sieve | None:
    """Sieve by a notified body or the CE marking, if the question speaks of one."""
    if "notified" in texts:
        body = "a notified body"
        told = f"may call for {body}"
        return Sieve(lambda r: r.norm_id in NOTIFIED_BODY, told, told, f"calls for {body}")
    if "ce" in texts:
        calling, mark = ce_acts(findings), "the CE marking"
        told = f"calls for {mark}"
        return Sieve(lambda r: r.norm_id in calling, told, f"call for {mark}", told)
    return None


def of_status(asked: Sequence[Intent], texts: Sequence[str]) -> Sieve | None:
    """Sieve by the verdict that the question asks for."""
    if Intent.EXCLUDED in asked:
        status, told = "does_not_apply", ("does not apply", "do not apply", "is ruled out")
    elif Intent.OPEN in asked:
        open_ = "still to be checked"
        status, told = "to_be_checked", (f"is {open_}", f"are {open_}", f"is {open_}")
    elif Intent.APPLIES in asked and not get_words("filters.apply").isdisjoint(texts):
        status, told = "applies", ("applies", "apply", "applies as far as I know")
    else:
        return None
    return Sieve(lambda result: result.status == status, *told)


def of_kind(texts: Sequence[str]) -> Sieve | None:
    """Sieve by the kind of norm that the question names, or by every other kind."""
    named = get_kinds("overview.kinds")
    at = next((at for at, text in enumerate(texts) if text in named), None)
    if at is None:
        return None
    kinds = named[texts[at]]
    noun = kinds[0] if len(kinds) == 1 else "legal act"
    if get_words("filters.not").isdisjoint(texts[max(0, at - 2) : at]):
        one = f"is a {noun}"
        return Sieve(lambda result: result.kind in kinds, one, f"are {noun}s", one)
    other = f"something else than a {noun}"
    one = f"is {other}"
    return Sieve(lambda result: result.kind not in kinds, one, f"are {other}", one)
