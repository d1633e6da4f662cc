"""What the chat knows: what becomes of it, told by its own functions in a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chat_visit import ChatVisit
from tests.support.servers import Gunicorn

PREPARED = """async () => {
  const state = await import("/static/chat/state.js");
  const { Memory } = await import("/static/chat/memory.js");
  const retry = await import("/static/chat/retry.js");
  const frozen = (value) => {
    if (value && typeof value === "object") {
      Object.values(value).forEach(frozen);
    }
    return Object.freeze(value);
  };
  // Every state is frozen: a function that changed what it was given would throw.
  const pure = Object.fromEntries(Object.entries(state).map(([name, act]) => [name,
    (given, ...more) => frozen(act(frozen(given), ...more.map(frozen)))]));
  const at = (second) => new Date(second * 1000).toISOString();
  const stamp = (second) => at(second).replace("Z", "+00:00"); // as the server writes it
  const write = (doc, id, more) => pure.write(doc, { id, text: `text of ${id}`, ...more });
  const answer = (doc, id, more, second = 0) =>
    pure.answer(doc, id, { session_id: "S", message: `to ${id}`, ...more }, at(second));
  const turn = (id, second) => [
    { id, role: "user", content: `text of ${id}`, timestamp: stamp(second) },
    { id: `made ${id}`, role: "assistant", content: `to ${id}`, reply_to: id,
      timestamp: stamp(second) }];
  const asked = (id, second) => (
    { id, question: `text of ${id}`, answer: `to ${id}`, timestamp: stamp(second) });
  const talk = (turns, questions = [], more = {}) => (
    { history: turns.flat(), qa_history: questions, complete: false, analyzed: false, ...more });
  const ids = (doc) => pure.listEntries(doc).map(({ id }) => id);
  const texts = (doc) => pure.listEntries(doc).map(({ text }) => text);
  const statuses = (doc) => pure.listEntries(doc).map(({ status }) => status);
  const going = (doc) => doc.outbox.map(({ id, status }) => `${id} ${status}`);
  const gone = { code: "session_not_found", message: "It has expired." };
  window.tools = { ...pure, ...retry, Memory, write, answer, turn, asked, talk, ids, texts,
    statuses, going, gone, at };
}"""

WALK = """
  // Mulberry32: the same walk for the same seed.
  let seed = SEED;
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const pick = (list) => list[Math.floor(random() * list.length)];
  let doc = create();
  let said = talk([], [], {}); // what the server has
  const mine = new Map(); // what was written, and not withdrawn
  const taken = new Set();
  const take = (id) => {
    if (!taken.has(id)) {
      taken.add(id);
      const second = said.history.length + said.qa_history.length;
      said = said.complete && random() < 0.5
        ? { ...said, qa_history: [...said.qa_history, asked(id, second)] }
        : { ...said, complete: random() < 0.5, history: [...said.history, ...turn(id, second)] };
    }
  };
  const acts = {
    written: () => {
      const id = `m${mine.size + taken.size}.${Math.floor(random() * 1e9)}`;
      mine.set(id, `text of ${id}`);
      doc = write(doc, id);
    },
    sending: (id) => { doc = send(doc, id); },
    held: (id) => { doc = hold(doc, id); },
    failed: (id) => { doc = fail(doc, id, gone); },
    stopped: (id) => { doc = stop(doc, id); },
    withdrawn: (id) => { doc = withdraw(doc, id); mine.delete(id); },
    lost: (id) => { if (mine.has(id)) { take(id); } }, // the answer to it never comes
    answered: (id) => {
      if (doc.outbox.some((entry) => entry.id === id)) {
        take(id);
        const isAsked = said.qa_history.some((entry) => entry.id === id);
        doc = answer(doc, id, isAsked ? { intent: "question" } : {});
      }
    },
    loaded: () => { doc = load(doc, { ...said, analyzed: random() < 0.3 }); },
    ended: () => { doc = end(doc, gone); },
    joined: () => {
      doc = join(doc, [...mine].map(([id, text]) => ({ id, text, sessionId: "S" })));
    },
    linked: () => { doc = link(doc, pick(["up", "offline", gone])); },
    analysing: () => { doc = analyse(doc, { status: pick(["running", "broken", "done"]) }); },
  };
  const path = [];
  for (let step = 0; step < 120; step += 1) {
    const name = random() < 0.25 ? "written" : pick(Object.keys(acts));
    path.push(name);
    acts[name](pick([...mine.keys(), "nobody"]));
    const shown = listEntries(doc);
    const missing = [...mine].filter(([id, text]) => (
      shown.filter((entry) => entry.id === id && entry.text === text).length !== 1));
    if (missing.length || new Set(ids(doc)).size !== shown.length) {
      return { path, missing, shown: ids(doc) };
    }
  }
  return null;
"""

Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[Run]:
    """What a piece of JavaScript gives that uses the chat's modules."""
    with ChatVisit(chromium, sqlite_site) as visit:
        visit.page.evaluate(PREPARED)
        yield lambda code: visit.page.evaluate(f"() => {{ with (window.tools) {{ {code} }} }}")


def test_a_message_on_its_way(run: Run) -> None:
    """It waits, is sent, held, refused or stopped, and is in sight all the time."""
    assert run("""
        let doc = write(write(create(), "a"), "b");
        const seen = [[going(doc), findNext(doc).id, isUnsent(doc), isSending(doc)]];
        doc = send(doc, "a");
        seen.push([going(doc), findNext(doc).id, isUnsent(doc), isSending(doc)]);
        doc = fail(doc, "a", gone);
        seen.push([going(doc), listEntries(doc)[0].error.code, texts(doc)]);
        doc = hold(doc, "a");
        seen.push([going(doc), findNext(doc).id, listEntries(doc)[0].error ?? null]);
        doc = stop(stop(doc, "a"), "b");
        seen.push([going(doc), findNext(doc) ?? null, isUnsent(doc)]);
        return [...seen, going(withdraw(doc, "a"))];
    """) == [
        [["a waiting", "b waiting"], "a", True, False],
        [["a sending", "b waiting"], "b", True, True],
        [["a failed", "b waiting"], "session_not_found", ["text of a", "text of b"]],
        [["a waiting", "b waiting"], "a", None],
        [["a stopped", "b stopped"], None, False],
        ["b stopped"],
    ]


def test_unknown_messages_change_nothing(run: Run) -> None:
    """What becomes of a message that was withdrawn, or whose conversation was left, is no news."""
    assert (
        run("""
        const doc = write(create(), "a");
        return [send, hold, stop, withdraw].map((act) => act(doc, "b"))
          .concat(fail(doc, "b", gone), answer(doc, "b"), join(doc, []),
            join(doc, doc.outbox))
          .filter((next) => JSON.stringify(next) !== JSON.stringify(doc)).length;
    """)
        == 0
    )


def test_the_first_answer_opens_the_conversation(run: Run) -> None:
    """What waits behind the first message belongs to the conversation that it opened."""
    assert run("""
        const doc = answer(write(write(create(), "a"), "b"), "a");
        const { sessionId, outbox, ready, conversation } = doc;
        return [sessionId, outbox, texts(doc), ready, conversation.complete ?? null];
    """) == [
        "S",
        [{"id": "b", "text": "text of b", "sessionId": "S", "status": "waiting"}],
        ["text of a", "to a", "text of b"],
        True,
        None,
    ]


def test_answers_of_every_kind(run: Run) -> None:
    """A turn, a question about the results, and a correction in the server's words."""
    assert run("""
        let doc = load(open(create(), "S"), talk([turn("a", 1)], [], { analyzed: true }));
        doc = answer(write(doc, "b"), "b", { message: undefined, answer: "so", intent: "question",
          suggestions: ["more"] }, 2);
        doc = answer(write(doc, "c", { facts: { has_laser: true } }), "c",
          { correction: "It has a laser.", complete: true }, 3);
        doc = answer(write(doc, "d"), "d", { message: undefined, response: "said" }, 4);
        return [texts(doc), doc.conversation.qa_history.length, doc.conversation.complete,
          doc.conversation.suggestions];
    """) == [
        ["text of a", "to a", "text of b", "so", "It has a laser.", "to c", "text of d", "said"],
        1,
        True,
        [],
    ]


def test_the_server_has_it_already(run: Run) -> None:
    """What the server tells is not sent again, whatever became of it here; the rest goes on."""
    assert run("""
        let doc = open(create(), "S");
        doc = ["a", "b", "c", "d", "e"].reduce((made, id) => write(made, id), doc);
        doc = stop(fail(send(doc, "a"), "b", gone), "c");
        const told = load(doc, talk([turn("a", 1), turn("b", 2)], [asked("c", 3)]));
        return [going(told), ids(told), told.ready, [...listIds(told.conversation)].sort()];
    """) == [
        ["d waiting", "e waiting"],
        ["a", "a.answer", "b", "b.answer", "c", "c.answer", "d", "e"],
        True,
        ["a", "b", "c", "made a", "made b"],
    ]


@pytest.mark.parametrize("clock", [-3600, 0, 3600])
def test_messages_stand_in_the_order_they_were_said(run: Run, clock: int) -> None:
    """With a clock behind or ahead of the server's, what is said last stands last all the same."""
    order = run(f"""
        let doc = load(open(create(), "S"),
          talk([turn("a", 5000), turn("d", 5003)], [asked("b", 5001), asked("c", 5002)]));
        doc = answer(write(doc, "e"), "e", {{ intent: "question" }}, 5004 + {clock});
        doc = answer(write(doc, "f"), "f", {{}}, 5004 + {clock});
        doc = answer(write(doc, "g"), "g", {{ intent: "question" }}, 5005 + {clock});
        return ids(write(doc, "h"));
    """)
    assert order == [*(f"{name}{end}" for name in "abcdefg" for end in ("", ".answer")), "h"]


def test_an_answer_after_an_unreadable_time(run: Run) -> None:
    """A message whose time cannot be read stays, and so does what is said after it."""
    assert run("""
        const [said, replied] = turn("a", 1);
        const old = talk([[{ ...said, timestamp: "~" }, { ...replied, timestamp: "~" }]]);
        return ids(answer(write(load(open(create(), "S"), old), "b"), "b")).sort();
    """) == ["a", "a.answer", "b", "b.answer"]


def test_a_conversation_that_ended(run: Run) -> None:
    """Its words stay, and so does the text of all that was not sent, and of what failed before."""
    assert run("""
        let doc = load(open(create(), "S"), talk([turn("a", 1)]));
        doc = ["b", "c", "d", "e"].reduce((made, id) => write(made, id), doc);
        doc = stop(fail(send(analyse(doc, { status: "running" }), "b"), "c", {}), "d");
        doc = end(doc, gone);
        return [going(doc), texts(doc), doc.ended.code, doc.analysis, joinUnsent(doc), isDue(doc),
          load(doc, talk([turn("a", 1)])).ended];
    """) == [
        ["b failed", "c failed", "d stopped", "e failed"],
        ["text of a", "to a", "text of b", "text of c", "text of d", "text of e"],
        "session_not_found",
        {"status": "resting"},
        "text of b\ntext of c\ntext of d\ntext of e",
        False,
        None,
    ]


def test_corrections_are_no_texts_to_write_anew(run: Run) -> None:
    """Facts are corrected in one conversation only; of what was not sent they are left out."""
    assert run("""
        const doc = write(write(open(create(), "S"), "a"), "b", { facts: { has_laser: true } });
        return [joinUnsent(doc), doc.outbox[1].facts];
    """) == ["text of a", {"has_laser": True}]


def test_when_an_analysis_is_due(run: Run) -> None:
    """Once, when nothing is asked or under way any more, and not after it was stopped or failed."""
    ready = "load(open(create(), 'S'), talk([turn('a', 1)], [], { complete: true }))"
    due = run(f"""
        const doc = {ready};
        const known = ["resting", "running", "broken", "done", "stopped", "failed"];
        const dueIn = (status) => isDue(analyse(doc, {{ status }}));
        const found = Object.fromEntries(known.map((status) => [status, dueIn(status)]));
        return {{ ...found,
          asking: isDue(load(doc, talk([turn("a", 1)]))),
          analysed: isDue(load(doc, talk([], [], {{ complete: true, analyzed: true }}))),
          waiting: isDue(write(doc, "b")), sending: isDue(send(write(doc, "b"), "b")),
          refused: isDue(fail(write(doc, "b"), "b", gone)), ended: isDue(end(doc, gone)),
          again: isDue(withdraw(write(analyse(doc, {{ status: "stopped" }}), "b"), "b")),
          nothing: isDue(create()) }};
    """)
    assert {name for name, is_due in due.items() if is_due} == {"resting", "refused", "again"}


def test_what_is_known_of_an_analysis(run: Run) -> None:
    """A break keeps how far it is; what is told of the conversation ends it when it is over."""
    assert run("""
        let doc = analyse(open(create(), "S"), { status: "running", phase: "analyzing",
          progress: 4, total: 8, error: gone });
        doc = analyse(doc, { status: "broken" });
        const after = (status, analyzed) => load(analyse(doc, { status }),
          talk([], [], { analyzed })).analysis.status;
        return [doc.analysis, isFollowed(doc), isFollowed(create()), after("done", false),
          after("done", true), after("running", true), after("broken", true),
          after("stopped", true), after("failed", true), after("failed", false)];
    """) == [
        {"status": "broken", "phase": "analyzing", "progress": 4, "total": 8, "error": None},
        True,
        False,
        *("resting", "resting", "running", "broken", "resting", "resting", "failed"),
    ]


def test_keys_last(run: Run) -> None:
    """A message and its answer keep their keys, before and after the server tells them."""
    keys = run("""
        let doc = write(open(create(), "S"), "a");
        const found = [ids(doc)];
        doc = answer(send(doc, "a"), "a");
        found.push(ids(doc), ids(load(doc, talk([turn("a", 1)]))));
        doc = answer(write(doc, "b"), "b", { intent: "question" }, 9);
        return [...found, ids(doc), ids(load(doc, talk([turn("a", 1)], [asked("b", 2)])))];
    """)
    turn, both = ["a", "a.answer"], ["a", "a.answer", "b", "b.answer"]
    assert keys == [["a"], turn, turn, both, both]


def test_messages_of_an_older_release_have_keys(run: Run) -> None:
    """Messages without ids are told apart all the same."""
    keys = run("""
        const bare = (role) => ({ role, content: "same" });
        return ids(load(open(create(), "S"), talk([[bare("user"), bare("assistant")]],
          [{ question: "same", answer: "same" }, { question: "same", answer: "same" }])));
    """)
    assert len(set(keys)) == len(keys) == 6


def test_what_is_opened_first(run: Run) -> None:
    """A text that was not sent comes before what was shown last; a correction waits for its own."""
    kept = (
        "{ id: 'a', sessionId: 'X' }, { id: 'b', sessionId: 'S' }, { id: 'c', sessionId: null },"
        "{ id: 'd', sessionId: 'F', facts: {} }"
    )
    assert run(f"""
        const [other, same, opening, facts] = [{kept}];
        return [[], [facts], [other], [other, same], [other, same, opening]]
          .map((unsent) => choose(unsent, "S")).concat(choose([], null), choose([other], null));
    """) == ["S", "S", "X", "S", None, None, "X"]


def test_what_was_kept_goes_on(run: Run) -> None:
    """It is to be sent, unless the visitor stopped it; what is here already is not taken over."""
    assert run("""
        const kept = [{ id: "a", text: "x", sessionId: "S" },
          { id: "b", text: "x", sessionId: "S", isStopped: true }, { id: "c", text: "x" },
          { id: "d", text: "x", sessionId: "S" }];
        const doc = write(load(open(create(), "S"), talk([turn("a", 1)])), "d");
        return [going(open(create(), "S", restore(filterUnsent(kept, "S")))),
          going(join(fail(doc, "d", gone), kept)), going(join(create(), kept)),
          isInDoubt(open(create(), null, restore(kept))), isInDoubt(doc), isInDoubt(create())];
    """) == [
        ["a waiting", "b stopped", "d waiting"],
        ["d failed", "b stopped", "c waiting"],
        ["a waiting", "b stopped", "c waiting", "d waiting"],
        True,
        False,
        False,
    ]


def test_news_of_the_chat(run: Run) -> None:
    """Another conversation changes not how the server is reached; news goes with a message."""
    assert run("""
        let doc = setNews(setBusy(link(write(create(), "a"), "offline"), true), "cleared");
        const next = open(doc, "S");
        return [doc.news, write(doc, "b").news,
          next.link, next.busy, next.ready, next.news, next.outbox,
          open(doc, null).ready, seek(doc).ready, begin(doc, "S").outbox[0].sessionId];
    """) == ["cleared", None, "offline", True, False, None, [], True, False, "S"]


@pytest.mark.parametrize("seed", range(40))
def test_no_text_disappears(run: Run, seed: int) -> None:
    """On any path a text is in sight, once, until it is taken back."""
    assert run(WALK.replace("SEED", str(seed * 7919 + 1))) is None


def test_two_tabs_keep_what_is_not_sent(run: Run) -> None:
    """Neither writes over the other's; each is forgotten alone; the order is that of writing."""
    assert run("""
        const [one, other, elsewhere] = ["a", "a", "b"].map((origin) => new Memory(origin));
        localStorage.clear();
        sessionStorage.clear();
        one.keep({ id: "z", text: "1", sessionId: null, status: "sending" });
        other.keep({ id: "y", text: "2", sessionId: "S", facts: { x: 1 }, status: "stopped" });
        one.keep({ id: "a", text: "3", sessionId: null, status: "failed", error: {} });
        one.keep({ id: "z", text: "1", sessionId: "S" });
        one.sessionId = "S";
        other.drop("nobody");
        const found = [other.unsent, other.sessionId, elsewhere.unsent, elsewhere.sessionId];
        other.drop("y");
        one.sessionId = null;
        return [...found, one.unsent.map(({ id }) => id), other.sessionId];
    """) == [
        [
            {"id": "z", "text": "1", "sessionId": "S"},
            {"id": "y", "text": "2", "sessionId": "S", "facts": {"x": 1}, "isStopped": True},
            {"id": "a", "text": "3", "sessionId": None},
        ],
        "S",
        [],
        None,
        ["z", "a"],
        None,
    ]


def test_a_conversation_is_left_only_by_name(run: Run) -> None:
    """Where another tab has gone to another one meanwhile, that one stays remembered."""
    assert run("""
        const memory = new Memory("a");
        memory.sessionId = "S";
        memory.leave("T");
        const found = [memory.sessionId];
        memory.leave("S");
        return [...found, memory.sessionId];
    """) == ["S", None]


def test_drafts(run: Run) -> None:
    """Each tab has its own; a new one has the last, and ending one does not delete another's."""
    assert run("""
        localStorage.clear();
        sessionStorage.clear();
        const memory = new Memory("a");
        const found = [memory.draft];
        memory.draft = "mine";
        found.push(memory.draft);
        localStorage.setItem("teaser-chat a draft", '"theirs"'); // as another tab does
        found.push(memory.draft);
        memory.draft = "";
        found.push(memory.draft);
        sessionStorage.clear(); // as in a new tab
        found.push(memory.draft);
        memory.draft = "more";
        memory.draft = "";
        sessionStorage.clear();
        return [...found, memory.draft, localStorage.length];
    """) == ["", "mine", "mine", "", "theirs", "", 0]


@pytest.mark.parametrize("why", ["forbidden", "full", "spoilt"])
def test_storage_that_does_not_serve(run: Run, why: str) -> None:
    """Where storage is forbidden, full or spoilt, the page remembers while it is there."""
    assert run(f"""
        localStorage.clear();
        sessionStorage.clear();
        const memory = new Memory("a");
        const kept = Object.getOwnPropertyDescriptor(window, "localStorage");
        const refuse = () => {{ throw new DOMException("no", "SecurityError"); }};
        const write = Storage.prototype.setItem;
        if ("{why}" === "forbidden") {{
          Object.defineProperty(window, "localStorage", {{ configurable: true, get: refuse }});
        }} else if ("{why}" === "full") {{
          Storage.prototype.setItem = refuse;
        }} else {{
          for (const name of ["session", "draft", "unsent x"]) {{
            localStorage.setItem(`teaser-chat a ${{name}}`, "{{");
          }}
        }}
        try {{
          const before = [memory.sessionId, memory.draft, memory.unsent];
          memory.sessionId = "S";
          memory.draft = "more";
          memory.keep({{ id: "a", text: "1", sessionId: null }});
          const again = new Memory("a"); // as when the element is moved within the page
          const kept = [again.sessionId, again.draft, again.unsent.length];
          again.drop("a");
          again.sessionId = null;
          again.draft = "";
          return [...before, ...kept, memory.unsent, memory.sessionId, memory.draft];
        }} finally {{
          Object.defineProperty(window, "localStorage", kept);
          Storage.prototype.setItem = write;
          localStorage.clear();
        }}
    """) == [None, "", [], "S", "more", 1, [], None, ""]


def test_pauses_between_retries_have_bounds(run: Run) -> None:
    """Pauses grow to half a minute, never fall below what the server asks, and end within hours."""
    pauses = run("""
        const tried = (retryAfter, failures) => Array.from({ length: 50 },
          () => computePause({ retryAfter }, failures) / 1000);
        const bounds = (list) => [Math.min(...list), Math.max(...list)];
        return [[0, 1], [0, 3], [0, 6], [0, 5000], [7, 1], [7, 6], [1e10, 1]]
          .map(([asked, failures]) => [...bounds(tried(asked, failures)),
            new Set(tried(asked, failures)).size]);
    """)
    for (least, most, different), pause in zip(pauses, (1, 4, 30, 30, 7, 30, 3600), strict=True):
        assert pause <= least <= most <= pause * 1.25
        assert different > 40  # no two browsers come back at one moment


def test_which_refusals_are_temporary(run: Run) -> None:
    """Waiting helps against silence, haste, outages and conflicts; not against what is refused."""
    assert run("""
        return [0, 400, 404, 409, 410, 413, 422, 429, 500, 501, 502, 503, 504]
          .filter((status) => isTemporary({ status, code: "any" })).concat(
            isTemporary({ status: 409, code: "session_conflict" }));
    """) == [0, 429, 502, 503, 504, True]
