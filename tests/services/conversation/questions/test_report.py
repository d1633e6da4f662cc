"""The analysis in plain text."""

from services.conversation import interview
from services.conversation.analysis import summarise
from services.conversation.analysis.findings import Findings
from services.conversation.questions.report import GO_ON, write_report, write_unchanged
from services.norms.catalogue import DISCLAIMER
from tests.services.conversation.products import get_finished


def test_everything_is_told_in_order() -> None:
    """What was understood, what applies, what must be checked and why, what next, and limits."""
    state = get_finished("robot")
    text = write_report(state, understood="I noted: none.")
    parts = [
        "I noted: none.\n",
        f"Your product: {summarise(state)}\n",
        "13 norms apply to your product, the most important first:\n- 2006/42/EC Machinery",
        "2 norms are still to be checked. What I need to know:\n- whether it records data",
        "whether it handles personal data: matters for (EU) 2016/679\n",
        "To be watched: (EU) 2024/1781",
        GO_ON,
        DISCLAIMER,
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_every_norm_that_applies_is_named() -> None:
    """None is left out for the sake of brevity."""
    text = write_report(get_finished("earbuds"))
    assert all(
        f"\n- {r.norm_id} {r.norm_name}" in text for r in Findings(get_finished("earbuds")).matched
    )
    assert "Nothing is open" in text


def test_what_a_correction_changed_is_told_first() -> None:
    """New norms, gone ones, open ones; or that the norms are the same."""
    before = get_finished("bulb")
    after, _ = interview.respond(before, "no radio")
    text = write_report(after, before=before)
    assert text.startswith("Newly applies: 2014/35/EU Low Voltage Directive (LVD) and 2014/30/EU")
    assert "No longer applies: 2014/53/EU Radio Equipment Directive (RED)" in text
    assert "and 1 more" not in text
    same, _ = interview.respond(before, "it also has NFC and Bluetooth")
    assert write_report(same, before=before).startswith(("The same norms", "Newly applies"))
    assert write_report(before, before=before).startswith("The same norms apply as before.")


def test_what_changes_nothing() -> None:
    """The count stays, and it is said how to go on."""
    text = write_unchanged(get_finished("mug"), "Fine.")
    assert text.startswith("Fine. That changes nothing: 5 norms apply to your product, as before.")
