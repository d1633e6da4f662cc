"""The chat without a mouse: whatever can be done is done by keys, and one sees where one is."""

from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.chat_states import StatesVisit
from tests.browser.chat_visit import DECIDED_LAMP, LAMP
from tests.support.sites import Site

MOST_STOPS = 150
FOCUSED = """() => {
  const root = document.querySelector("teaser-chat").shadowRoot;
  const one = root.activeElement;
  if (!one) {
    return null;
  }
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const name = one.labels?.[0]?.textContent || one.ariaLabel || one.textContent;
  return { name, isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
}"""


class Keys(StatesVisit):
    """A visitor who has a keyboard only."""

    def tab_to(self, name: str, *, back: bool = False) -> None:
        """Press Tab until this has the focus; the focus is seen on all there is on the way."""
        for _ in range(MOST_STOPS):
            self.press("Shift+Tab" if back else "Tab")
            focused: dict[str, Any] | None = self.page.evaluate(FOCUSED)
            if focused:
                assert focused["isSeen"], focused["name"]
                if focused["name"].strip().startswith(name):
                    return
        raise AssertionError(f"the Tab key does not lead to {name}")

    def press(self, *keys: str) -> None:
        """Press these keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Write in what has the focus, which is where one writes, and send it."""
        expect(self.chat_field).to_be_focused()
        self.page.keyboard.insert_text(text)
        self.press("Enter")


def test_a_conversation_by_keyboard(chromium: Browser, site: Site) -> None:
    """It is held, stopped, taken back and copied from with the Tab key, Enter and Escape alone."""
    with Keys(chromium, site) as visit:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.tab_to("Your product")
        visit.write(LAMP)
        expect(visit.messages).to_have_count(2)
        visit.tab_to("No battery", back=True)
        visit.press("Enter")
        expect(visit.messages).to_have_count(4)
        expect(visit.chat_field).to_be_focused()
        visit.tab_to("Copy", back=True)
        visit.press("Enter")
        expect(visit.spoken).to_have_text("Copied.")
        expect(visit.button("Copy").last).to_be_focused()

        visit.hold("**/respond")
        visit.tab_to("Your answer")
        visit.write("no radio")
        for again in ("Try again", "Take back"):
            visit.tab_to("Stop")
            visit.press("Enter")
            expect(visit.statuses.last).to_have_text("Stopped before an answer came")
            expect(visit.chat_field).to_be_focused()
            visit.tab_to(again, back=True)
            visit.press("Enter")
            expect(visit.chat_field).to_be_focused()
        expect(visit.chat_field).to_have_value("no radio")
        visit.page.unroute("**/respond")
        visit.press("Control+A")
        visit.write(DECIDED_LAMP)
        expect(visit.norms).not_to_have_count(0)
        expect(visit.chat_field).to_be_focused()


def test_results_by_keyboard(chromium: Browser, site: Site) -> None:
    """A fact is corrected, norms are filtered and unfolded, and the results are taken along."""
    with Keys(chromium, site) as visit:
        visit.converse(DECIDED_LAMP)
        visit.tab_to("See the results", back=True)
        visit.press("Enter")
        visit.tab_to("What I understood", back=True)
        visit.press("Enter")
        visit.tab_to("Correct the highest rated DC voltage")
        visit.press("Enter")
        visit.page.keyboard.insert_text("24")
        visit.press("Escape")
        expect(visit.page.locator("teaser-chat .editor")).to_have_count(0)
        visit.press("Enter")
        visit.page.keyboard.insert_text("12")
        visit.press("Enter")
        expect(visit.statuses).to_have_count(2)
        visit.idle.wait_for()
        correct = visit.page.get_by_role("button", name="Correct the highest rated DC voltage")
        expect(correct).to_be_focused()
        expect(visit.page.locator("teaser-chat .results .description")).to_contain_text("12 V")

        with visit.page.expect_download():
            visit.tab_to("CSV")
            visit.press("Enter")
        visit.tab_to("Find a norm")
        visit.page.keyboard.insert_text("directive")
        count = visit.norms.count()
        visit.tab_to("Does not apply")
        visit.press("Space")
        expect(visit.norms).not_to_have_count(count)
        visit.tab_to("Show all")
        visit.press("Enter")
        expect(visit.page.get_by_role("searchbox")).to_be_focused()
        visit.tab_to("Good to know")
        visit.press("Enter")
        expect(visit.norms.first.locator(".note")).to_be_visible()
        visit.press("Enter")
        expect(visit.norms.first.locator(".note")).to_be_hidden()


def test_dialogs_by_keyboard(chromium: Browser, site: Site) -> None:
    """Escape closes each and gives the focus back; after a deletion the focus stays in the list."""
    with Keys(chromium, site) as visit:
        visit.say(LAMP)
        visit.tab_to("New conversation")
        visit.press("Enter")
        expect(visit.messages).to_have_count(0)
        visit.write("Portable power bank")
        expect(visit.messages).to_have_count(2)
        visit.idle.wait_for()
        visit.tab_to("Conversations", back=True)
        opener = visit.button("Conversations")
        listed = visit.page.locator("teaser-chat .conversation")
        visit.press("Enter")
        expect(listed).to_have_count(2)
        expect(visit.page.get_by_role("heading", name="Your conversations")).to_be_focused()
        visit.press("Escape")
        expect(listed.first).to_be_hidden()
        expect(opener).to_be_focused()
        visit.press("Enter")
        expect(listed).to_have_count(2)
        visit.tab_to(LAMP)
        visit.press("Enter")
        expect(visit.words.first).to_have_text(LAMP)
        expect(opener).to_be_focused()

        visit.press("Enter")
        expect(listed).to_have_count(2)
        visit.tab_to("Delete the conversation “Portable")
        visit.press("Enter")
        expect(visit.button("Keep it")).to_be_focused()
        visit.press("Escape")
        expect(visit.button("Delete the conversation “Portable power bank”")).to_be_focused()
        for left in (1, 0):
            visit.press("Enter", "Tab", "Enter")  # asks, leads on from keeping it, deletes
            expect(listed).to_have_count(left)
            expect(visit.page.get_by_role("dialog").get_by_role("status")).to_contain_text(
                "is deleted"
            )
            kept = f"Delete the conversation “{LAMP}”" if left else "Close"
            expect(visit.button(kept)).to_be_focused()
        visit.press("Escape")
        expect(opener).to_be_focused()
        expect(visit.messages).to_have_count(0)
