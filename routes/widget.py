"""The files of the chat's element that a page which shows it has to name."""

import functools
import json
import posixpath
import re
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de")
"""The languages that have a catalogue of texts; the first one is the default."""
ELEMENT = "chat/teaser-chat.js"
"""The module that makes the element, in the static folder."""
_IMPORTED = re.compile(r'^(?:import|export) .*? from "(\.[^"]+)";', re.MULTILINE | re.DOTALL)


@functools.cache
def read_texts(static_folder: str, language: str) -> dict[str, Any]:
    """The catalogue of a language, the same one that the element reads."""
    path = Path(static_folder, posixpath.dirname(ELEMENT), "texts", f"{language}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@functools.cache
def list_modules(static_folder: str) -> tuple[str, ...]:
    """The modules that the element needs at first, so that a page can preload them all at once.

    Those that it loads later, by `import()`, are not included.
    """
    found = [ELEMENT]
    for module in found:  # it grows while it is read
        code = Path(static_folder, module).read_text(encoding="utf-8")
        for name in _IMPORTED.findall(code):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(module), name))
            if imported not in found:
                found.append(imported)
    return tuple(found)
