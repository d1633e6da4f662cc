"""What the documents tell people to type: every shell walk and every Python example is run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import sessions
from tests.support.servers import ROOT, Gunicorn, program

README = ROOT / "README.md"
LIBRARY = ROOT / "docs" / "library.md"
SERVED = "http://127.0.0.1:8000"


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of a document in one language."""
    text = document.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


WALKS = [block for block in blocks(README, "sh") if SERVED in block]


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


@pytest.mark.parametrize("example", blocks(LIBRARY, "python"))
def test_the_library_example_runs(redis_url: str, tmp_path: Path, example: str) -> None:
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


def test_every_call_of_the_library_page_is_there() -> None:
    """The page names nothing that does not exist."""
    table = LIBRARY.read_text(encoding="utf-8").partition("## What there is")[2]
    named = set(re.findall(r"`([a-z_]+)\(", table.partition("## What goes wrong")[0]))
    assert named <= set(sessions.__all__)
    assert set(sessions.__all__) >= {"save_session", "get_sessions", "store_health"}
