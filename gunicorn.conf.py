"""gunicorn's settings, from the same environment as the application's.

While the dict is first (stages off, dualwrite and shadow), and with memory:// as the engine or the
spill, a second process would not see the first one's conversations; then one process with threads
serves. A reload (HUP) reads the stage again, and with it the number of processes.
"""

import atexit
import contextlib
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

# A reload (HUP) runs this file again in the same process. Forgetting what is loaded of our own has
# it read anew, here and in the workers, which inherit it; else they mix two releases.
if "config" in sys.modules:
    for _name in [*sys.modules]:
        if _name.partition(".")[0] in ("config", "routes", "services"):
            del sys.modules[_name]

# The folder that the workers share for their metrics. The client library reads this variable when
# it is first imported, which is here: an inherited value belongs to the master that this one
# replaces (USR2). A reload (HUP) runs this file again and keeps the folder, because the present
# workers still count in it. It is in memory, so that a full disk stops no worker, and is removed
# at exit, also of a start that fails.
if "prometheus_client" not in sys.modules:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(
        prefix=f"teaser-metrics-{os.getpid()}-",
        dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - mkdtemp is safe
    )
    atexit.register(shutil.rmtree, os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)

from werkzeug.exceptions import RequestTimeout

from config import ConfigError, describe_start, load
from services.listening import are_local
from services.plain_http import find_start_warning
from services.sessions.metrics_folder import remove_ended
from services.sessions.migration.control import read_stage_at_start
from services.sessions.migration.last_stage import open_last_stage
from services.sessions.stores import open_store
from services.setting_checks import DEVELOPMENT_SECRET
from services.teaser_chat import warm_up

try:
    _settings = load()
except ConfigError as error:
    sys.exit(str(error))

GC_THRESHOLD = 20_000
"""New objects between two young collections; a request makes some hundreds, none in cycles."""

UNREAD_PIECE = 65_536
UNREAD_SECONDS = 1.0
"""How long a thread may spend on that; nginx sends what it has as fast as it is read."""

bind = _settings.bind
worker_class = "routes.gunicorn_worker.Worker"
logger_class = "routes.gunicorn_logger.Logger"
_engine = open_store(_settings.store_url, timeout=_settings.redis_timeout)
_stage = _settings.stage or read_stage_at_start(
    _engine, open_last_stage(_settings.spill_url).read()
)
_engine.close()  # connections must not survive the fork
in_process = _stage.is_dict_first or any(
    url.startswith("memory:") for url in (_settings.store_url, _settings.spill_url or "")
)
workers = 1 if in_process else _settings.workers
threads = _settings.threads
timeout = 30
graceful_timeout = 30
keepalive = 5
# The control socket would let someone add workers by hand while only one may serve.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Log what starts, before anything else; refuse what the command line makes of it."""
    addresses = ",".join(server.cfg.bind)
    if _settings.secret_key == DEVELOPMENT_SECRET and not are_local(addresses):
        sys.exit(
            f"DEBUG has no secret of its own and may not listen on {addresses}: set SECRET_KEY."
        )
    server.log.info(describe_start(_settings, _stage, workers))
    warning = find_start_warning(
        addresses,
        cookie_secure=_settings.cookie_secure and not server.cfg.is_ssl,
        trusted_proxies=_settings.trusted_proxies,
    )
    if warning:
        server.log.warning(warning)


on_reload = on_starting


def pre_fork(_server: Any, _worker: Any) -> None:
    """Create the metrics' folder again if something has removed it; a worker needs it."""
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(mode=0o700, exist_ok=True)


def post_fork(_server: Any, worker: Any) -> None:
    """Set up a worker, and leave the removal of the metrics' folder to the master."""
    worker.request_seconds = _settings.request_timeout
    atexit.unregister(shutil.rmtree)


def post_worker_init(worker: Any) -> None:
    """Prepare a worker after the fork."""
    warm_up()
    _collect_garbage_rarely()
    migration = _get_migration(worker)
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
    """Send what only this process has, once its last request is done."""
    migration = _get_migration(worker)
    if migration is not None:
        migration.finish()


def post_request(_worker: Any, _request: Any, environ: Mapping[str, Any], _response: Any) -> None:
    """Read the rest of a request that was answered before its end, such as one that is too long.

    A connection that is closed with unread data is reset, and nginx, if it is still sending, would
    answer its client with 502 instead of the reason for the refusal.
    """
    if not environ.get("CONTENT_LENGTH"):
        return
    # nginx passes on no more.
    connection, left = environ["gunicorn.socket"], _settings.longest_body
    connection.expect_rest(UNREAD_SECONDS)
    with contextlib.suppress(OSError, RequestTimeout):
        while left > 0 and (piece := environ["wsgi.input"].read(min(left, UNREAD_PIECE))):
            left -= len(piece)


def child_exit(server: Any, worker: Any) -> None:
    """Remove the gauges of a worker that has ended, for whatever reason; its counts stay."""
    try:
        remove_ended(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), worker.pid)
    except Exception:  # it would end the master
        server.log.exception("the metrics of a worker that ended could not be added up")


def _get_migration(worker: Any) -> Any:
    """The worker's part in the migration; None if another application, or none, was loaded."""
    application = getattr(worker, "wsgi", None)
    return getattr(application, "extensions", {}).get("migration")


def _collect_garbage_rarely() -> None:
    """Collect garbage rarely, and never what was loaded at the start, because it stays.

    Catalogue and lexicon are a few hundred thousand objects; walking them takes longer than a
    request.
    """
    gc.collect()  # before freezing, so that no garbage is kept
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
