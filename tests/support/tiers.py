"""Two tiers of tests: those that start gunicorn, nginx or a browser, and the fast ones."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]
SERVED = ("browser", "deployment")
"""The folders of tests/ whose tests start such servers; every other test is fast."""
PROGRAMS = {
    "gunicorn",
    "nginx",
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "node",
    "make",
}
"""What no fast test starts: the servers, Playwright's driver, and what starts them in turn."""

_running: pytest.Item | None = None


def is_served(path: Path) -> bool:
    """Whether a file or folder belongs to the tests that start servers."""
    return any(path.is_relative_to(TESTS / folder) for folder in SERVED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --fast."""
    parser.addoption(
        "--fast", action="store_true", help="leave out what needs gunicorn, nginx or a browser"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch what the tests start from now on."""
    sys.addaudithook(_refuse_server)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the other tier with --fast."""
    return True if config.getoption("fast") and is_served(collection_path) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes longest first: many short tests at the end keep all processes busy."""
    items.sort(key=lambda item: not is_served(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Know which test runs, its fixtures included."""
    global _running  # noqa: PLW0603 - an audit hook belongs to the process and stays
    _running = item
    try:
        return (yield)
    finally:
        _running = None


def _refuse_server(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "subprocess.Popen" or _running is None or is_served(_running.path):
        return
    executable, command = arguments[:2]
    if found := PROGRAMS & _words([executable, *command]):
        raise RuntimeError(
            f"{_running.nodeid} is outside tests/{{{','.join(SERVED)}}} and starts {found.pop()}"
        )


def _words(command: Sequence[object]) -> set[str]:
    """The programs a command may name, also inside a shell's line."""
    return {Path(word).name for part in command if part for word in str(part).split()}
