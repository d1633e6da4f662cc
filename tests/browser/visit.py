"""One visit to the page: what a person does there, and what the browser complains about."""

import os
import re
from importlib.resources import files
from types import TracebackType
from typing import Any, Protocol, Self

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

from tests.support.servers import ROOT

ARTIFACTS = ROOT / "tests" / "artifacts"
LONGEST_WAIT_MS = 40_000
"""How long a busy machine may take to show something; what comes late is no fault."""
LONGEST_SHOT = 2400
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """async (tags) =>
  (await axe.run({ runOnly: tags, resultTypes: ["violations"] })).violations"""
expect.set_options(timeout=LONGEST_WAIT_MS)


class Address(Protocol):
    """A server that can be visited."""

    url: str


class Visit:
    """A browser of its own, with its own cookies, on the page of a site.

    Leaving it fails if the console held an error, a warning or a refusal of the content
    security policy that the test did not expect, or if the page asked another host.

    Args:
        chromium: the browser that gets a new, empty context.
        site: the server to visit.
        width: of the window, in CSS pixels.
        beside: a visit whose browser this one gets another tab of.
        options: of the new browser, as Playwright names them.
    """

    path = "/develope"
    """The page that is visited."""

    def __init__(
        self,
        chromium: Browser,
        site: Address,
        *,
        width: int = 900,
        beside: "Visit | None" = None,
        **options: Any,
    ) -> None:
        self.site = site
        self.complaints: list[str] = []
        self._width = width
        self._beside = beside
        self._expected: list[str] = []
        self._options = options
        self._context: BrowserContext = beside._context if beside else self._new_context(chromium)
        self._context.set_default_timeout(LONGEST_WAIT_MS)
        self.page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._catch)
        self.page.on("request", lambda request: self._check_host(request.url))
        self.page.on("dialog", self._confirm)

    def __enter__(self) -> Self:
        self.page.goto(self.address)
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
    def address(self) -> str:
        """Where the page is."""
        return self.site.url + self.path

    @property
    def origins(self) -> tuple[str, ...]:
        """Whom the page may ask for anything."""
        return (self.site.url,)

    @property
    def idle(self) -> Locator:
        """There while the page waits for the visitor; gone while it waits for the server.

        Of the page at /develope; other pages tell it otherwise.
        """
        return self.page.locator("teaser-chat .chat[data-state=idle]")

    def button(self, name: str) -> Locator:
        """The button with this label."""
        return self.page.get_by_role("button", name=name, exact=True)

    def expect_complaints(self, *patterns: str) -> None:
        """Let the console say these; a test that stops the server provokes them."""
        self._expected += patterns

    def reload(self) -> None:
        """Load the page anew and wait until it is ready."""
        self.page.reload()
        self.idle.wait_for()

    def shot(self, name: str, part: str = "") -> None:
        """With SCREENSHOTS set, keep a picture of a part, or of the page as far as it is varied."""
        if not os.environ.get("SCREENSHOTS"):
            return
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        if part:
            self.page.locator(part).screenshot(path=path)
        else:
            clip: FloatRect = {"x": 0, "y": 0, "width": self._width, "height": LONGEST_SHOT}
            self.page.screenshot(path=path, full_page=True, clip=clip)

    def violations(self) -> list[str]:
        """What axe finds wrong, each with the first place where it does."""
        if not self.page.evaluate("'axe' in window"):
            script = files("axe_playwright_python").joinpath("axe.min.js")
            self.page.evaluate(f"() => {{ {script.read_text(encoding='utf-8')}\n}}")
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}"
            for one in self.page.evaluate(RUN_AXE, AXE_TAGS)
        ]

    def _new_context(self, chromium: Browser) -> BrowserContext:
        usual: dict[str, Any] = {
            "viewport": {"width": self._width, "height": 800},
            "ignore_https_errors": True,  # nobody vouches for a certificate that a test has made
        }
        return chromium.new_context(**(usual | self._options))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _catch(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _check_host(self, url: str) -> None:
        if not url.startswith(self.origins):
            self.complaints.append(f"asked another host: {url}")

    def _confirm(self, dialog: Dialog) -> None:
        if dialog.type == "confirm":
            dialog.accept()
        else:  # an alert can only come from a message that was executed
            self.complaints.append(f"{dialog.type}: {dialog.message}")
            dialog.dismiss()
