"""What gunicorn serves, `gunicorn wsgi:app`, and where `flask` finds its commands."""

import sys

from app import create_app
from config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(str(error))
