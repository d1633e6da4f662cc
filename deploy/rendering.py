"""nginx's configuration for one machine: the deployed files, with free ports, in one folder.

Nothing but addresses and paths differs from what is deployed, so that an ordinary user can run it.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.machine import program

HERE = Path(__file__).resolve().parent
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
"""What a distribution's /etc/nginx/nginx.conf is to the site, with every path inside the folder."""


def render(
    folder: Path,
    port: int,
    gunicorns: Sequence[int],
    *,
    tls_port: int | None = None,
    for_drills: bool = False,
) -> list[str]:
    """Write the configuration into a folder and answer the command that starts nginx with it.

    Args:
        folder: an empty one.
        port: where nginx listens without TLS.
        gunicorns: where the hosts' gunicorns listen.
        tls_port: where it listens with TLS; None for the site without.
        for_drills: clients that all come from this machine, without cookies, are not limited and
            reach the hosts in turn, also one that was away a moment ago.

    Raises:
        ProgramMissing: nginx, or openssl for the certificate, is not installed.
        ValueError: a deployed file lacks a line that is to be replaced.
    """
    # Started as root, its worker runs as another user and has to get in here.
    folder.chmod(0o755)
    included = folder / "teaser-chat"
    shutil.copytree(HERE / "nginx", included)
    site = folder / "conf.d" / "teaser-chat.conf"
    site.parent.mkdir()
    shutil.copy(TLS_SITE if tls_port else PLAIN_SITE, site)
    _replace(site, "listen 80;", f"listen 127.0.0.1:{port};")
    if tls_port:
        _replace(site, "listen 443 ssl", f"listen 127.0.0.1:{tls_port} ssl")
        _replace(site, "https://$host$request_uri", f"https://$host:{tls_port}$request_uri")
        make_certificate(folder / "tls")
    _replace(included / "site.conf", "/var/log/nginx/access.log", "access.log")
    patience = " max_fails=0" if for_drills else ""
    hosts = [f"server 127.0.0.1:{gunicorn}{patience};\n" for gunicorn in gunicorns]
    (included / "hosts.conf").write_text("".join(hosts), encoding="utf-8")
    if for_drills:
        _replace(included / "http.conf", "hash $stays_together consistent;", "")
        _replace(included / "http.conf", "default 1;", "default 0;")
    configuration = folder / "nginx.conf"
    configuration.write_text(MAIN, encoding="utf-8")
    return [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(configuration)]


def make_certificate(folder: Path) -> None:
    """Make a key and a certificate for this machine that nobody else has reason to trust.

    Raises:
        ProgramMissing: openssl is not installed.
    """
    folder.mkdir()
    asked = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
        " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        " -keyout privkey.pem -out fullchain.pem"
    )
    command = [program("openssl"), *asked.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _replace(file: Path, find: str, instead: str) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(find) != 1:
        raise ValueError(f"{file.name} must have {find!r} once")
    file.write_text(text.replace(find, instead), encoding="utf-8")
