"""What the documents name exists: links, files, commands, routes, error codes, labels."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient

from routes.errors import BY_CODE
from tests.support.markdown import (
    DOCUMENTS,
    anchors,
    blocks,
    links,
    read,
    rows,
    section,
    spans,
)
from tests.support.servers import ROOT

HTTP_API = read(ROOT / "docs" / "http-api.md")
OPERATIONS = read(ROOT / "docs" / "operations.md")
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|js|css|lua|toml|md|conf|yml|yaml|txt|svg|html))")
"""What looks like a file or a folder of the project."""
ELSEWHERE = {"instance/", "tests/artifacts/"}
"""What a running service, or a test, creates."""
UNLISTED = re.compile(r"/(static/.*|docs/.*)?")
"""Addresses that only lead to a page, or serve a file of one."""

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Every file and folder of the project, folders with `/` at the end, each below `/`."""
    tops = [top for top in ROOT.iterdir() if top.name[0] != "." and top.name != "instance"]
    found = [path for top in tops for path in (top, *top.rglob("*"))]
    return [f"/{path.relative_to(ROOT)}{'/' * path.is_dir()}" for path in found]


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    """To a file beside the page, and to a heading in it."""
    for link in links(read(document)):
        page, _, anchor = link.partition("#")
        if not page.startswith("https://"):
            target = document.parent / page if page else document
            assert target.is_file(), link
            assert not anchor or anchor in anchors(read(target)), link


def test_every_page_is_linked_from_the_readme() -> None:
    """A page that is not would never be found."""
    linked = {link.partition("#")[0] for link in links(read(ROOT / "README.md"))}
    pages = {str(page.relative_to(ROOT)) for page in DOCUMENTS} - {"README.md"}
    assert pages <= linked


@each_document
def test_every_file_that_is_named_exists(document: Path, files: list[str]) -> None:
    """In the folder its row begins with, if that is one; by the end of its path elsewhere."""
    for line in read(document).splitlines():
        named = [span for span in spans(line) if FILE.fullmatch(span) and span not in ELSEWHERE]
        folder = f"/{named[0]}" if named and line.startswith(f"| `{named[0]}`") else "/"
        if not folder.endswith("/") or folder not in files:
            folder = "/"
        for name in named:
            assert f"/{name}" in files or any(
                file.startswith(folder) and file.endswith(f"/{name}") for file in files
            ), f"{name} in {folder}"


def commands(document: Path, program: str) -> Iterator[list[str]]:
    """The words after a program's name, wherever a page tells to run it."""
    text = read(document)
    for code in [*spans(text), *blocks(text, "sh")]:
        for found in re.findall(rf"(?:^|[ (]){program} ([^\n#|`)]+)", code, re.MULTILINE):
            yield found.split()


@each_document
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    """As `make help` lists them."""
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert {command[0] for command in commands(document, "make")} <= targets


@each_document
def test_every_flask_command_that_is_named_exists(document: Path, app: Flask) -> None:
    """With the options it is given."""
    for words in commands(document, "flask"):
        found: click.Command = app.cli
        while words and isinstance(found, click.Group):
            assert words[0] in found.commands, words
            found = found.commands[words.pop(0)]
        options = {name for parameter in found.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}


@each_document
def test_every_import_that_is_named_works(document: Path) -> None:
    """As in `from module import name`."""
    for module, name in re.findall(r"`from ([\w.]+) import (\w+)`", read(document)):
        assert hasattr(importlib.import_module(module), name)


def test_every_route_is_listed(app: Flask) -> None:
    """With its methods, and none that does not exist."""
    listed = {
        (method, path)
        for methods, *_ in rows(section(HTTP_API, "Routes"))
        for path in re.findall(r"`(/[^`]*)`", methods)
        for method in re.findall(r"\b[A-Z]{3,}\b", methods)
    }
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not UNLISTED.fullmatch(rule.rule)
    }
    assert listed == served


def test_every_member_of_readyz_is_listed(client: FlaskClient) -> None:
    """And none that does not exist; `reason` is there when the engine does not answer."""
    names = " ".join(row[0] for row in rows(section(OPERATIONS, "Readiness"))[2:])
    members = client.get("/readyz").get_json().keys()
    assert set(re.findall(r"`(\w+)`", names)) == members | {"reason"}


def test_every_error_code_is_listed() -> None:
    """And none that does not exist."""
    codes = " ".join(row[1] for row in rows(section(HTTP_API, "Errors"))[2:])
    assert set(re.findall(r"`(\w+)`", codes)) == set(BY_CODE)


def test_the_picture_has_the_words_of_the_page() -> None:
    """Its labels are the element's own."""

    def texts(of: Any) -> set[str]:
        return set().union(*map(texts, of.values())) if isinstance(of, dict) else {of}

    labels = re.findall(r'class="label"[^>]*>([^<]+)<', read(ROOT / "docs" / "page.svg"))
    assert len(labels) >= 5
    assert set(labels) <= texts(json.loads(read(ROOT / "static/chat/texts/en.json")))
