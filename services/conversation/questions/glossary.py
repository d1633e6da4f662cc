"""Explains terms of product law that belong to no single norm."""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from services.conversation.analysis import confidence
from services.conversation.language.phrases import PhraseTable, Word
from services.conversation.questions.answers import Answer


@cache
def _load_terms() -> PhraseTable[str]:
    text = Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8")
    return PhraseTable(
        {
            words: term["text"]
            for term in tomllib.loads(text)["term"]
            for words in term["words"].split("|")
        }
    )


def explain_term(question: Sequence[Word]) -> Answer | None:
    """Explain the first term of the glossary that a question contains; None without one."""
    found = next(_load_terms().find(question), None)
    return Answer(found.value, (), confidence.CERTAIN) if found else None
