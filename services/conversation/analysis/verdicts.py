"""Judges every norm of the catalogue for one product, with reasons and confidence."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from services.conversation.analysis import confidence, reasoning
from services.conversation.analysis.description import find_assumed_facts, summarise
from services.conversation.interview.state import get_known_facts
from services.norms.catalogue import Norm, get_catalogue
from services.norms.facts import FACTS, Facts

__all__ = [
    "CONFIDENCE_NOTE",
    "NormResult",
    "check_norms",
    "check_state",
    "find_assumed_facts",
    "select_matched",
    "summarise",
]

CONFIDENCE_NOTE = confidence.CONFIDENCE_NOTE
_REMEMBERED = 4_096  # verdicts in the cache, about 4 MB
Status = Literal["applies", "does_not_apply", "to_be_checked", "watch"]


@dataclass(frozen=True, slots=True)
class NormResult:
    """The result for one norm.

    Attributes:
        norm_id: id of the norm in the catalogue.
        norm_name: its short title.
        applies: True only when the known facts decide that it applies and it sets duties.
        status: the verdict; "watch" is a framework act without duties of its own yet.
        confidence: 0 to 100, as explained in `analysis.confidence`.
        reasoning: the verdict and the facts behind it in plain sentences, then any doubt.
        url: a public page on the norm.
        kind: "regulation", "directive" or "standard".
        summary: what the norm demands, in one sentence.
        note: limits and neighbours worth knowing; may be empty.
        doubts: statements of the catalogue that are not certain.
        open_facts: labels of the facts that keep it open; empty when decided.
        deadlines: (ISO date, what happens then), earliest first.
    """

    norm_id: str
    norm_name: str
    applies: bool
    status: Status
    confidence: int
    reasoning: str
    url: str
    kind: str
    summary: str
    note: str
    doubts: tuple[str, ...]
    open_facts: tuple[str, ...]
    deadlines: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {
            "norm_id": self.norm_id,
            "norm_name": self.norm_name,
            "applies": self.applies,
            "status": self.status,
            "confidence": self.confidence,
            "reasoning": self.reasoning,
            "url": self.url,
            "kind": self.kind,
            "summary": self.summary,
            "note": self.note,
            "doubts": list(self.doubts),
            "open_facts": list(self.open_facts),
            "deadlines": [{"date": date, "what": what} for date, what in self.deadlines],
        }


def check_norms(
    facts: Facts, unsure: Collection[str] = (), assumed: Collection[str] = ()
) -> Iterator[NormResult]:
    """Judge the norms one by one, in the order of the catalogue; lazy, so progress can be shown.

    Args:
        facts: what is known of the product, implications included.
        unsure: names of facts that the maker said they do not know.
        assumed: names among `facts` that nobody stated.
    """
    return (
        _judge(
            place,
            tuple([facts.get(name) for name in entry.needs]),
            entry.needed.intersection(unsure),
            entry.needed.intersection(assumed),
        )
        for place, entry in enumerate(_load_entries())
    )


def check_state(state: dict[str, Any]) -> Iterator[NormResult]:
    """Judge the norms for the product of an interview's state; lazy like `check_norms`."""
    return check_norms(get_known_facts(state), state.get("unsure", ()), find_assumed_facts(state))


class _Entry(NamedTuple):
    """A norm, the facts that its trigger reads, and its deadlines as printed."""

    norm: Norm
    needs: tuple[str, ...]
    needed: frozenset[str]
    deadlines: tuple[tuple[str, str], ...]


@cache
def _load_entries() -> tuple[_Entry, ...]:
    return tuple(
        _Entry(
            norm,
            tuple(sorted(norm.trigger.list_facts())),
            norm.trigger.list_facts(),
            tuple((deadline.date.isoformat(), deadline.what) for deadline in norm.deadlines),
        )
        for norm in get_catalogue().norms
    )


@lru_cache(maxsize=_REMEMBERED)
def _judge(
    place: int,
    values: tuple[bool | int | float | None, ...],
    unsure: frozenset[str],
    assumed: frozenset[str],
) -> NormResult:
    """Judge one norm by the values of the facts that it needs.

    Products differ in few of the facts that one norm needs, so most verdicts are in the cache,
    with their wording.
    """
    norm, needs, needed, deadlines = _load_entries()[place]
    facts = {name: value for name, value in zip(needs, values, strict=True) if value is not None}
    outcome = norm.trigger.evaluate(facts)
    missing = norm.trigger.find_open_facts(facts)
    rests_on: frozenset[str] = frozenset()
    if outcome is None:
        score = confidence.score_open(known=len(needed) - len(missing), needed=len(needed))
    else:
        stated = {name: value for name, value in facts.items() if name not in assumed}
        rests_on = norm.trigger.find_open_facts(stated) & assumed
        score = confidence.score_decided(
            assumptions=len(rests_on),
            doubtful=outcome and bool(norm.doubts),
            standard=norm.kind == "standard",
        )
    return NormResult(
        norm_id=norm.id,
        norm_name=norm.title,
        applies=outcome is True and not norm.watch,
        status=_choose_status(norm, outcome),
        confidence=score,
        reasoning=_write_reasoning(norm, outcome, facts, unsure, rests_on),
        url=norm.url,
        kind=norm.kind,
        summary=norm.summary,
        note=norm.note,
        doubts=norm.doubts,
        open_facts=tuple(FACTS[name].label for name in reasoning.sort_facts(missing)),
        deadlines=deadlines,
    )


def _choose_status(norm: Norm, outcome: bool | None) -> Status:
    if outcome is None:
        return "to_be_checked"
    if not outcome:
        return "does_not_apply"
    return "watch" if norm.watch else "applies"


def _write_reasoning(
    norm: Norm,
    outcome: bool | None,
    facts: Facts,
    unsure: Collection[str],
    rests_on: frozenset[str],
) -> str:
    if outcome is False:
        sentences = [reasoning.explain_exclusion(norm, facts)]
    elif outcome is None:
        sentences = [reasoning.explain_open(norm, facts, unsure)]
    elif norm.watch:
        sentences = [reasoning.explain_watch()]
    else:
        sentences = [reasoning.explain_applies(norm, facts)]
    if outcome is not None:
        sentences.append(reasoning.write_assumptions(rests_on, facts))
    if outcome is not False:
        sentences.extend(f"Not certain: {doubt}" for doubt in norm.doubts)
    return " ".join(filter(None, sentences))


def select_matched(results: Iterable[NormResult]) -> list[NormResult]:
    """Pick the norms that apply, best first.

    They are ordered by their weight in the catalogue, then by confidence; a standard
    never stands before an act that it supports.
    """
    found = [result for result in results if result.applies]
    norms = {result.norm_id: get_catalogue().get(result.norm_id) for result in found}
    weights = {norm_id: norm.weight for norm_id, norm in norms.items() if norm}

    def rank(result: NormResult) -> tuple[int, bool, int]:
        norm = norms[result.norm_id]
        own = weights.get(result.norm_id, 0)
        supported = norm.supports if norm else ()
        weight = min([own, *(weights[act] for act in supported if act in weights)])
        return -weight, result.kind == "standard", -result.confidence

    return sorted(found, key=rank)
