"""One visit to the page: what a person does there, and what the browser complains about."""

import re
from types import TracebackType
from typing import Self

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    FloatRect,
    Locator,
    expect,
)

from tests.support.servers import ROOT, Gunicorn

ARTIFACTS = ROOT / "tests" / "artifacts"
PATIENCE_MS = 10_000
MOST_TURNS = 25
LONGEST_SHOT = 2400
expect.set_options(timeout=PATIENCE_MS)


class Visit:
    """A browser of its own, with its own cookies, on the page of a site.

    Leaving it fails if the console held an error, a warning or a refusal of the content
    security policy that the test did not expect, or if the page asked another host.

    Args:
        chromium: the browser that gets a new, empty context.
        site: the server to visit.
        width: of the window, in CSS pixels.
        beside: a visit whose browser this one gets another tab of.
    """

    path = "/develope"
    """The page that is visited."""

    def __init__(
        self, chromium: Browser, site: Gunicorn, *, width: int = 900, beside: Self | None = None
    ) -> None:
        self.site = site
        self.complaints: list[str] = []
        self._width = width
        self._beside = beside
        self._expected: list[str] = []
        self._context: BrowserContext = (
            beside._context
            if beside
            else chromium.new_context(viewport={"width": width, "height": 800})
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._catch)
        self.page.on("request", lambda request: self._check_host(request.url))
        self.page.on("dialog", self._confirm)

    def __enter__(self) -> Self:
        self.page.goto(self.site.url + self.path)
        self.idle.wait_for()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._beside:
            self.page.close()
        else:
            self._context.close()
        if kind is None:
            expected = re.compile("|".join(self._expected) or r"(?!)")
            assert [said for said in self.complaints if not expected.search(said)] == []

    @property
    def idle(self) -> Locator:
        """There while the page waits for the visitor; gone while it waits for the server."""
        return self.page.locator("#chat-form fieldset:enabled")

    @property
    def chat_field(self) -> Locator:
        """Where one writes to the chat."""
        return self.page.locator("#chat-text")

    @property
    def messages(self) -> Locator:
        """The words of every message, oldest first."""
        return self.page.locator("#log .words")

    @property
    def answers(self) -> Locator:
        """The questions about the analysis with their answers."""
        return self.page.locator("#answers .answered")

    @property
    def norms(self) -> Locator:
        """Every result that is shown or folded away."""
        return self.page.locator("#results .norm")

    def button(self, name: str) -> Locator:
        """The button with this label."""
        return self.page.get_by_role("button", name=name, exact=True)

    def expect_complaints(self, *patterns: str) -> None:
        """Let the console say these; a test that stops the server provokes them."""
        self._expected += patterns

    def send(self, text: str) -> None:
        """Write to the chat and press its button, without waiting for an answer."""
        self.chat_field.fill(text)
        self.page.locator("#chat-form button").click()

    def say(self, text: str) -> str:
        """Write to the chat and give the reply."""
        before = self.messages.count()
        self.send(text)
        self.idle.wait_for()
        expect(self.messages).to_have_count(before + 2)
        return self.messages.last.inner_text()

    def converse(self, *texts: str) -> None:
        """Say these, then "I don't know" to whatever is still asked."""
        for text in texts:
            self.say(text)
        for _ in range(MOST_TURNS):
            if self.button("Run the analysis").is_visible():
                return
            self.say("I don't know")
        raise AssertionError(f"still asking: {self.messages.last.inner_text()}")

    def analyze(self) -> None:
        """Run the analysis and wait for its results."""
        self.button("Run the analysis").click()
        self.idle.wait_for()
        expect(self.norms).not_to_have_count(0)

    def ask(self, question: str) -> str:
        """Ask about the analysis and give the answer."""
        before = self.answers.count()
        self.page.get_by_label("Your question").fill(question)
        self.button("Ask").click()
        self.idle.wait_for()
        expect(self.answers).to_have_count(before + 1)
        return self.answers.last.locator("> p").first.inner_text()

    def reload(self) -> None:
        """Load the page anew and wait until it is ready."""
        self.page.reload()
        self.idle.wait_for()

    def shown(self) -> list[list[str]]:
        """Everything of the conversation that is on the page."""
        return [found.all_text_contents() for found in (self.messages, self.norms, self.answers)]

    def shot(self, name: str, part: str = "") -> None:
        """Keep a picture of a part, or of the page down to where results repeat themselves."""
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        if part:
            self.page.locator(part).screenshot(path=path)
        else:
            clip: FloatRect = {"x": 0, "y": 0, "width": self._width, "height": LONGEST_SHOT}
            self.page.screenshot(path=path, full_page=True, clip=clip)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _catch(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _check_host(self, url: str) -> None:
        if not url.startswith(self.site.url):
            self.complaints.append(f"asked another host: {url}")

    def _confirm(self, dialog: Dialog) -> None:
        if dialog.type == "confirm":
            dialog.accept()
        else:  # an alert can only come from a message that was executed
            self.complaints.append(f"{dialog.type}: {dialog.message}")
            dialog.dismiss()
