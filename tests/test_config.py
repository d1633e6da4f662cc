"""Settings: defaults, all errors at once, and no secret outside development."""

import dataclasses
from pathlib import Path

import pytest

import config
from config import ConfigError
from services.release import VERSION
from services.sessions.migration.stages import Stage
from tests.support.signing import public, rsa_key, write_key_set

NAMES = (
    "DEBUG", "SECRET_KEY", "AUTH_SECRET", "AUTH_KEY_SET_FILE", "AUTH_AUDIENCE", "AUTH_ISSUER",
    "OPS_TOKEN", "SESSION_STAGE", "REDIS_URL", "SESSION_STORE_URL", "SESSION_TTL",
    "SESSION_TTL_ANALYZED", "SESSION_MAX_BYTES", "MEMORY_MAX_SESSIONS", "REDIS_POOL_SIZE",
    "STATE_MAX_BYTES", "SESSION_SPILL_MAX_BYTES", "MEMORY_MAX_BYTES", "RATE_LIMIT_BYTES_ADDRESS",
    "RATE_LIMIT_BYTES_OWNER",
    "REDIS_TIMEOUT", "SESSION_SPILL_URL", "MAX_REQUEST_BYTES", "SESSION_COOKIE_SECURE", "BIND",
    "EMBED_ORIGINS",
    "RATE_LIMIT_CONVERSATIONS", "RATE_LIMIT_STATES", "RATE_LIMIT_CONTEXTS", "TRUSTED_PROXIES",
    "WEB_CONCURRENCY", "GUNICORN_THREADS", "LOG_LEVEL", "BUILD_COMMIT",
)  # fmt: skip
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, and no .env, reaches a test."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(config, "ROOT", tmp_path)


def test_development_needs_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DEBUG alone serves, from a file in instance/."""
    monkeypatch.setenv("DEBUG", "true")
    settings = config.load()
    assert settings.store_url == f"sqlite:///{tmp_path / 'instance' / 'sessions.db'}"
    assert settings.stage is None
    assert (settings.session_ttl, settings.session_ttl_analyzed) == (3600, 86_400)
    assert settings.session_max_bytes == 1_048_576
    assert settings.cookie_secure is False


def test_a_deployment_needs_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, with a short one, and with the development's, it does not start."""
    for value in (None, "short", config.DEVELOPMENT_SECRET):
        if value is not None:
            monkeypatch.setenv("SECRET_KEY", value)
        with pytest.raises(ConfigError, match=r"SECRET_KEY: .*secrets\.token_hex"):
            config.load()
    monkeypatch.setenv("SECRET_KEY", SECRET)
    assert config.load().secret_key == SECRET
    assert config.load().cookie_secure is True


def test_all_errors_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start names everything that is wrong."""
    wrong = {
        "AUTH_SECRET": "short",
        "AUTH_KEY_SET_FILE": "/dev/null/keys.json",
        "AUTH_AUDIENCE": " ",
        "OPS_TOKEN": "short",
        "SESSION_STAGE": "sometimes",
        "REDIS_URL": "http://127.0.0.1",
        "SESSION_TTL": "0",
        "REDIS_TIMEOUT": "1.1",
        "SESSION_SPILL_URL": "redis://127.0.0.1:6379/0",
        "RATE_LIMIT_CONVERSATIONS": "often",
        "RATE_LIMIT_STATES": "0 per minute",
        "RATE_LIMIT_CONTEXTS": "5 per 99999999999 years",
        "RATE_LIMIT_BYTES_ADDRESS": "-1",
        "RATE_LIMIT_BYTES_OWNER": "much",
        "STATE_MAX_BYTES": "0",
        "SESSION_SPILL_MAX_BYTES": "1048575",
        "MEMORY_MAX_BYTES": "1",
        "TRUSTED_PROXIES": "11",
        "WEB_CONCURRENCY": "many",
        "LOG_LEVEL": "LOUD",
        "SESSION_COOKIE_SECURE": "perhaps",
        "EMBED_ORIGINS": "https://shop.example, *",
        "BUILD_COMMIT": "not a commit",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refused:
        config.load()
    for name in (*wrong, "SECRET_KEY"):
        assert f"{name}:" in str(refused.value)


def test_every_stage_can_be_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """All six; without the setting the stage is followed."""
    monkeypatch.setenv("DEBUG", "1")
    assert config.load().stage is None
    for stage in Stage:
        monkeypatch.setenv("SESSION_STAGE", stage.value)
        assert config.load().stage is stage


def test_an_unknown_stage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names those there are."""
    monkeypatch.setenv("DEBUG", "1")
    monkeypatch.setenv("SESSION_STAGE", "sometimes")
    with pytest.raises(ConfigError, match="is no stage; use off, dualwrite, shadow, live,"):
        config.load()


def test_one_engine_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two URLs would leave it open which one holds the conversations."""
    monkeypatch.setenv("DEBUG", "1")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    assert config.load().store_url == "redis://127.0.0.1:6379/0"
    monkeypatch.setenv("SESSION_STORE_URL", "memory://")
    with pytest.raises(ConfigError, match="set one of the two"):
        config.load()
    monkeypatch.delenv("REDIS_URL")
    assert config.load().store_url == "memory://"


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "redis://127.0.0.1:port/0"])
def test_a_url_no_engine_understands_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """At the start, not at the first conversation."""
    monkeypatch.setenv("DEBUG", "1")
    monkeypatch.setenv("SESSION_STORE_URL", url)
    with pytest.raises(ConfigError, match="SESSION_STORE_URL"):
        config.load()


def test_redis_has_a_spill_on_this_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a file unless another place is named; an engine of this host needs none."""
    monkeypatch.setenv("DEBUG", "1")
    assert config.load().spill_url is None
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    assert config.load().spill_url == f"sqlite:///{tmp_path / 'instance' / 'spill.db'}"
    monkeypatch.setenv("SESSION_SPILL_URL", "memory://")
    assert config.load().spill_url == "memory://"
    for elsewhere in ("redis://127.0.0.1:6379/1", "file.db", "sqlite://"):
        monkeypatch.setenv("SESSION_SPILL_URL", elsewhere)
        with pytest.raises(ConfigError, match="SESSION_SPILL_URL"):
            config.load()


def test_a_file_fills_what_the_environment_leaves_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment wins over `.env`."""
    (tmp_path / ".env").write_text(f"SECRET_KEY={SECRET}\nSESSION_TTL=60\nLOG_LEVEL=ERROR\n")
    monkeypatch.setenv("SESSION_TTL", "120")
    settings = config.load()
    assert (settings.secret_key, settings.session_ttl, settings.log_level) == (SECRET, 120, "ERROR")


def test_nobody_embeds_the_chat_but_who_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not an exact origin prevents the start, and is named."""
    monkeypatch.setenv("DEBUG", "1")
    assert config.load().embed_origins == frozenset()
    monkeypatch.setenv("EMBED_ORIGINS", "https://shop.example, http://localhost:3000")
    assert config.load().embed_origins == {"https://shop.example", "http://localhost:3000"}
    monkeypatch.setenv("EMBED_ORIGINS", "https://shop.example,https://*.example,null")
    with pytest.raises(ConfigError, match=r"EMBED_ORIGINS: .*'https://\*\.example', 'null'\."):
        config.load()


def test_tokens_are_verified_with_what_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A secret or a key set; without either nothing is, and the service starts all the same."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    settings = config.load()
    assert (settings.auth_secret, settings.auth_key_set_file) == (None, None)
    assert (settings.auth_audience, settings.auth_issuer) == ("teaser-chat", None)
    monkeypatch.setenv("AUTH_SECRET", SECRET)
    monkeypatch.setenv("AUTH_ISSUER", "https://login.example")
    assert config.load().auth_secret == SECRET
    assert config.load().auth_issuer == "https://login.example"
    monkeypatch.setenv("AUTH_SECRET", "")
    file = tmp_path / "keys.json"
    write_key_set(file, public(rsa_key()))
    monkeypatch.setenv("AUTH_KEY_SET_FILE", str(file))
    assert config.load().auth_key_set_file == str(file)
    monkeypatch.setenv("AUTH_SECRET", SECRET)
    with pytest.raises(ConfigError, match=r"AUTH_SECRET: .*set one of the two"):
        config.load()


def test_only_development_has_a_built_in_secret_for_tokens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A deployment that names it does not start, and a key set takes its place."""
    monkeypatch.setenv("DEBUG", "1")
    assert config.load().auth_secret == config.DEVELOPMENT_AUTH_SECRET
    file = tmp_path / "keys.json"
    write_key_set(file, public(rsa_key()))
    monkeypatch.setenv("AUTH_KEY_SET_FILE", str(file))
    assert config.load().auth_secret is None
    monkeypatch.delenv("AUTH_KEY_SET_FILE")
    monkeypatch.delenv("DEBUG")
    monkeypatch.setenv("SECRET_KEY", SECRET)
    for value in (config.DEVELOPMENT_AUTH_SECRET, SECRET[:31], " " * 32):
        monkeypatch.setenv("AUTH_SECRET", value)
        with pytest.raises(ConfigError, match=r"AUTH_SECRET: .*at least 32 .*secrets\.token_hex"):
            config.load()


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"keys":[]}', '{"keys":[{"kty":"oct"}]}'])
def test_a_key_set_without_a_usable_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    """At the start; a file that is not there as well."""
    monkeypatch.setenv("DEBUG", "1")
    file = tmp_path / "keys.json"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("AUTH_KEY_SET_FILE", str(file))
    with pytest.raises(ConfigError, match=r"AUTH_KEY_SET_FILE: It cannot be used: "):
        config.load()


def test_the_operators_page_is_off_unless_its_token_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In development as well; a token has a length and goes into a header."""
    monkeypatch.setenv("DEBUG", "1")
    assert config.load().ops_token is None
    monkeypatch.setenv("OPS_TOKEN", "")
    assert config.load().ops_token is None
    monkeypatch.setenv("OPS_TOKEN", SECRET[:16])
    assert config.load().ops_token == SECRET[:16]
    for value in (SECRET[:15], " " * 16, "two words, one token", "é" * 16):
        monkeypatch.setenv("OPS_TOKEN", value)
        with pytest.raises(ConfigError, match=r"OPS_TOKEN: .*at least 16 .*secrets\.token_hex"):
            config.load()


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when settings are printed nor when they are refused."""
    secrets = {
        "SECRET_KEY": "first-secret",
        "AUTH_SECRET": "second-secret",
        "OPS_TOKEN": "a-secret",
        "SESSION_STORE_URL": "sqlserver://user:third-secret@127.0.0.1",
        "REDIS_URL": "redis://user:third-secret@127.0.0.1:port/0",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refused:
        config.load()
    assert str(refused.value).count("\n") == len(secrets)
    assert "-secret" not in str(refused.value)
    monkeypatch.setenv("SECRET_KEY", "first-secret" * 4)
    monkeypatch.setenv("AUTH_SECRET", "second-secret" * 4)
    monkeypatch.setenv("OPS_TOKEN", "fourth-secret" * 4)
    monkeypatch.delenv("SESSION_STORE_URL")
    monkeypatch.setenv("REDIS_URL", "redis://user:third-secret@127.0.0.1:6379/0")
    settings = config.load()
    assert "third-secret" in settings.store_url
    assert "-secret" not in f"{settings} {settings!r}"
    line = config.describe_start(settings, Stage.COMPLETE, 2)
    assert "-secret" not in line
    assert "engine redis://127.0.0.1:6379/0, stage complete, spill sqlite:///" in line


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0?password=s3cret", "redis://127.0.0.1:6379/0"),
        ("redis://:s3cret@[::1]:6379", "redis://[::1]:6379"),
        ("rediss://ann:s3@cret@db.example", "rediss://db.example"),
        ("redis://:s3/cret@db.example", "redis://..."),
        ("redis://:s3?cret@db.example", "redis://..."),
        ("redis://db.example?password=s3@cret", "redis://..."),
        ("unix://:s3cret@/run/redis.sock?db=0", "unix:///run/redis.sock"),
        ("memory://", "memory://"),
    ],
)
def test_the_start_line_has_no_password(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    """Wherever the URL hides one, also where it was not encoded as it should be."""
    monkeypatch.setenv("DEBUG", "1")
    monkeypatch.setenv("SESSION_STAGE", "off")
    settings = dataclasses.replace(config.load(), store_url=url)
    assert config.describe_start(settings, Stage.OFF, 1) == (
        f"teaser chat {VERSION}: engine {shown}, stage off (pinned), spill none,"
        " workers 1 x 8 threads"
    )


def test_a_build_may_name_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an image has no checkout to ask."""
    monkeypatch.setenv("DEBUG", "1")
    assert config.load().release == VERSION
    monkeypatch.setenv("BUILD_COMMIT", "4f2c1ab")
    assert config.load().release == f"{VERSION}+4f2c1ab"
