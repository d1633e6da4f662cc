"""An operator at a terminal: the real `flask migration`, in this process or in one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from unittest import mock

from app import create_app
from tests.support.servers import ROOT


def migrate(environment: Mapping[str, str], *words: str) -> dict[str, Any]:
    """What `flask migration ... --json` prints, with its exit code as `exit`.

    It runs in this process, which spares the seconds that Python takes to load the application.
    """
    with mock.patch.dict(os.environ, environment):
        app = create_app()
    try:
        result = app.test_cli_runner().invoke(args=["migration", *words, "--json"])
    finally:
        app.extensions["session_store"].close()
    assert result.stdout, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found | {"exit": result.exit_code}


def flask_migration(environment: Mapping[str, str], *words: str) -> dict[str, Any]:
    """The same by `python -m flask`, as an operator types it."""
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
