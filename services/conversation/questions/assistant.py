"""Answers a maker's free-text questions about the analysed product."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from services.conversation.analysis.findings import Findings, State
from services.conversation.language import back_references
from services.conversation.language.back_references import find_back_reference
from services.conversation.language.intents import Intent, find_intents, get_known_words
from services.conversation.language.norm_names import NormMentions, find_norms
from services.conversation.language.phrases import Word, split_words
from services.conversation.language.word_lists import get_words
from services.conversation.questions import comparison, deadlines, overview
from services.conversation.questions.about_norms import explain_norms, write_not_held
from services.conversation.questions.answers import Answer
from services.conversation.questions.follow_ups import inherit_intents, is_follow_up
from services.conversation.questions.glossary import explain_term
from services.conversation.questions.norm_group_answers import answer_about_group
from services.conversation.questions.references import ReferencedNorms, resolve_reference
from services.conversation.questions.window import Entry, read_enriched_query
from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS

__all__ = ["Answer", "answer_question"]

LONGEST = 1_000
"""Only so many characters of a question are read."""

_LONGEST_WORD_IGNORED = 2
_MOST_FOREIGN = 3  # a question of which every third word is unknown is off the subject
# With a subject ("the battery"), these ask about the norms on that subject.
_ABOUT_TOPICS = frozenset(
    {
        Intent.AVOID,
        Intent.DEADLINES,
        Intent.WHY,
        Intent.LIST,
        Intent.EXPLAIN,
        Intent.APPLIES,
        Intent.CONFIDENCE,
    }
)
# In these, "it" and "this" mean the product or the whole result.
_ABOUT_THE_PRODUCT = frozenset((Intent.ADVICE, Intent.HELP, Intent.FACTS))
_NOT_ABOUT_NORMS = frozenset((Intent.OUTSIDE, Intent.DEADLINES, Intent.ADVICE, Intent.HELP))


def answer_question(question: str, state: State) -> Answer:
    """Answer a question from the catalogue and the facts of a conversation.

    Pure: the state is not changed. Any text is accepted, of which the first 1,000
    characters are read. If a question cannot be answered, the answer says so with
    confidence 0.

    Args:
        question: the question, or an enriched query (questions.window) that also has the
            questions and answers before it, so that "and the second one?" can be understood.
        state: the conversation's state.
    """
    read = read_enriched_query(question)
    question = read.query[:LONGEST]
    findings = Findings(state)
    spelled = split_words(question)
    named = find_norms(question)
    asked = find_intents(spelled)
    if named.ids or named.unknown:
        if read.history and is_follow_up(spelled):
            asked = inherit_intents(asked, spelled, read.history)
    elif answer := _answer_follow_up(findings, named, asked, spelled, read.history):
        return answer
    return _answer(findings, named, asked, question)


def _answer_follow_up(
    findings: Findings,
    named: NormMentions,
    asked: tuple[Intent, ...],
    spelled: list[Word],
    history: Sequence[Entry],
) -> Answer | None:
    """Answer a question that refers back to norms; None for any other."""
    reference = find_back_reference(spelled)
    if reference is None or (asked and asked[0] in _ABOUT_THE_PRODUCT):
        return None
    # "When must I replace it, the battery?" is about batteries; a "what if" names its own subject.
    by_subject = bool(named.topics) and Intent.WHAT_IF not in asked
    if by_subject and not reference.sure:
        return None
    if _is_off_subject(spelled, findings.state, forgiving=reference.sure or bool(asked)):
        return None
    referred = resolve_reference(reference, history, findings)
    if not isinstance(referred, ReferencedNorms):
        return referred
    asked = inherit_intents(asked, spelled, history)
    demands = not get_words("assistant.demands").isdisjoint(word.text for word in spelled)
    if demands or asked[:1] == (Intent.NEXT,):
        asked = (Intent.EXPLAIN,)  # what to do about a norm is what it demands
    answer = answer_about_group(findings, referred, asked, spelled, named.topics)
    named = replace(named, ids=referred.ids, topics=())
    return answer or _answer(findings, named, asked, named.rest)


def _answer(
    findings: Findings, named: NormMentions, asked: tuple[Intent, ...], question: str
) -> Answer:
    if Intent.WHAT_IF in asked or (not asked and not named.ids):
        compared = _compare(findings, named, asked)
        if compared:
            return compared
        asked = tuple(intent for intent in asked if intent is not Intent.WHAT_IF)
    if named.ids or named.unknown:
        return _answer_about_named(findings, named, asked, question)
    return _answer_in_general(findings, named, asked, question)


def _compare(findings: Findings, named: NormMentions, asked: Sequence[Intent]) -> Answer | None:
    hypothetical = Intent.WHAT_IF in asked
    compared = comparison.compare(findings, named, hypothetical=hypothetical)
    if compared is None and hypothetical and len(asked) == 1 and not named.ids:
        return overview.decline_change()
    return compared


def _answer_about_named(
    findings: Findings, named: NormMentions, asked: Sequence[Intent], question: str
) -> Answer:
    if not named.ids:
        return replace(overview.decline(), answer=write_not_held(named.unknown))
    decisive = asked[0] if asked else None
    if decisive is Intent.DEADLINES:
        return deadlines.answer_deadlines(findings, question, named.ids)
    if decisive is None or decisive not in _NOT_ABOUT_NORMS:
        return explain_norms(findings, named.ids, asked, named.unknown)
    if decisive in (Intent.ADVICE, Intent.HELP):
        return _answer_overall(findings, decisive, question, ())
    cannot, known = overview.decline(), explain_norms(findings, named.ids, (Intent.EXPLAIN,))
    first = cannot.answer.partition(": ")[0]
    return replace(
        cannot,
        answer=f"{first}. What I do know:\n{known.answer}",
        relevant_norms=known.relevant_norms,
    )


def _answer_in_general(
    findings: Findings, named: NormMentions, asked: Sequence[Intent], question: str
) -> Answer:
    """Answer a question that names no norm: on a subject, on a term, or on the whole result."""
    spelled = split_words(question)
    if _is_off_subject(spelled, findings.state, forgiving=bool(asked)):
        return overview.decline()
    if Intent.EXPLAIN in asked and (explained := explain_term(spelled)):
        return explained
    decisive = asked[0] if asked else None
    if named.topics and (decisive is None or decisive in _ABOUT_TOPICS):
        return _answer_about_named(findings, replace(named, ids=named.topics), asked, question)
    return (
        _answer_overall(findings, decisive, question, spelled) if decisive else overview.decline()
    )


_OVERALL: dict[Intent, Callable[[Findings], Answer]] = {
    Intent.ADVICE: lambda _findings: overview.disclaim_advice(),
    Intent.CONFIDENCE: lambda _findings: overview.explain_confidence(),
    Intent.HELP: lambda _findings: overview.offer_help(),
    Intent.OPEN: overview.list_open,
    Intent.EXCLUDED: overview.list_excluded,
    Intent.PRIORITY: overview.list_priorities,
    Intent.NEXT: overview.list_next_steps,
    Intent.FACTS: overview.repeat_facts,
    Intent.WHY: overview.explain_matches,
    Intent.COUNT: overview.count_norms,
}


def _answer_overall(
    findings: Findings, intent: Intent, question: str, spelled: Sequence[Word]
) -> Answer:
    if intent in _OVERALL:
        return _OVERALL[intent](findings)
    if intent is Intent.DEADLINES:
        return deadlines.answer_deadlines(findings, question, ())
    if intent in (Intent.LIST, Intent.APPLIES):
        return overview.list_norms(findings, spelled)
    return overview.decline()


@cache
def _collect_subject_words() -> frozenset[str]:
    """Collect the words of the subject: of the catalogue, the facts and the kinds of question."""
    norms = get_catalogue().norms
    texts = [" ".join((norm.title, norm.summary, norm.note, *norm.doubts)) for norm in norms]
    texts += [f"{fact.label} {fact.yes} {fact.no}" for fact in FACTS.values()]
    return (
        get_known_words()
        | back_references.get_known_words()
        | {word.text for text in texts for word in split_words(text)}
    )


def _is_off_subject(spelled: Sequence[Word], state: State, *, forgiving: bool) -> bool:
    """Tell whether a third of the words or more do not belong to the subject.

    Words of one or two letters do not count; words of the maker's own description belong to it.
    If `forgiving`, one foreign word in a longer question is accepted.
    """
    telling = [word.text for word in spelled if len(word.text) > _LONGEST_WORD_IGNORED]
    own = {word.text for word in split_words(str(state.get("description", "")))}
    foreign = sum(word not in _collect_subject_words() and word not in own for word in telling)
    if not forgiving:
        return foreign > 0
    return foreign * _MOST_FOREIGN >= len(telling) and (foreign > 1 or len(telling) < _MOST_FOREIGN)
