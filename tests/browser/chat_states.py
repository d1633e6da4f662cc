"""Every state that the chat can show, one after the other in one visit."""

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Locator, Route, expect

from tests.browser.chat_visit import DECIDED_LAMP, LAMP, STREAM, ChatVisit
from tests.support.servers import ROOT, RedisServer
from tests.support.sites import Site

LOCALES = {"en": "en-GB", "de": "de-DE"}
CATALOGUES = ROOT / "static" / "chat" / "texts"
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 100
"""A word wider than every window, and longer than the server takes."""
STEP = {"phase": "analyzing", "progress": 40, "total": 80, "status": "half"}
BROKEN_STREAM = f"retry: 200\ndata: {json.dumps(STEP)}\n\n"
"""An analysis that is told half, then the connection is lost."""
REFUSAL = {"error": "Conversations cannot be reached.", "code": "store_unavailable"}
EXPECTED = ("404", "422", "503", "ERR_INTERNET_DISCONNECTED", "Applying inline style")
"""What the browser says about the states; axe brings styles of its own."""

OWN_WORDS = """() => {
  const root = document.querySelector("teaser-chat").shadowRoot;
  const texts = document.createNodeIterator(root, NodeFilter.SHOW_TEXT);
  const found = [...root.querySelectorAll("[aria-label]")].map((one) => one.ariaLabel);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const place = node.parentElement;
    const isForeign = place.closest("[lang=en], .user .words, .conversation [dir=auto]");
    if (!isForeign && node.data.trim()) {
      found.push(node.data.trim());
    }
  }
  return found;
}"""
FIGURES = r"\d{2}:\d{2}( · (offen|geprüft))?|[:,]|\d{1,2}\. [A-Z][a-zä]+ \d{4}|\d+ %, .*"
"""Times, dates and percentages as they are written in German, and what stands between words."""


def catalogue(language: str) -> dict[str, str]:
    """The texts of a language by their dotted names."""
    found: dict[str, str] = {}

    def flatten(prefix: str, level: dict[str, Any]) -> None:
        for name, entry in level.items():
            if isinstance(entry, dict):
                flatten(f"{prefix}{name}.", entry)
            else:
                found[prefix + name] = entry

    for path in (f"{language}.json", f"{language}.details.json"):
        flatten("", json.loads((CATALOGUES / path).read_text(encoding="utf-8")))
    return found


def words_of(language: str) -> re.Pattern[str]:
    """What fits each text of a language with whatever stands at its places, and each figure."""
    texts = (re.sub(r"\\\{\w+\\\}", ".*", re.escape(text)) for text in catalogue(language).values())
    return re.compile(rf"(?:{'|'.join(texts)})( \(.*\))?|{FIGURES}")


class StatesVisit(ChatVisit):
    """A visit in a language, by a browser set up by `options` as Playwright names them."""

    def __init__(
        self,
        chromium: Browser,
        site: Site,
        *,
        language: str = "en",
        width: int = 900,
        **options: Any,
    ) -> None:
        super().__init__(chromium, site, width=width, locale=LOCALES[language], **options)
        self.texts = catalogue(language)
        self.expect_complaints(*EXPECTED)

    def own_words(self) -> set[str]:
        """All that is shown or named by labels, but for what visitors and the server have said."""
        return set(self.page.evaluate(OWN_WORDS))

    def named(self, name: str) -> Locator:
        """The button with this text; in the dialog on top if there is one."""
        dialogs = self.page.locator("teaser-chat dialog[open]")
        place = dialogs.last if dialogs.count() else self.page
        return place.get_by_role("button", name=self.texts[name], exact=True).last

    def send(self, text: str) -> None:
        """Write and press the button, without waiting for an answer."""
        self.chat_field.fill(text)
        self.named("chat.send").click()

    def walk(self, redis_server: RedisServer, look: Callable[[str], None]) -> None:
        """Go through all states; `look` is called with the name of each while it is shown."""
        look("empty")
        self._talk(look)
        self._analyse(look)
        self._browse(look)
        self._lose(redis_server, look)

    def hold(self, pattern: str) -> list[Route]:
        """Keep requests from being answered, until they are let go on."""
        held: list[Route] = []

        def keep(route: Route) -> None:  # a method of a list is no handler to Playwright
            held.append(route)

        self.page.route(pattern, keep)
        return held

    def _talk(self, look: Callable[[str], None]) -> None:
        self.say(LAMP)
        look("question")
        self.hold("**/respond")
        self.send("no battery")
        expect(self.page.locator("teaser-chat .typing")).to_be_visible()
        look("sending")
        self.named("chat.stop").click()
        look("stopped")
        self.named("chat.edit").click()
        self.page.unroute("**/respond")
        self.send(LONG)
        expect(self.named("chat.retry")).to_be_visible()
        self.idle.wait_for()
        look("failed")
        self.named("chat.edit").click()
        self.page.context.set_offline(True)
        self.send("no battery")
        expect(self.banner).to_contain_text("offline")
        look("offline")
        self.page.route("**/respond", lambda route: route.fulfill(status=503, json=REFUSAL))
        self.page.context.set_offline(False)
        expect(self.banner).not_to_contain_text("offline")
        expect(self.banner).not_to_be_empty()
        look("waiting")
        self.page.unroute("**/respond")
        expect(self.messages).to_have_count(4)
        self.idle.wait_for()

    def _analyse(self, look: Callable[[str], None]) -> None:
        held = self.hold(STREAM)
        self.send(DECIDED_LAMP)
        bar = self.page.get_by_role("progressbar")
        expect(bar).to_be_visible()
        look("analysing")
        while not held:
            self.page.wait_for_timeout(10)
        held.pop().fulfill(content_type="text/event-stream", body=BROKEN_STREAM)
        expect(bar).to_have_attribute("value", "40")
        look("broken")
        while not held:
            self.page.wait_for_timeout(10)
        held.pop().continue_()
        self.page.unroute(STREAM)
        expect(self.norms).not_to_have_count(0)
        self.idle.wait_for()
        look("results")

    def _browse(self, look: Callable[[str], None]) -> None:
        results = self.page.locator("teaser-chat .results")
        results.get_by_role("searchbox").fill("directive")
        results.locator(".toggle").last.click()
        look("filtered")
        results.get_by_role("searchbox").fill("")
        self.page.locator("teaser-chat .facts > summary").click()
        self.page.locator("teaser-chat .fact:has-text('voltage') button").first.click()
        self.page.locator("teaser-chat .editor input").first.fill("five")
        self.named("facts.apply").click()
        look("editor")
        self.named("facts.cancel").click()
        self.page.locator("teaser-chat .facts > summary").click()

    def _lose(self, redis_server: RedisServer, look: Callable[[str], None]) -> None:
        listed = self.page.locator("teaser-chat .conversation")
        self.named("chat.begin").click()
        self.say(LONG[:400])
        self.named("chat.list").click()
        expect(listed).to_have_count(2)
        look("list")
        self.page.locator("teaser-chat .conversations .small").first.click()
        look("confirmation")
        self.named("confirm.remove_yes").click()
        expect(listed).to_have_count(1)
        look("deleted")
        self.named("list.close").click()
        look("news")
        self.say(LAMP)
        client = redis_server.client()
        client.delete(*client.scan_iter("chat:session:*-*-*-*-*"))
        self.send("no battery")
        expect(self.named("ended.begin_with_text")).to_be_visible()
        look("expired")
