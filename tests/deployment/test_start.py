"""deploy/serve.py: all that is wrong with the settings is said before gunicorn starts."""

import os
import subprocess
import sys

import pytest

from services.plain_http import SEEN
from tests.support.http import Http
from tests.support.servers import ROOT, Gunicorn, free_port

SECRET = "5f0c2a9e71d84b36c4e1f7a20d95836b"


def refuse(*arguments: str, **settings: str) -> str:
    """What a start says that comes to nothing."""
    clean = {name: value for name, value in os.environ.items() if not name.isupper()}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.serve", *arguments],
        cwd=ROOT,
        env={**clean, "PATH": os.environ["PATH"], "SECRET_KEY": SECRET, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("value", ["a", "", "2.5", "0"])
def test_what_gunicorn_itself_would_stumble_over_is_a_line(value: str) -> None:
    """WEB_CONCURRENCY is read by gunicorn before it reads anything of ours."""
    first, second = refuse(WEB_CONCURRENCY=value).splitlines()
    assert first == "These settings prevent the start:"
    assert second.startswith("  WEB_CONCURRENCY: ")


def test_every_line_is_told_at_once() -> None:
    """Of settings that failed when something first connected, too."""
    said = refuse(
        WEB_CONCURRENCY="a",
        REDIS_URL="rediss://:hidden@127.0.0.1/0?ssl_cert_reqs=CERT_NONE",
        SESSION_SPILL_URL="sqlite:////dev/null/spill.db",
        BIND="127.0.0.1:port",
    )
    names = [line.partition(":")[0].strip() for line in said.splitlines()[1:]]
    assert sorted(names) == ["BIND", "REDIS_URL", "SESSION_SPILL_URL", "WEB_CONCURRENCY"]
    assert "hidden" not in said


def test_built_in_secrets_stay_on_this_machine() -> None:
    """Also where the command line takes the place of BIND."""
    said = refuse(
        "--bind", f"0.0.0.0:{free_port()}", DEBUG="true", SECRET_KEY="for-development-only"
    )
    assert said.splitlines()[-1].endswith("set SECRET_KEY.")


def test_it_becomes_gunicorn() -> None:
    """The process that a service manager knows is the one that takes its signals."""
    server = Gunicorn(WEB_CONCURRENCY="1")
    server.command = [sys.executable, "-m", "deploy.serve"]
    with server:
        assert server.process is not None
        assert f"({server.process.pid})" in server.output()
    assert server.process.returncode == 0


def test_cookies_that_browsers_drop_are_told_before_and_when_they_are() -> None:
    """At the start, as others may reach it without TLS; with the first request in readiness."""
    server = Gunicorn(WEB_CONCURRENCY="1", SESSION_COOKIE_SECURE="true")
    server.command = [sys.executable, "-m", "deploy.serve", "--bind", f"0.0.0.0:{server.port}"]
    with server, Http(server.url) as http:
        assert f"0.0.0.0:{server.port} is served over plain HTTP" in server.output()
        assert http.get("/readyz").body["warnings"] == []
        http.get("/develope")
        assert http.get("/readyz").body["warnings"] == [SEEN]
