"""The chat in German and English: what its catalogues say, and which of the two is chosen."""

import re

import pytest
from playwright.sync_api import Browser, expect

from routes.errors import BY_CODE
from tests.browser.chat_states import StatesVisit, catalogue
from tests.browser.chat_visit import DECIDED_LAMP, LAMP, STREAM, ChatVisit
from tests.support.sites import Site

GERMAN_ONLY = re.compile(r"language_note$|errors\.")
"""English refusals are worded by the server, and what it says is in the language of the page."""
NOT_THE_CHATS = {"unauthenticated", "authentication_not_configured", "precondition_failed"}
"""Codes of what the chat does not ask for."""
OWN = {"unreachable", "unexpected_answer", "server_unavailable"}
"""Codes of the page itself and of nginx."""
ALIKE = {
    "brand",
    "chat.examples",
    *(f"export.{name}" for name in ("md", "csv", "columns.name", "columns.url")),
}
"""Texts that are the same in both languages; products are described in English."""


def test_the_catalogues_say_the_same() -> None:
    """Both have the same texts, none of them empty, with the same places for values."""
    english, german = catalogue("en"), catalogue("de")
    assert [name for name in english if GERMAN_ONLY.search(name)] == []
    told = {name: text for name, text in german.items() if not GERMAN_ONLY.search(name)}
    assert list(told) == list(english)
    for name, text in told.items():
        assert text.strip()
        assert (text == english[name]) == (name in ALIKE), name
        places = [sorted(re.findall(r"\{\w+\}", one)) for one in (text, english[name])]
        assert places[0] == places[1], name


def test_every_refusal_has_german_words() -> None:
    """Whatever code the server answers the chat with."""
    named = {name.removeprefix("errors.") for name in catalogue("de") if name.startswith("errors.")}
    assert named == (set(BY_CODE) - NOT_THE_CHATS) | OWN


@pytest.mark.parametrize(
    ("browser", "wanted", "label"),
    [
        ("de-DE", "en", "Your product"),
        ("en-GB", "de-AT", "Ihr Produkt"),
        ("de-DE", None, "Ihr Produkt"),
        ("fr-FR", None, "Your product"),
        ("de-DE", "fr", "Ihr Produkt"),
    ],
)
def test_which_language(
    chromium: Browser, site: Site, browser: str, wanted: str | None, label: str
) -> None:
    """The page's wish wins over the browser's; where there is neither, it is English."""
    with ChatVisit(chromium, site, locale=browser) as visit:
        visit.page.evaluate(
            """(lang) => {
              const chat = document.createElement("teaser-chat");
              if (lang) { chat.lang = lang; }
              document.querySelector("teaser-chat").replaceWith(chat);
            }""",
            wanted,
        )
        expect(visit.page.get_by_role("textbox", name=label, exact=True)).to_be_visible()


def test_a_change_of_language(chromium: Browser, site: Site) -> None:
    """The page may change it at any time; the conversation and what is being written stay."""
    with ChatVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.chat_field.fill("no batt")
        visit.page.evaluate("() => { document.querySelector('teaser-chat').lang = 'de'; }")
        expect(visit.button("Senden")).to_be_visible()
        expect(visit.words.first).to_have_text(LAMP)
        expect(visit.chat_field).to_have_value("no batt")


def test_why_an_analysis_failed(chromium: Browser, site: Site) -> None:
    """That is told in German as well, on the page and to who listens."""
    refusal = {"error": "There is no analysis yet.", "code": "internal_error"}
    with StatesVisit(chromium, site, language="de") as visit:
        visit.expect_complaints("500")
        for way in (STREAM, "**/analyze"):
            visit.page.route(way, lambda route: route.fulfill(status=500, json=refusal))
        visit.say(LAMP)
        visit.send(DECIDED_LAMP)
        failed = "Die Analyse ist fehlgeschlagen. Auf dem Server ist ein Fehler aufgetreten"
        expect(visit.page.locator("teaser-chat .progress")).to_contain_text(failed)
        expect(visit.spoken).to_contain_text(failed)
        visit.page.unroute_all()
        visit.named("analysis.run").click()
        expect(visit.norms).not_to_have_count(0)
