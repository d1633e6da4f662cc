"""docs/library.md: its example runs, and the calls it lists exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services import sessions
from tests.support.markdown import blocks, read, section
from tests.support.servers import ROOT

LIBRARY = read(ROOT / "docs" / "library.md")


@pytest.mark.parametrize("example", blocks(LIBRARY, "python"))
def test_the_example_runs(redis_url: str, tmp_path: Path, example: str) -> None:
    """As a program of its own, with the server it names."""
    written = tmp_path / "example.py"
    written.write_text(example.replace("redis://127.0.0.1:6379/0", redis_url), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, written],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "'content': 'Hello.'}] " in done.stdout
    assert "['run-1']" in done.stdout


def test_every_call_exists() -> None:
    """The page names nothing that does not exist."""
    named = set(re.findall(r"`([a-z_]+)\(", section(LIBRARY, "Calls")))
    assert {"save_session", "get_sessions", "store_health"} <= named <= set(sessions.__all__)
