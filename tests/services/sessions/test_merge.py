"""Two copies of one conversation become one: no message lost, none doubled, all in order."""

import copy
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.sessions.errors import SessionNotSerialisable
from services.sessions.merge import (
    encode_id,
    merge_contexts,
    merge_conversations,
    merge_higher,
)
from tests.support.ids import IDS, is_same, respell

Message = dict[str, Any]


def turn(message_id: str, at: str) -> list[Message]:
    """A user's message and the reply to it."""
    return [
        {"role": "user", "content": message_id, "id": message_id, "timestamp": at},
        {
            "role": "assistant",
            "content": f"to {message_id}",
            "id": f"re {message_id}",
            "timestamp": at,
            "reply_to": message_id,
        },
    ]


def ids(entries: list[Message]) -> list[Any]:
    """What the entries are known by here."""
    return [entry.get("id", entry.get("content")) for entry in entries]


def merged_ids(higher: list[Message], lower: list[Message]) -> list[Any]:
    """The merged history of two copies that hold nothing else."""
    return ids(merge_conversations({"history": higher}, {"history": lower})["history"])


@st.composite
def turns(draw: st.DrawFn) -> list[list[Message]]:
    """Turns in order of time, several at the same moment, some of them without a reply."""
    moments = sorted(draw(st.lists(st.integers(0, 6), max_size=8)))
    made = [turn(f"m{at}", f"2026-01-01T00:00:0{moment}Z") for at, moment in enumerate(moments)]
    for one in made:
        if draw(st.booleans()):
            del one[1:]
        for message in one:
            if draw(st.booleans()):
                del message["timestamp"]
    return made


@st.composite
def copies(draw: st.DrawFn) -> tuple[list[Message], list[Message], list[Message]]:
    """Two copies of a history and their base: each has the base's turns and some of its own."""
    whose = st.sampled_from(["base", "higher", "lower"])
    higher, lower, base = [], [], []
    for one in draw(turns()):
        owner = draw(whose)
        higher += one if owner != "lower" else []
        lower += one if owner != "higher" else []
        base += one if owner == "base" else []
    return higher, lower, base


def is_kept_in_order(part: list[Any], whole: list[Any]) -> bool:
    """Whether one list's entries stand in the other in the same order."""
    rest = iter(whole)
    return all(one in rest for one in part)


@given(copies(), st.booleans())
def test_every_message_is_there_once_and_in_its_own_order(
    given_copies: tuple[list[Message], list[Message], list[Message]], with_base: bool
) -> None:
    """Whatever each copy has, with their base or without, and the copies stay as they are."""
    higher, lower, base = ({"history": one} for one in given_copies)
    before = copy.deepcopy((higher, lower, base))
    ancestor = base if with_base else None
    history = merge_conversations(higher, lower, ancestor)["history"]
    assert (higher, lower, base) == before
    assert sorted(ids(history)) == sorted({*ids(higher["history"]), *ids(lower["history"])})
    assert is_kept_in_order(ids(higher["history"]), ids(history))
    assert is_kept_in_order(ids(lower["history"]), ids(history))
    again = merge_conversations(higher, lower, ancestor)
    assert msgspec.json.encode(again) == msgspec.json.encode({"history": history})


@given(copies())
def test_merging_again_changes_nothing(
    given_copies: tuple[list[Message], list[Message], list[Message]],
) -> None:
    """So that a change which was sent twice, or a copy that comes back, doubles nothing."""
    higher, lower, base = ({"history": one} for one in given_copies)
    made = merge_conversations(higher, lower, base)
    for one in (higher, lower, made):
        assert merge_conversations(made, one, base) == made
        assert merge_conversations(one, made) == made


@given(copies())
def test_turns_stay_whole(given_copies: tuple[list[Message], list[Message], list[Message]]) -> None:
    """Nothing comes between a message and the reply to it."""
    higher, lower, _ = given_copies
    history = merge_conversations({"history": higher}, {"history": lower})["history"]
    for before, message in pairwise([{}, *history]):
        assert message.get("reply_to") in (None, before.get("id"))


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_without_ids_the_content_counts(higher: list[str], lower: list[str]) -> None:
    """Equal entries that are in both are the same; nothing else is dropped."""
    made = merged_ids([{"content": one} for one in higher], [{"content": one} for one in lower])
    expected = {one: max(higher.count(one), lower.count(one)) for one in "abc"}
    assert {one: made.count(one) for one in "abc"} == expected


@given(st.lists(st.integers(0, 99), unique=True), st.lists(st.integers(0, 99), unique=True))
def test_messages_of_any_order_come_out_by_their_time(higher: list[int], lower: list[int]) -> None:
    """Also when the copies' own lists are not in order of time."""
    first = [{"id": at, "timestamp": at} for at in higher]
    second = [{"id": at, "timestamp": at} for at in lower]
    assert merged_ids(first, second) == sorted({*higher, *lower})


def test_without_timestamps_each_copys_additions_stay_together() -> None:
    """After what both have, first those of the copy that was stored first."""
    said = [{"role": "user", "content": "a lamp"}, {"role": "assistant", "content": "Which?"}]
    ours = [{"role": "user", "content": "USB"}, {"role": "assistant", "content": "Good."}]
    theirs = [{"role": "user", "content": "red"}, {"role": "assistant", "content": "Fine."}]
    made = merged_ids([*said, *ours], [*said, *theirs])
    assert made == ["a lamp", "Which?", "red", "Fine.", "USB", "Good."]


def test_equal_replies_to_different_messages_are_two() -> None:
    """A message without an id is known by what it answers as well."""
    seen = {"role": "assistant", "content": "I see."}
    ours, theirs = {"role": "user", "content": "USB"}, {"role": "user", "content": "red"}
    made = merged_ids([ours, seen], [theirs, seen])
    assert made == ["red", "I see.", "USB", "I see."]
    assert merged_ids([ours, seen], [ours, seen]) == ["USB", "I see."]


def test_a_late_reply_stands_with_what_it_answers() -> None:
    """Though another message came while it was made, and though only one copy has it."""
    (asked, answered), (other, _) = (
        turn("a", "2026-01-01T00:00:01Z"),
        turn("b", "2026-01-01T00:00:02Z"),
    )
    answered["timestamp"] = "2026-01-01T00:00:09Z"
    assert merged_ids([asked, answered], [asked, other]) == ["a", "re a", "b"]


def test_copies_that_disagree_about_the_order_still_lose_nothing() -> None:
    """One of both orders is taken."""
    one, two = {"id": 1}, {"id": 2}
    assert sorted(merged_ids([one, two], [two, one])) == [1, 2]


@pytest.mark.parametrize("stamp", [None, True, "yesterday", 10**400, []])
def test_a_timestamp_that_says_nothing_is_none(stamp: object) -> None:
    """The message then stays after the one before it."""
    first, odd = {"id": "a", "timestamp": 5}, {"id": "b", "timestamp": stamp}
    last = {"id": "c", "timestamp": "2026-01-01T00:00:00"}
    assert merged_ids([last], [first, odd]) == ["a", "b", "c"]


def test_a_message_id_that_is_used_twice_in_a_copy_hides_nothing() -> None:
    """The first with it is the first in the other copy, the second the second."""
    both = [{"id": 1, "role": "user"}, {"id": 1, "role": "assistant"}]
    assert merged_ids(both, both) == [1, 1]
    assert merged_ids(both, []) == [1, 1]


def test_other_members_are_the_higher_copys() -> None:
    """Without a base nothing of the lower copy is taken but its messages."""
    made = merge_conversations(
        {"complete": True, "state": {"a": 1}, "notes": [{"id": 1}]},
        {
            "complete": False,
            "state": {"b": 2},
            "extra": 1,
            "notes": [{"id": 2}],
            "history": turn("m", ""),
        },
    )
    assert made == {
        "complete": True,
        "state": {"a": 1},
        "notes": [{"id": 2}, {"id": 1}],
        "history": turn("m", ""),
    }


def test_with_a_base_what_only_one_changed_is_taken() -> None:
    """Changed, added or dropped; of what both changed, the higher copy's; dicts inside likewise."""
    base = {"same": 1, "ours": 1, "theirs": 1, "both": 1, "gone": 1, "d": {"x": 1, "y": 1, "z": 1}}
    higher = {
        "same": 1,
        "ours": 2,
        "theirs": 1,
        "both": 2,
        "gone": 1,
        "d": {"x": 2, "y": 1, "z": 2},
    }
    lower = {
        "same": 1,
        "ours": 1,
        "theirs": 3,
        "both": 3,
        "d": {"x": 1, "y": 3, "z": 3},
        "new": {"n": 1},
    }
    assert merge_conversations(higher, lower, base) == {
        "same": 1,
        "ours": 2,
        "theirs": 3,
        "both": 2,
        "d": {"x": 2, "y": 3, "z": 2},
        "new": {"n": 1},
    }


def test_dicts_that_both_added_have_the_members_of_both() -> None:
    """As there was nothing before, nothing of either was dropped."""
    made = merge_conversations({"d": {"a": 1, "c": 1}}, {"d": {"b": 2, "c": 2}}, {})
    assert made == {"d": {"a": 1, "c": 1, "b": 2}}


def test_a_message_that_one_copy_edited_keeps_the_edit() -> None:
    """The higher copy's words, or with a base those of whoever changed them."""
    old, new = {"id": 1, "content": "old"}, {"id": 1, "content": "new"}
    higher, lower = {"history": [old]}, {"history": [new]}
    assert merge_conversations(higher, lower)["history"] == [old]
    assert merge_conversations(higher, lower, higher)["history"] == [new]


def test_results_are_no_messages() -> None:
    """Two copies' results of one analysis are not mixed."""
    ours, theirs = [{"norm_id": "RED", "confidence": 90}], [{"norm_id": "RED", "confidence": 80}]
    made = merge_conversations({"matched_norms": ours}, {"matched_norms": theirs})
    assert made == {"matched_norms": ours}


@pytest.mark.parametrize("nothing", [{}, {"history": None}, {"history": []}])
def test_messages_win_over_none(nothing: Message) -> None:
    """A copy without them takes none away, whichever of the two it is."""
    full = {"history": turn("a", "2026-01-01")}
    assert merge_conversations(nothing, full) == full
    assert merge_conversations(full, nothing) == full
    assert merge_conversations(nothing, full, full) == full


def test_the_result_shares_nothing_with_the_copies() -> None:
    """So that changing it changes no copy."""
    higher: Message = {"state": {"facts": []}}
    merge_conversations(higher, {})["state"]["facts"].append("one")
    merge_higher(higher, {})["state"]["facts"].append("one")
    assert higher == {"state": {"facts": []}}


def test_the_higher_copy_may_win_whole() -> None:
    """For sessions whose members only make sense together."""
    assert merge_higher({"a": 1, "history": []}, {"b": 2, "history": [{"id": 1}]}) == {
        "a": 1,
        "history": [],
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("xyz"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
CONTEXTS = st.dictionaries(st.sampled_from(["state", "seen", "asked"]), JSON, max_size=3)


def test_contexts_keep_what_both_copies_know() -> None:
    """Mappings at every depth, lists whatever is in them, of a single value the higher's."""
    higher = {"state": {"a": 1, "deep": {"x": 1}}, "seen": ["one", {"id": "2"}], "same": [1, 1]}
    lower = {"state": {"a": 2, "deep": {"y": 2}}, "seen": ["one", {"id": "3"}], "same": [1, 1]}
    assert merge_contexts(higher, lower) == {
        "state": {"a": 1, "deep": {"x": 1, "y": 2}},
        "seen": ["one", {"id": "3"}, {"id": "2"}],
        "same": [1, 1],
    }


def test_an_entry_of_both_contexts_is_merged() -> None:
    """It is known by its id."""
    higher, lower = {"seen": [{"id": 1, "a": 1}]}, {"seen": [{"id": 1, "a": 0, "b": 2}]}
    assert merge_contexts(higher, lower) == {"seen": [{"id": 1, "a": 1, "b": 2}]}


def test_with_their_base_contexts_tell_what_was_dropped() -> None:
    """What only the lower copy changed, added or dropped is as it has it."""
    base = {"state": {"kept": 1, "dropped": 1, "changed": 1}}
    higher = {"state": {"kept": 1, "dropped": 1, "changed": 1, "mine": 1}}
    lower = {"state": {"kept": 1, "changed": 2, "theirs": 1}}
    assert merge_contexts(higher, lower, base) == {
        "state": {"kept": 1, "changed": 2, "mine": 1, "theirs": 1}
    }


@given(CONTEXTS, CONTEXTS)
def test_merging_contexts_again_changes_nothing(
    higher: dict[str, Any], lower: dict[str, Any]
) -> None:
    """Nothing is doubled, nothing handed in is changed, and every member of both is there."""
    before = copy.deepcopy((higher, lower))
    together = merge_contexts(higher, lower)
    assert (higher, lower) == before
    assert together.keys() == higher.keys() | lower.keys()
    assert merge_contexts(together, lower) == together
    assert merge_contexts(higher, higher) == higher


@given(IDS, IDS)
@example(2**64, 2**64 + 1)
@example(2.0**53, 2**53 + 1)
@example([1], [True])
@example(1, "1")
def test_copies_share_an_entry_exactly_if_its_id_is_of_one_value(one: Any, other: Any) -> None:
    """As additions to a context do; merged with either copy again, nothing changes."""
    for same in (other, respell(one)):
        higher, lower = {"seen": [{"id": one, "a": 1}]}, {"seen": [{"id": same, "a": 1}]}
        together = merge_contexts(higher, lower)
        assert len(together["seen"]) == (1 if is_same(one, same) else 2)
        assert merge_contexts(together, lower) == together
        assert merge_contexts(together, higher) == together


@given(IDS)
def test_a_reply_names_what_it_answers_by_the_value_of_its_id(asked: Any) -> None:
    """It stays with its question, although its own moment is that of another turn."""
    question = {"role": "user", "id": asked, "timestamp": 1}
    reply = {"role": "other", "id": "re", "timestamp": 3, "reply_to": respell(asked)}
    between = {"role": "user", "id": "between", "timestamp": 2}
    assert ids(
        merge_conversations({"history": [question, reply]}, {"history": [between]})["history"]
    ) == [asked, "re", "between"]


@pytest.mark.parametrize("value", [object(), "\ud800", {1: {object()}}])
def test_an_id_that_is_no_json_is_refused(value: Any) -> None:
    """As everything else that cannot be stored."""
    with pytest.raises(SessionNotSerialisable):
        encode_id(value)
