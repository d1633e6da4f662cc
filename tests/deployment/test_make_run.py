"""`make run` from a clean checkout, as someone does who has only the README."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.http import Http
from tests.support.servers import ROOT, free_port
from tests.support.talk import API

SECONDS = 180


def clean_checkout(folder: Path) -> None:
    """Copy what git tracks, or would track, and nothing else."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout.decode()  # fmt: skip
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def test_make_run_serves_with_nothing_set_up(tmp_path: Path) -> None:
    """It installs, serves, says where, and keeps conversations over a restart."""
    clean_checkout(tmp_path)
    port = free_port()
    with Http(f"http://127.0.0.1:{port}", cookies=True) as http:
        with served(tmp_path, port) as log:
            page = http.get("/develope")
            assert page.status == 200
            # The cookie of a development server has to work without TLS.
            assert "Secure" not in page.headers["Set-Cookie"]
            opened = http.post(f"{API}/start", {"initial_input": "A kettle for 230 V"})
            assert opened.status == 200
            said = log.read_text(encoding="utf-8")
            assert f"http://127.0.0.1:{port}/develope" in said
            assert "REDIS_URL=" in said
            http.close()
        with served(tmp_path, port):
            again = http.get(f"{API}/session/{opened.body['session_id']}")
            assert again.status == 200
            assert again.body["history"][0]["content"] == "A kettle for 230 V"
            http.close()
    assert (tmp_path / "instance" / "sessions.db").exists()


@contextlib.contextmanager
def served(folder: Path, port: int) -> Iterator[Path]:
    """`make run` in a folder, without the settings of this process; answers its output."""
    keep = ("PATH", "HOME", "LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment["PIP_NO_COMPILE"] = "1"  # compiles what is imported, not all that is installed
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"BIND=127.0.0.1:{port}"], cwd=folder, env=environment,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(port, process, log)
        yield log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until it serves; installing takes a while the first time."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with Http(f"http://127.0.0.1:{port}") as http:
                assert http.get("/healthz").status == 200
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))
