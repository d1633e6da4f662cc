"""What a screen reader is given to say: every message once and whole, and not too much at once."""

from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.chat_states import BROKEN_STREAM, StatesVisit
from tests.browser.chat_visit import DECIDED_LAMP, LAMP, STREAM, ChatVisit
from tests.support.sites import Site

RECORDED = """
  window.added = [];
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    new MutationObserver((changes) => changes.forEach(({ type, target, addedNodes }) => {
      const log = target.closest?.("[role=log]");
      const isQuiet = !log || target.closest("[aria-live=off]");
      const nodes = type === "childList" ? [...addedNodes] : [target].filter((one) => !one.hidden);
      nodes.filter((node) => !isQuiet && node.nodeType === 1).forEach((node) => added.push(
        { isWhole: target === log, isBusy: log.ariaBusy === "true", words: node.textContent }));
    })).observe(root, { childList: true, subtree: true, attributeFilter: ["hidden"] });
    return root;
  };
"""
"""Keeps what is added to the log or shown in it, and would therefore be read out."""
HEARD = """async () => {
  const { Announcer } = await import("/static/chat/announcer.js");
  const announcer = new Announcer();
  window.heard = [];
  new MutationObserver(() => heard.push(announcer.element.textContent))
    .observe(announcer.element, { childList: true });
  window.announcer = announcer;
}"""


def added(visit: ChatVisit) -> list[dict[str, Any]]:
    """What was added to the log since the page was loaded."""
    found: list[dict[str, Any]] = visit.page.evaluate("added")
    return found


def test_each_message_is_read_out_once(chromium: Browser, site: Site) -> None:
    """It is added whole; what becomes of it and when it was said is not read out later."""
    with StatesVisit(chromium, site) as visit:
        visit.page.add_init_script(RECORDED)
        visit.reload()
        visit.say(LAMP)
        visit.hold("**/respond")
        visit.send("no battery")
        visit.button("Stop").click()
        visit.page.unroute("**/respond")
        visit.button("Try again").click()
        expect(visit.messages).to_have_count(4)
        visit.converse(DECIDED_LAMP)
        visit.say("Why does RoHS apply?")
        assert [one["isWhole"] for one in added(visit)] == [True] * visit.messages.count()
        said = [one["words"] for one in added(visit)]
        shown = visit.words.all_text_contents()
        assert all(words in heard for words, heard in zip(shown, said, strict=True))

        visit.say("What if it had Wi-Fi?")
        expect(visit.messages.last).to_contain_text("would be described as")
        *_, asked, answered, proposed = added(visit)
        assert asked["isWhole"]
        assert answered["isWhole"]
        assert "would be described as" in proposed["words"]
        assert answered["words"] not in proposed["words"]


def test_what_is_restored_is_not_read_out(chromium: Browser, site: Site) -> None:
    """The log is busy until a while after the messages of an earlier visit are in it."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.page.add_init_script(RECORDED)
        visit.reload()
        expect(visit.messages).to_have_count(2)
        log = visit.page.get_by_role("log")
        expect(log).to_have_attribute("aria-busy", "false")
        assert [one["isBusy"] for one in added(visit)] == [True, True]
        visit.say("no battery")
        assert [one["isBusy"] for one in added(visit)[2:]] == [False, False]


def test_the_progress_has_a_name_and_a_value(chromium: Browser, site: Site) -> None:
    """The share that is checked is told, and that the analysis is over and what came of it."""
    with StatesVisit(chromium, site) as visit:
        visit.page.route(
            STREAM,
            lambda route: route.fulfill(content_type="text/event-stream", body=BROKEN_STREAM),
            times=1,
        )
        visit.say(LAMP)
        visit.send(DECIDED_LAMP)
        bar = visit.page.get_by_role("progressbar", name="Progress of the analysis")
        expect(bar).to_have_js_property("value", 40)
        expect(bar).to_have_js_property("max", 80)
        expect(visit.norms).not_to_have_count(0)
        applies = visit.page.locator("teaser-chat .group.applies .card").count()
        expect(visit.spoken).to_have_text(f"The analysis is done: {applies} norms apply.")


def test_sentences_come_one_at_a_time(chromium: Browser, site: Site) -> None:
    """One in two seconds; of each topic the newest, and none of another topic is lost."""
    with ChatVisit(chromium, site) as visit:
        visit.page.clock.install(time=0)
        visit.page.clock.pause_at(3_600)
        visit.page.evaluate(HEARD)
        visit.page.evaluate("""() => {
          [1, 2, 3].forEach((step) => announcer.say("progress", `step ${step}`));
          announcer.say("notice", "offline");
          announcer.say("failed", "too long");
          announcer.say("failed", "");
          announcer.say("progress", "done");
        }""")
        told = ["step 1", "done", "offline"]
        for count in (1, 2, 3, 3):
            assert visit.page.evaluate("heard") == told[:count]
            visit.page.clock.run_for(1_900)
            assert visit.page.evaluate("heard") == told[:count]
            visit.page.clock.run_for(100)
        visit.page.evaluate("announcer.say('copy', 'offline')")
        assert visit.page.evaluate("heard") == [*told, "offline"]


def test_a_failure_is_said(chromium: Browser, site: Site) -> None:
    """Why a message was refused is read out."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.send("no battery " * 400)
        expect(visit.spoken).to_have_text("Please use at most 4000 characters (message).")
