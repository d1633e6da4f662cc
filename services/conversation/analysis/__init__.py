"""The verdict on every norm for one product, with reasons and confidence."""

from services.conversation.analysis.verdicts import (
    CONFIDENCE_NOTE,
    NormResult,
    Status,
    assumed_facts,
    check,
    check_state,
    matched,
    summarise,
)

__all__ = [
    "CONFIDENCE_NOTE",
    "NormResult",
    "Status",
    "assumed_facts",
    "check",
    "check_state",
    "matched",
    "summarise",
]
