"""Finds the norms that a question points back to, in the answers before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.conversation.analysis import confidence
from services.conversation.language.back_references import BackReference, Target
from services.conversation.questions.answers import Answer, count_of, label, listed
from services.conversation.questions.earlier_answers import Mentioned
from services.norms.catalogue import get_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.conversation.analysis.findings import Findings
    from services.conversation.questions.window import Entry

_MOST_SUGGESTED = 6  # norms named when it is not clear which one is meant
_FEW = 4  # so many norms a bare "why?" can be about


@dataclass(frozen=True, slots=True)
class Referred:
    """The norms that are meant.

    Attributes:
        ids: ids of the catalogue, in the order in which they were named.
        together: whether they were spoken of as a group, of which some may be asked for.
        kinds: the kinds of norm that the question limits them to, as in "these standards".
        wider: what else "these" may mean: the norms of longer lists before, the latest first.
    """

    ids: tuple[str, ...]
    together: bool = False
    kinds: tuple[str, ...] = ()
    wider: tuple[tuple[str, ...], ...] = ()


def resolve(
    reference: BackReference, history: Sequence[Entry], findings: Findings
) -> Referred | Answer | None:
    """Find the norms that a question refers back to.

    Args:
        reference: the words of the question.
        history: the entries before it, oldest first.
        findings: the result, which "these" and "the first" mean where nothing was listed yet.

    Returns:
        The norms; or the answer that it is not clear which are meant and what to say instead; or
        None where the question may mean something else.
    """
    before = [Mentioned(entry["content"]) for entry in history if entry["role"] == "assistant"]
    return _Search(reference, before[::-1], findings).found()


class _Search:
    """One look through the answers before, the latest first."""

    def __init__(
        self, reference: BackReference, before: Sequence[Mentioned], findings: Findings
    ) -> None:
        self._reference = reference
        self._before = before
        self._findings = findings

    def found(self) -> Referred | Answer | None:
        target = self._reference.target
        if target is Target.LAST_TOPIC:
            return self._last_topic()
        if target is Target.ONE:
            return self._one()
        if target is Target.SOME:
            return self._some()
        if any(answer.lists_other_things for answer in self._answers_to_the_list()):
            return _unclear("My last list was not one of norms.", ())
        if target is Target.PLACES:
            return self._places()
        return self._beside()

    def _last_topic(self) -> Referred | None:
        """What the last answer was about, if that is a few norms at most."""
        last = self._before[0] if self._before else Mentioned("")
        if last.focus:
            return Referred((last.focus,))
        return Referred(last.in_order) if 0 < len(last.in_order) <= _FEW else None

    def _one(self) -> Referred | Answer | None:
        for answer in self._before:
            if answer.focus and self._fitting((answer.focus,)):
                return Referred((answer.focus,))
            fitting = self._fitting(answer.in_order)
            if len(fitting) == 1:
                return Referred(fitting)
            if fitting:
                opening = f"I am not sure which of these {len(fitting)} norms you mean."
                return _unclear(opening, fitting, self._findings)
        return self._nothing_named() if self._reference.sure else None

    def _some(self) -> Referred | Answer | None:
        named = [self._fitting(answer.in_order) for answer in self._before]
        one_by_one = self._fitting(
            dict.fromkeys(answer.focus for answer in self._before if answer.focus)
        )
        groups = [ids for ids in named if len(ids) > 1] or [one_by_one]
        number = self._reference.number
        if number > 1:
            counted = [ids for ids in named if len(ids) == number]
            if not counted and len(one_by_one) >= number:
                counted = [one_by_one[:number]]
            groups = counted or groups
        if len(groups[0]) > 1:
            wider = _longer(groups[1:], groups[0])
            return Referred(groups[0], together=True, kinds=self._reference.kinds, wider=wider)
        if not self._reference.sure:
            return None
        shown = self._fitting(self._result())
        if not shown:
            return self._nothing_named()
        return Referred(shown, together=True, kinds=self._reference.kinds)

    def _places(self) -> Referred | Answer:
        lists = [self._fitting(ids) for ids in self._lists()]
        wanted = self._reference.places
        for whole in lists:
            size = len(whole)
            if not all(-size <= place < size for place in wanted):
                continue
            chosen = dict.fromkeys(place % size for place in wanted)
            # Who counts the last two of two means those of a longer list before.
            if len(chosen) < size or whole is lists[-1]:
                return Referred(tuple(whole[at] for at in chosen))
        if not lists[0]:
            return _unclear("There is no list of norms that I could count in.", ())
        opening = f"That list has only {count_of(len(lists[0]), 'norm')}."
        return _unclear(opening, lists[0], self._findings)

    def _beside(self) -> Referred | Answer | None:
        """What stands before, after or beside the norm that was spoken of last."""
        whole, target = self._lists()[0], self._reference.target
        current = next((norm for norm in self._spoken_of() if norm in whole), None)
        if target is Target.OTHERS:
            return self._others(whole)
        if target is Target.OTHER:
            rest = tuple(norm for norm in whole if norm != current)
            if current and len(rest) == 1:
                return Referred(rest)
            return _unclear("I am not sure which other norm you mean.", rest, self._findings)
        step = 1 if target is Target.NEXT else -1
        at = whole.index(current) + step if current else 0
        if 0 <= at < len(whole):
            return Referred((whole[at],))
        if not self._reference.sure:
            return None
        end = "last" if step > 0 else "first"
        return _unclear(f"{current} was the {end} of that list.", whole, self._findings)

    def _others(self, whole: tuple[str, ...]) -> Referred | Answer | None:
        """What is left of the list; of one that was not gone into, what is left of the result."""
        named = set(self._spoken_of())
        left = [norm for norm in whole if norm not in named]
        if not named or not left:
            left = [norm for norm in self._result() if norm not in whole]
        fitting = self._fitting(left)
        if fitting:
            return Referred(fitting, together=True)
        if not self._reference.sure:
            return None
        return _unclear("There are no others: those were all that apply.", ())

    def _nothing_named(self) -> Answer:
        kind = self._reference.kinds[0] if len(self._reference.kinds) == 1 else "norm"
        return _unclear(f"I cannot tell which {kind} you mean; our last answers named none.", ())

    def _answers_to_the_list(self) -> Iterable[Mentioned]:
        """The answers back to the last list, and that one."""
        for answer in self._before:
            yield answer
            if _is_list(answer):
                return

    def _lists(self) -> list[tuple[str, ...]]:
        """The norms of the last list and of longer ones before; else those that apply."""
        lists = [answer.in_order for answer in self._before if _is_list(answer)]
        return [lists[0], *_longer(lists[1:], lists[0])] if lists else [self._result()]

    def _spoken_of(self) -> list[str]:
        """The norms that answers were about one by one, since the last list, the latest first."""
        return [answer.focus for answer in self._answers_to_the_list() if answer.focus]

    def _result(self) -> tuple[str, ...]:
        return tuple(result.norm_id for result in self._findings.matched)

    def _fitting(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the kind that was spoken of."""
        kinds = self._reference.kinds
        norms = ((norm_id, get_catalogue().get(norm_id)) for norm_id in ids)
        return tuple(n for n, norm in norms if norm and (not kinds or norm.kind in kinds))


def _longer(
    lists: Iterable[tuple[str, ...]], first: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    return tuple(ids for ids in lists if len(ids) > len(first))


def _is_list(answer: Mentioned) -> bool:
    """Whether one can count in an answer: it names several norms in order."""
    return len(answer.in_order) > 1 and not answer.lists_other_things


def _unclear(opening: str, ids: Sequence[str], findings: Findings | None = None) -> Answer:
    """Say that it is not clear which norm is meant, and what to say instead."""
    if findings is None or not ids:
        text = f"{opening} Please name the norm that you mean, or ask which norms apply."
        return Answer(text, (), confidence.UNKNOWN)
    shown = [findings.results[norm_id] for norm_id in ids[:_MOST_SUGGESTED]]
    more = len(ids) - len(shown)
    others = f"\nand {more} more." if more > 0 else ""
    names = listed(label(result) for result in shown)
    text = f"{opening} Please name one, or say “the first” or “the last”:\n{names}{others}"
    return Answer(text, tuple(result.norm_id for result in shown), confidence.UNKNOWN)
