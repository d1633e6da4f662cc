"""What may be sent with one click: every text is understood, and none is asked twice."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from services.conversation import interview, questions
from services.conversation.analysis.findings import Findings
from services.conversation.language.intents import Intent, find_intents
from services.conversation.language.norm_names import find_norms
from services.conversation.questions import suggestions
from services.conversation.questions.routing import Step, route_message
from services.conversation.questions.suggestions import MOST, NEXT, UNSURE, find_meaning
from services.conversation.understanding.replies import TOPIC_FACTS
from tests.services.conversation.interview.test_dialogue import OPENERS
from tests.services.conversation.products import INTERVIEWS, TODAY, get_finished

MOST_TURNS = 26
WALKS = range(MOST)


def walk_suggestions(opener: str, pick: int) -> Iterator[tuple[interview.State, interview.Reply]]:
    """An interview in which always one of the suggestions is sent, another one each time."""
    state, reply = interview.begin(opener, TODAY)
    for turn in range(MOST_TURNS):
        yield state, reply
        if reply.complete:
            return
        offered = suggestions.suggest_answers(state)
        state, reply = interview.respond(state, offered[(pick + turn) % len(offered)])
    raise AssertionError("the interview does not end")


@cache
def run_walks() -> list[interview.State]:
    """Many products whose interviews were answered by suggestions alone."""
    return [[*walk_suggestions(opener, pick)][-1][0] for opener, _, _ in OPENERS for pick in WALKS]


def build_findings(product: str) -> Findings:
    """The results for a product."""
    return Findings(get_finished(product))


@pytest.mark.parametrize("opener", [opener for opener, _, _ in OPENERS])
def test_every_answer_is_understood(opener: str) -> None:
    """It settles something of what is asked, and is never answered with "I could not read"."""
    for pick in WALKS:
        for state, reply in walk_suggestions(opener, pick):
            if reply.complete:
                continue
            offered = suggestions.suggest_answers(state)
            assert 2 <= len(offered) <= MOST
            assert len(set(offered)) == len(offered)
            assert offered[-1] == UNSURE
            for text in offered:
                after, answered = interview.respond(state, text)
                known = {*interview.get_known_facts(after), *after["unsure"]}
                assert not known.isdisjoint(state["pending"]), (state["pending"], text)
                assert after["misses"] == state["misses"], text
                assert answered.understood, text


@pytest.mark.parametrize("topic", ["battery", "any", "radio", "data", "kind", "who"])
def test_a_named_thing_is_one_that_is_asked_for(topic: str) -> None:
    """No laser is offered where nobody asks for one."""
    for name, text in suggestions.ITEMS.items():
        if name not in TOPIC_FACTS[topic]:
            continue
        others = [other for other in TOPIC_FACTS[topic] if other != name]
        state = {**interview.begin("thing", TODAY)[0], "topic": topic, "pending": [name, *others]}
        after, _ = interview.respond(state, text)
        assert interview.get_known_facts(after).get(name) is True, text
        without = {**state, "pending": [other for other in others if other != "radio"]}
        if not {"appliance", "ict_av", "radio"} & set(without["pending"]):
            assert text not in suggestions.suggest_answers(without)


@pytest.mark.parametrize(
    ("opener", "expected"),
    [
        ("lamp", ["USB, 5 V DC", "230 V mains", "A rechargeable lithium battery"]),
        ("USB-powered LED desk lamp", ["No battery"]),
        ("USB lamp, no battery, no adapter", ["No radio", "Only Bluetooth"]),
        ("USB lamp, no battery, no adapter, no radio", ["None of these"]),
        ("phone charger, 230 V AC, no battery, no radio", ["None of these"]),
    ],
)
def test_typical_answers_come_first(opener: str, expected: list[str]) -> None:
    """What most makers say to the question."""
    state, _ = interview.begin(opener, TODAY)
    assert suggestions.suggest_answers(state)[: len(expected)] == expected


def test_what_was_denied_by_name_is_not_offered() -> None:
    """Who has no Bluetooth is not to say Bluetooth."""
    state, _ = interview.begin("USB lamp, no battery, no adapter, without Bluetooth", TODAY)
    assert state["topic"] == "radio"
    assert not any("Bluetooth" in text for text in suggestions.suggest_answers(state))


def test_what_would_not_be_understood_is_not_offered() -> None:
    """Watts say nothing of the current where the voltage was taken back."""
    state, _ = interview.begin("heat pump", TODAY)
    state, _ = interview.respond(state, "400 V three phase")
    assert "60 W" in suggestions.suggest_answers(state)
    state, _ = interview.correct(state, {"v_ac": None})
    assert state["topic"] == "current"
    assert "60 W" not in suggestions.suggest_answers(state)
    assert "1.5 A" in suggestions.suggest_answers(state)


def find_intended(text: str) -> Intent:
    """What a suggested question is meant to be."""
    return {
        "Why": Intent.WHY,
        "What if": Intent.WHAT_IF,
        NEXT: Intent.NEXT,
        "What is still": Intent.OPEN,
        "Which deadlines": Intent.DEADLINES,
        "Which norms matter": Intent.PRIORITY,
        "Which norms do not": Intent.EXCLUDED,
    }[next(key for key in _OPENINGS if text.startswith(key))]


_OPENINGS = (
    *("Why", "What if", NEXT, "What is still", "Which deadlines", "Which norms matter"),
    "Which norms do not",
)


def test_every_question_gets_the_answer_it_is_meant_for() -> None:
    """Of all that is ever offered, on many products; at the one door it is taken for a question."""
    for state in run_walks():
        findings = Findings(state)
        for text in suggestions.list_questions(findings):
            answer = questions.answer_question(text, state)
            assert find_intents(text)[0] is find_intended(text), text
            assert route_message(text, state, analyzed=True).step is Step.QUESTION, text
            if text.startswith("Why"):
                (norm_id,) = find_norms(text).ids
                assert answer.relevant_norms == (norm_id,)
                assert findings.results[norm_id].applies
                assert "pplies" in answer.answer
            elif text.startswith("What if"):
                assert "I could not tell" not in answer.answer, text
                assert "I already take it" not in answer.answer, text
                assert answer.proposed_description or "Nothing changes" in answer.answer, text
            else:
                assert answer.confidence > 0 or not findings.matched, text
                assert not answer.answer.startswith("I cannot answer"), text


@pytest.mark.parametrize("product", INTERVIEWS)
def test_nothing_is_offered_twice(product: str) -> None:
    """Whoever always clicks sees every question once, until none is left."""
    asked: list[str] = []
    findings = build_findings(product)
    while offered := suggestions.suggest_questions(findings, list(map(find_meaning, asked))):
        assert len(offered) <= MOST
        assert len(set(offered)) == len(offered)
        assert not set(offered) & set(asked)
        asked.append(offered[0])
    assert len(asked) > MOST


def test_other_words_for_the_same_are_the_same() -> None:
    """Who asked why, however briefly, is not invited to ask it again; a norm more is news."""
    findings = build_findings("desk lamp")
    first = suggestions.suggest_questions(findings, [])
    why = next(text for text in first if text.startswith("Why"))
    (norm_id,) = find_norms(why).ids
    asked = [f"why {norm_id}", "so what are the next steps"]
    second = suggestions.suggest_questions(findings, list(map(find_meaning, asked)))
    assert why not in second
    assert NEXT not in second
    assert any(text.startswith("Why") for text in second)


def test_the_supposition_fits_the_product() -> None:
    """Nobody is invited to suppose what is so already."""
    assert "What if it had Wi-Fi?" in suggestions.suggest_questions(build_findings("desk lamp"), [])
    assert "What if it had no radio?" in suggestions.suggest_questions(
        build_findings("earbuds"), []
    )


def test_when_there_is_nothing_to_say() -> None:
    """Between the last question and the analysis nothing is suggested."""
    state = get_finished("mug")
    options: dict[str, Any] = {"asked": []}
    assert suggestions.suggest(state, complete=True, analyzed=False, **options) == []
    assert suggestions.suggest(state, complete=True, analyzed=True, **options)
    begun, _ = interview.begin("lamp", TODAY)
    offered = suggestions.suggest(begun, complete=False, analyzed=True, **options)
    assert offered == suggestions.suggest_answers(begun)
