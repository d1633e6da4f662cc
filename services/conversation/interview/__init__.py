"""Interviews a maker: what is known of the product, what to ask next, and corrections."""

from services.conversation.interview.corrections import (
    HIGHEST_VALUES,
    export_corrections,
    read_corrections,
    write_corrections,
)
from services.conversation.interview.dialogue import MOST_TURNS, Reply, begin, correct, respond
from services.conversation.interview.product_facts import SOURCES, list_product_facts
from services.conversation.interview.state import State, apply_message, get_known_facts

__all__ = [
    "HIGHEST_VALUES",
    "MOST_TURNS",
    "SOURCES",
    "Reply",
    "State",
    "apply_message",
    "begin",
    "correct",
    "export_corrections",
    "get_known_facts",
    "list_product_facts",
    "read_corrections",
    "respond",
    "write_corrections",
]
