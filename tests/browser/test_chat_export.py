"""The results taken along: as Markdown, as CSV and on paper."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, expect

from tests.browser.chat_parts import ChatParts, found
from tests.browser.printing import PRINTER, sheets
from tests.support.servers import Gunicorn

HOSTILE = "<b>x</b> *a* _b_ `c` [d](https://e.example) # | ~~f~~ \\ &amp; ![g](h) $1$"
COMPUTED = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1")  # noqa: RUF001 - it is meant
WRITTEN = """async ([file, state, language]) => {
  const { formatCsv, formatMarkdown } = await import("/static/chat/export.js");
  const { load, loadPart } = await import("/static/chat/texts.js");
  const t = await load(language);
  await loadPart(t, "details");
  const now = new Date("2026-11-25T12:00:00Z");
  return file === "csv" ? formatCsv(state.analysis, t, now)
    : formatMarkdown(state.analysis, state.facts, t, now);
}"""


Write = Callable[..., str]


@pytest.fixture
def visit(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[ChatParts]:
    """A visitor who has an analysis before them, with a printer that tells what it got."""
    visit = ChatParts(chromium, sqlite_site)
    visit.page.add_init_script(PRINTER)
    with visit:
        visit.show(found())
        yield visit


@pytest.fixture(scope="module")
def write(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[Write]:
    """Gives what the module writes into a file of a kind, without saving it."""
    with ChatParts(chromium, sqlite_site) as visit:

        def write(file: str, state: dict[str, Any], language: str = "en") -> str:
            return str(visit.page.evaluate(WRITTEN, [file, state, language]))

        yield write


def with_words(words: str) -> dict[str, Any]:
    """An analysis whose first norm says this wherever it says something."""
    state = found()
    norm = state["analysis"]["matched_norms"][0]
    for member in ("norm_id", "norm_name", "reasoning", "summary", "note"):
        norm[member] = words
    norm |= {
        "doubts": [words],
        "open_facts": [words],
        "deadlines": [{"date": words, "what": words}],
    }
    state["analysis"] |= {"product_description": words, "disclaimer": words}
    state["facts"][0] |= {"label": words, "words": words}
    return state


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file, as Python reads them."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


def test_csv_comes_back_as_it_was(write: Write) -> None:
    """Every norm is one row with all that was told about it, in the order of the page."""
    analysis = found()["analysis"]
    text = write("csv", found())
    assert text.startswith("\ufeff")
    assert text.endswith("\r\n")
    read = rows(text)
    assert len(read) == len(analysis["all_norm_results"])
    applies = [row for row in read if row["Result"] == "Applies"]
    for row, norm in zip(applies, analysis["matched_norms"], strict=True):
        assert row == {
            "Result": "Applies",
            "Id": norm["norm_id"],
            "Name": norm["norm_name"],
            "Kind": norm["kind"].capitalize(),
            "Confidence (%)": str(norm["confidence"]),
            "Reason": norm["reasoning"].split(" Not certain: ")[0],
            "Not certain": "; ".join(norm["doubts"]),
            "Still to be known": "; ".join(norm["open_facts"]),
            "Dates": "; ".join(f"{one['date']}: {one['what']}" for one in norm["deadlines"]),
            "What it demands": norm["summary"],
            "Good to know": norm["note"],
            "Link": norm["url"],
            "Made on": "2026-11-25",
            "Disclaimer": analysis["disclaimer"],
        }


def test_csv_with_every_special_letter(write: Write) -> None:
    """Quotes, commas and line breaks are kept, whatever stands beside them."""
    words = 'a "b", c\r\nd\ne;"'
    text = write("csv", with_words(words))
    assert rows(text)[0]["Name"] == words
    assert '"a ""b"", c\r\nd\ne;"""' in text


@pytest.mark.parametrize("words", COMPUTED)
def test_csv_computes_nothing(write: Write, words: str) -> None:
    """What a spreadsheet would take for a formula gets an apostrophe before it."""
    row = rows(write("csv", with_words(words)))[0]
    for column in ("Id", "Name", "Reason", "Not certain", "Good to know", "Disclaimer"):
        assert row[column] == f"'{words}" or (column == "Reason" and row[column] == words.strip())


def test_markdown_tells_everything(write: Write) -> None:
    """Groups, norms, facts, disclaimer and date are there; what is not known is said."""
    state = found()
    tokens = MarkdownIt("commonmark").parse(write("md", state))
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    assert headings[:2] == ["EU norms for your product", "Applies (7)"]
    assert headings[-2:] == ["What was understood", "What the percentages mean"]
    words = plain(write("md", state))
    for norm in state["analysis"]["all_norm_results"]:
        for said in (norm["norm_name"], norm["norm_id"], norm["summary"], norm["note"]):
            assert said in words
    assert "Made on 25 November 2026." in words
    assert state["analysis"]["disclaimer"] in words
    assert "whether it has radio: it has radio (you said so)" in words
    assert "the highest rated DC voltage: Not known (open)" in words


def plain(markdown: str) -> str:
    """The words of a Markdown text as a reader sees them, one line for each block."""
    blocks = MarkdownIt("commonmark").enable(["strikethrough", "table"]).parse(markdown)
    return "\n".join(
        "".join(child.content for child in block.children or [])
        for block in blocks
        if block.type == "inline"
    )


@pytest.mark.parametrize(
    "words", [HOSTILE, "- a", "1. a", "+ a", "# a", "> a", "===", "---", "a\n\n# b", "12) x", "=a"]
)
def test_markdown_of_any_words(write: Write, words: str) -> None:
    """What norms, facts and visitors say is no markup: it is read back letter by letter."""
    text = write("md", with_words(words))
    markup = MarkdownIt("commonmark").enable(["strikethrough", "table"])
    kinds = {
        one.type
        for block in markup.parse(text)
        for one in (block, *(block.children or []))
        if one.type.endswith(("_open", "inline", "block")) or one.type == "image"
    }
    assert kinds == {
        "heading_open", "paragraph_open", "bullet_list_open", "list_item_open", "inline",
        "strong_open", "link_open",
    }  # fmt: skip
    said = " ".join(words.split())
    lines = plain(text).split("\n")
    assert lines.count(said) >= 5
    assert f"Not certain: {said}" in lines


def test_only_links_to_the_web_are_written(write: Write) -> None:
    """Neither file has another address, and none leaves its place in the Markdown."""
    state = found()
    first, second = state["analysis"]["matched_norms"][:2]
    first["url"] = "javascript:alert(1)"
    second["url"] = "https://a.example/<b>)](x) y"
    assert rows(write("csv", state))[0]["Link"] == ""
    text = write("md", state)
    assert "javascript" not in text
    assert "(<https://a.example/%3Cb%3E)](x)%20y>)" in text


def test_german_files(write: Write) -> None:
    """Headings and columns are German, and so are dates for people."""
    read = rows(write("csv", found(), "de"))
    assert (read[0]["Ergebnis"], read[0]["Art"]) == ("Gilt", "Richtlinie")
    text = plain(write("md", found(), "de"))
    assert "Erstellt am 25. November 2026." in text
    assert "Zu prüfen (65)" in text


@pytest.mark.parametrize(("label", "ending"), [("Markdown", "md"), ("CSV", "csv")])
def test_a_file_is_saved(
    visit: ChatParts, write: Write, tmp_path: Path, label: str, ending: str
) -> None:
    """The button saves the file that the module writes, and lets go of it afterwards."""
    visit.page.clock.install()
    visit.page.evaluate("""() => {
      window.released = [];
      const release = URL.revokeObjectURL;
      URL.revokeObjectURL = (url) => { released.push(url); release.call(URL, url); };
    }""")
    with visit.page.expect_download() as saving:
        visit.button(label).click()
    name = saving.value.suggested_filename
    assert re.fullmatch(rf"eu-norms-\d{{4}}-\d\d-\d\d\.{ending}", name)
    saving.value.save_as(tmp_path / name)
    content = (tmp_path / name).read_bytes().decode("utf-8")
    day = name[9:19]
    if ending == "csv":
        assert rows(content)[0]["Made on"] == day
        assert content == write("csv", found()).replace("2026-11-25", day)
    else:
        assert content.startswith("# EU norms for your product\n\nMade on ")
    assert visit.page.evaluate("released") == []
    visit.page.clock.run_for(60_000)
    assert len(visit.page.evaluate("released")) == 1


@pytest.mark.parametrize("language", ["en", "de"])
def test_paper(visit: ChatParts, language: str) -> None:
    """A document of its own is printed, everything unfolded, and its frame is gone afterwards."""
    visit.show(found(), language)
    visit.page.evaluate("document.body.prepend('Words of the page around it')")
    visit.page.locator(".results").get_by_role("searchbox").fill("radio")
    visit.button({"en": "Print", "de": "Drucken"}[language]).click()
    (printed,) = sheets(visit.page)
    assert (printed["framed"], printed["own"], printed["folded"]) == (True, True, 0)
    assert (printed["lang"], printed["title"]) == (
        language, {"en": "EU norms for your product", "de": "EU-Normen für Ihr Produkt"}[language]
    )  # fmt: skip
    assert [bool(rules) for rules in printed["rules"]] == [True, True]
    words = " ".join(printed["words"].split())
    assert "Words of the page" not in words
    state = found()
    assert state["analysis"]["disclaimer"] in words
    assert re.search({"en": r"Made on \d", "de": r"Erstellt am \d"}[language], words)
    for norm in state["analysis"]["all_norm_results"]:
        assert norm["norm_name"] in words
        assert norm["note"] in words
    assert {"en": "it has radio (you said so)", "de": "it has radio (von Ihnen genannt)"}[
        language
    ] in words

    frame = visit.page.locator("iframe")
    expect(frame).to_have_count(1)
    visit.page.evaluate("frames[0].dispatchEvent(new Event('afterprint'))")
    expect(frame).to_have_count(0)


def test_paper_twice(visit: ChatParts) -> None:
    """A browser that never tells that it has printed keeps one frame at most."""
    for count in (1, 2):
        visit.button("Print").click()
        assert len(sheets(visit.page, count)) == count
        expect(visit.page.locator("iframe")).to_have_count(1)


def test_paper_without_styles(visit: ChatParts) -> None:
    """A style sheet that does not come keeps nobody from printing."""
    visit.expect_complaints("ERR_FAILED")
    state = found()
    visit.page.route("**/results.css", lambda route: route.abort())
    visit.button("Print").click()
    (printed,) = sheets(visit.page)
    assert state["analysis"]["disclaimer"] in printed["words"]


def test_paper_looks_like_paper(visit: ChatParts) -> None:
    """It is dark on light in a dark room too, shows addresses, and parts no card."""
    visit.page.emulate_media(color_scheme="dark", media="print")
    visit.button("Print").click()
    sheets(visit.page)
    look = visit.page.evaluate("""() => {
      const frame = document.querySelector("iframe");
      const { contentWindow: view, contentDocument: page } = frame;
      Object.assign(frame.style, { width: "100%", height: "2400px", insetInlineEnd: "0", top: 0 });
      frame.style.position = "absolute";
      const style = (selector, part) => view.getComputedStyle(page.querySelector(selector), part);
      return [style(".card").color, style(".card").backgroundColor, style(".card").breakInside,
        style(".name").breakAfter, style(".link", "::after").content];
    }""")
    visit.shot("16-paper")
    assert look[:4] == ["rgb(27, 35, 48)", "rgb(255, 255, 255)", "avoid", "avoid"]
    assert "https://" in look[4]
