"""Every state of the chat is there for everybody: whatever they see, hear, type or point with."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chat_states import StatesVisit
from tests.browser.chat_visit import DECIDED_LAMP, LAMP
from tests.support.servers import RedisServer
from tests.support.sites import Site

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALLEST_PX = 24
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
  document.querySelector("teaser-chat").shadowRoot.adoptedStyleSheets.push(sheet);
}"""
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


@pytest.mark.parametrize(
    ("language", "colours"),
    [
        ("en", ("dark", None)),
        ("de", ("dark", "light")),
    ],
)
def test_axe_finds_nothing(
    chromium: Browser,
    site: Site,
    redis_server: RedisServer,
    language: str,
    colours: tuple[Any, str | None],
) -> None:
    """In no state and no colours, the system's or those a page chose, a rule of axe is broken."""
    system, theme = colours
    found: dict[str, list[str]] = {}
    with StatesVisit(
        chromium, site, language=language, color_scheme=system, reduced_motion="reduce"
    ) as visit:
        if theme:
            visit.page.evaluate(
                "(theme) => document.querySelector('teaser-chat').setAttribute('theme', theme)",
                theme,
            )

        def look(name: str) -> None:
            visit.shot(f"chat-{language}-{system}-{theme or 'system'}-{name}")
            found[name] = visit.violations()

        visit.walk(redis_server, look)
    assert {name: broken for name, broken in found.items() if broken} == {}
    assert len(found) == 17


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2), (1400, 1)])
def test_nothing_is_cut_or_too_small(
    chromium: Browser, site: Site, redis_server: RedisServer, width: int, scale: int
) -> None:
    """Narrow, zoomed to 200 % or with wide spacing nothing needs scrolling sideways or is cut."""
    found: dict[str, list[str]] = {}
    viewport = {"width": width, "height": 800 // scale}
    options = {"viewport": viewport, "device_scale_factor": scale}
    with StatesVisit(chromium, site, language="de", width=width, **options) as visit:
        if scale == 1:
            visit.page.evaluate(SPACING)

        def look(name: str) -> None:
            visit.shot(f"chat-{width}-{name}")
            wider = visit.page.evaluate(WIDER)
            found[name] = [
                *([f"{wider} px too wide"] if wider else []),
                *visit.page.evaluate(SMALL_TARGETS, SMALLEST_PX),
                *visit.page.evaluate(LOST),
            ]

        visit.walk(redis_server, look)
    assert {name: faults for name, faults in found.items() if faults} == {}


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
