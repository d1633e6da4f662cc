"""gunicorn's settings, from the same environment as the application's.

While the dict is first, in the stages off, dualwrite and shadow, and with memory:// as the engine
or the spill, a second process would not see the first one's conversations; then there is one
process, with threads. A reload (HUP) reads the stage anew, and with it how many processes there
are.
"""

import atexit
import contextlib
import gc
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

# Where the workers' metrics meet. The client library wants to find it in the environment when it
# is imported, which happens here for the first time: whatever this master inherited belongs to
# the one it replaces (USR2). A reload (HUP) runs this file again and keeps the folder, because
# the workers there are still count. In memory, so that a full disk stops no worker; a start that
# fails removes it as well.
if "prometheus_client" not in sys.modules:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(
        prefix=f"teaser-metrics-{os.getpid()}-",
        dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - mkdtemp is safe
    )
    atexit.register(shutil.rmtree, os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)

from prometheus_client.multiprocess import mark_process_dead

from config import ConfigError, load
from services.sessions.migration.control import read_stage_at_start
from services.sessions.migration.last_stage import open_last_stage
from services.sessions.stores import open_store
from services.teaser_chat import warm_up

try:
    _settings = load()
except ConfigError as error:
    sys.exit(str(error))

GC_THRESHOLD = 20_000
"""New containers between two young collections; a request makes some hundreds, none in cycles."""

MOST_UNREAD = 2 * 1024 * 1024
"""Bytes that nginx passes on of a request at most, and so the most to be read after its answer."""
UNREAD_PIECE = 65_536
UNREAD_SECONDS = 1.0
"""How long a thread is spared for that; nginx sends what it has as fast as it is read."""

bind = _settings.bind
worker_class = "gthread"
_engine = open_store(_settings.store_url, timeout=_settings.redis_timeout)
_stage = _settings.stage or read_stage_at_start(
    _engine, open_last_stage(_settings.spill_url).read()
)
_engine.close()
in_process = _stage.is_dict_first or any(
    url.startswith("memory:") for url in (_settings.store_url, _settings.spill_url or "")
)
workers = 1 if in_process else _settings.workers
threads = _settings.threads
timeout = 30
graceful_timeout = 30
keepalive = 5
# It would let workers be added by hand, also while there must be one only.
control_socket_disable = True


def pre_fork(_server: Any, _worker: Any) -> None:
    """Make the metrics' folder again if something has cleaned it away; a worker needs it."""
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(mode=0o700, exist_ok=True)


def post_fork(_server: Any, _worker: Any) -> None:
    """Leave it to the master to remove the metrics' folder."""
    atexit.unregister(shutil.rmtree)


def post_worker_init(worker: Any) -> None:
    """Prepare a worker that was just forked."""
    warm_up()
    _collect_seldom()
    migration = _migration_of(worker)
    if migration is None:
        return
    migration.start()
    stop = signal.getsignal(signal.SIGTERM)

    def drain_and_stop(number: int, frame: FrameType | None) -> None:
        migration.drain()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, drain_and_stop)


def worker_exit(_server: Any, worker: Any) -> None:
    """Send what only this process has, when no request is under way any more."""
    migration = _migration_of(worker)
    if migration is not None:
        migration.finish()


def post_request(_worker: Any, _request: Any, environ: Mapping[str, Any], _response: Any) -> None:
    """Read what an answer has left unread of its request, such as a text that is too long.

    A connection that is closed with unread data is reset, and nginx, if it is still sending, would
    tell its client that nobody is there instead of why the request was refused.
    """
    if not environ.get("CONTENT_LENGTH"):
        return
    connection, left = environ["gunicorn.socket"], MOST_UNREAD
    give_up = time.monotonic() + UNREAD_SECONDS
    connection.settimeout(UNREAD_SECONDS)
    with contextlib.suppress(OSError):
        while left > 0 and time.monotonic() < give_up:
            piece = environ["wsgi.input"].read(min(left, UNREAD_PIECE))
            if not piece:
                break
            left -= len(piece)
    connection.settimeout(None)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the present state of a worker that ended, however it did; its counts stay."""
    with contextlib.suppress(OSError):  # the master would end with it
        mark_process_dead(worker.pid)


def _migration_of(worker: Any) -> Any:
    """The migration's part of the application; None if it did not load or is another one."""
    application = getattr(worker, "wsgi", None)
    return getattr(application, "extensions", {}).get("migration")


def _collect_seldom() -> None:
    """Collect seldom, and never what was loaded at the start: it stays anyway.

    Catalogue and lexicon are a few hundred thousand objects; walking them takes longer than a
    request does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
