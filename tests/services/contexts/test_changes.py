"""How something is added to a context: mappings merge, lists extend, ids count once."""

import copy
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.contexts.changes import EMPTY, merge_context
from tests.support.ids import IDS, is_same, respell

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), PLAIN, max_size=3)


def test_mappings_merge_at_every_depth() -> None:
    """What is not named stays."""
    present = {"state": {"slots": {"size": 1, "colour": "red"}, "step": 1}}
    added = {"state": {"slots": {"size": 2}, "done": True}}
    assert merge_context(present, added) == {
        "state": {"slots": {"size": 2, "colour": "red"}, "step": 1, "done": True}
    }


def test_lists_extend() -> None:
    """Equal entries without an id are two things that happened."""
    assert merge_context({"seen": [1, "a"]}, {"seen": ["a", {"x": 1}]}) == {
        "seen": [1, "a", "a", {"x": 1}]
    }


def test_an_entry_with_an_id_counts_once() -> None:
    """A request that is sent again changes nothing more."""
    added = {"seen": [{"id": "m1", "text": "hello"}, {"id": "m2", "text": "you"}]}
    once = merge_context({"seen": [{"id": "m0"}]}, added)
    assert once == {"seen": [{"id": "m0"}, *added["seen"]]}
    assert merge_context(once, added) == once
    more = merge_context(once, {"seen": [{"id": "m1", "rating": 5}]})
    assert more["seen"][1] == {"id": "m1", "text": "hello", "rating": 5}


def test_ids_of_different_types_are_different() -> None:
    """The number 1, the text "1" and true."""
    entries: list[Any] = [{"id": 1}, {"id": "1"}, {"id": True}]
    assert merge_context({"seen": entries}, {"seen": copy.deepcopy(entries)}) == {"seen": entries}


@given(st.lists(IDS))
def test_whatever_is_an_id_counts_once(ids: list[Any]) -> None:
    """Sent again, and written otherwise, it changes nothing; no two ids are taken for one."""
    once = merge_context({"seen": []}, {"seen": [{"id": one} for one in ids]})
    held = [entry["id"] for entry in once["seen"]]
    assert not any(is_same(*two) for two in combinations(held, 2))
    assert all(any(is_same(one, other) for other in held) for one in ids)
    again = merge_context(once, {"seen": [{"id": respell(one)} for one in ids]})
    assert again == once


@given(IDS, IDS)
@example(2**64, 2**64 + 1)
@example(2.0**53, 2**53 + 1)
@example([1], [True])
@example(1, "1")
def test_two_ids_are_one_exactly_if_their_values_are(one: Any, other: Any) -> None:
    """By kind and value: 1 and 1.0 are one; true, 1 and "1" are three."""
    both = merge_context({"seen": [{"id": one}]}, {"seen": [{"id": other}]})["seen"]
    assert len(both) == (1 if is_same(one, other) else 2)


@pytest.mark.parametrize("present", [{}, {"log": None}, {"log": "x"}, {"log": []}])
def test_a_list_that_is_new_counts_ids_once_too(present: dict[str, Any]) -> None:
    """At every depth; otherwise what is sent again would change what was stored first."""
    added = {"state": {"log": [{"id": 0.5, "a": 1}, {"id": 0.5, "b": 2}]}}
    once = merge_context({"state": present}, copy.deepcopy(added))
    assert once == {"state": {"log": [{"id": 0.5, "a": 1, "b": 2}]}}
    assert merge_context({}, added) == once
    assert merge_context(once, added) == once


@pytest.mark.parametrize(
    ("present", "added"), [({}, []), ([], {}), (1, [1]), ({"a": 1}, None), ([1], "x"), (None, {})]
)
def test_anything_else_takes_the_place(present: Any, added: Any) -> None:
    """Where the two do not fit together the new one counts."""
    assert merge_context({"x": present}, {"x": added}) == {"x": added}


@given(MAPPINGS, MAPPINGS)
def test_nothing_handed_in_is_changed(present: dict[str, Any], added: dict[str, Any]) -> None:
    """A change may be applied again to a fresh copy."""
    before = copy.deepcopy((present, added))
    together = merge_context(present, added)
    assert (present, added) == before
    assert together.keys() == present.keys() | added.keys()


@given(MAPPINGS)
def test_adding_to_nothing_and_nothing_to_something(held: dict[str, Any]) -> None:
    """Both are what there is."""
    assert merge_context(held, {}) == held
    assert merge_context(EMPTY, held).keys() >= held.keys()


def test_an_entry_that_is_sent_again_extends_nothing_in_itself() -> None:
    """It has what it brought, lists among it."""
    added = {"seen": [{"id": "1", "tags": ["x"], "deep": {"a": 1}}]}
    once = merge_context({"seen": []}, added)
    assert merge_context(once, added) == once
