"""A real nginx in front of gunicorn, with the project's own deploy/nginx.conf."""

import socket
import tempfile
from pathlib import Path

from tests.support.servers import ROOT, Server, free_port, program

SITE = ROOT / "deploy" / "nginx.conf"
LISTEN = "listen 80;"
UPSTREAM = "server 127.0.0.1:8000;"
MAIN = """
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{site}
}}
"""
"""What Debian's /etc/nginx/nginx.conf is to the site, with every path inside the test's folder."""


class Nginx(Server):
    """An nginx on a free port that passes requests to gunicorns in turn.

    Args:
        ports: where those gunicorns listen.
    """

    def __init__(self, *ports: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="teaser-nginx-")
        folder = Path(self._folder.name)
        # Started as root, its worker runs as another user and has to get in here.
        folder.chmod(0o755)
        configuration = folder / "nginx.conf"
        configuration.write_text(MAIN.format(site=site(self.port, ports)), encoding="utf-8")
        command = [program("nginx"), "-p", str(folder), "-c", str(configuration)]
        super().__init__(command)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5):
                return True
        except OSError:
            return False

    def close(self) -> None:
        """End it and remove its log and its folder."""
        super().close()
        self._folder.cleanup()


def site(port: int, gunicorns: tuple[int, ...]) -> str:
    """The project's nginx.conf with these ports in place of the usual ones.

    Raises:
        ValueError: the lines to be replaced are not there once each.
    """
    text = SITE.read_text(encoding="utf-8")
    if text.count(LISTEN) != 1 or text.count(UPSTREAM) != 1:
        raise ValueError(f"{SITE} must have {LISTEN!r} and {UPSTREAM!r} once each")
    # A gunicorn that is being started again is not left out for ten seconds.
    servers = "\n".join(f"server 127.0.0.1:{one} max_fails=0;" for one in gunicorns)
    return text.replace(LISTEN, f"listen 127.0.0.1:{port};").replace(UPSTREAM, servers)
