"""The short form of the fault drills, and the findings of their checker.

`python -m tests.drills` runs all of them for longer.
"""

from typing import Any

import pytest

from tests.drills.checker import build_expected, judge
from tests.drills.drills import DRILLS, SHORT
from tests.drills.http_connection import Reply
from tests.drills.journal import KINDS, OUTAGE_KINDS, Conversation, Journal, Turn
from tests.drills.mutants import MUTANTS, Mutant
from tests.support.servers import ROOT


@pytest.mark.parametrize("name", SHORT)
def test_nothing_that_was_acknowledged_is_lost(name: str) -> None:
    """Under load: no turn lost, doubled or out of order, no deletion undone, no error."""
    journal = DRILLS[name].run(SHORT[name], by_command=False)
    assert journal.acknowledged_count
    assert journal.list_details() == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_finds_its_text(mutant: Mutant) -> None:
    """Each mutant finds its text exactly once, and its drills exist."""
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.find) == 1
    assert set(mutant.drills) <= set(DRILLS)


@pytest.fixture
def journal() -> Journal:
    """The journal of an outage drill."""
    return Journal((*KINDS, *OUTAGE_KINDS))


@pytest.fixture
def conversation(journal: Journal) -> Conversation:
    """A conversation whose start and one turn were acknowledged, one after the other."""
    opened = journal.open("a lamp")
    opened.session_id = "some id"
    opened.turns.append(Turn("a turn"))
    for at, turn in enumerate(opened.turns):
        turn.invoked, turn.answered, turn.reply = at, at + 0.5, "a question"
    return opened


def judge_read(
    journal: Journal, conversation: Conversation, *turns: Turn, status: int = 200
) -> None:
    """Judge a read that shows these turns."""
    history: list[dict[str, Any]] = []
    for turn in turns:
        own = turn.message_id or f"made by the server {len(history)}"
        history.append({"id": own, "role": "user", "content": turn.text})
        history.append({"role": "assistant", "reply_to": own, "content": turn.reply})
    body = {"history": history, "qa_history": [], "analyzed": False}
    judge(journal, conversation, build_expected(conversation), Reply(status, body, by_app=True))


def test_what_was_acknowledged_is_no_finding(journal: Journal, conversation: Conversation) -> None:
    """Every turn once, in order, with its answer."""
    judge_read(journal, conversation, *conversation.turns)
    assert journal.list_details() == []


@pytest.mark.parametrize("status", [404, 410, 503])
def test_a_conversation_that_is_not_there_is_lost(
    journal: Journal, conversation: Conversation, status: int
) -> None:
    """Each of its acknowledged turns counts, unless the fault implies the loss."""
    judge_read(journal, conversation, status=status)
    assert journal.count("lost") == 2
    journal = Journal()
    conversation.excused = True
    judge_read(journal, conversation, status=status)
    assert journal.list_details() == []


def test_missing_doubled_and_reordered_turns_are_findings(
    journal: Journal, conversation: Conversation
) -> None:
    """Each is a finding of its own kind, also for a turn without an id."""
    first, second = conversation.turns
    second.message_id = ""
    judge_read(journal, conversation, first)
    assert journal.count("lost") == 1
    judge_read(journal, conversation, first, second, second)
    assert journal.count("doubled") == 1
    judge_read(journal, conversation, second, first)
    assert journal.count("reordered") == 1


def test_a_concurrent_turn_may_be_late_but_not_lost(
    journal: Journal, conversation: Conversation
) -> None:
    """Two processes may accept one each while the engine is away; in the end both are shown."""
    first, second = conversation.turns
    second.invoked = 0.2
    judge_read(journal, conversation, first)
    assert (journal.count("stale"), journal.count("lost")) == (1, 0)
    journal.is_final = True
    judge_read(journal, conversation, first)
    assert journal.count("lost") == 1


def test_a_deleted_conversation_must_not_be_served(
    journal: Journal, conversation: Conversation
) -> None:
    """One that is served after its deletion was acknowledged is a finding."""
    conversation.delete_sent = conversation.deleted = True
    conversation.deletion = 2.0, 3.0
    judge_read(journal, conversation, *conversation.turns)
    assert journal.count("resurrected") == 1
