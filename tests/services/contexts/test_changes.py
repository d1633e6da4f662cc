"""How something is added to a context: mappings merge, lists extend, ids count once."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contexts.changes import EMPTY, merge_context

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


@given(st.lists(PLAIN.filter(lambda value: value is not None) | st.floats(allow_nan=False)))
def test_whatever_is_an_id_counts_once(ids: list[Any]) -> None:
    """Numbers with a fraction, lists and mappings too: what is sent again changes nothing."""
    once = merge_context({"seen": []}, {"seen": [{"id": one} for one in ids]})
    again = [{"id": copy.deepcopy(one)} for one in ids]
    assert merge_context(once, {"seen": again}) == once


@pytest.mark.parametrize(
    ("one", "same"),
    [(1, 1.0), (0, -0.0), (2**60, 2.0**60), ([1, {"a": 2}], [1.0, {"a": 2.0}]),
     ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)  # fmt: skip
def test_ids_are_compared_by_value(one: Any, same: Any) -> None:
    """However a number is written, and in whatever order members stand."""
    assert merge_context({"seen": [{"id": one}]}, {"seen": [{"id": same, "a": 1}]}) == {
        "seen": [{"id": same, "a": 1}]
    }


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
