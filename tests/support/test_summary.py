"""What a run says at its end, seen from outside."""

import os
import subprocess
import sys

import pytest

from tests.support.servers import ROOT

TESTS = "def test_one():\n    pass\n\n\ndef test_other():\n    assert False\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The last lines of a run of two tests, of which one fails again."""
    root = tmp_path_factory.mktemp("run")
    folder = root / "some" / "folder"
    folder.mkdir(parents=True)
    (folder / "test_any.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.summary", "--repeated", "."],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    return done.stdout.splitlines()


def test_it_has_the_time_of_every_folder(run: list[str]) -> None:
    """With the number of its tests."""
    (line,) = (line for line in run if line.endswith("some/folder"))
    assert "2 tests" in line


def test_it_names_what_failed_once(run: list[str]) -> None:
    """And not what failed again."""
    assert "flaky: some/folder/test_any.py::test_one" in run
