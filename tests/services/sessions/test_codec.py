"""The stored form of a session: its layout, its limits, and what is refused."""

import enum
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions import codec
from services.sessions.codec import ENVELOPE, Session
from services.sessions.errors import (
    SessionFormatUnknown,
    SessionNotSerialisable,
    SessionTooLarge,
    SessionUnreadable,
)

MIB = 1_048_576


class Colour(enum.StrEnum):
    """A string that would come back as another type."""

    RED = "red"


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
).filter(lambda value: value not in (float("inf"), float("-inf")))


def stored(data: dict[str, Any], version: int = 1, max_bytes: int = MIB) -> bytes:
    """A session's document as an engine keeps it."""
    return codec.join(version, codec.encode_body(Session("id", data, owner="o"), max_bytes))


def test_the_version_is_the_first_member() -> None:
    """A script on the server can read it from the first bytes."""
    value = stored({"history": []}, version=41)
    assert value.startswith(b'{"version":41,"format":1,')
    assert codec.version_of(value) == 41
    assert list(json.loads(value))[-1] == "history"


@given(st.dictionaries(texts.filter(lambda name: name not in ENVELOPE), json_values, max_size=5))
def test_what_is_saved_is_what_is_read(data: dict[str, Any]) -> None:
    """Any JSON, in any script, comes back as it went in."""
    try:
        value = stored(data)
    except SessionNotSerialisable:
        # Infinity is the one float hypothesis draws that JSON has no word for.
        assert "Infinity" in json.dumps(data)
        return
    session = codec.decode(value)
    assert session == data
    assert (session.session_id, session.owner, session.version) == ("id", "o", 1)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"at": datetime.now(UTC)}, "at (datetime)"),
        ({"tags": {"a"}}, "tags (set)"),
        ({"history": [{"role": "user"}, {"when": (1, 2)}]}, "history[1].when (tuple)"),
        ({"raw": b"bytes"}, "raw (bytes)"),
        ({"x": float("nan")}, "x (float)"),
        ({"x": [1.5, float("inf")]}, "x[1] (float)"),
        ({"kind": Colour.RED}, "kind (Colour)"),
        ({"id": uuid.UUID(int=0)}, "id (UUID)"),
        ({"thing": object()}, "object"),
        ({"half": "\ud800"}, "surrogates"),
    ],
)
def test_what_is_not_plain_json_is_refused_by_name(data: dict[str, Any], place: str) -> None:
    """The error says which member it is and what is in it."""
    with pytest.raises(SessionNotSerialisable) as refused:
        stored(data)
    assert place in str(refused.value)


def test_what_refers_to_itself_is_refused() -> None:
    """A loop ends in an error, not in a hang."""
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(SessionNotSerialisable):
        stored(loop)


@pytest.mark.parametrize("name", ENVELOPE)
def test_names_of_the_envelope_are_refused(name: str) -> None:
    """Data cannot pass itself off as a version or an owner."""
    with pytest.raises(SessionNotSerialisable, match=name):
        stored({name: 1})


def test_a_document_over_the_limit_is_refused_with_both_numbers() -> None:
    """The limit counts bytes, not characters."""
    with pytest.raises(SessionTooLarge) as refused:
        stored({"text": "ü" * 600}, max_bytes=1024)
    assert refused.value.limit == 1024
    assert refused.value.size > 1200


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b"{}",
        b'{"format":1,"version":1}',
        b'{"version":0,"format":1}',
        b'{"version":1,"format":1}',
        b'{"version":"1","format":1}',
        b'{"version":1,"format":1,"session_id":"x"',
        b'{"version":1,\xff}',
        b'{"version":1,"a":' + b"[" * 100_000,
    ],
)
def test_what_is_no_document_is_unreadable(value: bytes) -> None:
    """Whatever someone put there, reading it ends in one kind of error."""
    with pytest.raises(SessionUnreadable):
        codec.decode(value)


def test_a_newer_format_is_told_apart() -> None:
    """A document of the next release is not broken, only unknown here."""
    value = stored({}).replace(b'"format":1', b'"format":2')
    with pytest.raises(SessionFormatUnknown):
        codec.decode(value)


def test_a_session_is_a_dict() -> None:
    """Code written for a dict of dicts goes on working."""
    session = Session("id", {"history": []})
    session["history"].append("x")
    assert session == {"history": ["x"]}
    assert session.version == 0


def test_what_a_decoder_made_is_not_looked_through() -> None:
    """Whoever says so answers for it; what no encoder takes is refused all the same."""
    session = Session("id", {"pair": (1, 2)})
    session.parsed = True
    assert b'"pair":[1,2]' in codec.encode_body(session, 1000)
    session["what"] = object()
    with pytest.raises(SessionNotSerialisable):
        codec.encode_body(session, 1000)


def nested(levels: int) -> dict[str, Any]:
    """A member so deep."""
    held: Any = 1
    for _ in range(levels - 1):
        held = {"a": held}
    return {"x": held}


def test_what_is_nested_too_deeply_is_refused() -> None:
    """It could not be read in every place; what is not can be."""
    fine = codec.encode_body(Session("id", nested(codec.MAX_DEPTH)), 10_000)
    assert codec.decode(codec.join(1, fine)) == nested(codec.MAX_DEPTH)
    with pytest.raises(SessionNotSerialisable, match="deeper than 100"):
        codec.encode_body(Session("id", nested(codec.MAX_DEPTH + 1)), 10_000)
