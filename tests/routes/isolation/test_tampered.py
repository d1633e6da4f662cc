"""A context's document that says it is somebody else's is told as missing, and logged."""

import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.keys import build_context_id
from services.keyspaces import CONTEXTS as CONTEXTS_KIND
from services.sessions import codec, sessions_of
from services.sessions.stores.base import Condition, Record
from tests.support.owned_routes import CONTEXTS, redact
from tests.support.signing import signed


@pytest.fixture
def app(app_on_each_engine: Flask) -> Flask:
    """The application over every engine."""
    return app_on_each_engine


def test_nobody_is_served_a_document_under_another_s_key(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Ann of acme has bob's document under her key: 404 as for none, and nothing changes."""
    put, patch, get, delete, listed = CONTEXTS.values()
    ann, name = {"Authorization": f"Bearer {signed()}"}, str(uuid.uuid4())
    assert put.send(client, name, **ann).status_code == 200
    sessions = sessions_of(CONTEXTS_KIND)
    key = sessions.keyspace.key(build_context_id("acme", "ann", name))
    value = sessions.store.get(key)
    assert value is not None
    forged = value.replace(b'"owner":"acme:ann"', b'"owner":"acme:bob"')
    _, body = codec.split(forged) or (0, b"")
    ends = sessions.store.expires_at(key) or 0
    sessions.store.put(Record(key, 2, body, ends, "any"), Condition.ANY)
    before = sessions.store.get(key)

    missing = redact(get.send(client, "nobody's", **ann))
    assert missing[0] == 404
    for call in (get, put, patch):
        caplog.clear()
        assert redact(call.send(client, name, **ann)) == missing
        assert "belongs to another tenant or user than its key says" in caplog.text
    nobodys = redact(delete.send(client, "nobody's", **ann))
    assert redact(delete.send(client, name, **ann)) == nobodys
    assert listed.send(client, "", **ann).get_json()["sessions"] == []
    assert sessions.store.get(key) == before
    bob = {"Authorization": f"Bearer {signed(sub='bob')}"}
    assert redact(get.send(client, name, **bob)) == missing
