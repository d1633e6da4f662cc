"""A printer that keeps what it gets, in place of the browser's."""

from typing import Any

from playwright.sync_api import Page, expect

PRINTER = """(() => {
  window.print = () => {
    const own = [...document.querySelectorAll("*")].every((one) => one.ownerDocument === document);
    top.printed ??= [];
    top.printed.push({
      framed: window !== top, own, lang: document.documentElement.lang,
      rules: document.adoptedStyleSheets.map((sheet) => sheet.cssRules.length),
      title: document.title, words: document.body.innerText,
      folded: document.querySelectorAll("details:not([open])").length,
    });
    top.document.body.dataset.printed = top.printed.length;
  };
})()"""
"""What a page runs before its own scripts."""


def sheets(page: Page, count: int = 1) -> list[dict[str, Any]]:
    """What the printer got, once it got this many documents."""
    expect(page.locator(f"body[data-printed='{count}']")).to_have_count(1)
    printed: list[dict[str, Any]] = page.evaluate("printed")
    return printed
