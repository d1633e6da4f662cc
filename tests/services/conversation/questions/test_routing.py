"""Telling a question from a statement that changes the product, in a maker's own words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.conversation import interview
from services.conversation.questions.routing import Step, route_message
from tests.services.conversation.products import INTERVIEWS, get_finished

STATEMENTS = (
    "it also has a laser",
    "It has a battery now.",
    "actually it runs on 12 V",
    "no, it is a toy",
    "we added a rechargeable lithium battery",
    "I forgot: it has a laser",
    "it is for professionals only",
    "for professionals only",
    "remove the Wi-Fi",
    "please add a battery",
    "it no longer has Wi-Fi",
    "it does not have any radio",
    "It is sold in 2028",
    "sell it in 2028",
    "it also has a battery, does that change anything?",
    "It also has a battery. What changes?",
    "could you add a battery?",
    "can you please remove the Wi-Fi?",
    "ok it has NFC too",
    "and it has a laser",
    "but it has no Wi-Fi",
    "sorry, it runs on batteries",
    "es hat auch einen Akku",
    "es hat kein WLAN",
    "with a battery",
    "12 V",
    "a laser, too",
    "It contains a lithium cell that can be recharged",
    "has the option to run on batteries",
    "I want to add a battery",
    "I would like to add a battery",
    "the product must not be used by consumers",
    "is battery powered",
    "change the voltage to 12 V DC",
    "There is no mains inside, only a power adapter",
    "it comes into contact with food",
)
QUESTIONS = (
    "which norms apply?",
    "does it need CE marking",
    "what if it had a battery?",
    "what if it has no Wi-Fi",
    "suppose it has a battery",
    "without Wi-Fi",
    "and without the battery?",
    "and without the Wi-Fi",
    "and with a battery",
    "is it a toy?",
    "is it a toy",
    "does it matter that it has Wi-Fi",
    "can I sell it with a battery?",
    "tell me about the battery regulation",
    "the battery regulation",
    "RoHS",
    "battery",
    "packaging",
    "why",
    "why?",
    "and the second one?",
    "the second",
    "that one",
    "tell me more",
    "I want to know whether the battery matters",
    "I'd like to know if it may have a battery",
    "I wonder if the battery regulation applies",
    "which of these apply to the battery",
    "how does a laser change the norms",
    "list the standards",
    "explain low voltage",
    "hello",
    "what about the battery?",
    "Do I need anything for the laser",
    "has it a battery",
    "would a battery change anything",
    "Would a laser matter?",
    "if it had a laser, what would change",
    "if it runs on 12 V",
    "I need more details on the battery rules",
    "welche Normen gelten mit Akku",
    "was wenn es einen Akku hat",
    "gilt die Batterieverordnung",
    "muss ich Akkus zurücknehmen",
    "what is the deadline for the battery passport",
    "next steps",
    "go on",
    "who may test a laser",
    "It has a laser?",
    "so it needs a battery?",
    "Thanks! What about the battery?",
    "the toy safety directive",
    "I don't understand why the battery regulation does not apply",
    "not sure which battery rules apply",
    "could you explain the battery regulation?",
    "what does the analysis say about the battery?",
    "",
    "?!",
    "\U0001f600",
)
ORDERS = (
    "run the analysis",
    "please analyse it again",
    "start the analysis",
    "can you run the analysis?",
    "analyse",
    "do the analysis again please",
)


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_goes_to_the_interview(text: str) -> None:
    """And changes what is known, with nothing but what was stated."""
    state = get_finished("bulb")
    found = route_message(text, state, analyzed=True)
    assert found.step is Step.INTERVIEW
    after, _ = interview.respond(state, found.statement)
    assert interview.get_known_facts(after) != interview.get_known_facts(state)


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_goes_to_the_assistant(text: str) -> None:
    """Though it speaks of facts."""
    assert route_message(text, get_finished("bulb"), analyzed=True) == (Step.QUESTION, "")


@pytest.mark.parametrize("text", ORDERS)
def test_the_analysis_can_be_ordered(text: str) -> None:
    """Whether or not there is one."""
    for analyzed in (True, False):
        assert route_message(text, get_finished("bulb"), analyzed=analyzed).step is Step.ANALYSIS


@pytest.mark.parametrize("text", ["ok", "thanks", "that's all, thank you", "it has no battery"])
def test_what_is_known_already_is_acknowledged(text: str) -> None:
    """By the interview, which changes nothing."""
    assert route_message(text, get_finished("bulb"), analyzed=True).step is Step.INTERVIEW


@pytest.mark.parametrize("text", ["go ahead", "let's go", "weiter", "...", ""])
def test_without_an_analysis_whoever_says_nothing_else_wants_it(text: str) -> None:
    """With one, there is nothing to go ahead with."""
    assert route_message(text, get_finished("bulb"), analyzed=False).step is Step.ANALYSIS
    assert route_message(text, get_finished("bulb"), analyzed=True).step is Step.QUESTION


def test_only_the_statement_reaches_the_interview() -> None:
    """The question behind it names a battery, which the bulb has not."""
    found = route_message(
        "It also has a laser. What about the battery?", get_finished("bulb"), analyzed=True
    )
    assert found == (Step.INTERVIEW, "It also has a laser")
    named = route_message(
        "it has a laser, as the toy directive says", get_finished("bulb"), analyzed=True
    )
    assert "toy" not in named.statement


_PIECES = st.sampled_from(
    ["it has", "Bluetooth", "a battery", "?", "what", "if", ".", ",", "no", "RoHS", "the second",
     "you", "add", "could", "12 V", "\n", "analysis", "run", "is it", "wenn", "without"]
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=10).map(" ".join)),
    st.sampled_from(sorted(INTERVIEWS)),
    st.booleans(),
)
def test_any_text_has_a_step(text: str, product: str, analyzed: bool) -> None:
    """Nothing raises, the state stays as it was, and only the interview gets a statement."""
    state = get_finished(product)
    before = json.dumps(state)
    found = route_message(text, state, analyzed=analyzed)
    assert json.dumps(state) == before
    assert bool(found.statement) is (found.step is Step.INTERVIEW)
