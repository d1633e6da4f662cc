"""An operator at a terminal: the real `flask migration`, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.support.servers import ROOT


def flask_migration(environment: Mapping[str, str], *words: str) -> dict[str, Any]:
    """What `python -m flask migration ... --json` prints, with its exit code as `exit`."""
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "migration", *words, "--json"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stdout, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found | {"exit": ended.returncode}
