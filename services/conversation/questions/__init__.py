"""Answers questions about the results, and suggests what a visitor may send next."""

from services.conversation.questions.assistant import LONGEST, Answer, answer_question
from services.conversation.questions.report import write_report, write_unchanged
from services.conversation.questions.routing import Route, Step, route_message
from services.conversation.questions.suggestions import MOST as MOST_SUGGESTIONS
from services.conversation.questions.suggestions import find_meaning, suggest
from services.conversation.questions.window import (
    MAX_PAIRS,
    build_enriched_query,
    select_recent_pairs,
)

__all__ = [
    "LONGEST",
    "MAX_PAIRS",
    "MOST_SUGGESTIONS",
    "Answer",
    "Route",
    "Step",
    "answer_question",
    "build_enriched_query",
    "find_meaning",
    "route_message",
    "select_recent_pairs",
    "suggest",
    "write_report",
    "write_unchanged",
]
