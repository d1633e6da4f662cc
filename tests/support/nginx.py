"""A real nginx in front of gunicorn, with the project's own configuration."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from deploy.machine import is_listening
from deploy.rendering import render
from tests.support.servers import Server, free_port, program


class Nginx(Server):
    """An nginx on free ports that passes requests to gunicorns.

    Args:
        ports: where those gunicorns listen.
        tls: whether it serves over TLS, and redirects there from `plain_url`.
        origins: the sites that may embed the chat.
        for_drills: whether it is as drills need it, see deploy.rendering.

    Attributes:
        port: where it serves.
        url: the same as a URL.
        plain_url: where it listens without TLS.
        folder: its files.
    """

    def __init__(
        self,
        *ports: int,
        tls: bool = False,
        origins: Iterable[str] = (),
        for_drills: bool = False,
    ) -> None:
        program("nginx")
        plain_port = free_port()
        tls_port = free_port() if tls else None
        self.port = tls_port or plain_port
        self.plain_url = f"http://127.0.0.1:{plain_port}"
        self.url = f"https://127.0.0.1:{tls_port}" if tls else self.plain_url
        self._folder = tempfile.TemporaryDirectory(prefix="teaser-nginx-")
        self.folder = Path(self._folder.name)
        super().__init__(
            render(
                self.folder,
                plain_port,
                ports,
                tls_port=tls_port,
                origins=origins,
                for_drills=for_drills,
            )
        )

    def answers(self) -> bool:
        """Whether it takes connections."""
        return is_listening(self.port)

    def close(self) -> None:
        """End it and remove its log and its folder."""
        super().close()
        self._folder.cleanup()
