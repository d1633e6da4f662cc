"""`make up`: the deployment on one machine, from its start to its last trace."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from deploy.machine import ProgramMissing, find_program
from tests.drills.managed_gunicorn import ProcessHandle
from tests.support.http import Http
from tests.support.servers import ROOT, children, eventually, free_port, program
from tests.support.talk import API, LAMP

SECONDS = 60


class Up(NamedTuple):
    """A `make up` that serves.

    Attributes:
        process: make's.
        url: where it says to point the browser.
        servers: processes by the port they listen on.
        folder: its temporary folder.
        log: what it has printed.
    """

    process: "subprocess.Popen[bytes]"
    url: str
    servers: dict[str, int]
    folder: Path
    log: Path

    def http(self) -> Http:
        """A browser."""
        trusted = self.folder / "nginx" / "tls" / "fullchain.pem"
        tls = self.url.startswith("https")
        return Http(self.url, cookies=True, trusted=trusted if tls else None)

    def family(self) -> set[int]:
        """Every process of it."""
        return family_of(self.process.pid)


def started(tmp_path: Path, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    """`make up` as from a terminal, where Ctrl-C reaches make and all its children."""
    # The environment of the tests has what `make` would install.
    command = ["make", "-o", f"{sys.prefix}/run.stamp", "up", f"VENV={sys.prefix}", *arguments]
    with (tmp_path / "output.log").open("wb") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment},
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


@contextlib.contextmanager
def served(tmp_path: Path, *arguments: str) -> Iterator[Up]:
    """The same, when it serves; ended hard if the test has not ended it."""
    for name in ("redis-server", "nginx", "openssl"):
        program(name)
    process = started(tmp_path, *arguments)
    log = tmp_path / "output.log"
    family = [ProcessHandle(process.pid)]
    try:
        deadline = time.monotonic() + SECONDS
        while not (told := re.search(r"(https?://127\.0\.0\.1:\d+)/develope", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        family += [ProcessHandle(pid) for pid in family_of(process.pid)]
        ports = dict(re.findall(r"(Redis|gunicorn|nginx) (\d+)", log.read_text()))
        up = Up(process, told[1], {name: int(port) for name, port in ports.items()},
                folder_of(process.pid), log)  # fmt: skip
        yield up
    finally:
        if process.poll() is None:
            family += [ProcessHandle(pid) for pid in family_of(process.pid)]
        for one in family:
            with contextlib.suppress(ProcessLookupError):
                one.send(signal.SIGKILL)
            one.close()
        process.wait(timeout=10)


def folder_of(pid: int) -> Path:
    """The temporary folder, as it stands in nginx's title."""
    for one in family_of(pid):
        title = Path(f"/proc/{one}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
        if found := re.search(r"nginx: master .* -p (\S+)/nginx ", title):
            return Path(found[1])
    raise AssertionError("nginx does not run")


def family_of(pid: int) -> set[int]:
    """A process and all it has started, and they in turn."""
    found = {pid}
    while more := {child for one in found for child in children(one)} - found:
        found |= more
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not Path(f"/proc/{pid}").exists()


def converse(up: Up) -> None:
    """A conversation that goes through all three servers, with the page's cookie."""
    with up.http() as http:
        page = http.get("/develope")
        assert ("Secure" in page.headers["Set-Cookie"]) is up.url.startswith("https")
        begun = http.post(f"{API}/start", {"initial_input": LAMP})
        assert begun.status == 200
        assert "X-Session-Store" not in begun.headers
        body = {"session_id": begun.body["session_id"], "message": "no radio"}
        assert http.post(f"{API}/respond", body).status == 200


def end(up: Up, number: signal.Signals) -> None:
    """Send a signal to all of it, as a terminal does; then every process and file is gone."""
    family = up.family()
    assert len(family) >= 6
    os.killpg(up.process.pid, number)
    up.process.wait(timeout=SECONDS)
    assert eventually(lambda: all(map(is_gone, family)))
    assert not up.folder.exists()
    metrics = list(Path("/dev/shm").glob("teaser-metrics-*"))  # noqa: S108 - read only
    assert not [one for one in metrics if int(one.name.split("-")[2]) in family]


def test_it_serves_until_ctrl_c_and_leaves_nothing(tmp_path: Path) -> None:
    """A conversation goes through all three; then every process, file and port is gone."""
    with served(tmp_path) as up:
        assert up.url.startswith("http:")
        converse(up)
        check_redis(up)
        end(up, signal.SIGINT)
        said = up.log.read_text()
        assert "Traceback" not in said
        # Ctrl-C itself, which would break off its requests, has not reached gunicorn.
        assert "Handling signal: term" in said
        assert "Handling signal: int" not in said


def check_redis(up: Up) -> None:
    """It is append-only, throws nothing away, and is closed to who does not know the password."""
    refused = pytest.raises(redis.AuthenticationError)
    with redis.Redis(port=up.servers["Redis"]) as stranger, refused:
        stranger.ping()
    assert (up.folder / "data" / "appendonlydir").is_dir()
    shown = [Path(f"/proc/{pid}/cmdline").read_text() for pid in up.family()]
    password = next(
        line.split("=", 1)[1].split("@")[0].rpartition(":")[2]
        for pid in up.family()
        for line in Path(f"/proc/{pid}/environ").read_text().split("\0")
        if line.startswith("REDIS_URL=redis://:")
    )
    assert len(password) == 64
    assert not [command for command in shown if password in command]
    with redis.Redis(port=up.servers["Redis"], password=password) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_when_one_server_dies_the_others_are_ended(tmp_path: Path) -> None:
    """It says which, and fails."""
    with served(tmp_path) as up:
        family = up.family()
        (server,) = (
            pid for pid in family if "redis-server" in Path(f"/proc/{pid}/cmdline").read_text()
        )
        os.kill(server, signal.SIGKILL)
        assert up.process.wait(timeout=SECONDS) != 0
        assert eventually(lambda: all(map(is_gone, family)))
        assert not up.folder.exists()
        assert "Redis has ended by itself" in up.log.read_text()


def test_with_tls_on_a_port_that_was_chosen(tmp_path: Path) -> None:
    """It serves there and nobody else does; and the end of `make` is an end like Ctrl-C."""
    port = free_port()
    with served(tmp_path, "TLS=1", f"PORT={port}") as up:
        assert up.url == f"https://127.0.0.1:{port}"
        converse(up)
        second = started(tmp_path, f"PORT={port}")
        assert second.wait(timeout=SECONDS) != 0
        assert f"Port {port} is taken" in up.log.read_text()
        end(up, signal.SIGTERM)


def test_a_missing_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence that says what to do."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProgramMissing, match=r"^no-such-server is not installed; `make test-serv"):
        find_program("no-such-server")
