"""The folder from which nginx serves: complete, readable, and with the releases before."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from services.site_files import RELEASES_KEPT, describe_origins, publish_site
from services.static_files import ELEMENT, SCRIPT, compute_hash
from tests.support.servers import ROOT

LONGEST = 1_000_000


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A copy of the static folder, which only its owner may read."""
    copy = Path(shutil.copytree(ROOT / "static", tmp_path / "static"))
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copy


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Where it is published."""
    return tmp_path / "site"


def publish(site: Path, static: Path) -> str:
    """Publish it for nobody else's pages."""
    return publish_site(site, static, origins=(), longest_body=LONGEST)


def release(site: Path, static: Path, name: str) -> str:
    """Publish a release that differs from all others."""
    (static / "release.txt").write_text(name)
    return publish(site, static)


def releases(site: Path) -> set[str]:
    """The hashes that are served."""
    return {path.name for path in (site / "static").iterdir()} - {"chat"}


def test_every_file_is_there_and_another_user_may_read_it(site: Path, static: Path) -> None:
    """Whatever umask and modes there are."""
    before = os.umask(0o077)
    try:
        file_hash = publish(site, static)
    finally:
        os.umask(before)
    assert compute_hash(site / "static" / file_hash) == compute_hash(static) == file_hash
    for path in (site, *site.rglob("*")):
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_the_addresses_in_other_peoples_pages_lead_to_the_present_release(
    site: Path, static: Path
) -> None:
    """The script as it is, the element as a module that loads it."""
    for name in ("first", "second"):
        file_hash = release(site, static, name)
        entry = (site / "static" / ELEMENT).read_text()
        assert f'import "../{file_hash}/{ELEMENT}";' in entry
        assert entry.count("import ") == entry.count(file_hash)
    assert (site / "static" / SCRIPT).read_text() == (static / SCRIPT).read_text()


def test_the_releases_before_stay(site: Path, static: Path) -> None:
    """Also when the present one is published again and again, and after going back."""
    known = [release(site, static, f"{number}") for number in range(RELEASES_KEPT + 1)]
    for _ in range(2 * RELEASES_KEPT):
        publish(site, static)
    assert releases(site) == set(known[1:])
    assert release(site, static, "1") == known[1]  # going back
    assert releases(site) == set(known[1:])
    new = release(site, static, "new")
    assert {new, known[1]} <= releases(site)
    assert len(releases(site)) == RELEASES_KEPT


def test_nothing_half_written_is_left(site: Path, static: Path) -> None:
    """Neither after publishing, nor where it could not be finished."""
    publish(site, static)
    (static / SCRIPT).unlink()
    with pytest.raises(OSError, match=r"embed\.js"):
        publish(site, static)
    assert not [path for path in site.rglob("*") if path.name.startswith(".")]


def test_the_settings_are_written_for_nginx(site: Path, static: Path) -> None:
    """One number, and each origin with its own letter case."""
    publish_site(site, static, origins=["https://shop.example"], longest_body=LONGEST)
    assert (site / "nginx" / "server.conf").read_text() == f"client_max_body_size {LONGEST};\n"
    assert (site / "nginx" / "http.conf").read_text() == describe_origins(["https://shop.example"])
    assert r'"~^https://shop\.example$" $http_origin;' in describe_origins(["https://shop.example"])
    assert '"Origin"' not in describe_origins([])
