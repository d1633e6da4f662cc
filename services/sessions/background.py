"""Threads of a process that serve no request."""

import logging
import threading
from collections.abc import Callable

from .errors import StoreUnavailable

log = logging.getLogger(__name__)


class Background:
    """Threads that repeat their work until they are stopped, whatever goes wrong meanwhile."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def is_running(self) -> bool:
        """Whether there are threads at work."""
        return bool(self._threads) and not self._stopped.is_set()

    def repeat(self, name: str, work: Callable[[], None], pause: float) -> None:
        """Do some work again and again, with so many seconds between."""
        thread = threading.Thread(target=self._loop, args=(work, pause), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Let every thread end what it is at, and wait for it a moment."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=2)

    def _loop(self, work: Callable[[], None], pause: float) -> None:
        while not self._stopped.is_set():
            try:
                work()
            except StoreUnavailable as error:
                log.debug("it has to wait: %s", error.reason)  # the engine's breaker says more
            except Exception:
                log.exception("a background task failed")
            self._stopped.wait(pause)
