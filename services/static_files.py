"""The pages' files under addresses with a hash of them all, which browsers need not ask for again.

One hash covers the whole folder, because modules import each other by relative names. The files of
the embedding are also served at addresses without a hash, which stand in pages of other sites.
"""

import hashlib
import os
import posixpath
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HASH_DIGITS = 16
ELEMENT = "chat/teaser-chat.js"
"""The module that makes the chat's element; pages of other sites name it without a hash."""
SCRIPT = "chat/embed.js"
"""The script that inserts the element; pages of other sites name it without a hash, too."""
_HASHED = re.compile(rf"(?P<hash>[0-9a-f]{{{HASH_DIGITS}}})/(?P<name>.+)")
_IMPORTED = re.compile(r'^(?:import|export) .*? from "(\.[^"]+)";', re.MULTILINE | re.DOTALL)

LOOK_SECONDS = 1.0
"""How often it looks whether the files have changed."""

_State = tuple[int, int]


class Address(NamedTuple):
    """What an address below /static/ names.

    Attributes:
        hash: the hash in the address; None for an address without one.
        name: the file in the folder.
    """

    hash: str | None
    name: str


def parse_address(address: str) -> Address:
    """Split an address below /static/ into its hash and the name of the file."""
    found = _HASHED.fullmatch(address)
    return Address(found["hash"], found["name"]) if found else Address(None, address)


def compute_hash(folder: Path) -> str:
    """A hash of the names and the contents of all files in a folder."""
    total = hashlib.sha256()
    for name in _list_files(folder):
        content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()[:HASH_DIGITS]


def list_modules(folder: Path) -> tuple[str, ...]:
    """The modules that the element needs at first, so that all of them can be loaded at once.

    Those that it loads later, by `import()`, are not included.
    """
    found = [ELEMENT]
    for module in found:  # it grows while it is read
        for name in _IMPORTED.findall((folder / module).read_text(encoding="utf-8")):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(module), name))
            if imported not in found:
                found.append(imported)
    return tuple(found)


def build_entry(file_hash: str, modules: tuple[str, ...]) -> str:
    """What is served as ELEMENT without a hash: a module that loads those of the present release.

    It names all of them, so that none waits for another one that imports it.
    """
    lines = [f'import "../{file_hash}/{module}";' for module in reversed(modules)]
    return "\n".join(["// <teaser-chat> of the present release.", *lines, ""])


class StaticFiles:
    """The folder of the files.

    Args:
        folder: where they are.
        clock: seconds, monotonic.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._clock = clock
        self._looked_at = -LOOK_SECONDS
        self._known: _Known | None = None

    @property
    def hash(self) -> str:
        """The hash of the files as they are now."""
        return self._read().hash

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that the element needs at first."""
        return self._read().modules

    def is_immutable(self, address: Address) -> bool:
        """Whether this file will never change at this address."""
        known = self._read()
        return address.hash == known.hash and known.state.get(address.name) == _read_state(
            self.folder / address.name
        )

    def _read(self) -> "_Known":
        # An update replaces files below a running process, and a developer edits them; under the
        # earlier hash, a browser would keep the new content for a year.
        now, known = self._clock(), self._known
        if known is None or now - self._looked_at >= LOOK_SECONDS:
            state = {name: _read_state(self.folder / name) for name in _list_files(self.folder)}
            if known is None or known.state != state:
                known = _Known(state, compute_hash(self.folder), list_modules(self.folder))
            self._known, self._looked_at = known, now
        return known


class _Known(NamedTuple):
    """What was found when the folder was last looked at."""

    state: dict[str, "_State | None"]
    hash: str
    modules: tuple[str, ...]


def _list_files(folder: Path) -> list[str]:
    """The names of a folder's files, in order."""
    return sorted(
        os.path.relpath(os.path.join(top, name), folder)  # noqa: PTH118 - four times as fast
        for top, _, names in os.walk(folder)
        for name in names
    )


def _read_state(file: Path) -> "_State | None":
    """When a file was changed (ns), and its length; None if it is not there."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
