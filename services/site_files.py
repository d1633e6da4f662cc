"""What nginx needs of a release, in one folder: the pages' files, and the settings that both share.

    static/<hash>/      the files of this release and of some before it
    static/chat/        the two files that pages of other sites name
    nginx/http.conf     who may embed the chat
    nginx/server.conf   how long a request's body may be

nginx reads the folder; only `flask site publish` writes it.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from services.static_files import (
    ELEMENT,
    HASH_DIGITS,
    SCRIPT,
    build_entry,
    compute_hash,
    list_modules,
)

RELEASES_KEPT = 3
"""This release and those before it, for pages that were opened earlier."""
_HASH = re.compile(rf"[0-9a-f]{{{HASH_DIGITS}}}")
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644
"""nginx runs as another user."""


def publish_site(site: Path, static: Path, *, origins: Iterable[str], longest_body: int) -> str:
    """Write the folder of nginx, or bring it up to date, and return the hash of the files.

    Each file is replaced at once, so that nginx may serve meanwhile.

    Args:
        site: the folder.
        static: the static folder of the release.
        origins: the sites that may embed the chat.
        longest_body: bytes of the longest body that the application reads.

    Raises:
        OSError: it cannot be written.
    """
    published = site / "static"
    _make_folder(published / "chat")
    _make_folder(site / "nginx")
    file_hash = _copy_release(static, published)
    entry = build_entry(file_hash, list_modules(published / file_hash))
    _replace(published / SCRIPT, (published / file_hash / SCRIPT).read_text(encoding="utf-8"))
    _replace(published / ELEMENT, entry)
    _remove_old_releases(published, file_hash)
    _replace(site / "nginx" / "http.conf", describe_origins(origins))
    _replace(site / "nginx" / "server.conf", f"client_max_body_size {longest_body};\n")
    return file_hash


def describe_origins(origins: Iterable[str]) -> str:
    """The sites that may embed the chat, as nginx's maps.

    `$embedding_origin` is the origin of an embedding page that sent a request, by the same rule as
    in the application, and `$embedding_vary` what such an answer depends on.
    """
    # By patterns, because nginx compares plain texts without regard to case.
    listed = [f'    "~^{re.escape(origin)}$" $http_origin;' for origin in sorted(origins)]
    lines = [
        "map $http_origin $listed_origin {",
        '    default "";',
        *listed,
        "}",
        'map "$http_origin $http_host" $embedding_origin {',
        r'    "~*^[a-z]+://(\S+) \1$" "";',
        "    default $listed_origin;",
        "}",
        "map $host $embedding_vary {",
        f'    default "{"Origin" if listed else ""}";',
        "}",
    ]
    return "\n".join([*lines, ""])


def _copy_release(static: Path, published: Path) -> str:
    """Copy the files into the folder named by their hash, if that is not there yet."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=published) as folder:
        copy = Path(shutil.copytree(static, Path(folder) / "files"))
        for path in (copy, *copy.rglob("*")):
            path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
        # Of the copy, because an update may be changing the files at this moment.
        file_hash = compute_hash(copy)
        target = published / file_hash
        if not target.exists():
            copy.rename(target)
    os.utime(target)  # the newest is the present one, also after going back to it
    return file_hash


def _remove_old_releases(published: Path, present: str) -> None:
    folders = [path for path in published.iterdir() if _HASH.fullmatch(path.name)]
    folders.sort(key=lambda path: (path.name == present, path.stat().st_mtime_ns), reverse=True)
    for path in folders[RELEASES_KEPT:]:
        shutil.rmtree(path)


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    folder.parent.chmod(_FOLDER_MODE)


def _replace(file: Path, text: str) -> None:
    """Write a file that nginx may be reading."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(_FILE_MODE)
    new.replace(file)
