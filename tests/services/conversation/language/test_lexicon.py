"""The lexicon's data files are sound, and a wrong entry is named."""

from typing import Any

import pytest

from services.conversation.language.lexicon import LexiconError, build_index, get_lexicon
from services.conversation.language.terms import CLASS_LABELS
from services.conversation.language.tokens import split_tokens
from services.conversation.understanding.replies import TOPIC_FACTS
from services.norms.facts import FACTS

WORDS: dict[str, Any] = {
    "markers": {"negator": "no"},
    "concept": [{"name": "radio", "group": "radio", "words": "radio", "yes": "radio"}],
}
KINDS: dict[str, Any] = {
    "plain": {"thing": "-burns_gas"},
    "kind": [{"names": "lamp|smart lamp", "is": "luminaire", "plain": "thing"}],
}


def test_every_topic_fact_exists_once() -> None:
    """Topics divide the facts that are asked for; the current belongs to two on purpose."""
    asked = [name for names in TOPIC_FACTS.values() for name in names]
    assert set(asked) == FACTS.keys() - {"packaged", "market_date"}
    twice = {name for name in asked if asked.count(name) > 1}
    assert twice == {"input_a", "display_cm2", "pressure_bar"}


def test_the_packaged_lexicon_finds_phrases_by_whole_words() -> None:
    """The longest phrase wins; a plural means the same."""
    index = get_lexicon()
    entry = index.match(split_tokens("desk lamps with"), 0)
    assert entry is not None
    assert entry.kind is not None
    assert entry.kind.name == "desk lamps"
    assert index.match(split_tokens("desktop"), 0) is None


def test_a_kind_answers_every_class_fact_or_leaves_it_open() -> None:
    """A desk lamp is a luminaire and no appliance; equipment may or may not be a display."""
    lamp = get_lexicon().match(split_tokens("desk lamp"), 0)
    assert lamp is not None
    assert lamp.kind is not None
    facts = dict(lamp.kind.facts)
    assert facts.keys() >= CLASS_LABELS.keys()
    assert facts["luminaire"] is True
    assert facts["appliance"] is False
    assert facts["display_cm2"] == 0


def test_sets_of_plain_facts_are_shared() -> None:
    """A kind takes over the set that it names."""
    entry = build_index(WORDS, KINDS).match(["smart", "lamp"], 0)
    assert entry is not None
    assert entry.kind is not None
    assert dict(entry.kind.facts)["burns_gas"] is False


@pytest.mark.parametrize("facts", ["radoi", "radio=5", "v_ac", "v_ac=x"])
def test_a_wrong_fact_is_named_with_its_place(facts: str) -> None:
    """An unknown fact, a number for a yes-or-no fact and a number without value are refused."""
    wrong = {**WORDS, "concept": [{**WORDS["concept"][0], "yes": facts}]}
    with pytest.raises(LexiconError, match=r"words\.toml: radio"):
        build_index(wrong, KINDS)


def test_an_unknown_open_fact_is_named() -> None:
    """Facts that a concept leaves open must exist, too."""
    wrong = {**WORDS, "concept": [{**WORDS["concept"][0], "open": "ampere"}]}
    with pytest.raises(LexiconError, match="ampere"):
        build_index(wrong, KINDS)


def test_a_phrase_cannot_mean_two_things_of_one_sort() -> None:
    """Two kinds of the same name would depend on the order of the file."""
    wrong = {**KINDS, "kind": [*KINDS["kind"], {"names": "Lamp", "is": ""}]}
    with pytest.raises(LexiconError, match="'Lamp' is listed twice"):
        build_index(WORDS, wrong)
