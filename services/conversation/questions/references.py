"""Finds the norms that a question refers back to, in the answers before it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.conversation.analysis import confidence
from services.conversation.analysis.findings import Findings
from services.conversation.language.back_references import BackReference, Target
from services.conversation.questions.answers import Answer, format_count, format_list, label_norm
from services.conversation.questions.earlier_answers import EarlierAnswer
from services.conversation.questions.window import Entry
from services.norms.catalogue import get_catalogue

_MOST_SUGGESTED = 6  # norms to choose from when it is not clear which one is meant
_FEW = 4  # so many norms a bare "why?" can be about


@dataclass(frozen=True, slots=True)
class ReferencedNorms:
    """The norms that a question refers to.

    Attributes:
        ids: ids of the catalogue, in the order in which they were named.
        together: whether they were named as a group, of which some may be asked for.
        kinds: the kinds of norm that the question limits them to, as in "these standards".
        wider: what else "these" may mean: longer lists before, the latest first.
    """

    ids: tuple[str, ...]
    together: bool = False
    kinds: tuple[str, ...] = ()
    wider: tuple[tuple[str, ...], ...] = ()


def resolve_reference(
    reference: BackReference, history: Sequence[Entry], findings: Findings
) -> ReferencedNorms | Answer | None:
    """Find the norms that a question refers back to.

    Args:
        reference: the back reference in the question.
        history: the entries before it, oldest first.
        findings: the results, which "these" and "the first" mean if nothing was listed yet.

    Returns:
        The norms; or an answer that asks which norms are meant; or None if the question may mean
        something else.
    """
    before = [EarlierAnswer(entry["content"]) for entry in history if entry["role"] == "assistant"]
    return _Search(reference, before[::-1], findings).run()


class _Search:
    """One search through the answers before, the latest first."""

    def __init__(
        self, reference: BackReference, before: Sequence[EarlierAnswer], findings: Findings
    ) -> None:
        self._reference = reference
        self._before = before
        self._findings = findings

    def run(self) -> ReferencedNorms | Answer | None:
        target = self._reference.target
        if target is Target.LAST_TOPIC:
            return self._find_last_topic()
        if target is Target.ONE:
            return self._find_one()
        if target is Target.SOME:
            return self._find_some()
        if any(answer.has_other_list for answer in self._get_answers_to_the_list()):
            return _ask_which("My last list was not one of norms.", ())
        if target is Target.PLACES:
            return self._find_places()
        return self._find_beside()

    def _find_last_topic(self) -> ReferencedNorms | None:
        """Find the norms of the last answer, if they are few."""
        last = self._before[0] if self._before else EarlierAnswer("")
        if last.focus:
            return ReferencedNorms((last.focus,))
        return ReferencedNorms(last.in_order) if 0 < len(last.in_order) <= _FEW else None

    def _find_one(self) -> ReferencedNorms | Answer | None:
        for answer in self._before:
            if answer.focus and self._keep_fitting((answer.focus,)):
                return ReferencedNorms((answer.focus,))
            fitting = self._keep_fitting(answer.in_order)
            if len(fitting) == 1:
                return ReferencedNorms(fitting)
            if fitting:
                opening = f"I am not sure which of these {len(fitting)} norms you mean."
                return _ask_which(opening, fitting, self._findings)
        return self._ask_for_name() if self._reference.sure else None

    def _find_some(self) -> ReferencedNorms | Answer | None:
        named = [self._keep_fitting(answer.in_order) for answer in self._before]
        one_by_one = self._keep_fitting(
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
            wider = _keep_longer(groups[1:], groups[0])
            return ReferencedNorms(
                groups[0], together=True, kinds=self._reference.kinds, wider=wider
            )
        if not self._reference.sure:
            return None
        shown = self._keep_fitting(self._get_result())
        if not shown:
            return self._ask_for_name()
        return ReferencedNorms(shown, together=True, kinds=self._reference.kinds)

    def _find_places(self) -> ReferencedNorms | Answer:
        lists = [self._keep_fitting(ids) for ids in self._get_lists()]
        wanted = self._reference.places
        for whole in lists:
            size = len(whole)
            if not all(-size <= place < size for place in wanted):
                continue
            chosen = dict.fromkeys(place % size for place in wanted)
            # "The last two" of a list of two means those of a longer list before it.
            if len(chosen) < size or whole is lists[-1]:
                return ReferencedNorms(tuple(whole[at] for at in chosen))
        if not lists[0]:
            return _ask_which("There is no list of norms that I could count in.", ())
        opening = f"That list has only {format_count(len(lists[0]), 'norm')}."
        return _ask_which(opening, lists[0], self._findings)

    def _find_beside(self) -> ReferencedNorms | Answer | None:
        """Find the norm before, after or beside the one that was discussed last."""
        whole, target = self._get_lists()[0], self._reference.target
        current = next((norm for norm in self._get_spoken_of() if norm in whole), None)
        if target is Target.OTHERS:
            return self._find_others(whole)
        if target is Target.OTHER:
            rest = tuple(norm for norm in whole if norm != current)
            if current and len(rest) == 1:
                return ReferencedNorms(rest)
            return _ask_which("I am not sure which other norm you mean.", rest, self._findings)
        step = 1 if target is Target.NEXT else -1
        at = whole.index(current) + step if current else 0
        if 0 <= at < len(whole):
            return ReferencedNorms((whole[at],))
        if not self._reference.sure:
            return None
        end = "last" if step > 0 else "first"
        return _ask_which(f"{current} was the {end} of that list.", whole, self._findings)

    def _find_others(self, whole: tuple[str, ...]) -> ReferencedNorms | Answer | None:
        """Find the rest of the list; if none of it was discussed, the rest of the results."""
        named = set(self._get_spoken_of())
        left = [norm for norm in whole if norm not in named]
        if not named or not left:
            left = [norm for norm in self._get_result() if norm not in whole]
        fitting = self._keep_fitting(left)
        if fitting:
            return ReferencedNorms(fitting, together=True)
        if not self._reference.sure:
            return None
        return _ask_which("There are no others: those were all that apply.", ())

    def _ask_for_name(self) -> Answer:
        kind = self._reference.kinds[0] if len(self._reference.kinds) == 1 else "norm"
        return _ask_which(f"I cannot tell which {kind} you mean; our last answers named none.", ())

    def _get_answers_to_the_list(self) -> Iterable[EarlierAnswer]:
        """Yield the answers since the last list, and that list, the latest first."""
        for answer in self._before:
            yield answer
            if _is_list(answer):
                return

    def _get_lists(self) -> list[tuple[str, ...]]:
        """Return the last list and longer ones before it; without any, the norms that apply."""
        lists = [answer.in_order for answer in self._before if _is_list(answer)]
        return [lists[0], *_keep_longer(lists[1:], lists[0])] if lists else [self._get_result()]

    def _get_spoken_of(self) -> list[str]:
        """Return the norms discussed one by one since the last list, the latest first."""
        return [answer.focus for answer in self._get_answers_to_the_list() if answer.focus]

    def _get_result(self) -> tuple[str, ...]:
        return tuple(result.norm_id for result in self._findings.matched)

    def _keep_fitting(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Keep the norms of the kind that the question names."""
        kinds = self._reference.kinds
        norms = ((norm_id, get_catalogue().get(norm_id)) for norm_id in ids)
        return tuple(n for n, norm in norms if norm and (not kinds or norm.kind in kinds))


def _keep_longer(
    lists: Iterable[tuple[str, ...]], first: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    return tuple(ids for ids in lists if len(ids) > len(first))


def _is_list(answer: EarlierAnswer) -> bool:
    """Tell whether an answer lists norms in which one can count."""
    return len(answer.in_order) > 1 and not answer.has_other_list


def _ask_which(opening: str, ids: Sequence[str], findings: Findings | None = None) -> Answer:
    """Say that it is not clear which norm is meant, and offer a choice."""
    if findings is None or not ids:
        text = f"{opening} Please name the norm that you mean, or ask which norms apply."
        return Answer(text, (), confidence.UNKNOWN)
    shown = [findings.results[norm_id] for norm_id in ids[:_MOST_SUGGESTED]]
    more = len(ids) - len(shown)
    others = f"\nand {more} more." if more > 0 else ""
    names = format_list(label_norm(result) for result in shown)
    text = f"{opening} Please name one, or say “the first” or “the last”:\n{names}{others}"
    return Answer(text, tuple(result.norm_id for result in shown), confidence.UNKNOWN)
