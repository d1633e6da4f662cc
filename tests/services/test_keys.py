"""Keys of parts that callers chose: no two texts, and no two kinds of session, share one."""

import itertools

import pytest
from hypothesis import given

from services.keys import (
    build_context_id,
    build_context_owner,
    decode_key_part,
    encode_key_part,
    read_context_name,
    read_context_owner,
)
from services.keyspaces import CONTEXT_SESSIONS, TENANT_SESSIONS, build_keyspaces
from services.sessions.errors import InvalidSessionId
from services.sessions.stores.base import quarantine_key
from tests.support.crafted import BROKEN, LONG, Triple, bounded, names, texts, triples

CONTEXTS, TENANTS = CONTEXT_SESSIONS, TENANT_SESSIONS
UUID = "0b2f1c9e-5d3a-4c7b-9e1f-2a3b4c5d6e7f"


def keys_of(triple: Triple) -> set[str]:
    """Every key in which anything of a context may stand, but for its lists."""
    key = CONTEXTS.key(build_context_id(*triple))
    return {key, quarantine_key(key)}


@bounded(300)
@given(one=texts, other=texts)
def test_a_text_is_one_part_and_comes_back(one: str, other: str) -> None:
    """What is refused is refused clearly; whatever is taken differs where the texts differ."""
    parts = []
    for text in (one, other):
        try:
            parts.append(encode_key_part(text))
        except InvalidSessionId:
            assert text in ("", LONG, *BROKEN)
        else:
            assert decode_key_part(parts[-1]) == text
            assert ":" not in parts[-1]
    assert (one == other) == (len(parts) == 2 and parts[0] == parts[1]) or len(parts) < 2


@bounded(300)
@given(different=triples)
def test_different_contexts_share_no_key_and_no_list(different: list[Triple]) -> None:
    """A list is shared by the contexts of a user, and one by last use by those of a tenant."""
    valid = [one for one in different if all(text not in ("", LONG, *BROKEN) for text in one)]
    for one, other in itertools.combinations(valid, 2):
        assert not keys_of(one) & keys_of(other)
        mine, theirs = build_context_id(*one), build_context_id(*other)
        lists = [CONTEXTS.owner_index(build_context_owner(*triple[:2])) for triple in (one, other)]
        assert (lists[0] == lists[1]) == (one[:2] == other[:2])
        idle = [CONTEXTS.idle_index(mine), CONTEXTS.idle_index(theirs)]
        assert (idle[0] == idle[1]) == (one[0] == other[0])
        for triple, name in ((one, mine), (other, theirs)):
            assert read_context_owner(name) == build_context_owner(*triple[:2])
            assert read_context_name(name) == triple[2]


@bounded(100)
@given(triple=names.flatmap(lambda one: names.map(lambda other: (one, other, one))))
def test_no_kind_of_session_has_another_kind_s_keys(triple: Triple) -> None:
    """Whatever a caller calls itself, its keys belong to its own kind alone."""
    found = {*keys_of(triple), TENANTS.key(encode_key_part(triple[0]))}
    for keyspace in build_keyspaces():
        begun = {key for key in found if key.startswith(keyspace.prefix)}
        expected = {"context": keys_of(triple), "tenant": found - keys_of(triple)}
        assert begun == expected.get(keyspace.name, set())
        assert not any(key.startswith("index:") for key in found)


@pytest.mark.parametrize(
    "session_id",
    [
        *("", LONG, "*", f"{UUID}:corrupt", f"{UUID}\n", f" {UUID}", UUID.upper(), f"{UUID}\x00"),
        *(f"../{UUID}", UUID.replace("0", "\uff10"), UUID.replace("-", "\u2010"), f"{{{UUID}}}"),
    ],
)
def test_what_looks_like_a_uuid_is_none(session_id: str) -> None:
    """Of a kind with UUIDs nothing else ever becomes a key."""
    for keyspace in build_keyspaces():
        if keyspace.name in ("chat:session", "state"):
            assert keyspace.key(UUID).endswith(UUID)
            with pytest.raises(InvalidSessionId):
                keyspace.key(session_id)
