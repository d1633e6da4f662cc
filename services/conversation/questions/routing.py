"""Decides what a message wants once the interview is complete: to ask, or to change a fact.

A question goes to the assistant and changes nothing. A statement that changes what is known of
the product ("it also has Bluetooth") goes to the interview. A message that may be either is
taken for a question, because a wrong answer does less harm than a wrong fact.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from services.conversation import interview
from services.conversation.interview.state import State
from services.conversation.language.back_references import Target, find_back_reference
from services.conversation.language.norm_names import find_norms
from services.conversation.language.phrases import Word, split_words
from services.conversation.language.rewording import reword_change
from services.conversation.language.word_lists import get_words

_LONGEST = 4_000  # characters that are read
_FEW = 3  # words that name a subject rather than state something
_SENTENCE = re.compile(r"((?:[^?!.;\n]|[.](?=\w))+)([?!.;\n]*)")


class Step(StrEnum):
    """The part of the conversation that answers a message."""

    INTERVIEW = "interview"
    ANALYSIS = "analysis"
    QUESTION = "question"


class Route(NamedTuple):
    """Where a message goes.

    Attributes:
        step: the part that answers it.
        statement: what it states of the product, in words for the interview; may be "".
    """

    step: Step
    statement: str


class _Clause(NamedTuple):
    text: str
    has_mark: bool  # whether it ends with a question mark


def route_message(text: str, state: State, *, analyzed: bool) -> Route:
    """Decide what answers a message once the interview is complete.

    Pure; never raises, whatever the text.

    Args:
        text: the message.
        state: the interview's state, complete.
        analyzed: whether there is an analysis; if not, a message that neither asks nor states
            anything ("go ahead") starts it.
    """
    clauses = list(_split_clauses(text[:_LONGEST]))
    statements = [clause.text for clause in clauses if not _is_question(clause)]
    statement = reword_change(find_norms(". ".join(statements)).rest).strip()
    if any(_is_analysis_request(clause.text) for clause in clauses):
        return Route(Step.ANALYSIS, "")
    asked = [clause.text for clause in clauses if clause.text not in statements]
    if statement:
        after, reply = interview.respond(state, statement)
        meant = not asked or any(map(_is_about_consequences, asked))
        if _has_changed(state, after) or (meant and reply.understood):
            return Route(Step.INTERVIEW, statement)
    return Route(Step.QUESTION if asked or analyzed else Step.ANALYSIS, "")


def _has_changed(before: State, after: State) -> bool:
    known = interview.get_known_facts(before) == interview.get_known_facts(after)
    return not known or before["unsure"] != after["unsure"]


def _split_clauses(text: str) -> Iterator[_Clause]:
    """Split a message into clauses; "it has Wi-Fi, does that matter?" has two."""
    for match in _SENTENCE.finditer(text):
        parts = match[1].split(",")
        asks = [bool(_is_question_opening(split_words(part))) for part in parts]
        at = next((at for at in range(1, len(parts)) if asks[at] and not asks[0]), 0)
        if at:
            yield _Clause(",".join(parts[:at]), has_mark=False)
        if rest := ",".join(parts[at:]).strip():
            yield _Clause(rest, has_mark="?" in match[2])


def _is_question(clause: _Clause) -> bool:
    """Tell whether a clause is a question, a request for information, or a supposition."""
    spelled = split_words(clause.text)
    if _is_order(spelled):
        return False
    if clause.has_mark or not spelled or _is_question_opening(spelled):
        return True
    texts = {word.text for word in spelled}
    reference = find_back_reference(spelled)
    if reference and (reference.sure or reference.target is Target.LAST_TOPIC):
        return texts.isdisjoint(get_words("routing.verbs"))
    return _has_only_names(clause.text, spelled)


def _is_order(spelled: Sequence[Word]) -> bool:
    """Tell whether a clause asks for an action: "could you please add a battery?"."""
    texts = [word.text for word in _skip_fillers(spelled) if word.text != "please"]
    if texts[1:2] != ["you"] or texts[0] not in get_words("routing.auxiliaries"):
        return False
    return _has_any(texts[2:3], "changes", "run", "analysis")


def _is_question_opening(spelled: Sequence[Word]) -> bool:
    behind = [word.text for word in _skip_fillers(spelled)]
    first, second = (*behind, "", "")[:2]
    if _is_question_word(first) or (first == "was" and second in get_words("routing.behind_was")):
        return True
    if first in get_words("routing.having"):
        return second in get_words("routing.pronouns")
    if first in get_words("routing.auxiliaries"):
        if _has_any((second,), "pronouns", "determiners"):
            return True
        return first not in get_words("routing.is") and second in ("a", "an")
    if len(behind) < len(spelled) and first in get_words("routing.varying"):
        return True
    opening = " ".join(behind)
    return any(f"{opening} ".startswith(f"{request} ") for request in get_words("routing.requests"))


def _has_any(texts: Iterable[str], *lists: str) -> bool:
    """Tell whether one of the words is on one of the lists."""
    return not all(get_words(f"routing.{name}").isdisjoint(texts) for name in lists)


def _is_question_word(word: str) -> bool:
    """Tell whether no statement of a fact begins with this word."""
    return _has_any((word,), "question_words", "imperatives", "supposing", "conditionals")


def _has_only_names(text: str, spelled: Sequence[Word]) -> bool:
    """Tell whether a clause only names norms or a subject: "battery regulation", "packaging"."""
    texts = {word.text for word in spelled}
    if _has_any(texts, "verbs", "markers", "changes"):
        return False
    named = find_norms(text)
    return bool(named.ids) or (bool(named.topics) and len(spelled) <= _FEW)


def _skip_fillers(spelled: Sequence[Word]) -> Sequence[Word]:
    fillers = get_words("routing.fillers")
    at = next((at for at, word in enumerate(spelled) if word.text not in fillers), 0)
    return spelled[at:]


def _is_analysis_request(clause: str) -> bool:
    """Tell whether a clause asks for the analysis, rather than about it."""
    spelled = _skip_fillers(split_words(clause))
    texts = [word.text for word in spelled]
    if not _has_any(texts, "analysis"):
        return False
    ordered = _is_order(spelled) or _has_any(texts[:1], "run", "analysis")
    return ordered or (_has_any(texts, "run") and not _is_question_word(texts[0]))


def _is_about_consequences(clause: str) -> bool:
    return _has_any([word.text for word in split_words(clause)], "consequences")
