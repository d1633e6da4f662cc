"""The system's Chromium, and how it is started for tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.servers import program

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    # On a machine that is busy with tests it would take a slow answer for a hanging one, and end
    # the browser.
    "--disable-gpu-watchdog",
    "--disable-hang-monitor",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path() -> str:
    """Where it is installed; the shell without any window opens a page in half the time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return program(next(filter(shutil.which, names), names[0]))


@contextmanager
def started(*more: str) -> Iterator["Chromium"]:
    """The browser, without a window, until the end; with more arguments, if need be."""
    with sync_playwright() as playwright:
        chromium = Chromium(playwright, *more)
        yield chromium
        chromium.close()


class Chromium:
    """The browser, started when it is first wanted, and again when it has broken down."""

    def __init__(self, playwright: Playwright, *more: str) -> None:
        self._playwright = playwright
        self._arguments = [*ARGUMENTS, *more]
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """One that runs: the test in which it breaks down fails, and no other."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(
                executable_path=path(), args=self._arguments
            )
        return self._browser

    def close(self) -> None:
        """End it, if it runs."""
        if self._browser is not None and self._browser.is_connected():
            self._browser.close()
