"""One visit to the chat: what a person does with it, on its own page or in somebody else's."""

import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.visit import Visit
from tests.support.servers import eventually

MOST_TURNS = 25
LAMP = "USB-powered LED desk lamp"
DECIDED_LAMP = (
    f"{LAMP}, 5 V DC, 1 A, no battery, no charger in the box, no radio, no data, consumers use it"
    " at home, no medical purpose, no laser, no AI, not antibacterial, no explosive atmospheres"
)
"""What leaves nothing to ask."""
MARKUP = "<img src=x onerror=alert(1)> <b>bold</b> & 🦊 שלום"
STREAM = "**/analyze-stream*"
REMEMBERED = "Object.entries(localStorage).map(([key, value]) => [key, JSON.parse(value)])"


class ChatVisit(Visit):
    """A visit to the chat; no complaint of the browser is allowed that was not expected."""

    @property
    def chat_field(self) -> Locator:
        """Where one writes."""
        return self.page.locator("teaser-chat .field")

    @property
    def messages(self) -> Locator:
        """Every message with what became of it, oldest first."""
        return self.page.locator("teaser-chat .message")

    @property
    def words(self) -> Locator:
        """The words of every message, oldest first."""
        return self.messages.locator(".words")

    @property
    def statuses(self) -> Locator:
        """What became of each of the visitor's messages."""
        return self.messages.locator(".status")

    @property
    def chips(self) -> Locator:
        """The suggestions."""
        return self.page.locator("teaser-chat .chip")

    @property
    def banner(self) -> Locator:
        """What is said above the field of the chat as a whole."""
        return self.page.locator("teaser-chat .banner")

    @property
    def spoken(self) -> Locator:
        """What is read out besides the messages."""
        return self.page.locator("teaser-chat .chat > [role=status]")

    @property
    def norms(self) -> Locator:
        """Every result that is shown or folded away."""
        return self.page.locator("teaser-chat .results:not([hidden]) .card")

    @property
    def remembered(self) -> dict[str, Any]:
        """All that the browser itself keeps, by what it is to the chat."""
        prefix = f"teaser-chat {self.site.url} "
        return {key.removeprefix(prefix): kept for key, kept in self.page.evaluate(REMEMBERED)}

    @property
    def session_id(self) -> str:
        """The conversation this browser is in, as it remembers it."""
        return str(self.remembered["session"])

    def send(self, text: str) -> None:
        """Write and press the button, without waiting for an answer."""
        self.page.bring_to_front()  # a tab behind another draws seldom, and a click waits for that
        self.chat_field.fill(text)
        self.button("Send").click()

    def say(self, text: str) -> str:
        """Write and give the answer, once nothing is under way any more."""
        before = self.messages.count()
        self.send(text)
        expect(self.messages).to_have_count(before + 2)
        self.idle.wait_for()
        return self.words.last.inner_text()

    def converse(self, *texts: str) -> None:
        """Say these, then "I don't know" to all that is still asked, until there are results."""
        for text in texts:
            self.say(text)
        for _ in range(MOST_TURNS):
            if self.norms.count():
                return
            self.say("I don't know")
        raise AssertionError(f"still asking: {self.words.last.inner_text()}")

    def begin(self) -> None:
        """Begin a new conversation."""
        self.button("New conversation").click()
        expect(self.messages).to_have_count(0)
        self.idle.wait_for()

    def shown(self) -> list[list[str]]:
        """The conversation as it is seen: messages and results."""
        return [found.all_text_contents() for found in (self.words, self.norms)]

    def correct(self, about: str) -> None:
        """Say yes to the fact whose label has these words, in the list of facts."""
        facts = self.page.locator("teaser-chat .facts")
        if facts.get_attribute("open") is None:
            facts.locator("> summary").click()
        label = re.compile(f"^Correct.*{about}", re.IGNORECASE)
        self.page.get_by_role("button", name=label).click()
        self.page.get_by_role("radio", name="Yes").check()
        self.button("Apply").click()

    def stored(self) -> dict[str, Any]:
        """The conversation as this browser is told it by the server, once it can be read."""
        url = f"{self.site.url}/api/develope/session/{self.session_id}"
        found: dict[str, Any] = {}

        def read() -> bool:
            answer = self.page.request.get(url)
            if answer.ok:
                found.update(answer.json())
            return answer.ok

        assert eventually(read)
        return found

    def stored_texts(self) -> list[str]:
        """The visitor's messages as the server has them, in their order."""
        stored = self.stored()
        turns = [one["content"] for one in stored["history"] if one["role"] == "user"]
        return turns + [one["question"] for one in stored["qa_history"]]
