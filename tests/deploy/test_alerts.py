"""The alerts: valid, tested by promtool, over metrics that exist, each with a way to handle it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from config import Settings
from tests.support.application import create_app
from tests.support.markdown import anchors
from tests.support.scraping import exported
from tests.support.servers import ROOT, program

FOLDER = ROOT / "deploy" / "prometheus"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERT = re.compile(r"^      - alert: (\w+)\n((?:        .*\n|\n)+)", re.MULTILINE)
METRIC = re.compile(r"\bteaser_\w+")
CASES = ("alerts_test.yml", "alerts_daily_test.yml")
SEVERITIES = {"warning", "critical"}


def alerts() -> dict[str, str]:
    """The text of every alert by its name."""
    found = dict(ALERT.findall((FOLDER / "alerts.yml").read_text(encoding="utf-8")))
    assert len(found) >= 15
    return found


def member(alert: str, name: str) -> str:
    """A member of an alert that stands on one line."""
    found = re.search(rf"^ +{name}: (.+)$", alert, re.MULTILINE)
    assert found, f"{name} is missing"
    return found[1]


def promtool(*arguments: str) -> str:
    """What promtool says; it has to agree."""
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def exported_names(settings: Settings, redis_url: str, tmp_path: Path) -> set[str]:
    """The names /metrics exports, with Redis and a spill."""
    spill = f"sqlite:///{tmp_path / 'spill.db'}"
    application = create_app(replace(settings, store_url=redis_url, spill_url=spill))
    return exported(application.test_client().get("/metrics").text)


def test_the_rules_are_valid() -> None:
    """By Prometheus's own tool."""
    found = promtool("check", "rules", "alerts.yml")
    assert f"{len(alerts())} rules found" in found


def test_each_alert_fires_when_it_should_and_is_silent_when_not() -> None:
    """The cases are in the files of `CASES`."""
    assert promtool("test", "rules", *CASES).count("SUCCESS") == len(CASES)


@pytest.mark.parametrize("name", alerts())
def test_every_alert_has_a_case_in_which_it_fires(name: str) -> None:
    """An alert that cannot fire would pass every other test."""
    cases = "\n".join((FOLDER / one).read_text(encoding="utf-8") for one in CASES)
    assert re.search(
        rf"- alertname: {name}\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels", cases
    )


@pytest.mark.parametrize("name", alerts())
def test_every_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    """A severity, a summary, a description, and a page with a heading that exists."""
    alert = alerts()[name]
    assert member(alert, "severity") in SEVERITIES
    assert member(alert, "summary")
    assert member(alert, "description")
    page, _, anchor = member(alert, "runbook").partition("#")
    assert anchor in anchors((ROOT / page).read_text(encoding="utf-8"))
    assert f"| `{name}` |" in OPERATIONS.partition("\n## Alerts\n")[2]


def test_alerts_look_at_metrics_that_exist(exported_names: set[str]) -> None:
    """A name that is misspelt would never fire."""
    used = {name for alert in alerts().values() for name in METRIC.findall(alert)}
    assert used - exported_names == set()


def test_every_metric_is_described(exported_names: set[str]) -> None:
    """In the operator's page, by the name an operator sees, and no other."""
    rows = re.findall(r"^\| (`teaser_.+?) \|", OPERATIONS, re.MULTILINE)
    described = set(METRIC.findall(" ".join(rows)))
    whole = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported_names}
    assert described == whole
