"""Render nginx's configuration for one machine: the deployed files, with free ports, in one folder.

Only addresses and paths differ from what is deployed, so that an ordinary user can run it.
"""

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.machine import find_program
from services.sessions.repository import SESSION_MAX_BYTES
from services.site_files import publish_site

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "static"
SITE = "/var/lib/teaser-chat"
"""Where nginx finds what `flask site publish` has written."""
TLS_SITE = HERE / "nginx.conf"
PLAIN_SITE = HERE / "nginx" / "plain.conf"
MAIN = """
daemon off;
worker_processes 1;
worker_shutdown_timeout 5s;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include conf.d/*.conf;
}
"""
"""The equivalent of a distribution's /etc/nginx/nginx.conf, with every path inside the folder."""


def render(
    folder: Path,
    port: int,
    gunicorns: Sequence[int],
    *,
    tls_port: int | None = None,
    origins: Iterable[str] = (),
    longest_body: int = SESSION_MAX_BYTES,
    for_drills: bool = False,
) -> list[str]:
    """Write the configuration into a folder and return the command that starts nginx with it.

    Args:
        folder: an empty folder.
        port: where nginx listens without TLS.
        gunicorns: where the hosts' gunicorns listen.
        tls_port: where it listens with TLS; None for the site without TLS.
        origins: the sites that may embed the chat.
        longest_body: bytes of the longest body that the application reads.
        for_drills: do not limit clients, which all come from this machine, and send their requests
            to the hosts in turn, even to one that has just failed.

    Raises:
        ProgramMissing: nginx, or openssl for the certificate, is not installed.
        ValueError: a deployed file does not contain a line that has to be replaced.
    """
    # Started as root, nginx runs its worker as another user, which must be able to enter.
    folder.chmod(0o755)
    included = folder / "teaser-chat"
    shutil.copytree(HERE / "nginx", included)
    site = folder / "conf.d" / "teaser-chat.conf"
    site.parent.mkdir()
    shutil.copy(TLS_SITE if tls_port else PLAIN_SITE, site)
    _replace(site, "listen 80;", f"listen 127.0.0.1:{port};")
    if tls_port:
        _replace(site, "/var/log/nginx/access.log", "access.log")
        _replace(site, "listen 443 ssl", f"listen 127.0.0.1:{tls_port} ssl")
        _replace(site, "https://$host$request_uri", f"https://$host:{tls_port}$request_uri")
        make_certificate(folder / "tls")
    published = folder / "site"
    published.mkdir()
    publish_site(published, STATIC, origins=origins, longest_body=longest_body)
    for file, wanted in (("http.conf", "nginx/http.conf"), ("site.conf", "nginx/server.conf")):
        _replace(included / file, f"{SITE}/{wanted}", str(published / wanted))
    _replace(included / "site.conf", f"root {SITE};", f"root {published};")
    _replace(included / "site.conf", "/var/log/nginx/access.log", "access.log")
    max_fails = " max_fails=0" if for_drills else ""
    hosts = [f"server 127.0.0.1:{gunicorn}{max_fails};\n" for gunicorn in gunicorns]
    (included / "hosts.conf").write_text("".join(hosts), encoding="utf-8")
    if for_drills:
        _replace(included / "http.conf", "hash $affinity_key consistent;", "")
        _replace(included / "http.conf", "default 1;", "default 0;")
    configuration = folder / "nginx.conf"
    configuration.write_text(MAIN, encoding="utf-8")
    return [find_program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(configuration)]


def make_certificate(folder: Path) -> None:
    """Make a key and a self-signed certificate for this machine.

    Raises:
        ProgramMissing: openssl is not installed.
    """
    folder.mkdir()
    request = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
        " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        " -keyout privkey.pem -out fullchain.pem"
    )
    command = [find_program("openssl"), *request.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _replace(file: Path, find: str, instead: str) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(find) != 1:
        raise ValueError(f"{file.name} must contain {find!r} exactly once")
    file.write_text(text.replace(find, instead), encoding="utf-8")
