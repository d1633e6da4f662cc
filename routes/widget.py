"""The chat's element as files: what a page that shows it needs to know of them."""

import functools
import json
import posixpath
import re
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de")
"""Those that there is a catalogue of texts for; the first one where nothing else is wanted."""
ELEMENT = "chat/teaser-chat.js"
"""The module that makes the element, in the static folder."""
_IMPORTED = re.compile(r'^(?:import|export) .*? from "(\.[^"]+)";', re.MULTILINE | re.DOTALL)


@functools.cache
def texts(static_folder: str, language: str) -> dict[str, Any]:
    """The catalogue of a language, the same that the element reads."""
    path = Path(static_folder, posixpath.dirname(ELEMENT), "texts", f"{language}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@functools.cache
def modules(static_folder: str) -> tuple[str, ...]:
    """The modules that the element needs to begin, so that a page can ask for all at once.

    Those that it loads later, by `import()`, are not among them.
    """
    found = [ELEMENT]
    for module in found:  # which grows meanwhile
        code = Path(static_folder, module).read_text(encoding="utf-8")
        for name in _IMPORTED.findall(code):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(module), name))
            if imported not in found:
                found.append(imported)
    return tuple(found)
