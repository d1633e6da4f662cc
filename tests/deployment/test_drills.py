"""The short form of the fault drills, and what their checker finds.

`python -m tests.drills` runs all of them for longer.
"""

from typing import Any

import pytest

from tests.drills.checker import judge, known
from tests.drills.drills import DRILLS, SHORT
from tests.drills.http_connection import Reply
from tests.drills.journal import KINDS, OUTAGE_KINDS, Conversation, Journal, Turn
from tests.drills.mutants import MUTANTS, Mutant
from tests.support.servers import ROOT


@pytest.mark.parametrize("name", SHORT)
def test_nothing_that_was_acknowledged_is_lost(name: str) -> None:
    """Under load: no turn lost, doubled or out of order, no deletion undone, no error."""
    journal = DRILLS[name].run(SHORT[name], by_command=False)
    assert journal.acknowledged
    assert journal.details() == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_changes_what_is_there(mutant: Mutant) -> None:
    """A mechanism that moved takes its mutant along, and there are drills to notice it."""
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.find) == 1
    assert set(mutant.drills) <= set(DRILLS)


@pytest.fixture
def journal() -> Journal:
    """The journal of an outage drill."""
    return Journal((*KINDS, *OUTAGE_KINDS))


@pytest.fixture
def conversation(journal: Journal) -> Conversation:
    """A conversation whose start and one turn were acknowledged, one after the other."""
    begun = journal.open("a lamp")
    begun.session_id = "some id"
    begun.turns.append(Turn("a turn"))
    for at, turn in enumerate(begun.turns):
        turn.invoked, turn.answered, turn.reply = at, at + 0.5, "a question"
    return begun


def read(journal: Journal, conversation: Conversation, *turns: Turn, status: int = 200) -> None:
    """Judge a reading that shows these turns."""
    history: list[dict[str, Any]] = []
    for turn in turns:
        own = turn.message_id or f"drawn by the server {len(history)}"
        history.append({"id": own, "role": "user", "content": turn.text})
        history.append({"role": "assistant", "reply_to": own, "content": turn.reply})
    body = {"history": history, "qa_history": [], "analyzed": False}
    judge(journal, conversation, known(conversation), Reply(status, body, by_app=True))


def test_what_is_as_it_was_told_is_no_finding(journal: Journal, conversation: Conversation) -> None:
    """Every turn once, in order, with its answer."""
    read(journal, conversation, *conversation.turns)
    assert journal.details() == []


@pytest.mark.parametrize("status", [404, 410, 503])
def test_a_conversation_that_is_not_there_is_lost(
    journal: Journal, conversation: Conversation, status: int
) -> None:
    """Every acknowledged turn of it counts, unless its loss belongs to the fault."""
    read(journal, conversation, status=status)
    assert journal.count("lost") == 2
    journal = Journal()
    conversation.excused = True
    read(journal, conversation, status=status)
    assert journal.details() == []


def test_turns_are_missed_doubled_and_out_of_order(
    journal: Journal, conversation: Conversation
) -> None:
    """Each is a finding of its own kind, also for a turn without an id."""
    first, second = conversation.turns
    second.message_id = ""
    read(journal, conversation, first)
    assert journal.count("lost") == 1
    read(journal, conversation, first, second, second)
    assert journal.count("doubled") == 1
    read(journal, conversation, second, first)
    assert journal.count("reordered") == 1


def test_a_turn_said_beside_another_may_be_late_but_not_lost(
    journal: Journal, conversation: Conversation
) -> None:
    """Two processes may take one each while the engine is away; in the end both are there."""
    first, second = conversation.turns
    second.invoked = 0.2
    read(journal, conversation, first)
    assert (journal.count("stale"), journal.count("lost")) == (1, 0)
    journal.over = True
    read(journal, conversation, first)
    assert journal.count("lost") == 1


def test_a_deleted_conversation_must_not_come_back(
    journal: Journal, conversation: Conversation
) -> None:
    """One that is served after its deletion was acknowledged is a finding."""
    conversation.delete_sent = conversation.deleted = True
    conversation.deletion = 2.0, 3.0
    read(journal, conversation, *conversation.turns)
    assert journal.count("resurrected") == 1
