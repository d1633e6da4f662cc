"""Suggestions of a conversation: made when it is stored, and read without reading texts again."""

import uuid
from typing import Any

import pytest

from services.keyspaces import build_keyspaces
from services.sessions import Session, get_session, set_session_store, update_session
from services.sessions.stores import MemoryStore
from services.teaser_chat.suggestions import (
    MEANINGS,
    MOST_READ_AGAIN,
    SUGGESTED,
    read_suggestions,
    store_suggestions,
)
from tests.support.profile import PARSER, count_calls
from tests.support.services import open_teaser_chat, open_unified_chat

LONG = "Is the lamp with its long cable and its two colours covered by anything? " * 50
OLD_MEMBERS = (SUGGESTED, MEANINGS)
"""What documents of the release before do not have."""


@pytest.fixture(autouse=True)
def _store() -> None:
    set_session_store(MemoryStore(), keyspaces=build_keyspaces())


def begin_analyzed() -> str:
    """The id of a conversation whose analysis is done."""
    chat = open_teaser_chat()
    answer = chat.start_conversation("USB-powered LED desk lamp")
    session_id = str(answer["session_id"])
    while not answer["complete"]:
        answer = chat.continue_conversation(session_id, "no")
    chat.analyze_norms(session_id)
    return session_id


def ask_many(session_id: str, number: int) -> None:
    """Ask one real question, and store copies of it with long texts of their own."""
    open_teaser_chat().ask_analysis_question(session_id, "Which deadlines count?")

    def multiply(session: Session) -> None:
        (entry,) = session["qa_history"]
        for at in range(number):
            copy = {**entry, "question": f"{LONG} {at}", "id": str(uuid.uuid4())}
            session["qa_history"].insert(0, copy)
        store_suggestions(session)

    update_session(session_id, multiply)


def count_reads(session_id: str) -> int:
    """How often texts are read while a conversation is."""
    with count_calls(*PARSER) as calls:
        open_teaser_chat().get_conversation(session_id)
    return calls.number


def read(session_id: str) -> Any:
    """The suggestions that a page shows after a reload."""
    return open_teaser_chat().get_conversation(session_id)["suggestions"]


def age(session_id: str) -> None:
    """Make a document look as the release before stored it."""

    def forget(session: Session) -> None:
        for name in OLD_MEMBERS:
            session.pop(name, None)

    update_session(session_id, forget)


def test_reading_a_conversation_reads_no_text_again() -> None:
    """At every step of it, and however much was asked."""
    answer = open_teaser_chat().start_conversation("A lamp")
    assert count_reads(str(answer["session_id"])) == 0
    open_teaser_chat().continue_conversation(str(answer["session_id"]), "230 V mains")
    assert count_reads(str(answer["session_id"])) == 0
    session_id = begin_analyzed()
    assert count_reads(session_id) == 0
    ask_many(session_id, 90)
    assert count_reads(session_id) == 0
    open_unified_chat().send("What comes next?", session_id=session_id)
    assert count_reads(session_id) == 0
    open_unified_chat().send("It has Wi-Fi", session_id=session_id)
    assert count_reads(session_id) == 0


def test_a_further_question_reads_the_earlier_ones_no_more() -> None:
    """Whatever was asked before counts by its stored meaning, beyond the window of an answer."""
    session_id = begin_analyzed()
    ask_many(session_id, 3 * MOST_READ_AGAIN)
    for _ in range(4):  # until each has been read once
        update_session(session_id, lambda session: bool(store_suggestions(session)))
    with count_calls(*PARSER) as calls:
        update_session(session_id, lambda session: bool(store_suggestions(session)))
    few = calls.number
    session = get_session(session_id)
    session.pop(MEANINGS)
    with count_calls(*PARSER) as calls:
        store_suggestions(session)
    assert few < calls.number / 5


def test_what_is_read_is_what_was_answered() -> None:
    """The same suggestions as in the last answer."""
    chat = open_teaser_chat()
    session_id = begin_analyzed()
    offered = read(session_id)
    assert offered
    answer = chat.ask_analysis_question(session_id, offered[0])
    assert read(session_id) == answer["suggestions"]
    assert offered[0] not in read(session_id)


def test_an_old_document_is_answered_as_a_new_one() -> None:
    """It has neither suggestions nor meanings; few of its texts are read, the newest first."""
    chat = open_teaser_chat()
    session_id = begin_analyzed()
    chat.ask_analysis_question(session_id, read(session_id)[0])
    expected = read(session_id)
    age(session_id)
    assert read(session_id) == expected
    first = count_reads(session_id)
    ask_many_old(session_id, 200)
    assert count_reads(session_id) < 100 * first
    assert read(session_id) == expected


def ask_many_old(session_id: str, number: int) -> None:
    """Give an old document many long questions, the real one last."""

    def multiply(session: Session) -> None:
        entry = session["qa_history"][-1]
        copies = [{**entry, "question": LONG, "id": str(uuid.uuid4())} for _ in range(number)]
        session["qa_history"] = [*copies, entry]

    update_session(session_id, multiply)


def test_the_work_on_an_old_document_has_a_bound() -> None:
    """Twice as many questions cost a read nothing more."""
    counts = []
    for number in (50, 100):
        session_id = begin_analyzed()
        open_teaser_chat().ask_analysis_question(session_id, "Which deadlines count?")
        ask_many_old(session_id, number)
        age(session_id)
        counts.append(count_reads(session_id))
    assert counts[0] == counts[1]


def test_what_another_release_added_makes_them_new() -> None:
    """It keeps the members that it does not know, and they no longer fit."""
    session_id = begin_analyzed()
    (first, *_) = read(session_id)

    def ask_elsewhere(session: Session) -> None:
        entry = {"question": first, "answer": "Because.", "id": str(uuid.uuid4())}
        session["qa_history"].append(entry)

    update_session(session_id, ask_elsewhere)
    assert first not in read(session_id)


def test_no_member_of_it_is_shown() -> None:
    """What is stored for the next read is no business of a client."""
    session_id = begin_analyzed()
    view = open_teaser_chat().get_conversation(session_id)
    assert not set(OLD_MEMBERS) & set(view)
    assert set(OLD_MEMBERS) <= set(get_session(session_id))
    assert read_suggestions(get_session(session_id)) == view["suggestions"]
