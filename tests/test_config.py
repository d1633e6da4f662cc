"""Settings: defaults, all errors at once, and no secret outside development."""

import dataclasses
from pathlib import Path

import pytest

import config
from config import ConfigError
from services.release import VERSION
from services.sessions.migration.stages import Stage
from services.setting_checks import DEVELOPMENT_AUTH_SECRET, DEVELOPMENT_SECRET
from tests.support.signing import public, rsa_key, write_key_set

NAMES = (
    "DEBUG", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "AUTH_SECRET", "AUTH_SECRET_FALLBACKS",
    "OPS_TOKEN_FALLBACKS", "AUTH_KEY_SET_FILE", "AUTH_AUDIENCE", "AUTH_ISSUER",
    "OPS_TOKEN", "SESSION_STAGE", "REDIS_URL", "SESSION_STORE_URL", "SESSION_TTL",
    "SESSION_TTL_ANALYZED", "SESSION_MAX_BYTES", "MEMORY_MAX_SESSIONS", "REDIS_POOL_SIZE",
    "STATE_MAX_BYTES", "SESSION_SPILL_MAX_BYTES", "MEMORY_MAX_BYTES", "RATE_LIMIT_BYTES_ADDRESS",
    "RATE_LIMIT_BYTES_OWNER",
    "REDIS_TIMEOUT", "SESSION_SPILL_URL", "MAX_REQUEST_BYTES", "SESSION_COOKIE_SECURE", "BIND",
    "EMBED_ORIGINS", "CONVERSATION_MAX_TURNS", "CONVERSATION_MAX_QUESTIONS",
    "RATE_LIMIT_CONVERSATIONS", "RATE_LIMIT_STATES", "RATE_LIMIT_CONTEXTS", "TRUSTED_PROXIES",
    "WEB_CONCURRENCY", "GUNICORN_THREADS", "LOG_LEVEL", "BUILD_COMMIT",
)  # fmt: skip
SECRET = "5f0c2a9e71d84b36c4e1f7a20d95836b"
OTHER_SECRET = "b93e05d7f1264c8aa07d5e12f8c4396b"


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
    for value in (None, "short", DEVELOPMENT_SECRET):
        if value is not None:
            monkeypatch.setenv("SECRET_KEY", value)
        with pytest.raises(ConfigError, match=r"SECRET_KEY: .*secrets\.token_hex"):
            config.load()
    monkeypatch.setenv("SECRET_KEY", SECRET)
    assert config.load().secret_key == SECRET
    assert config.load().cookie_secure is True


GUESSED = (
    *("aaaaaaaaaaaaaaaa", "passwordpassword", "1234567890123456", "0123456789abcdef" * 2),
    *("abcabcabcabcabcabcabc", "qwertyuiopasdfgh", "changeme-changeme", "your-secret-key-here"),
    *("Passw0rd!Passw0rd!", "0000-0000-0000-0000-0000", "                    ", "tiny", ""),
    "token_hex(32) of Python",
    *("$(openssl rand -hex 32)", "openssl rand -hex 32"),
)


@pytest.mark.parametrize("value", GUESSED)
def test_a_secret_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Each secret, and those it replaces; in one line, without the value."""
    monkeypatch.setenv("SECRET_KEY", value)
    monkeypatch.setenv("AUTH_SECRET", SECRET)
    monkeypatch.setenv("OPS_TOKEN", SECRET)
    assert_refused("SECRET_KEY", value)
    monkeypatch.setenv("SECRET_KEY", SECRET)
    if not value.strip():
        return  # none, for those that may be left out
    for name in config.SECRET_LENGTHS:
        monkeypatch.setenv(name, f"{value * 2}")
        assert_refused(name, value * 2)
        monkeypatch.setenv(name, SECRET)


def assert_refused(name: str, value: str) -> str:
    """One line says why there is no start; the value is not in it."""
    with pytest.raises(ConfigError) as refused:
        config.load()
    _, *lines = str(refused.value).splitlines()
    (line,) = lines
    assert line.startswith(f"  {name}: ")
    assert not value.strip() or value not in line
    return line


@pytest.mark.parametrize(
    "bind",
    ["0.0.0.0:8000", ":8000", "[::]:8000", "192.0.2.7:80", "example.com:80", "fd://3",
     "127.0.0.1:8000,0.0.0.0:8001", "[::ffff:192.0.2.7]:80", "localhost.example:80"],
)  # fmt: skip
def test_development_secrets_are_for_this_machine_only(
    monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    """Whoever can be reached by others needs secrets of its own, also with DEBUG."""
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("BIND", bind)
    assert_refused("SECRET_KEY", DEVELOPMENT_SECRET)
    for value in (DEVELOPMENT_SECRET, "aaaaaaaaaaaaaaaa"):
        monkeypatch.setenv("SECRET_KEY", value)
        assert_refused("SECRET_KEY", value)
    monkeypatch.setenv("SECRET_KEY", SECRET)
    assert config.load().auth_secret is None
    monkeypatch.setenv("AUTH_SECRET", DEVELOPMENT_AUTH_SECRET)
    assert_refused("AUTH_SECRET", DEVELOPMENT_AUTH_SECRET)


@pytest.mark.parametrize(
    "bind",
    ["127.0.0.1:8000", "localhost:80", "[::1]:8000", "127.8.9.1:1", "127.1:80", "localhost",
     "unix:/tmp/x.sock", "tcp://127.0.0.1:80", "127.0.0.1:8000,[::1]:8000", "[::ffff:127.0.0.1]:1"],
)  # fmt: skip
def test_a_loopback_address_needs_none(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    """However it is written."""
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("BIND", bind)
    assert config.load().secret_key == DEVELOPMENT_SECRET
    assert config.load().auth_secret == DEVELOPMENT_AUTH_SECRET


@pytest.mark.parametrize(
    "bind",
    ["", "8000", "127.0.0.1:port", "127.0.0.1:99999", "a b:1", "[::1:80", "[1.2.3.4]:80", "unix:",
     "unix:/nowhere/x.sock", "unix:/tmp", "unix:/tmp/" + "x" * 120, "fd://x", "127.0.0.1:80:90",
     "127.0.0.1:80,", "http://127.0.0.1:80"],
)  # fmt: skip
def test_an_address_nobody_can_listen_on_is_refused(
    monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    """At the start, in one line."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("BIND", bind)
    with pytest.raises(ConfigError, match=r"  BIND: [^\n]+\Z"):
        config.load()


def test_earlier_secrets_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With commas, or as JSON where a secret has one; each beside the one that replaces it."""
    for name in ("SECRET_KEY", "AUTH_SECRET", "OPS_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    assert config.load().secret_key_fallbacks == ()
    comma = f"{OTHER_SECRET[:20]},{OTHER_SECRET[20:]}{SECRET}"
    for text, secrets in (
        (OTHER_SECRET, (OTHER_SECRET,)),
        (f" {OTHER_SECRET} , {SECRET}z,", (OTHER_SECRET, f"{SECRET}z")),
        (f'["{comma}"]', (comma,)),
        ("", ()),
        (" ", ()),
    ):
        for name in ("SECRET_KEY", "AUTH_SECRET", "OPS_TOKEN"):
            monkeypatch.setenv(f"{name}_FALLBACKS", text)
        settings = config.load()
        assert settings.secret_key_fallbacks == secrets
        assert settings.auth_secret_fallbacks == secrets
        assert settings.ops_token_fallbacks == secrets


@pytest.mark.parametrize(
    "value", ["[", '["short"]', "[1]", '{"a": 1}', f"{SECRET},short", f"[{SECRET}]"]
)
def test_an_earlier_secret_is_checked_as_well(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """It opens as much as the present one."""
    for name in ("SECRET_KEY", "AUTH_SECRET", "OPS_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    for name in ("SECRET_KEY", "AUTH_SECRET", "OPS_TOKEN"):
        monkeypatch.setenv(f"{name}_FALLBACKS", value)
        assert_refused(f"{name}_FALLBACKS", value)
        monkeypatch.delenv(f"{name}_FALLBACKS")


@pytest.mark.parametrize("name", ["AUTH_SECRET", "OPS_TOKEN"])
def test_earlier_secrets_need_a_present_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Else nothing would be verified, and nobody told."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv(f"{name}_FALLBACKS", SECRET)
    assert f"Set {name} as well" in assert_refused(f"{name}_FALLBACKS", SECRET)


@pytest.mark.parametrize("content", [b"SECRET_KEY=\xff\xfe", None], ids=["no text", "a folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """In one line."""
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match=r"/\.env cannot be read: [^\n]+\Z"):
        config.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("SESSION_STORE_URL", "SESSION_SPILL_URL") for value in (
            *("sqlite:////dev/null/x.db", "sqlite:////proc/none/x.db", "sqlite:////tmp", "memory://x"),
            *("sqlite:///x.db?mode=ro", f"sqlite:////tmp/{'x' * 300}", "sqlite://host/x.db"),
        )),
        ("SESSION_STORE_URL", f"sqlite:///{__file__}"),
        *(("WEB_CONCURRENCY", value) for value in ("a", "", "2.5", "0", "-1", "2147483647")),
        *(("REDIS_TIMEOUT", value) for value in ("nan", "inf", "a", "", "0")),
        *(("REDIS_POOL_SIZE", value) for value in ("2147483647", "a")),
        *(("RATE_LIMIT_STATES", value) for value in ("60", "5 per", "1/second;x", "9" * 5000)),
        *(("EMBED_ORIGINS", value) for value in ("https://a:99999", "https://a\nb", "https://[::1")),
        *(("AUTH_KEY_SET_FILE", value) for value in ("/dev", "/dev/zero", "x" * 5000, "/nope")),
        *(("AUTH_SECRET", value) for value in ("\udcff" * 40, SECRET + "\n" + SECRET)),
        ("SECRET_KEY", f"{SECRET}\udcff"),
        ("SESSION_STAGE", "x\ny"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Every setting is tried before anything starts, as far as that goes without a server."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    if name == "SESSION_SPILL_URL":
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"prevent the start:\n  {name}: [^\n]+\Z"):
        config.load()


def test_a_folder_nobody_named_is_tried_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`instance/` beside the application, where what is not set is kept."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    (tmp_path / "instance").write_text("in the way")
    with pytest.raises(ConfigError, match=r"\n  SESSION_STORE_URL: .*cannot be written"):
        config.load()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    with pytest.raises(ConfigError, match=r"\n  SESSION_SPILL_URL: .*cannot be written"):
        config.load()


def test_trying_makes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder, no file; and a spill that is unreadable is put aside later, while serving."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    config.load()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "spill.db").write_text("no database")
    config.load()


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
    assert config.load().auth_secret == DEVELOPMENT_AUTH_SECRET
    file = tmp_path / "keys.json"
    write_key_set(file, public(rsa_key()))
    monkeypatch.setenv("AUTH_KEY_SET_FILE", str(file))
    assert config.load().auth_secret is None
    monkeypatch.delenv("AUTH_KEY_SET_FILE")
    monkeypatch.delenv("DEBUG")
    monkeypatch.setenv("SECRET_KEY", SECRET)
    for value in (DEVELOPMENT_AUTH_SECRET, SECRET[:31], " " * 32):
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
    monkeypatch.setenv("SECRET_KEY", f"{SECRET}-secret")
    monkeypatch.setenv("AUTH_SECRET", f"{SECRET}-secret")
    monkeypatch.setenv("OPS_TOKEN", f"{SECRET}-secret")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{OTHER_SECRET}-secret")
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
