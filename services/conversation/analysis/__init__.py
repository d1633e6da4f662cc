"""The verdict on every norm for one product, with reasons and confidence."""

from services.conversation.analysis.verdicts import (
    CONFIDENCE_NOTE,
    NormResult,
    Status,
    check_norms,
    check_state,
    find_assumed_facts,
    select_matched,
    summarise,
)

__all__ = [
    "CONFIDENCE_NOTE",
    "NormResult",
    "Status",
    "check_norms",
    "check_state",
    "find_assumed_facts",
    "select_matched",
    "summarise",
]
