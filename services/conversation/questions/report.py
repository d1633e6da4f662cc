"""Writes an analysis in plain text: what was understood, what applies, what to check."""

from services.conversation.analysis.description import summarise
from services.conversation.analysis.findings import Findings
from services.conversation.analysis.verdicts import NormResult
from services.conversation.interview.state import State
from services.conversation.questions import overview
from services.conversation.questions.answers import label_norm, name_some
from services.conversation.questions.comparison import find_difference
from services.norms.catalogue import DISCLAIMER

GO_ON = (
    "Ask me about it, for example: which of these is the most urgent, why does one of them apply, "
    "or what comes next. If something about the product is different, just tell me."
)
_MOST_NAMED = 6  # norms in one sentence about a difference


def write_report(state: State, *, understood: str = "", before: State | None = None) -> str:
    """Write the analysis of a product.

    Args:
        state: the interview's state, complete.
        understood: the echo of the message that completed the interview.
        before: the state of the previous analysis; the report begins with what differs from it.
    """
    findings = Findings(state)
    parts = [
        understood,
        _write_difference(Findings(before), findings) if before else "",
        f"Your product: {summarise(state)}",
        overview.format_matches(findings.matched),
        overview.write_open_points(findings),
        overview.write_watched(findings),
        GO_ON,
        DISCLAIMER,
    ]
    return "\n".join(filter(None, parts))


def write_unchanged(state: State, understood: str) -> str:
    """Say that a message does not change the analysis."""
    number = len(Findings(state).matched)
    norms = "one norm applies" if number == 1 else f"{number} norms apply"
    return f"{understood} That changes nothing: {norms} to your product, as before.\n{GO_ON}"


def _write_difference(before: Findings, after: Findings) -> str:
    found = find_difference(before, after)
    sentences = [
        f"{heading}: {_name_norms(results)}."
        for heading, results in (
            ("Newly applies", found.gained),
            ("No longer applies", found.lost),
            ("Newly to be checked", found.opened),
        )
        if results
    ]
    return " ".join(sentences) or "The same norms apply as before."


def _name_norms(results: list[NormResult]) -> str:
    return name_some([label_norm(result) for result in results], _MOST_NAMED)
