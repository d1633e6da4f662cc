"""What gunicorn serves, `gunicorn wsgi:app`, and where `flask` finds its commands.

The application's sessions become those of the process, so that code written for a dict reaches
them through the library's functions and its mapping.
"""

import sys

from app import create_app
from config import ConfigError
from services.sessions import use_registry

try:
    app = create_app()
except ConfigError as error:
    sys.exit(str(error))
use_registry(app.extensions["sessions"])
