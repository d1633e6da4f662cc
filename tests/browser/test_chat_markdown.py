"""The markup of answers: what it becomes, told by the module itself in a browser."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.visit import Visit
from tests.support.servers import Gunicorn

PREPARED = """async () => {
  const { parse, render } = await import("/static/chat/markdown.js");
  window.tree = parse;
  window.shown = (text) => {
    const place = document.createElement("div");
    place.append(...render(text));
    return place;
  };
}"""
LONGEST_MS = 10_000
ALLOWED = {"P", "UL", "OL", "LI", "STRONG", "EM", "CODE", "A", "BR"}
ATTRIBUTES = {"dir", "start", "href", "target", "rel"}
SCANNED = """(text) => [...shown(text).querySelectorAll("*")].map((element) =>
  [element.tagName, element.getAttributeNames(), element.href ?? ""])"""
PIECES = (
    "*", "**", "***", "`", "[", "](", ")", "](https://a.example/)", "[x](javascript:alert(1))",
    "[x](data:text/html,y)", "<img src=x onerror=alert(1)>", "<script>", "</p>", "&lt;", "\n",
    "\n\n", "- ", "1. ", "### ", " ", "word", "_", "שלום", "[x](https://b.example/?q=<b>)", "\\",
)  # fmt: skip

Run = Callable[[str, Any], Any]


@pytest.fixture(scope="module")
def page(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[Page]:
    """A page of the site that has the module at hand."""
    with Visit(chromium, sqlite_site) as visit:
        visit.page.evaluate(PREPARED)
        yield visit.page


@pytest.fixture
def run(page: Page) -> Run:
    """What a function gives that uses the module, for one argument."""
    return page.evaluate


def html(run: Run, text: str) -> str:
    """What a text becomes, without what every block and link has."""
    found: str = run("(text) => shown(text).innerHTML", text)
    return found.replace(' dir="auto"', "").replace(
        ' target="_blank" rel="noopener noreferrer"', ""
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("**bold** and *so*", "<p><strong>bold</strong> and <em>so</em></p>"),
        ("(**b**), *a **b** c*.", "<p>(<strong>b</strong>), <em>a <strong>b</strong> c</em>.</p>"),
        ("use `a*b*` so", "<p>use <code>a*b*</code> so</p>"),
        ("- a\n* *b*\n\n- c", "<ul><li>a</li><li><em>b</em></li><li>c</li></ul>"),
        ("3. a\n4) b\n  more", '<ol start="3"><li>a</li><li>b<br>more</li></ol>'),
        ("First:\n- a\nThen", "<p>First:</p><ul><li>a</li></ul><p>Then</p>"),
        ("1. a\n   - b\n2. c",
         '<ol start="1"><li>a</li></ol><ul><li>b</li></ul><ol start="2"><li>c</li></ol>'),
        ("### A *title*\nwords", "<p><strong>A <em>title</em></strong></p><p>words</p>"),
        ("[act](https://a.example/x?y=1#z)!", '<p><a href="https://a.example/x?y=1#z">act</a>!</p>'),
    ],
)  # fmt: skip
def test_markup_is_shown(run: Run, text: str, expected: str) -> None:
    """Paragraphs, lists, emphasis, code, links and headings become what they mean."""
    assert html(run, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "2*3*4 and 2**3**4",
        "x*y* z",
        "*y*z",
        "snake_case_name and _this_",
        "** not bold ** and * not so *",
        "**never closed, *neither",
        "a footnote* and another*",
        "`never closed",
        "[label] (https://a.example) [x]() [](https://a.example)",
        "-5 V to +5 V",
        "1.5 mm",
        "#hashtag",
        "C:\\*.txt, ***",
    ],
)
def test_ordinary_texts_stay_as_they_are(run: Run, text: str) -> None:
    """Asterisks, underscores, brackets and numbers of everyday texts are no markup."""
    assert run("(text) => shown(text).textContent", text) == text
    assert {tag for tag, _, _ in run(SCANNED, text)} == {"P"}


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//b.example",
        "/path",
        "ftp://b.example",
        "vbscript:x",
    ],
)
def test_only_links_to_the_web_are_links(run: Run, address: str) -> None:
    """Whatever else is written as an address stays text."""
    text = f"[label]({address})"
    assert run("(text) => shown(text).textContent", text) == text
    assert run(SCANNED, text) == [["P", ["dir"], ""]]


def test_links_lead_away_safely(run: Run) -> None:
    """They open apart from the page and tell the other side nothing of it."""
    link = run("(text) => [...shown(text).querySelector('a').attributes].map((one) => one.value)",
               "[label](HTTPS://a.example/)")  # fmt: skip
    assert sorted(link) == ["HTTPS://a.example/", "_blank", "noopener noreferrer"]


def test_html_is_text(run: Run) -> None:
    """Tags and entities appear letter by letter, also inside of markup."""
    text = "<b>x</b> &amp; **<img src=x onerror=alert(1)>** `<i>`"
    assert run("(text) => shown(text).textContent", text) == text.replace("**", "").replace("`", "")
    assert {tag for tag, _, _ in run(SCANNED, text)} == {"P", "STRONG", "CODE"}


def test_nothing_outside_the_allow_list(run: Run) -> None:
    """Whatever is put together of markup and attacks: only allowed elements and attributes."""
    chance = random.Random(7)  # noqa: S311 - no secret
    texts = ["".join(chance.choices(PIECES, k=chance.randrange(1, 40))) for _ in range(2_000)]
    seen = set()
    for elements in run(f"(texts) => texts.map({SCANNED})", texts):
        for tag, attributes, href in elements:
            seen.add(tag)
            assert set(attributes) <= ATTRIBUTES
            assert not href or href.startswith("https://")
    assert seen == ALLOWED


def test_no_letter_is_lost(run: Run) -> None:
    """Of words between marks every one is shown, in its order."""
    chance = random.Random(11)  # noqa: S311 - no secret
    marks = ("x", "y", "z", "*", "**", "`", "[", "](", ")", "\n", "- ", "### ", " ", "_", "\\")
    texts = ["".join(chance.choices(marks, k=60)) for _ in range(500)]
    shown = run("(texts) => texts.map((text) => shown(text).textContent)", texts)
    for text, words in zip(texts, shown, strict=True):
        assert [letter for letter in words if letter in "xyz"] == [c for c in text if c in "xyz"]


@pytest.mark.parametrize(
    "piece",
    ["*a ", "**a *b ", "*a*", "**", "[", "[a](https://", "[a](https://x", "`a", "`", "- ", "1. a\n",
     "*a **b* c** ", "# ", "_*[`", "a\n", "(", "[a]("],
)  # fmt: skip
def test_hostile_texts_cost_time_in_proportion(page: Page, piece: str) -> None:
    """Half a million letters of anything are read; in squared time the browser breaks that off."""
    text = json.dumps(piece * (500_000 // len(piece)))
    found = page.context.new_cdp_session(page).send(
        "Runtime.evaluate", {"expression": f"tree({text}).length", "timeout": LONGEST_MS}
    )
    assert found["result"].get("value", 0) > 0, found


def test_the_direction_is_the_words_own(run: Run) -> None:
    """Every block finds its direction from what it says."""
    directions = run(
        "(text) => [...shown(text).children].map((block) => [block.tagName, block.dir])",
        "שלום\n\n- a\n\n1. b\n\n### c",
    )
    assert directions == [["P", "auto"], ["UL", "auto"], ["OL", "auto"], ["P", "auto"]]


def test_a_tree_of_plain_objects(run: Run) -> None:
    """What a text was read as can be told without a page."""
    assert run("(text) => tree(text)", "### A\n- *b* [c](https://d.example)\n  e") == [
        {"type": "paragraph", "children": [{"type": "strong", "children": ["A"]}]},
        {
            "type": "bullets",
            "children": [
                {
                    "type": "item",
                    "children": [
                        {"type": "emphasis", "children": ["b"]},
                        " ",
                        {"type": "link", "href": "https://d.example", "children": ["c"]},
                        {"type": "break"},
                        "e",
                    ],
                }
            ],
        },
    ]
