"""Threads that work for as long as a block lasts."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def run_in_background(workers: Sequence[Callable[[threading.Event], None]]) -> Iterator[None]:
    """Run each worker in its own thread; it returns once the event that it gets is set.

    Raises:
        Exception: whatever a worker raised, unless the block itself failed.
    """
    over = threading.Event()
    with ThreadPoolExecutor(len(workers)) as pool:
        futures = [pool.submit(worker, over) for worker in workers]
        try:
            yield
        finally:
            over.set()
    for future in futures:
        future.result()
