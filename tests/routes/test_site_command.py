"""`flask site publish`, which hands nginx a release."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from config import Settings
from services.static_files import SCRIPT
from tests.support.application import create_app


@pytest.fixture
def app(settings: Settings) -> Flask:
    """An application that a shop may embed."""
    shops = frozenset({"https://shop.example"})
    changed = replace(
        settings, embed_origins=shops, session_max_bytes=123_456, max_request_bytes=10
    )
    return create_app(changed)


def test_the_folder_has_what_the_application_serves(app: Flask, tmp_path: Path) -> None:
    """The same hash, the sites of EMBED_ORIGINS, and the longest body of any route."""
    result = app.test_cli_runner().invoke(args=["site", "publish", str(tmp_path), "--json"])
    assert result.exit_code == 0
    file_hash = json.loads(result.output)["hash"]
    assert file_hash == app.extensions["static_files"].hash
    assert (tmp_path / "static" / file_hash / SCRIPT).is_file()
    assert "shop" in (tmp_path / "nginx" / "http.conf").read_text()
    assert "123456;" in (tmp_path / "nginx" / "server.conf").read_text()


def test_a_folder_that_cannot_be_written_is_named(app: Flask, tmp_path: Path) -> None:
    """In one sentence, with what to do."""
    (tmp_path / "static").write_text("a file")
    result = app.test_cli_runner().invoke(args=["site", "publish", str(tmp_path)])
    assert result.exit_code == 1
    assert f"refused: {tmp_path}/static" in result.output
    assert "Name a folder" in result.output
