"""One visit to the operators' page: what an operator sees there."""

from typing import Self

from playwright.sync_api import Locator, expect

from tests.browser.visit import Visit
from tests.support.servers import Gunicorn, eventually

TOKEN = "a-token-for-the-operators"
LOOK_MS = 2_000
"""How often the page looks at the numbers."""


class OpsVisit(Visit):
    """A visit to the operators' page; as on the other pages, no complaint is allowed."""

    path = "/ops"

    @property
    def idle(self) -> Locator:
        """There when the page is ready, whether it wants the token or has it."""
        return self.page.locator("#token-form fieldset:enabled, #board").locator("visible=true")

    @property
    def gate(self) -> Locator:
        """Where the token is asked for."""
        return self.page.locator("#gate")

    @property
    def step(self) -> Locator:
        """The stage that is marked as the present one."""
        return self.page.locator("#steps [aria-current=step] .name")

    @property
    def troubles(self) -> Locator:
        """What an operator should not overlook."""
        return self.page.locator("#troubles")

    @property
    def next_step(self) -> Locator:
        """Whether the next step is allowed."""
        return self.page.locator("#next-sentence")

    @property
    def old(self) -> Locator:
        """Since when the numbers are old, if they are."""
        return self.page.locator("#old")

    @property
    def rows(self) -> Locator:
        """The workers."""
        return self.page.locator("#rows tr")

    def enter(self, token: str = TOKEN) -> Self:
        """Give the token."""
        self.page.get_by_label("The operators' token").fill(token)
        self.button("Watch").click()
        return self

    def watch(self) -> Self:
        """Give the right one, and wait for the first numbers."""
        self.enter()
        expect(self.step).to_be_visible()
        return self

    def chart(self, title: str) -> Locator:
        """The chart with this title."""
        return self.page.locator("figure").filter(
            has=self.page.get_by_role("heading", name=title, exact=True)
        )

    def fact(self, name: str) -> Locator:
        """What is told under a word."""
        term = self.page.locator("dt").get_by_text(name, exact=True)
        return self.page.locator("dl > div").filter(has=term).locator("dd").first

    def points(self) -> int:
        """How many points the first chart has."""
        return int(self.page.locator("figure > svg").first.get_attribute("data-points") or 0)

    def collect(self, count: int) -> None:
        """Let the page, whose clock is installed, look so often that its charts have points."""

        def has_come() -> bool:
            self.page.clock.run_for(LOOK_MS)
            return self.points() >= count

        assert eventually(has_come)

    def overflows(self) -> bool:
        """Whether it can be scrolled sideways."""
        found = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return bool(found)


def with_ops(**settings: str) -> Gunicorn:
    """A server that has the page."""
    return Gunicorn(OPS_TOKEN=TOKEN, WEB_CONCURRENCY="1", **settings)
