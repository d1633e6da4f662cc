"""A host behind nginx that answers as a test wants, where no application is needed."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.support.servers import free_port

Answering = Callable[[BaseHTTPRequestHandler], None]


class Host:
    """An HTTP server in threads of this process.

    Args:
        answering: writes the answer to a request; its own name unless given.

    Attributes:
        port: where it listens, also after it was away.
        seen: the requests it got, as `GET /path`.
    """

    def __init__(self, answering: Answering | None = None) -> None:
        self.port = free_port()
        self.seen: list[str] = []
        self._answering = answering or self._tell_name
        self._server = self._serve()

    @property
    def name(self) -> str:
        """What it answers unless told otherwise."""
        return str(self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> ThreadingHTTPServer:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.seen.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                host._answering(self)

            do_POST = do_GET  # noqa: N815 - the server's name for it

            def end_headers(self) -> None:
                # As gunicorn tells it, or nginx might keep the connection.
                if self.close_connection:
                    self.send_header("Connection", "close")
                super().end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Nothing, or it would stand in every test's output."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _tell_name(self, request: BaseHTTPRequestHandler) -> None:
        body = self.name.encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def in_pieces(request: BaseHTTPRequestHandler) -> None:
    """Begin an answer whose length is not known, as gunicorn does."""
    request.send_response(200)
    request.send_header("Content-Type", "text/event-stream")
    if _is_chunked(request):
        request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()


def send_piece(request: BaseHTTPRequestHandler, piece: bytes) -> None:
    """Send a piece of it; an empty one ends it."""
    framed = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    request.wfile.write(framed if _is_chunked(request) else piece)
    request.wfile.flush()
    request.close_connection = request.close_connection or not piece


def _is_chunked(request: BaseHTTPRequestHandler) -> bool:
    """Whether pieces are framed; with HTTP/1.0 the connection's end is the answer's."""
    return request.request_version == "HTTP/1.1"
