"""What a run says at its end: the time of every folder, and the tests that failed only once."""

from collections import Counter, defaultdict
from pathlib import PurePath

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --repeated."""
    parser.addoption(
        "--repeated", action="store_true", help="what passes now has failed before: call it flaky"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Sum up where all results arrive, which is no xdist worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Summary(name_flaky=config.getoption("repeated")))


class _Summary:
    """Sums of one run.

    Args:
        name_flaky: whether tests that pass are flaky, because they have failed just before.
    """

    def __init__(self, *, name_flaky: bool) -> None:
        self._name_flaky = name_flaky
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._tests: Counter[str] = Counter()
        self._flaky: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = str(PurePath(report.nodeid.partition("::")[0]).parent)
        self._seconds[folder] += report.duration
        if report.when == "call":
            self._tests[folder] += 1
            if self._name_flaky and report.passed:
                self._flaky.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("time per folder, summed over all processes")
        for folder, seconds in sorted(self._seconds.items(), key=lambda one: -one[1]):
            terminalreporter.line(f"{seconds:7.1f} s {self._tests[folder]:5} tests  {folder}")
        if self._flaky:
            terminalreporter.line(f"flaky: {', '.join(self._flaky)}", yellow=True)
