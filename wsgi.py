"""What gunicorn serves, `gunicorn wsgi:app`, and where `flask` finds its commands."""

import sys

from app import create_app
from config import ConfigError
from services.teaser_chat import warm_up

try:
    app = create_app()
except ConfigError as error:
    sys.exit(str(error))
warm_up()
