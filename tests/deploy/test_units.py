"""systemd's units: what they start is there, tells when it serves, and may take its time to end."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from tests.support.servers import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
HOME = "/srv/teaser-chat"
MOST_EXPOSED = 20
"""Tenths; systemd calls up to 20 safe."""
DICT_BYTES = 256 * 1024**2
"""What the dict of a process takes at most, by default."""


def read(unit: Path) -> configparser.ConfigParser:
    """The unit, in which a name may stand several times."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # systemd's names have case
    parser.read(unit)
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(app: Flask, unit: Path) -> None:
    """With the options it has."""
    parser = read(unit)
    assert parser["Unit"]["Description"]
    if unit.suffix == ".timer":
        assert unit.with_suffix(".service") in UNITS
        return
    assert parser["Service"]["WorkingDirectory"] == HOME
    program, *words = shlex.split(parser["Service"]["ExecStart"])
    if program == f"{HOME}/.venv/bin/python":
        assert words == ["-m", "deploy.serve"]
        return
    assert program == f"{HOME}/.venv/bin/flask"
    command = words[words.index("wsgi") + 1 :]
    result = app.test_cli_runner().invoke(args=[*command, "--help"])
    assert result.exit_code == 0


def test_it_is_up_when_it_serves_and_may_end_its_requests() -> None:
    """It is waited for until it tells so, and longer than gunicorn waits for its workers."""
    service = read(ROOT / "deploy" / "systemd" / "teaser-chat.service")["Service"]
    assert service["Type"] == "notify"
    settings = (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8")
    graceful = re.search(r"^graceful_timeout = (\d+)$", settings, re.MULTILINE)
    assert graceful
    assert int(service["TimeoutStopSec"]) > int(graceful[1])
    assert service["KillMode"] == "mixed"


def test_a_worker_that_takes_too_much_costs_no_other_one() -> None:
    """Memory is bounded, far above what the dict may take; the service outlives the worker."""
    service = read(ROOT / "deploy" / "systemd" / "teaser-chat.service")["Service"]
    assert service["OOMPolicy"] == "continue"
    megabytes = int(service["MemoryMax"].removesuffix("M"))
    assert megabytes * 1024**2 >= 4 * DICT_BYTES
    composed = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    assert f"mem_limit: ${{APP_MEMORY:-{megabytes}m}}" in composed


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The units as on a machine where the programs are."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here, so systemd's own check was not made")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "flask"):
        (programs / name).symlink_to(sys.executable)
    (tmp_path / "README.md").touch()
    units = []
    for unit in UNITS:
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text(encoding="utf-8").replace(HOME, str(tmp_path)))
        units.append(copy)
    return units


def test_systemd_understands_them(installed: list[Path]) -> None:
    """Without a word."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *installed],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_no_service_can_do_much_harm(installed: list[Path]) -> None:
    """By systemd's own count."""
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    for service in (unit for unit in installed if unit.suffix == ".service"):
        done = subprocess.run([*command, service], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{service.name}: {done.stdout}"
