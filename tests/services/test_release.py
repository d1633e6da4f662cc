"""The release: one version, and the commit where there is a checkout."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from services.release import VERSION, describe_release
from tests.support.servers import ROOT, program


def run_git(folder: Path, *words: str) -> str:
    """What git prints in a folder."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    command = [program("git"), "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_there_is_one_version() -> None:
    """pyproject.toml takes it from the module."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    attribute = project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert attribute == "services.release.VERSION"


def test_without_a_checkout_it_is_the_version(tmp_path: Path) -> None:
    """Also below one, and where the checkout is broken."""
    assert describe_release("", tmp_path) == VERSION
    (tmp_path / ".git").write_text("gitdir: nowhere")
    assert describe_release("", tmp_path) == VERSION


def test_a_checkout_knows_its_commit(tmp_path: Path) -> None:
    """And whether anything was changed since; a commit that is named counts more."""
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    run_git(tmp_path, "add", "file")
    run_git(tmp_path, "commit", "--quiet", "--message", "One")
    run_git(tmp_path, "tag", "--annotate", "--message", "First", "v1")
    commit = run_git(tmp_path, "rev-parse", "--short", "HEAD")
    assert describe_release("", tmp_path) == f"{VERSION}+{commit}"
    (tmp_path / "file").write_text("two")
    assert describe_release("", tmp_path) == f"{VERSION}+{commit}-dirty"
    assert describe_release("4f2c1ab", tmp_path) == f"{VERSION}+4f2c1ab"
    (tmp_path / "inside").mkdir()
    assert describe_release("", tmp_path / "inside") == VERSION


def test_without_git_it_is_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image has none."""
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_release("", tmp_path) == VERSION
