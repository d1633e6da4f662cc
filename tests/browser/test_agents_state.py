"""The document of the agents' page: what becomes of it, told by its own functions in a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.agents_visit import AgentsVisit
from tests.support.servers import Gunicorn

PREPARED = """async () => {
  const state = await import("/static/agents/state.js");
  const merging = await import("/static/agents/merge.js");
  const time = (at) => new Date(at * 1000).toISOString();
  const frozen = (value) => {
    if (value && typeof value === "object") {
      Object.values(value).forEach(frozen);
    }
    return Object.freeze(value);
  };
  // Every document is frozen: a function that changed what it was given would throw.
  const step = (name) => (doc, more) => frozen(state[name](frozen(doc), more));
  const ask = (doc, id, at, content = "one two") =>
    step("addQuestion")(doc, { id, content, at: time(at) });
  const answer = (doc, id, at, intent = "interview", sessionId = "S") => step("addAnswer")(doc, {
    id, intent, sessionId, at: time(at), response: "one two three", latency: at,
  });
  const fail = (doc, id, at, more) =>
    step("addFailure")(doc, { id, reason: "Why.", at: time(at), ...more });
  const merge = (...docs) => frozen(merging.merge(...docs.map(frozen)));
  const added = (...docs) => frozen(merging.extractAdded(...docs.map(frozen)));
  const ids = (doc) => doc.messages.map(({ id }) => id);
  const logged = (doc) => doc.logs.map(({ id }) => id);
  window.tools = { ...state, merge, added, ask, answer, fail, ids, logged, time };
}"""

Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[Run]:
    """What a piece of JavaScript gives that uses the page's modules."""
    with AgentsVisit(chromium, sqlite_site) as visit:
        visit.page.evaluate(PREPARED)
        yield lambda code: visit.page.evaluate(f"() => {{ with (window.tools) {{ {code} }} }}")


def test_who_answered_is_told_by_the_intent(run: Run) -> None:
    """Its card has the words of its own messages, in and out, and how long the last one took."""
    found = run("""
        let doc = answer(ask(createDoc(), "a", 1), "a", 2);
        doc = answer(ask(doc, "b", 3, "one"), "b", 5, "analysis");
        doc = answer(ask(doc, "c", 6), "c", 9, "question");
        return answer(ask(doc, "d", 10, "four  words\\nin all "), "d", 12, "question");
    """)
    metrics = {name: agent["metrics"] for name, agent in found["agents"].items()}
    assert metrics == {
        "interviewer": {"tokens": 5, "words_in": 2, "words_out": 3, "cost": 0, "latency": 2},
        "analyst": {"tokens": 4, "words_in": 1, "words_out": 3, "cost": 0, "latency": 5},
        "answerer": {"tokens": 12, "words_in": 6, "words_out": 6, "cost": 0, "latency": 12},
    }
    assert {agent["status"] for agent in found["agents"].values()} == {"idle"}
    assert found["last_updated"] == "1970-01-01T00:00:12.000Z"


def test_who_is_expected_works(run: Run) -> None:
    """The interviewer until an analysis is there, then whoever answers questions."""
    at_work = "((doc) => Object.keys(doc.agents).filter((n) => doc.agents[n].status === 'working'))"
    assert run(f"return {at_work}(ask(createDoc(), 'a', 1))") == ["interviewer"]
    assert run(f"""
        const doc = answer(ask(createDoc(), "a", 1), "a", 2, "analysis");
        return {at_work}(ask(doc, "b", 3));
    """) == ["answerer"]


def test_a_message_without_an_answer(run: Run) -> None:
    """The last one, with the last trouble it had; an answer ends it."""
    assert run("return findUnanswered(createDoc())") is None
    found = run("""
        const doc = fail(ask(createDoc(), "a", 1), "a", 2);
        const found = [ask(createDoc(), "a", 1), doc, fail(doc, "a", 3, { refused: true }),
          answer(doc, "a", 4)].map(findUnanswered);
        return [...found, doc.agents.interviewer.status];
    """)
    asked, failed, refused, answered, status = found
    assert (asked["message"]["id"], asked.get("trouble")) == ("a", None)
    assert (failed["trouble"]["event"], failed["trouble"]["details"]) == ("failed", "Why.")
    assert status == "failed"
    assert refused["trouble"]["event"] == "refused"
    assert answered is None


def test_a_page_opened_anew_waits_for_nobody(run: Run) -> None:
    """Whoever was at work when the page was left is at rest."""
    found = run("return resetAgents(ask(createDoc(), 'a', 1)).agents.interviewer.status")
    assert found == "idle"


def test_an_answer_to_nothing_is_none(run: Run) -> None:
    """The message was cleared while its answer was awaited."""
    assert run("return ids(answer(createDoc(), 'a', 1))") == []


def test_a_document_by_somebody_else(run: Run) -> None:
    """What is lacking is there as if nothing had happened; what is not known is kept."""
    saved = "{ messages: [], theme: 'dark', agents: { mine: { status: 'x' } } }"
    found = run(f"return completeDoc({saved})")
    assert found["theme"] == "dark"
    assert set(found["agents"]) == {"interviewer", "analyst", "answerer", "mine"}
    assert (found["logs"], found["chat"]["others"]) == ([], [])


def test_two_tabs_are_joined(run: Run) -> None:
    """All messages and log entries once, in order of time, whoever looks, however often."""
    found = run("""
        const base = answer(ask(createDoc(), "a", 1), "a", 2);
        const one = answer(ask(base, "b", 3), "b", 6);
        const other = answer(ask(base, "c", 4), "c", 5, "question");
        const both = merge(one, other);
        return [both, merge(other, one), merge(both, one), merge(merge(base, other), one)]
          .map((doc) => [ids(doc), logged(doc), doc.agents, doc.chat, doc.last_updated]);
    """)
    assert all(doc == found[0] for doc in found)
    messages, logs, agents, _, last_updated = found[0]
    assert messages == ["a", "a.answer", "b", "c", "c.answer", "b.answer"]
    assert logs == ["a.sent", "a.answered", "b.sent", "c.sent", "c.answered", "b.answered"]
    # The interviewer's card is the newer one's, and its words are those of both tabs.
    assert agents["interviewer"]["metrics"]["tokens"] == 10
    assert agents["interviewer"]["metrics"]["latency"] == 6
    assert agents["answerer"]["metrics"]["tokens"] == 5
    assert last_updated == "1970-01-01T00:00:06.000Z"


def test_both_tabs_got_the_same_answer(run: Run) -> None:
    """A message that was asked again in another tab has one answer."""
    found = run("""
        const base = ask(createDoc(), "a", 1);
        return ids(merge(answer(base, "a", 2), answer(base, "a", 3)));
    """)
    assert found == ["a", "a.answer"]


def test_each_tab_opened_a_conversation(run: Run) -> None:
    """The one opened last goes on; the other is remembered, to be deleted with it."""
    found = run("""
        const one = answer(ask(createDoc(), "a", 1), "a", 4, "interview", "X");
        const other = answer(ask(createDoc(), "b", 2), "b", 3, "interview", "Y");
        return [merge(one, other), merge(other, one)].map((doc) => [doc.chat, listChats(doc)]);
    """)
    assert found[0] == found[1]
    assert found[0][0]["session_id"] == "X"
    assert found[0][1] == ["X", "Y"]


def test_a_forgotten_conversation_stays_forgotten(run: Run) -> None:
    """A tab that still has it does not bring it back."""
    found = run("""
        const base = answer(ask(createDoc(), "a", 1), "a", 2);
        const forgotten = fail(ask(base, "b", 3), "b", 4, { forgotten: true });
        return [merge(base, forgotten), merge(forgotten, base)].map((doc) => doc.chat.session_id);
    """)
    assert found == [None, None]


def test_only_what_is_new_outlives_a_deletion(run: Run) -> None:
    """Of a document that another tab deleted: no earlier message, and no answer to one."""
    found = run("""
        const base = ask(answer(ask(createDoc(), "a", 1), "a", 2), "b", 3);
        const mine = ask(answer(base, "b", 4, "question"), "c", 5);
        const kept = added(mine, base);
        return [ids(kept), logged(kept), kept.agents, kept.chat.session_id, added(base, base)];
    """)
    messages, logs, agents, session_id, nothing = found
    assert (messages, logs, session_id) == (["c"], ["c.sent"], None)
    assert {agent["metrics"]["tokens"] for agent in agents.values()} == {0}
    assert nothing == run("return createDoc()")
