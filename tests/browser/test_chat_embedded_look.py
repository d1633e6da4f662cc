"""How the chat looks in a page of another site, and what that page can make of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chat_visit import DECIDED_LAMP, LAMP
from tests.browser.embedding import CHAT, EmbeddedVisit, Embedding

MODULE = f'<script type="module" src="{CHAT}/static/chat/teaser-chat.js"></script>'
ONE = f'{MODULE}<main><teaser-chat lang="en"></teaser-chat></main>'
SHOP = '<h2>Lamps</h2><p class="message user notice">Cheap</p><button class="chip">Buy</button>'
HOSTILE = """
:not(html) { color: red; font: italic 30px/3 fantasy; text-transform: uppercase;
    letter-spacing: 3px;
    word-spacing: 9px; text-align: center; text-indent: 2em; text-shadow: 1px 1px red;
    white-space: pre; list-style: square inside; cursor: wait; tab-size: 1; hyphens: auto;
    overflow-wrap: normal; caret-color: red; --ink: red; --page: red; --accent: red }
button, textarea, summary, header, footer { display: none !important }
.chat, .log, .message, .row, .field, #field, #hint { position: fixed; opacity: .1; width: 1px }
::backdrop { background: red }
"""
LEAKS = """(style) => {
  const root = document.querySelector("teaser-chat").shadowRoot;
  const kinds = new Map([...root.querySelectorAll("*")].map((one) => [
    `${one.tagName} ${one.className} in ${one.parentNode.className}`, one]));
  const look = () => [...kinds].flatMap(([kind, one]) =>
    [undefined, "::before", "::after"].flatMap((part) => {
      const computed = getComputedStyle(one, part);
      return [...computed].filter((name) => !name.startsWith("--"))
        .map((name) => [kind, part, name, computed.getPropertyValue(name)].join(" | "));
    }));
  const plain = look();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [sheet];
  const leaks = look().filter((line, index) => line !== plain[index]);
  document.adoptedStyleSheets = [];
  return [kinds.size, leaks];
}"""
"""How many kinds of elements the chat shows, and what of their look a style of the page changes."""
AROUND = """() => [...document.querySelectorAll("h2, p, button, body, html")].map((one) =>
  JSON.stringify(Object.fromEntries([...getComputedStyle(one)]
    .filter((name) => !/size|height|origin/.test(name))
    .map((name) => [name, getComputedStyle(one).getPropertyValue(name)]))))"""
LEFT = """() => [document.adoptedStyleSheets.length, document.styleSheets.length,
  document.querySelectorAll("style").length]"""
STYLE = """([part, name, shadow]) => {
  const element = document.querySelector("teaser-chat").shadowRoot.querySelector(part);
  return getComputedStyle(element).getPropertyValue(name);
}"""


@pytest.fixture
def visit(chromium: Browser, embedding: Embedding) -> Iterator[EmbeddedVisit]:
    """A visitor of a page that holds the element and nothing else."""
    embedding.host.shows("/one", ONE)
    with EmbeddedVisit(chromium, embedding.site, embedding.host, "/one") as visit:
        yield visit


def style_of(visit: EmbeddedVisit, part: str, name: str) -> str:
    """A property of a part of the chat as it was computed."""
    return str(visit.page.evaluate(STYLE, [part, name]))


def test_styles_of_the_page_do_not_leak_in(visit: EmbeddedVisit) -> None:
    """Whatever a page says of every element, or of names that the chat uses too.

    Many a page makes its root smaller, to count in tenths; the chat stays readable.
    """
    visit.converse(DECIDED_LAMP)
    for style in (HOSTILE, "html { font-size: 62.5% }"):
        kinds, leaks = visit.page.evaluate(LEAKS, style)
        assert kinds > 50
        assert leaks == []


def test_styles_of_the_chat_do_not_leak_out(chromium: Browser, embedding: Embedding) -> None:
    """The page around it looks as it does without it."""
    embedding.host.shows("/around", SHOP + ONE)
    with EmbeddedVisit(chromium, embedding.site, embedding.host, "/around") as visit:
        visit.say(LAMP)
        around = visit.page.evaluate(AROUND)
        assert visit.page.evaluate(LEFT) == [0, 1, 0]
        visit.page.evaluate("document.querySelector('teaser-chat').remove()")
        assert visit.page.evaluate(AROUND) == around


def test_what_hides_a_part_of_the_page_hides_the_chat(visit: EmbeddedVisit) -> None:
    """A tab or a drawer of the page may be shut with the chat in it."""
    visit.page.evaluate("document.querySelector('main').style.visibility = 'hidden'")
    expect(visit.chat_field).to_be_hidden()


def test_variables_and_parts_change_the_look(chromium: Browser, embedding: Embedding) -> None:
    """A site gives the chat its colours, its font and its corners, and leaves parts out."""
    style = """
    teaser-chat { --teaser-accent: rgb(122, 31, 162); --teaser-on-accent: rgb(255, 255, 0);
      --teaser-page: rgb(1, 2, 3); --teaser-font: Georgia, serif; --teaser-radius: 1px }
    teaser-chat::part(header) { display: none }
    teaser-chat::part(composer) { border-top: 3px solid rgb(4, 5, 6) }
    """
    embedding.host.shows("/themed", ONE, style)
    with EmbeddedVisit(chromium, embedding.site, embedding.host, "/themed") as visit:
        assert style_of(visit, ".send", "background-color") == "rgb(122, 31, 162)"
        assert style_of(visit, ".send", "color") == "rgb(255, 255, 0)"
        assert style_of(visit, ".send", "border-top-left-radius") == "1px"
        assert style_of(visit, ".chat", "background-color") == "rgb(1, 2, 3)"
        assert style_of(visit, ".field", "font-family") == "Georgia, serif"
        assert style_of(visit, ".composer", "border-top-color") == "rgb(4, 5, 6)"
        expect(visit.button("Conversations")).to_be_hidden()
        visit.shot("embedded-themed")


def test_the_theme(visit: EmbeddedVisit) -> None:
    """It follows the system until the page chooses one, and again when it chooses none."""
    visit.page.emulate_media(color_scheme="light")
    light = style_of(visit, ".chat", "background-color")
    visit.page.evaluate("document.querySelector('teaser-chat').setAttribute('theme', 'dark')")
    dark = style_of(visit, ".chat", "background-color")
    assert dark != light
    visit.shot("embedded-dark")
    visit.page.emulate_media(color_scheme="dark")
    visit.page.evaluate("document.querySelector('teaser-chat').setAttribute('theme', 'light')")
    assert style_of(visit, ".chat", "background-color") == light
    visit.page.evaluate("document.querySelector('teaser-chat').removeAttribute('theme')")
    assert style_of(visit, ".chat", "background-color") == dark


def test_the_language_is_changed_at_any_time(visit: EmbeddedVisit) -> None:
    """The conversation and what is being written stay."""
    visit.say(LAMP)
    visit.chat_field.fill("It has no")
    visit.page.evaluate("document.querySelector('teaser-chat').setAttribute('lang', 'de')")
    expect(visit.button("Senden")).to_be_visible()
    expect(visit.words.first).to_have_text(LAMP)
    expect(visit.chat_field).to_have_value("It has no")
    visit.page.evaluate("document.querySelector('teaser-chat').removeAttribute('lang')")
    expect(visit.button("Send")).to_be_visible()


def test_the_server_is_changed_at_any_time(visit: EmbeddedVisit) -> None:
    """Each server has its own conversation; the page allows no other, which is told."""
    visit.expect_complaints("Content Security Policy", "violates the document's")
    visit.say(LAMP)
    visit.page.evaluate(
        "document.querySelector('teaser-chat').setAttribute('server', 'https://x.example')"
    )
    expect(visit.banner).to_contain_text("cannot be reached")
    expect(visit.messages).to_have_count(0)
    visit.page.evaluate("document.querySelector('teaser-chat').removeAttribute('server')")
    expect(visit.words.first).to_have_text(LAMP)
    expect(visit.banner).to_be_empty()


def test_two_on_one_page(chromium: Browser, embedding: Embedding) -> None:
    """Both show the same conversation, whichever one is used."""
    body = f'{MODULE}<teaser-chat lang="en"></teaser-chat><teaser-chat lang="de"></teaser-chat>'
    embedding.host.shows("/two", body)
    with EmbeddedVisit(chromium, embedding.site, embedding.host, "/two") as visit:
        one, other = (visit.page.locator("teaser-chat").nth(at) for at in (0, 1))
        one.locator(".field").fill(LAMP)
        one.get_by_role("button", name="Send").click()
        expect(other.locator(".message")).to_have_count(2)
        other.locator(".field").fill("no battery")
        other.get_by_role("button", name="Senden").click()
        expect(one.locator(".message")).to_have_count(4)
        expect(other.locator(".message")).to_have_count(4)
        expect(visit.page.locator(".chat[data-state=idle]")).to_have_count(2)


def test_it_is_removed_and_added_again(visit: EmbeddedVisit) -> None:
    """Removed it asks for nothing; added again, there or elsewhere, it goes on."""
    visit.say(LAMP)
    asked: list[str] = []
    visit.page.evaluate("window.kept = document.querySelector('teaser-chat'); kept.remove()")
    visit.page.on("request", lambda one: asked.append(one.url))
    visit.page.evaluate("dispatchEvent(new Event('online'))")
    visit.page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    assert asked == []
    visit.page.evaluate("document.body.append(kept)")
    expect(visit.words).to_have_count(2)
    visit.page.evaluate("document.querySelector('main').append(kept)")
    expect(visit.words).to_have_count(2)
    visit.send("no battery")
    expect(visit.words).to_have_count(4)
