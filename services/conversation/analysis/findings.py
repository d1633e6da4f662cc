"""What is known of one product and what follows for every norm; answers are based on it."""

from functools import cached_property
from typing import Any

from services.conversation.analysis.verdicts import (
    NormResult,
    check_state,
    find_assumed_facts,
    select_matched,
)
from services.conversation.interview.state import get_known_facts
from services.norms.facts import Facts, format_day

State = dict[str, Any]


class Findings:
    """The facts of a conversation and its results, which are computed on first use."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.facts: Facts = get_known_facts(state)
        self.unsure: frozenset[str] = frozenset(state.get("unsure", ()))
        self.assumed: frozenset[str] = find_assumed_facts(state)

    @property
    def marketed(self) -> str:
        """The ISO date of placing on the market; "" when it is not known."""
        return format_day(self.facts["market_date"]) if "market_date" in self.facts else ""

    @cached_property
    def results(self) -> dict[str, NormResult]:
        """Every norm's result by its id, in the order of the catalogue."""
        return {result.norm_id: result for result in check_state(self.state)}

    @cached_property
    def matched(self) -> list[NormResult]:
        """The norms that apply, best first."""
        return select_matched(self.results.values())

    @cached_property
    def open(self) -> list[NormResult]:
        """The norms that are to be checked, those nearest to a decision first."""
        found = [result for result in self.results.values() if result.status == "to_be_checked"]
        return sorted(found, key=lambda result: -result.confidence)

    @cached_property
    def watched(self) -> list[NormResult]:
        """The framework acts to be watched."""
        return [result for result in self.results.values() if result.status == "watch"]

    @cached_property
    def excluded(self) -> list[NormResult]:
        """The norms that do not apply."""
        return [result for result in self.results.values() if result.status == "does_not_apply"]
