"""Starts gunicorn once the settings have been tried: `python -m deploy.serve`, with its options.

gunicorn reads WEB_CONCURRENCY by itself before it reads gunicorn.conf.py, and a value that is no
number would end it with a traceback. This process becomes gunicorn, so it keeps its id.
"""

import os
import sys
from pathlib import Path

from config import ConfigError, load

if __name__ == "__main__":
    try:
        load()
    except ConfigError as error:
        sys.exit(str(error))
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    os.execv(gunicorn, [gunicorn, "--config", "gunicorn.conf.py", "wsgi:app", *sys.argv[1:]])  # noqa: S606 - no shell is wanted
