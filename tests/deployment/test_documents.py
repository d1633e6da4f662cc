"""What the documents tell people to type: every walk with curl is run as it is written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.markdown import DOCUMENTS, blocks, read
from tests.support.servers import ROOT, Gunicorn, program

SERVED = "http://127.0.0.1:8000"
WALKS = [block for page in DOCUMENTS for block in blocks(read(page), "sh") if SERVED in block]


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """The application as `make run` serves it."""
    folder = tmp_path_factory.mktemp("sessions")
    with Gunicorn(
        DEBUG="true", SESSION_STORE_URL=f"sqlite:///{folder / 'sessions.db'}", AUTH_SECRET=""
    ) as server:
        yield server


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.strip().splitlines()[0][:40])
def test_a_walk_with_curl_comes_to_its_end(gunicorn: Gunicorn, tmp_path: Path, walk: str) -> None:
    """As it is written, against a served application: every request succeeds."""
    program("curl")
    environment = {
        **gunicorn.environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FLASK_APP": str(ROOT / "wsgi.py"),
        "PYTHONPATH": str(ROOT),
    }
    script = f'set -euo pipefail\ncurl() {{ command curl --fail-with-body "$@"; }}\n{walk}'
    done = subprocess.run(
        ["bash", "-c", script.replace(SERVED, gunicorn.url).replace(". .venv/bin/activate", ":")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"error"' not in done.stdout


def test_there_is_a_walk_through_each_interface() -> None:
    """None of them is only described."""
    text = "\n".join(WALKS)
    for address in ("/api/develope", "/api/v1/chat", "/api/session", "/api/v1/context"):
        assert address in text
