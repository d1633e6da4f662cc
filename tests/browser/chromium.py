"""The system's Chromium, and how it is started for tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.support.servers import program

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path() -> str:
    """Where it is installed."""
    names = ("chromium", "chromium-browser")
    return program(next(filter(shutil.which, names), names[0]))


@contextmanager
def started(*more: str) -> Iterator[Browser]:
    """A browser without a window; with more arguments, if need be."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=[*ARGUMENTS, *more])
        yield browser
        browser.close()
