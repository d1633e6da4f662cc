"""The chat's element as files: what a page that shows it needs to know of them."""

import functools
import json
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de")
"""Those that there is a catalogue of texts for; the first one where nothing else is wanted."""
_FOLDER = "chat"
_EMBEDDING = "embed.js"


@functools.cache
def texts(static_folder: str, language: str) -> dict[str, Any]:
    """The catalogue of a language, the same that the element reads."""
    path = Path(static_folder, _FOLDER, "texts", f"{language}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@functools.cache
def modules(static_folder: str) -> tuple[str, ...]:
    """The scripts the element is made of, so that a page can ask for all of them at once."""
    folder = Path(static_folder)
    own = sorted(folder.glob(f"{_FOLDER}/*.js"))
    shared = [folder / "api.js", folder / "view.js"]
    found = (path.relative_to(folder).as_posix() for path in (*shared, *own))
    return tuple(name for name in found if not name.endswith(_EMBEDDING))
