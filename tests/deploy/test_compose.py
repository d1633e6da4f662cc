"""deploy/compose.yaml: what is open to whom, what waits for what, and Redis as it starts there."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from flask import Flask

from deploy.rendering import SITE
from tests.support.servers import ROOT, Server, free_port, program

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"
MADE_LATER = {"./tls", "./acme"}
"""Folders of a deployment that are not the project's."""
SETTINGS = {"SECRET_KEY": "a-secret-for-the-tests-only", "REDIS_PASSWORD": "a-password"}


def interpolated(text: str, settings: dict[str, str]) -> str:
    """The file as Compose reads it, for the kinds of variables it uses."""

    def value(found: re.Match[str]) -> str:
        name, default = found["name"], found["default"]
        return settings.get(name) or ("" if default is None else default)

    given = re.sub(r"(?<!\$)\$\{(?P<name>\w+)(:-(?P<default>[^}]*)|:\?[^}]*)?\}", value, text)
    return given.replace("$$", "$")


@pytest.fixture(scope="module")
def composed() -> Any:
    """Its content."""
    return yaml.safe_load(interpolated(FILE.read_text(encoding="utf-8"), SETTINGS))


def test_only_nginx_can_be_reached(composed: Any) -> None:
    """Redis cannot even by nginx, and nobody but nginx reaches out."""
    services = composed["services"]
    assert set(services) == {"nginx", "site", "app", "cleanup", "redis"}
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    outside = [name for name, network in composed["networks"].items() if not network]
    assert outside == ["outside"]
    joined = {name: one.get("networks", []) for name, one in services.items()}
    assert [name for name, networks in joined.items() if "outside" in networks] == ["nginx"]
    assert services["site"]["network_mode"] == "none"
    beside = [name for name, networks in joined.items() if "data" in networks]
    assert beside == ["app", "cleanup", "redis"]


def test_everything_is_contained_and_comes_back(composed: Any) -> None:
    """A read-only root, no right it does not need, and a new start when it ends."""
    for name, service in composed["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        ends = name == "site"
        assert service["restart"] == ("on-failure" if ends else "unless-stopped"), name


def test_each_waits_for_what_it_needs(composed: Any) -> None:
    """Until that is healthy; the application has its check in the image."""
    services = composed["services"]
    needs = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    assert needs == {
        "nginx": {"app", "site"},
        "app": {"redis"},
        "cleanup": {"redis"},
        "site": set(),
        "redis": set(),
    }
    for service in services.values():
        for name, need in service.get("depends_on", {}).items():
            ends = name == "site"
            condition = "service_completed_successfully" if ends else "service_healthy"
            assert need == {"condition": condition}
    assert "test" in services["redis"]["healthcheck"]
    assert "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "healthcheck" not in services["app"]


def test_requests_are_ended_and_what_waits_is_kept(composed: Any) -> None:
    """An update gives gunicorn its time, and the next container the spill."""
    app = composed["services"]["app"]
    settings = (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8")
    graceful = re.search(r"^graceful_timeout = (\d+)$", settings, re.MULTILINE)
    assert graceful
    assert int(app["stop_grace_period"].rstrip("s")) > int(graceful[1])
    (volume,) = app["volumes"]
    name, _, folder = volume.partition(":")
    assert name in composed["volumes"]
    assert app["environment"]["SESSION_SPILL_URL"].startswith(f"sqlite:///{folder}/")


def test_every_file_it_mounts_is_there(composed: Any) -> None:
    """And nginx's are where they include each other."""
    targets = {}
    for service in composed["services"].values():
        for mount in service.get("volumes", []):
            source, target, *_ = mount.split(":")
            targets[target] = source
            if source.startswith("./") and source not in MADE_LATER:
                assert (DEPLOY / source).exists(), source
    assert targets["/etc/nginx/conf.d/default.conf"] == "./nginx.conf"
    # A mount into a mounted folder needs something there to be mounted over.
    assert (DEPLOY / targets["/etc/nginx/teaser-chat"] / "hosts.conf").exists()
    hosts = (DEPLOY / targets["/etc/nginx/teaser-chat/hosts.conf"]).read_text(encoding="utf-8")
    assert re.findall(r"^server (.+);$", hosts, re.MULTILINE) == ["app:8000 resolve"]
    assert "app" in composed["services"]


def test_nginx_has_the_files_and_cannot_write_them(composed: Any) -> None:
    """What `site` publishes; another value of what both share starts nginx again."""
    services = composed["services"]
    assert services["site"]["command"][-1] == SITE
    assert services["site"]["volumes"] == [f"site:{SITE}"]
    assert f"site:{SITE}:ro" in services["nginx"]["volumes"]
    assert not [one for one in services["app"]["volumes"] if one.startswith("site:")]
    shared = {"EMBED_ORIGINS", "SESSION_MAX_BYTES", "MAX_REQUEST_BYTES"}
    assert set(services["nginx"]["environment"]) == shared
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert f"install -d -m 755 -o teaser-chat -g teaser-chat {SITE}\n" in image


@pytest.mark.parametrize("service", ["cleanup", "site"])
def test_what_it_runs_is_a_command_that_there_is(app: Flask, composed: Any, service: str) -> None:
    """With its option."""
    command = composed["services"][service]["command"]
    assert command[:3] == ["flask", "--app", "wsgi"]
    assert app.test_cli_runner().invoke(args=[*command[3:], "--help"]).exit_code == 0


class ComposedRedis(Server):
    """Redis as compose.yaml starts it, on another port and in another folder."""

    def __init__(self, composed: Any, folder: Path) -> None:
        service = composed["services"]["redis"]
        self.port = free_port()
        (script,) = service["command"]
        where = {
            "/etc/redis.conf": str(DEPLOY / "redis.conf"),
            "dir /data": f"dir {folder}\nbind 127.0.0.1\nport {self.port}",
        }
        for usual, here in where.items():
            assert script.count(usual) == 1
            script = script.replace(usual, here)
        super().__init__([*service["entrypoint"], script], service["environment"])
        self.check = service["healthcheck"]["test"][1].replace("cli", f"cli -p {self.port}")

    def answers(self) -> bool:
        """Whether its health check says so."""
        command = ["sh", "-c", self.check]
        return subprocess.run(command, env=self.environment, check=False).returncode == 0


def test_redis_keeps_everything_and_asks_for_the_password(composed: Any, tmp_path: Path) -> None:
    """As compose.yaml starts it, with its own health check."""
    program("redis-server")
    with ComposedRedis(composed, tmp_path) as server:
        with redis.Redis(port=server.port, password=SETTINGS["REDIS_PASSWORD"]) as client:
            for name, value in {
                "appendonly": "yes",
                "maxmemory-policy": "noeviction",
                "maxmemory": str(512 * 1024**2),
            }.items():
                assert client.config_get(name) == {name: value}
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        server.environment["REDIS_PASSWORD"] = "another"
        assert not server.answers()
        assert (tmp_path / "appendonlydir").is_dir()


def compose() -> list[str]:
    """The command of Docker Compose 2."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            asked = [*command, "version", "--short"]
            told = subprocess.run(asked, capture_output=True, text=True, check=False)
            if told.returncode == 0 and re.match(r"v?[2-9]", told.stdout):
                return command
    pytest.skip("Docker Compose is not here; its own check of compose.yaml was not made")


@pytest.mark.parametrize("missing", [None, "SECRET_KEY", "REDIS_PASSWORD"])
def test_compose_accepts_it_with_its_secrets_only(tmp_path: Path, missing: str | None) -> None:
    """With .env.example as it is, filled in; else it says what to set."""
    command = compose()
    for name in ("compose.yaml", ".env.example"):
        shutil.copy(DEPLOY / name, tmp_path)
    text = (tmp_path / ".env.example").read_text(encoding="utf-8")
    for name, value in SETTINGS.items():
        if name != missing:
            text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        [*command, "-f", tmp_path / "compose.yaml", "config"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if missing:
        assert done.returncode != 0
        assert f"required variable {missing} is missing a value: set it in" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    resolved = yaml.safe_load(done.stdout)
    assert resolved["services"]["app"]["environment"]["REDIS_URL"] == (
        f"redis://:{SETTINGS['REDIS_PASSWORD']}@redis:6379/0"
    )
