"""deploy/Dockerfile, without building it: what it copies, how it starts, how it is checked."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.http import Http
from tests.support.servers import ROOT, Server, free_port
from tests.support.talk import API, LAMP

FILE = ROOT / "deploy" / "Dockerfile"
IGNORED = ROOT / "deploy" / "Dockerfile.dockerignore"
BIND = "0.0.0.0:8000"


class Step(NamedTuple):
    """An instruction and what follows it."""

    name: str
    words: str


def steps() -> list[Step]:
    """The instructions, each on one line."""
    text = FILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Step(*line.split(maxsplit=1)) for line in lines]


def sole(name: str) -> str:
    """What follows the only instruction of this name."""
    (found,) = (step.words for step in steps() if step.name == name)
    return found


def copied() -> list[tuple[str, str]]:
    """What is copied from the project, and where to."""
    pairs = []
    for step in steps():
        if step.name == "COPY" and not step.words.startswith("--from="):
            *sources, target = step.words.split()
            pairs += [(source, target) for source in sources]
    return pairs


def is_ignored(path: str) -> bool:
    """Whether a file is kept from the builder: the last pattern that is about it decides."""
    ignored = False
    for line in IGNORED.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        above = [path, *map(str, Path(path).parents)]
        anywhere = pattern.removeprefix("**/")
        if any(
            fnmatch.fnmatchcase(one, pattern)
            or (anywhere != pattern and fnmatch.fnmatchcase(Path(one).name, anywhere))
            for one in above
        ):
            ignored = not line.startswith("!")
    return ignored


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    """No settings, no data, no tests; what Python compiled here least of all."""
    sources = [source for source, _ in copied()]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not is_ignored(source), source
    for path in (
        ".env", "deploy/.env", "instance/sessions.db", "tests/conftest.py", ".git/config",
        "routes/__pycache__/errors.cpython-311.pyc", "deploy/tls/privkey.pem", "deploy",
    ):  # fmt: skip
        assert is_ignored(path), path
    assert not is_ignored("services/norms/catalogue.toml")


def test_it_runs_as_nobody_in_particular_with_pinned_packages() -> None:
    """By number, so that a cluster can see that it is not root."""
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", sole("USER"))
    assert any("pip install" in step.words and "-r requirements.txt" in step.words
               for step in steps() if step.name == "RUN")  # fmt: skip
    chosen = [
        line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]  # fmt: skip
    assert all("==" in line for line in chosen)


def test_gunicorn_listens_where_others_look_for_it() -> None:
    """nginx, the health check and the port that is named agree."""
    assert f"BIND={BIND}" in sole("ENV")
    port = BIND.rpartition(":")[2]
    assert sole("EXPOSE") == port
    assert f"127.0.0.1:{port}/healthz" in sole("HEALTHCHECK")
    hosts = (ROOT / "deploy" / "nginx" / "hosts-compose.conf").read_text(encoding="utf-8")
    assert f"server app:{port} " in hosts


class Image(Server):
    """What the container starts, with the container's files and settings, on another port."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        words = sole("ENV").replace("$BUILD_COMMIT", "4f2c1ab").split()
        settings = dict(word.split("=", 1) for word in words)
        assert settings.pop("BIND") == BIND
        programs = settings["PATH"].replace("/opt/venv/bin", str(Path(sys.executable).parent))
        self.settings = settings | {
            "PATH": programs,
            "BIND": f"127.0.0.1:{self.port}",
            "REDIS_URL": redis_url,
            "SECRET_KEY": "a secret for the tests only",
        }
        check = json.loads(sole("HEALTHCHECK").partition(" CMD ")[2])
        self.check = [word.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}") for word in check]
        program, *words = json.loads(sole("CMD"))
        command = [str(Path(sys.executable).with_name(program)), *words]
        clean = ["env", "-i", *(f"{name}={value}" for name, value in self.settings.items())]
        super().__init__([*clean, "sh", "-c", f'cd "{folder}" && exec "$@"', "sh", *command])

    def answers(self) -> bool:
        """Whether its health check succeeds."""
        program, *words = self.check
        path = shutil.which(program, path=self.settings["PATH"])
        assert path
        done = subprocess.run(
            [path, *words], env=self.settings, stderr=subprocess.DEVNULL, check=False
        )
        return done.returncode == 0

    def files(self) -> set[str]:
        """What is in its folder, but for the one that can be written."""
        return {
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
            if path.relative_to(self.folder).parts[0] != "instance"
        }  # fmt: skip


@pytest.fixture
def image(tmp_path: Path, redis_url: str) -> Iterator[Image]:
    """Only what the Dockerfile copies, started as it says."""
    for source, target in copied():
        if source == "requirements.txt":
            continue
        to = tmp_path / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            to.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, to)
    (tmp_path / "instance").mkdir()
    with Image(tmp_path, redis_url) as server:
        yield server


def test_its_command_serves_with_what_is_copied(image: Image) -> None:
    """A conversation, the page and its files; and nothing but the spill's folder is written."""
    before = image.files()
    with Http(image.url, cookies=True) as http:
        assert http.get("/readyz").body["release"].endswith("+4f2c1ab")
        assert http.get("/develope").status == 200
        assert http.get("/static/chat/chat.js").status == 200
        assert http.post(f"{API}/start", {"initial_input": LAMP}).status == 200
    assert image.files() == before
    assert os.listdir(image.folder / "instance")  # noqa: PTH208 - whether there is any


def test_its_check_sees_whether_it_serves(image: Image) -> None:
    """And fails when it does not."""
    assert image.answers()
    image.stop()
    assert not image.answers()
