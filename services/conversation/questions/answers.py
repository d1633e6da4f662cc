"""The answer to a question, and the helpers that word answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.conversation.analysis.confidence import average_scores
from services.conversation.analysis.verdicts import NormResult
from services.norms.facts import join_items


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question.

    Attributes:
        answer: plain sentences; may contain line breaks and lines that start with "- ".
        relevant_norms: ids of the norms that the answer is about, best first.
        confidence: 0 to 100: the average of the results it is based on, less 10 if it also
            depends on how a change was read; 100 for statements about this service itself; 0
            when the question cannot be answered.
        proposed_description: for a comparison, a description of the changed product.
    """

    answer: str
    relevant_norms: tuple[str, ...]
    confidence: int
    proposed_description: str | None = None


def build_answer(text: str, results: Sequence[NormResult]) -> Answer:
    """Build an answer that is about results, with their average confidence."""
    score = average_scores([result.confidence for result in results])
    return Answer(text, tuple(result.norm_id for result in results), score)


def label_norm(result: NormResult) -> str:
    """Name a norm by id and title: "2014/35/EU Low Voltage Directive (LVD)"."""
    return f"{result.norm_id} {result.norm_name}"


def format_list(lines: Iterable[str]) -> str:
    """Format lines as list items."""
    return "\n".join(f"- {line}" for line in lines)


def name_some(items: Sequence[str], most: int) -> str:
    """Name the first few items: "a, b and 7 more"."""
    more = len(items) - most
    return join_items([*items[:most], f"{more} more"] if more > 1 else items)


def lower_first(sentence: str) -> str:
    """Begin a sentence with a small letter, for use after a colon; "I" stays."""
    return sentence if sentence.startswith("I ") else sentence[:1].lower() + sentence[1:]


def format_count(number: int, one: str, many: str = "") -> str:
    """Count things: "1 norm", "3 norms"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def extract_reason(result: NormResult) -> str:
    """Return the reason of a result without the verdict before it."""
    text = result.reasoning
    for verdict in ("Applies because ", "Does not apply because ", "To be checked: "):
        text = text.removeprefix(verdict)
    return lower_first(text)
