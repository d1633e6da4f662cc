"""The page at /docs in a real browser: the routes, tried out, and nothing from elsewhere."""

from playwright.sync_api import Browser, Locator, expect

from tests.browser.visit import Visit
from tests.support.servers import Gunicorn

DESCRIBED = ("/api/develope/respond", "/api/develope/analyze-stream", "/readyz", "/openapi.json")


class DocsVisit(Visit):
    """A visit to the description; as on the other page, no complaint of the browser is allowed."""

    path = "/docs"

    @property
    def idle(self) -> Locator:
        """There once the description is shown."""
        return self.page.locator(".opblock").first

    def operation(self, name: str) -> Locator:
        """The block of one operation."""
        return self.page.locator(f"[id$='-{name}']")


def test_every_route_is_shown(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """All by the policy that forbids inline scripts and other hosts."""
    with DocsVisit(chromium, sqlite_site) as visit:
        for path in DESCRIBED:
            shown = visit.page.locator(f".opblock-summary-path[data-path='{path}']")
            expect(shown).to_have_count(1)
        expect(visit.page.locator("h1")).to_contain_text("Teaser chat")
        visit.shot("docs-1-all")


def test_a_route_can_be_tried_out(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """Its errors are told by code, and the answer to a call is shown."""
    with DocsVisit(chromium, sqlite_site) as visit:
        start = visit.operation("develope_start_conversation")
        start.locator(".opblock-summary").click()
        expect(start.get_by_text("message_id_reused").first).to_be_visible()
        start.get_by_role("button", name="Try it out").click()
        start.locator("textarea").fill('{"initial_input": "USB-powered LED desk lamp"}')
        start.get_by_role("button", name="Execute").click()
        answered = start.locator(".live-responses-table")
        expect(answered.get_by_text("session_id")).not_to_have_count(0)
        expect(answered.locator("tbody .response-col_status")).to_contain_text("200")
        visit.shot("docs-2-tried-out")
