"""Ids that are made to be taken for others: on every route a clear refusal, or one's own."""

import unicodedata
import uuid
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from werkzeug.test import TestResponse

from services.keyspaces import CONTEXTS as CONTEXTS_KIND
from services.keyspaces import STATES as STATES_KIND
from services.keyspaces import TEASER_CHAT
from services.sessions import count_sessions, sessions_of
from tests.support.crafted import Triple, bounded, texts, triples
from tests.support.owned_routes import BY_BROWSER, CONTEXTS, STATES
from tests.support.signing import signed
from tests.support.talk import start

PUT, PATCH, GET, DELETE, LIST = CONTEXTS.values()
IN_ADDRESS = (308, 404, 405, 422)
"""No such address or no such id; a doubled slash leads to the address without it."""
ELSEWHERE = (400, 422)
"""What is no JSON text, or no id."""


@pytest.fixture
def app(app_on_each_engine: Flask) -> Flask:
    """The application over every engine."""
    return app_on_each_engine


def bearer(tenant_id: str, user_id: str) -> dict[str, str]:
    """The header of somebody who asks."""
    return {"Authorization": f"Bearer {signed(tenant_id=tenant_id, sub=user_id)}"}


def counts() -> list[int]:
    """How many sessions there are of each kind that somebody owns."""
    return [count_sessions(keyspace=kind) for kind in (TEASER_CHAT, STATES_KIND, CONTEXTS_KIND)]


def stored(kind: str, session_id: str) -> bytes | None:
    """The document itself."""
    sessions = sessions_of(kind)
    return sessions.store.get(sessions.keyspace.key(session_id))


def assert_refused(response: TestResponse, statuses: tuple[int, ...]) -> None:
    """A clear answer, which says what to do."""
    assert response.status_code in statuses, response.get_data(as_text=True)
    if response.status_code != 308:
        assert response.get_json()["error"].endswith(".")


def is_name(text: str, most: int) -> bool:
    """Whether a text is a good name at the edge: short, not blank, nothing unprintable in it."""
    kinds = {unicodedata.category(character) for character in text}
    return bool(text.strip()) and len(text) <= most and kinds.isdisjoint({"Cc", "Cs"})


def is_good(triple: Triple) -> bool:
    """Whether a context may have these names, by its token and its address."""
    tenant_id, user_id, session_id = triple
    named = session_id == " " or is_name(session_id, 128)
    return is_name(tenant_id, 64) and is_name(user_id, 128) and named


@bounded(25)
@given(text=texts)
@example(text="..")
@example(text="*")
def test_what_is_no_uuid_reaches_nothing(app: Flask, browser: FlaskClient, text: str) -> None:
    """Not even for somebody who owns a conversation and a state, nor with their ids in it."""
    ids = {TEASER_CHAT: start(browser)["session_id"], STATES_KIND: str(uuid.uuid4())}
    STATES["session_state.save_session"].send(browser, ids[STATES_KIND])
    documents = {kind: stored(kind, own) for kind, own in ids.items()}
    before = counts()
    crafted = {text, *(own + text for own in ids.values()), *(text + own for own in ids.values())}
    for call in BY_BROWSER.values():
        in_address = call.body is None and "?" not in call.path
        for session_id in crafted - set(ids.values()):
            answer = call.send(browser, session_id)
            assert_refused(answer, IN_ADDRESS if in_address else ELSEWHERE)
    assert counts() == before
    assert {kind: stored(kind, own) for kind, own in ids.items()} == documents


@bounded(25)
@given(different=triples)
@example(different=[("a:b", "c", "s"), ("a", "b:c", "s"), ("a", "b", "c:s")])
@example(different=[("\u00e4", "b", "c"), ("a\u0308", "b", "c"), ("A\u0308", "b", "c")])
@example(different=[("a", "b", "c\x00"), ("a", "b", "\ud800"), ("a", "b", "..")])
def test_everybody_has_their_own_context_or_a_refusal(
    app: Flask, client: FlaskClient, different: list[Triple]
) -> None:
    """What was stored under one name is found under that one, listed there, and removed there."""
    held: dict[Triple, int] = {}
    for number, triple in enumerate(different):
        for call in (PUT, PATCH):
            said = replace(call, body={"conversation_state": {"mine": number}})
            answer = said.send(client, triple[2], **bearer(*triple[:2]))
            if answer.status_code == 200:
                assert is_good(triple)
                held[triple] = number
            else:
                assert_refused(answer, (*IN_ADDRESS, 401))
                assert not is_good(triple) or "/" in triple[2] or not triple[2]
    for triple in different:
        answer = GET.send(client, triple[2], **bearer(*triple[:2]))
        if triple not in held:
            assert_refused(answer, (*IN_ADDRESS, 401))
            continue
        found = answer.get_json()
        assert (found["tenant_id"], found["user_id"], found["session_id"]) == triple
        assert found["conversation_state"] == {"mine": held[triple]}
        listed = LIST.send(client, "", **bearer(*triple[:2])).get_json()["sessions"]
        own = sorted(one[2] for one in held if one[:2] == triple[:2])
        assert sorted(entry["session_id"] for entry in listed) == own
    while held:
        triple, _ = held.popitem()
        assert DELETE.send(client, triple[2], **bearer(*triple[:2])).status_code == 200
        for other in held:
            assert GET.send(client, other[2], **bearer(*other[:2])).status_code == 200
    assert counts()[-1] == 0


def test_a_crafted_cookie_is_nobody_s(browser: FlaskClient, client: FlaskClient) -> None:
    """Whatever is in it, it is answered, and as for a stranger."""
    session_id = str(uuid.uuid4())
    STATES["session_state.save_session"].send(browser, session_id)
    before = stored(STATES_KIND, session_id)
    cookie = browser.get_cookie("browser")
    assert cookie is not None
    sid, issued, mac = cookie.value.split(".")
    for value in (
        *("", ".", "..", "\xff", "\xff.1.\xff", "a" * 10_000, f"{sid}..{mac}", f"{sid}.{issued}."),
        *(f"{sid}.{issued[:-1]}.{mac}", f"{sid.swapcase()}.{issued}.{mac}", f"{sid}.{mac}"),
        *(f'"{sid}.{issued}.{mac[:-1]}"', f"{sid}.{issued}.{mac}.", f"{sid}.{issued}.{mac[:-1]}="),
    ):
        for call in STATES.values():
            answer = call.send(client, session_id, Cookie=f"browser={value}")
            assert answer.status_code == (200 if call.method == "DELETE" else 404), value
        assert stored(STATES_KIND, session_id) == before
