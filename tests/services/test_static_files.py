"""The hash of the pages' files, and what an address with one means."""

from pathlib import Path

import pytest

from services.static_files import (
    ELEMENT,
    LOOK_SECONDS,
    StaticFiles,
    build_entry,
    compute_hash,
    list_modules,
    parse_address,
)
from tests.support.clock import FakeClock

HASH = "0123456789abcdef"
FILES = {
    ELEMENT: 'import { Chat } from "./chat.js";\nimport { ask } from "../api.js";\n',
    "chat/chat.js": 'import {\n  ask,\n} from "../api.js";\nconst late = import("./late.js");\n',
    "chat/late.js": "export const late = 1;\n",
    "api.js": "export const ask = 1;\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few modules."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("address", "file_hash", "name"),
    [
        (f"{HASH}/chat/chat.js", HASH, "chat/chat.js"),
        ("chat/chat.js", None, "chat/chat.js"),
        (f"{HASH[1:]}/chat.js", None, f"{HASH[1:]}/chat.js"),
        (f"{HASH}0/chat.js", None, f"{HASH}0/chat.js"),
        (f"{HASH.upper()}/chat.js", None, f"{HASH.upper()}/chat.js"),
        (f"{HASH}/", None, f"{HASH}/"),
    ],
)
def test_an_address_is_split(address: str, file_hash: str | None, name: str) -> None:
    """Only what looks like our hash is one."""
    assert parse_address(address) == (file_hash, name)


def test_the_hash_is_that_of_every_name_and_content(folder: Path) -> None:
    """Where the folder is and when its files were written changes nothing."""
    first = compute_hash(folder)
    (folder / "api.js").touch()
    assert compute_hash(folder) == first
    (folder / "chat" / "late.js").write_text("export const late = 2;\n")
    changed = compute_hash(folder)
    (folder / "chat" / "late.js").rename(folder / "chat" / "later.js")
    assert len({first, changed, compute_hash(folder)}) == 3


def test_the_entry_loads_every_module_that_is_needed_at_first(folder: Path) -> None:
    """Each by the address with the hash; one that is loaded later is left out."""
    modules = list_modules(folder)
    assert modules == (ELEMENT, "chat/chat.js", "api.js")
    entry = build_entry(HASH, modules)
    assert [line for line in entry.splitlines() if line.startswith("import")] == [
        f'import "../{HASH}/{name}";' for name in ("api.js", "chat/chat.js", ELEMENT)
    ]


def test_a_changed_file_gets_another_hash(folder: Path) -> None:
    """Soon, and what was changed is never said to stay under the earlier one."""
    clock = FakeClock()
    files = StaticFiles(folder, clock=clock)
    before = parse_address(f"{files.hash}/api.js")
    assert files.is_immutable(before)
    (folder / "api.js").write_text("export const ask = 12;\n")
    assert not files.is_immutable(before)
    clock.forward(LOOK_SECONDS)
    assert files.hash == compute_hash(folder) != before.hash
    assert files.is_immutable(parse_address(f"{files.hash}/api.js"))
    assert not files.is_immutable(before)


@pytest.mark.parametrize("address", ["api.js", f"{HASH}/api.js"])
def test_other_addresses_may_change(folder: Path, address: str) -> None:
    """Those without a hash, and those with a hash of another release."""
    assert not StaticFiles(folder).is_immutable(parse_address(address))
