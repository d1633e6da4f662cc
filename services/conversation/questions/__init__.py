"""Answers to questions about the results, and what a visitor may send next."""

from services.conversation.questions.assistant import LONGEST, Answer, ask

__all__ = ["LONGEST", "Answer", "ask"]
