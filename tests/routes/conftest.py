"""The application over every engine, for what must be true on each of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from config import Settings
from tests.support.application import create_app

ENGINES = ("memory", "sqlite", "redis", "redis with a spill")


@pytest.fixture(params=ENGINES)
def app_on_each_engine(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path
) -> Iterator[Flask]:
    """The application with every part real, on one engine after the other."""
    if request.param == "memory":
        settings = replace(settings, store_url="memory://")
    elif request.param != "sqlite":
        settings = replace(settings, store_url=request.getfixturevalue("redis_url"))
    if request.param == "redis with a spill":
        settings = replace(settings, spill_url=f"sqlite:///{tmp_path / 'spill.db'}")
    application = create_app(settings)
    yield application
    application.extensions["session_store"].close()
