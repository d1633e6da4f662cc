"""What may happen to the chat's requests on their way."""

import json
import re
from typing import Any

from playwright.sync_api import Page, Route

from tests.support.servers import eventually

SENT = "Sent"
SENDING = "Sending …"
WAITING = "Waiting to be sent"
STOPPED = "Stopped before an answer came"
AT_API = "**/api/develope/**"
RECORD_PROGRESS = """() => {
  window.said = [];
  const place = document.querySelector("teaser-chat").shadowRoot.querySelector(".progress .hint");
  new MutationObserver(() => said.push(place.textContent)).observe(place, { childList: true });
}"""


class Held:
    """Requests to some addresses that go no further until the test lets them.

    Args:
        page: whose requests they are.
        address: a pattern of addresses.
        times: how many are held; those after them pass.
    """

    def __init__(self, page: Page, address: str, times: int = 1) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(address, self._hold, times=times)

    def _hold(self, route: Route) -> None:
        self._routes.append(route)

    def first(self) -> Route:
        """The first of them, once it is there."""

        def came() -> bool:
            self._page.evaluate("0")  # while it answers, it also tells what it asks the server
            return bool(self._routes)

        assert eventually(came), "nothing was asked"
        return self._routes[0]


def lose_answers(page: Page, address: str) -> list[dict[str, Any]]:
    """Let the first request to an address arrive and its answer get lost; gives what was sent."""
    sent: list[dict[str, Any]] = []

    def deliver_and_drop(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}"))
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(address, deliver_and_drop)
    return sent


def refuse(page: Page, address: str, status: int, code: str, **headers: str) -> None:
    """Answer the next request to an address with an error of the application."""
    said = {"error": f"This is the {status}.", "code": code, "request_id": "r"}
    page.route(
        address,
        lambda route: route.fulfill(status=status, json=said, headers=headers),
        times=1,
    )


def refuse_as_proxies_do(page: Page, address: re.Pattern[str], status: int) -> None:
    """Answer the next request to an address as a proxy whose server is away."""
    page.route(
        address,
        lambda route: route.fulfill(status=status, content_type="text/html", body="<p>Sorry</p>"),
        times=1,
    )


def stream(page: Page, address: str, *steps: dict[str, Any], event_id: str, retry_ms: int) -> None:
    """Answer the next stream with these steps, all with one id, and break it off."""
    body = f"retry: {retry_ms}\n\n" + "".join(
        f"id: {event_id}\ndata: {json.dumps(step)}\n\n" for step in steps
    )
    page.route(
        address,
        lambda route: route.fulfill(content_type="text/event-stream", body=body),
        times=1,
    )
