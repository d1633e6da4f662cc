"""gunicorn's settings, from the same environment as the application's.

While sessions are in the process, in stage off or with memory://, a second process would not see
the first one's conversations; then there is one process, with threads.
"""

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from config import ConfigError, load
from services.sessions.migration import Stage

try:
    _settings = load()
except ConfigError as error:
    sys.exit(str(error))

GC_THRESHOLD = 20_000
"""New containers between two young collections; a request makes some hundreds, none in cycles."""

bind = _settings.bind
worker_class = "gthread"
in_process = _settings.stage is Stage.OFF or _settings.store_url.startswith("memory:")
workers = 1 if in_process else _settings.workers
threads = _settings.threads
timeout = 30
graceful_timeout = 30
keepalive = 5
# It would let workers be added by hand, also while there must be one only.
control_socket_disable = True


def post_worker_init(_worker: object) -> None:
    """Collect seldom, and never what was loaded at the start: it stays anyway.

    Catalogue and lexicon are a few hundred thousand objects; walking them takes longer than a
    request does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
