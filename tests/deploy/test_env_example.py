"""deploy/.env.example: every setting of config.py and compose.yaml, and no other."""

import re

import pytest
from environs import Env

import config
from tests.support.servers import ROOT

EXAMPLE = (ROOT / "deploy" / ".env.example").read_text(encoding="utf-8")
NAMED = re.findall(r"^#?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE)
COMPOSED = set(
    re.findall(r"\$\{(\w+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What config.py reads from the environment."""
    names: set[str] = set()

    class Remembering(Env):
        def seal(self) -> None:
            names.update(self.dump())
            super().seal()

    monkeypatch.setattr(config, "Env", Remembering)
    monkeypatch.setenv("DEBUG", "true")
    config.load()
    return names


def test_every_name_in_it_means_something(read: set[str]) -> None:
    """To config.py, or to compose.yaml."""
    assert len(NAMED) == len(set(NAMED))
    assert set(NAMED) <= read | COMPOSED


def test_every_setting_is_in_it(read: set[str]) -> None:
    """config.py's and compose.yaml's."""
    assert {"SECRET_KEY", "REDIS_URL", "SESSION_TTL", "RATE_LIMIT_STATES"} <= read
    assert read | COMPOSED <= set(NAMED)


def test_every_setting_is_documented(read: set[str]) -> None:
    """With its default and its meaning, and none that does not exist."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == read


def test_it_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set to what it shows, a setting changes nothing."""
    for name in NAMED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRET_KEY", "a secret for the tests only")
    usual = config.load()
    shown = re.findall(r"^#([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE)
    assert len(shown) > 15
    for name, value in shown:
        if name not in COMPOSED | {"REDIS_URL", "SESSION_SPILL_URL"}:
            monkeypatch.setenv(name, value)
    assert config.load() == usual
