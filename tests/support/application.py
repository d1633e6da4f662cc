"""The application with its sessions as those of the process, as wsgi.py makes it."""

from flask import Flask

import app
from config import Settings
from services.sessions import use_registry
from services.sessions.stores import Store


def create_app(settings: Settings, *, engine: Store | None = None) -> Flask:
    """The application; the library's functions work on its sessions from now on."""
    application = app.create_app(settings, engine=engine)
    use_registry(application.extensions["sessions"])
    return application
