"""The texts that a page which shows the chat's element has in common with it."""

import functools
import json
import posixpath
from pathlib import Path
from typing import Any

from services.static_files import ELEMENT

LANGUAGES = ("en", "de")
"""The languages that have a catalogue of texts; the first one is the default."""


@functools.cache
def read_texts(static_folder: Path, language: str) -> dict[str, Any]:
    """The catalogue of a language, the same one that the element reads."""
    path = static_folder / posixpath.dirname(ELEMENT) / "texts" / f"{language}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
