"""Every state of the chat is there for everybody: whatever they see, hear, type or point with."""

from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.chat_states import StatesVisit, catalogue, words_of
from tests.browser.chat_visit import DECIDED_LAMP, LAMP
from tests.support.servers import RedisServer
from tests.support.sites import Site

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALLEST_PX = 24
STATES = 17
SMALL_TARGETS = """(smallest) => {
  const root = document.querySelector("teaser-chat").shadowRoot;
  return [...root.querySelectorAll("button, summary, input, textarea, a.link")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one, (one.closest("label.choice") ?? one).getBoundingClientRect()])
    .filter(([, { width, height }]) => width < smallest || height < smallest)
    .map(([one, { width, height }]) => `${one.outerHTML.slice(0, 90)} ${width}x${height}`);
}"""
SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; } p { margin-bottom: 2em !important; }`);
  sheet.disabled = true;
  window.spacing = sheet;
  document.querySelector("teaser-chat").shadowRoot.adoptedStyleSheets.push(sheet);
}"""
SPACED = "(isSpaced) => { spacing.disabled = !isSpaced; }"
EDGED = """(one) => {
  const { borderLeftWidth, borderLeftColor, backgroundColor } = getComputedStyle(one);
  return parseFloat(borderLeftWidth) >= 1 && borderLeftColor !== backgroundColor;
}"""
MARKED = """(one) => [getComputedStyle(one).borderLeftStyle,
  getComputedStyle(one, "::before").content]"""
LOST = """() => {
  const root = document.querySelector("teaser-chat").shadowRoot;
  const isCut = (one) => one.scrollWidth > one.clientWidth + 1
    || (one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY === "hidden");
  return [...root.querySelectorAll("*:not(.unseen, .unseen *, textarea, svg, option)")]
    .filter((one) => one.checkVisibility() && one.clientWidth && isCut(one))
    .map((one) => `${one.outerHTML.slice(0, 120)} ${one.scrollWidth} > ${one.clientWidth}`);
}"""


WINDOWS = ((320, 800), (640, 400), (1400, 800))
"""A telephone, a window of 1280 by 800 that is zoomed to 200 %, and a desk."""


def test_axe_finds_nothing_in_dark_colours(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """In no state a rule of axe is broken, in English and in the system's dark colours."""
    found: dict[str, list[str]] = {}
    options: dict[str, Any] = {"color_scheme": "dark", "reduced_motion": "reduce"}
    with StatesVisit(chromium, site, **options) as visit:

        def look(name: str) -> None:
            visit.shot(f"chat-dark-{name}")
            found[name] = visit.violations()

        visit.walk(redis_server, look)
    assert {name: broken for name, broken in found.items() if broken} == {}
    assert len(found) == STATES


def test_everything_is_in_sight_and_german_in_light_colours(
    chromium: Browser, site: Site, redis_server: RedisServer
) -> None:
    """In no state of the German chat, light on a dark system, is anything cut, small or foreign.

    Narrow, zoomed to 200 % or with wide spacing nothing needs scrolling sideways. All of our own
    words are of the German catalogue, and others are marked.
    """
    known = words_of("de")
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    options: dict[str, Any] = {"color_scheme": "dark", "reduced_motion": "reduce"}
    with StatesVisit(chromium, site, language="de", width=WINDOWS[0][0], **options) as visit:
        visit.page.locator("teaser-chat").evaluate("(one) => one.setAttribute('theme', 'light')")
        usual = visit.page.viewport_size
        assert usual
        visit.page.evaluate(SPACING)
        expect(visit.page).to_have_title("Welche EU-Normen gelten für Ihr Produkt?")
        expect(visit.page.locator("html")).to_have_attribute("lang", "de")

        def look(name: str) -> None:
            words = visit.own_words()
            seen.update(words)
            found[name] = [
                *visit.violations(),
                *(f"not German: {one}" for one in words if not known.fullmatch(one)),
            ]
            for width, height in WINDOWS:
                visit.page.set_viewport_size({"width": width, "height": height})
                visit.page.evaluate(SPACED, width != 640)
                visit.shot(f"chat-{width}-{name}")
                wider = visit.page.evaluate(WIDER)
                found[name] += [
                    *([f"{wider} px too wide"] if wider else []),
                    *visit.page.evaluate(SMALL_TARGETS, SMALLEST_PX),
                    *visit.page.evaluate(LOST),
                ]
            visit.page.set_viewport_size(usual)
            visit.page.evaluate(SPACED, False)

        visit.walk(redis_server, look)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) == STATES
    english = set(catalogue("en").values()) - set(catalogue("de").values())
    assert seen & english == set()
    assert len(seen) > len(english) / 2


def test_nothing_moves_for_those_who_want_none(chromium: Browser, site: Site) -> None:
    """What pulsates while the assistant writes rests where the system asks for it."""
    with StatesVisit(chromium, site) as visit:
        visit.say(LAMP)
        visit.hold("**/respond")
        visit.send("no battery")
        dots = visit.page.locator("teaser-chat .dots")
        moving = "(one) => one.getAnimations({ subtree: true }).length"
        assert dots.evaluate(moving) == 1
        visit.page.emulate_media(reduced_motion="reduce")
        assert dots.evaluate(moving) == 0


def test_forced_colours(chromium: Browser, site: Site) -> None:
    """With the system's few colours, borders, outlines and marks tell what colours told."""
    with StatesVisit(chromium, site, forced_colors="active") as visit:
        visit.converse(DECIDED_LAMP)
        visit.page.context.set_offline(True)
        for part in (".user .said", ".assistant .said", ".chip", ".send", ".field", ".notice"):
            edge = visit.page.locator(f"teaser-chat {part}").first
            assert edge.evaluate(EDGED)
        visit.page.context.set_offline(False)
        toggle = visit.page.locator("teaser-chat .toggle").first
        styles = []
        for _ in range(2):
            styles.append(toggle.evaluate(MARKED))
            toggle.click()
        assert styles == [["solid", '"✓ " / ""'], ["dashed", '"○ " / ""']]
        visit.button("Conversations").click()
        current = visit.page.locator("teaser-chat .conversation[aria-current]")
        assert current.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
        visit.shot("chat-forced-colours")
