"""One visit to the agents: what a person does there, in one tab or in several."""

from playwright.sync_api import Locator, expect

from tests.browser.visit import Visit

SAVED = "All is saved."
HISTORY_ID = "localStorage.getItem('agents.session_id')"
SLEEP = "window.BroadcastChannel = class extends EventTarget { postMessage() {} }"
"""Makes a tab that neither tells the others anything nor hears of them."""


class AgentsVisit(Visit):
    """A visit to the agents; as on the other pages, no complaint of the browser is allowed."""

    path = "/agents"

    @property
    def idle(self) -> Locator:
        """There while the page waits for the visitor; gone while it waits for the server."""
        return self.page.locator("#chat-form fieldset:enabled")

    @property
    def chat_field(self) -> Locator:
        """Where one writes."""
        return self.page.locator("#chat-text")

    @property
    def messages(self) -> Locator:
        """The words of every message, oldest first."""
        return self.page.locator("#log .words")

    @property
    def events(self) -> Locator:
        """The lines of the event log."""
        return self.page.locator("#events .event")

    @property
    def saving(self) -> Locator:
        """What is said of how the history is kept."""
        return self.page.locator("#saving")

    @property
    def news(self) -> Locator:
        """What is said of the history as a whole."""
        return self.page.locator("#news")

    @property
    def trouble(self) -> Locator:
        """What is said of a message without an answer."""
        return self.page.locator("#chat-notice")

    @property
    def history_id(self) -> str | None:
        """All that the browser itself remembers."""
        found: str | None = self.page.evaluate(HISTORY_ID)
        return found

    def card(self, name: str) -> Locator:
        """The card of an agent."""
        return self.page.get_by_role("article", name=name)

    def send(self, text: str) -> None:
        """Write and send, without waiting for an answer."""
        self.page.bring_to_front()  # a tab behind another draws seldom, and a click waits for that
        self.chat_field.fill(text)
        self.page.locator("#chat-form button").click()

    def say(self, text: str) -> str:
        """Write and give the answer, once it is saved."""
        before = self.messages.count()
        self.send(text)
        self.idle.wait_for()
        expect(self.messages).to_have_count(before + 2)
        expect(self.page.locator("#saving:not([data-unsaved])")).to_have_text(SAVED)
        return self.messages.last.inner_text()

    def clear(self) -> None:
        """Clear the history and confirm it."""
        self.page.bring_to_front()
        self.button("Clear history").click()
        self.button("Clear it").click()
        expect(self.news).to_have_text("The history is cleared.")

    def shown(self) -> list[list[str]]:
        """Everything that is kept: messages with who said them, cards, and the log."""
        parts = ("#log .message", ".agent", "#events .event")
        return [self.page.locator(part).all_text_contents() for part in parts]

    def status_of(self, url: str) -> int:
        """What this browser is answered for an address of the site."""
        return self.page.request.get(self.site.url + url).status
