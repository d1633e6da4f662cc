"""gunicorn's worker with threads, in which clients that send slowly leave threads to the others.

Without nginx, which passes on complete requests only, each of them would hold a thread for as long
as it likes. Here the whole of a request has to arrive within a time, and at most half of the
threads wait for bytes that are not there yet; who would need one more is let go at once.
"""

import contextlib
import errno
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from gunicorn.workers import gthread
from werkzeug.exceptions import RequestTimeout

GRACE_SECONDS = 0.02
"""How long any thread waits for the next bytes; the packets of one request come at about once."""


class ClientSocket(socket.socket):
    """A client's connection, with a time for each request.

    Args:
        accepted: the connection, which this one takes over.
        waiting: the threads that may still wait for bytes.

    Attributes:
        in_application: whether the head has been read, so that an error can be answered.
        has_failed: whether bytes were waited for in vain; then nothing more is read.
    """

    def __init__(self, accepted: socket.socket, waiting: threading.Semaphore) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.in_application = False
        self.has_failed = False
        self._waiting = waiting
        self._seconds = 0.0
        self._give_up = 0.0

    def expect_request(self, seconds: float) -> None:
        """Begin with a request, which has to arrive within some seconds."""
        self._seconds, self._give_up = seconds, time.monotonic() + seconds

    def expect_rest(self, seconds: float) -> None:
        """Give what is left of a request some seconds at most."""
        self._give_up = min(self._give_up, time.monotonic() + seconds)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive what has come; nothing, as at the end of a connection, if that takes too long.

        Raises:
            RequestTimeout: it takes too long, and the application waits for it.
        """
        rest = self._give_up - time.monotonic()
        if not self.has_failed and rest > 0:
            if self._is_readable(min(rest, GRACE_SECONDS)):
                return super().recv(size, flags)
            if self._waiting.acquire(blocking=False):
                try:
                    if self._is_readable(rest):
                        return super().recv(size, flags)
                finally:
                    self._waiting.release()
        self.has_failed = True
        if self.in_application:
            raise RequestTimeout
        return b""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it, to a client that reads."""
        with self._bound_sending():
            super().sendall(data, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file, to a client that reads."""
        with self._bound_sending():
            return super().sendfile(file, offset, count)

    def _is_readable(self, seconds: float) -> bool:
        poll = select.poll()  # select() fails beyond 1024 open files
        poll.register(self, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    @contextlib.contextmanager
    def _bound_sending(self) -> Iterator[None]:
        self.settimeout(self._seconds)
        try:
            yield
        except TimeoutError as error:
            # What gunicorn knows as the end of a connection, and does not log.
            raise BrokenPipeError(errno.EPIPE, "the client does not read") from error
        finally:
            self.settimeout(None)


class Worker(gthread.ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """The worker.

    Attributes:
        request_seconds: in how many seconds a request has to arrive; gunicorn.conf.py sets it.
    """

    request_seconds: float

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting = threading.Semaphore(max(1, self.cfg.threads // 2))

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection on which something may have come to a thread."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket(conn.sock, self._waiting)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Serve a request, in a thread; one that has not begun is left to the poller."""
        if not conn.initialized and not conn.wait_for_data(0):
            return gthread._DEFER
        conn.sock.expect_request(self.request_seconds)
        should_keep = super().handle(conn)
        return should_keep and not conn.sock.has_failed

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request whose head has been read."""
        conn.sock.in_application = True
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock.in_application = False
