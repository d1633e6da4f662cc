"""All settings, read once from the environment and frozen; the only reader of the environment.

Configuration errors are reported at startup, all at once, one line each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, ValidationError, validate

from services.keyspaces import SESSION_TTL_ANALYZED, STATE_MAX_BYTES
from services.listening import are_local, check_addresses
from services.origins import parse_origins
from services.rate_limits import parse_limit
from services.release import VERSION, describe_release
from services.secret_strength import SECRET_LENGTH, parse_secrets
from services.sessions.keyspaces import SESSION_TTL
from services.sessions.migration.stages import Stage, parse_stage
from services.sessions.outage.spill import MAX_BYTES as SPILL_MAX_BYTES
from services.sessions.repository import SESSION_MAX_BYTES
from services.sessions.stores import TIMEOUT
from services.sessions.stores.memory import MAX_BYTES as MEMORY_MAX_BYTES
from services.setting_checks import (
    CHECK_COMMIT,
    CHECK_NOT_BLANK,
    DEVELOPMENT_AUTH_SECRET,
    DEVELOPMENT_SECRET,
    build_check,
    check_auth_secret,
    check_ops_token,
    check_redis_url,
    check_secret_key,
    check_spill_url,
    check_timeout,
    check_url,
    is_redis,
    open_key_set,
)
from services.teaser_chat.turns import MOST_QUESTIONS, MOST_TURNS
from services.token_keys import SECRET_LENGTH as AUTH_SECRET_LENGTH
from services.tokens import AUDIENCE

ROOT = Path(__file__).resolve().parent

LARGEST = 2**31 - 1
LARGEST_FILE = 2**40
"""Bytes: a limit beyond what any host of this service has."""
SMALLEST_STORE = 1_048_576
"""Bytes: the least that the spill or the dict is of any use with."""
LONGEST_REQUEST_TIMEOUT = 300.0
RANDOM_HINT = (
    "Use a random text of at least {} characters,"
    " such as `python3 -c 'import secrets; print(secrets.token_hex())'` prints."
)
PRIVATE_HINT = "The one that DEBUG has built in serves where BIND is a loopback address only."
SECRET_LENGTHS = {
    "SECRET_KEY": SECRET_LENGTH,
    "SECRET_KEY_FALLBACKS": SECRET_LENGTH,
    "AUTH_SECRET": AUTH_SECRET_LENGTH,
    "AUTH_SECRET_FALLBACKS": AUTH_SECRET_LENGTH,
    "OPS_TOKEN": SECRET_LENGTH,
    "OPS_TOKEN_FALLBACKS": SECRET_LENGTH,
}
REFUSED = "These settings prevent the start:"
MOST_PROXIES = 10
MOST_AT_ONCE = 10_000
"""The most connections, processes or threads; Redis itself takes no more clients by default."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class ConfigError(Exception):
    """The environment does not describe a deployment that can start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; those that may hold a secret are left out of `repr`.

    Attributes:
        debug: development on one machine: built-in secrets, cookies without TLS.
        secret_key: signs the browsers' cookies.
        secret_key_fallbacks: verify them as well, while the secret is being replaced.
        auth_secret: verifies bearer tokens (HS256); None if it is not used.
        auth_secret_fallbacks: verify them as well, as above.
        auth_key_set_file: public keys that verify bearer tokens (RS256); None if not used.
        auth_audience: the audience that bearer tokens must name.
        auth_issuer: the issuer they must name; None accepts any.
        ops_token: opens the operators' page; None turns the page off.
        ops_token_fallbacks: open it as well, as above.
        stage: the stage that SESSION_STAGE pins; None to follow the one in the engine.
        store_url: the engine; see services.sessions.stores.SCHEMES. It may hold a password.
        spill_url: where this host keeps writes while the engine is down; None for no spill.
        session_ttl: seconds a conversation lives after its last use.
        session_ttl_analyzed: the same once it is analysed.
        session_max_bytes: the longest session document.
        state_max_bytes: the longest saved state of a front end.
        session_spill_max_bytes: the most the spill of this host may take.
        memory_max_sessions: the most sessions kept in a process.
        memory_max_bytes: the most bytes they may take.
        conversation_max_turns: the most messages and corrections of a conversation.
        conversation_max_questions: the most questions about its results.
        redis_pool_size: the most Redis connections of one worker.
        redis_timeout: seconds to wait for a connection to Redis, and for its reply.
        max_request_bytes: the longest request body.
        request_timeout: seconds in which the whole of a request has to arrive.
        cookie_secure: whether cookies travel over TLS only.
        embed_origins: the sites that may embed the chat, each exactly as a browser sends it.
        rate_limit_conversations: how often one address may start a conversation; None: no limit.
        rate_limit_states: how often one address may save its state or its current conversation.
        rate_limit_contexts: how often one user may change contexts.
        rate_limit_bytes_address: the bytes one address may store in an hour; 0: no limit.
        rate_limit_bytes_owner: the bytes one browser, or one user of a tenant, may store.
        trusted_proxies: how many proxies in front add the client to X-Forwarded-For.
        bind: the address and port gunicorn listens on.
        workers: the processes gunicorn starts.
        threads: the requests each of them serves at once.
        log_level: DEBUG, INFO, WARNING or ERROR.
        release: the version, with the commit where it is known.
    """

    debug: bool
    secret_key: str = field(repr=False)
    auth_secret: str | None = field(repr=False)
    auth_key_set_file: str | None
    auth_audience: str
    auth_issuer: str | None
    ops_token: str | None = field(repr=False)
    stage: Stage | None
    store_url: str = field(repr=False)
    spill_url: str | None
    session_ttl: int
    session_ttl_analyzed: int
    session_max_bytes: int
    state_max_bytes: int
    session_spill_max_bytes: int
    memory_max_sessions: int
    memory_max_bytes: int
    conversation_max_turns: int
    conversation_max_questions: int
    redis_pool_size: int
    redis_timeout: float
    max_request_bytes: int
    request_timeout: float
    cookie_secure: bool
    embed_origins: frozenset[str]
    rate_limit_conversations: str | None
    rate_limit_states: str | None
    rate_limit_contexts: str | None
    rate_limit_bytes_address: int
    rate_limit_bytes_owner: int
    trusted_proxies: int
    bind: str
    workers: int
    threads: int
    log_level: str
    release: str = VERSION
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    auth_secret_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    ops_token_fallbacks: tuple[str, ...] = field(default=(), repr=False)

    @property
    def longest_body(self) -> int:
        """Bytes of the longest request body that any route reads, and so that nginx passes on."""
        return max(self.max_request_bytes, self.session_max_bytes)


def load() -> Settings:
    """Read the environment, and `.env` beside this file for what the environment does not set.

    Raises:
        ConfigError: one line for each setting that is missing or wrong.
    """
    env = Env(eager=False)  # collects all errors until `seal`
    _read_file(env, ROOT / ".env")
    debug = bool(env.bool("DEBUG", default=False))
    bind = env.str(
        "BIND", default="127.0.0.1:8000", validate=build_check(check_addresses, "{}", empty=True)
    )
    # What is in the public source protects nobody whom others can reach.
    is_private = debug and are_local(bind or "")
    store_url = _read_store_url(env)
    key_set_file = env.str(
        "AUTH_KEY_SET_FILE",
        default="",
        validate=build_check(open_key_set, "It cannot be used: {}."),
    )
    values: dict[str, Any] = {
        "debug": debug,
        "secret_key": _read_secret_key(env, is_private=is_private),
        "auth_secret": _read_auth_secret(env, key_set_file, is_private=is_private),
        "auth_key_set_file": key_set_file or None,
        "auth_audience": env.str("AUTH_AUDIENCE", default=AUDIENCE, validate=CHECK_NOT_BLANK),
        "auth_issuer": env.str("AUTH_ISSUER", default="") or None,
        "ops_token": env.str("OPS_TOKEN", default="", validate=check_ops_token) or None,
        "stage": env.str("SESSION_STAGE", default="", validate=build_check(parse_stage, "{}.")),
        "store_url": store_url,
        "spill_url": _read_spill_url(env, store_url),
        "session_ttl": _read_positive(env, "SESSION_TTL", SESSION_TTL),
        "session_ttl_analyzed": _read_positive(env, "SESSION_TTL_ANALYZED", SESSION_TTL_ANALYZED),
        "session_max_bytes": _read_positive(env, "SESSION_MAX_BYTES", SESSION_MAX_BYTES),
        "conversation_max_turns": _read_positive(env, "CONVERSATION_MAX_TURNS", MOST_TURNS),
        "conversation_max_questions": _read_positive(
            env, "CONVERSATION_MAX_QUESTIONS", MOST_QUESTIONS
        ),
        "state_max_bytes": _read_positive(env, "STATE_MAX_BYTES", STATE_MAX_BYTES),
        "session_spill_max_bytes": _read_bytes(
            env, "SESSION_SPILL_MAX_BYTES", SPILL_MAX_BYTES, least=SMALLEST_STORE
        ),
        "memory_max_sessions": _read_positive(env, "MEMORY_MAX_SESSIONS", 10_000),
        "memory_max_bytes": _read_bytes(
            env, "MEMORY_MAX_BYTES", MEMORY_MAX_BYTES, least=SMALLEST_STORE
        ),
        "redis_pool_size": _read_positive(env, "REDIS_POOL_SIZE", 16, MOST_AT_ONCE),
        "redis_timeout": env.float("REDIS_TIMEOUT", default=TIMEOUT, validate=check_timeout),
        "max_request_bytes": _read_positive(env, "MAX_REQUEST_BYTES", 65_536),
        "request_timeout": env.float(
            "REQUEST_TIMEOUT",
            default=15.0,
            validate=validate.Range(1, LONGEST_REQUEST_TIMEOUT),
        ),
        "cookie_secure": env.bool("SESSION_COOKIE_SECURE", default=not debug),
        "embed_origins": env.str(
            "EMBED_ORIGINS", default="", validate=build_check(parse_origins, "{}")
        ),
        "rate_limit_conversations": _read_rate_limit(
            env, "RATE_LIMIT_CONVERSATIONS", "60 per minute"
        ),
        "rate_limit_states": _read_rate_limit(env, "RATE_LIMIT_STATES", "300 per minute"),
        "rate_limit_contexts": _read_rate_limit(env, "RATE_LIMIT_CONTEXTS", "600 per minute"),
        "rate_limit_bytes_address": _read_bytes(env, "RATE_LIMIT_BYTES_ADDRESS", 20_971_520),
        "rate_limit_bytes_owner": _read_bytes(env, "RATE_LIMIT_BYTES_OWNER", 10_485_760),
        "trusted_proxies": env.int(
            "TRUSTED_PROXIES", default=0, validate=validate.Range(0, MOST_PROXIES)
        ),
        "bind": bind,
        "workers": _read_positive(env, "WEB_CONCURRENCY", 2, MOST_AT_ONCE),
        "threads": _read_positive(env, "GUNICORN_THREADS", 8, MOST_AT_ONCE),
        "log_level": env.str("LOG_LEVEL", default="INFO", validate=validate.OneOf(LOG_LEVELS)),
        "release": env.str("BUILD_COMMIT", default="", validate=CHECK_COMMIT),
    }
    values |= _read_fallbacks(env, values)
    try:
        env.seal()
    except EnvValidationError as error:
        messages = cast(dict[str, list[str]], error.error_messages)
        for name, length in SECRET_LENGTHS.items():
            messages.get(name, []).append(RANDOM_HINT.format(length))
        if debug and not is_private:
            messages.get("SECRET_KEY", []).append(PRIVATE_HINT)
        # A value may have line breaks, and some messages quote theirs.
        lines = [
            f"  {name}: {' '.join(' '.join(found).split())}" for name, found in messages.items()
        ]
        raise ConfigError("\n".join([REFUSED, *lines])) from None
    _try_defaults(store_url, values["spill_url"])
    values["stage"] = Stage(values["stage"]) if values["stage"] else None
    values["embed_origins"] = parse_origins(values["embed_origins"])
    values["release"] = describe_release(values["release"], ROOT)
    return Settings(**values)


def describe_start(settings: Settings, stage: Stage, workers: int) -> str:
    """What starts, in one line for the log, without secrets.

    Args:
        settings: what it starts with.
        stage: the stage it starts in.
        workers: how many processes serve; one in some stages, whatever the settings say.
    """
    pinned = " (pinned)" if settings.stage else ""
    spill = _describe_url(settings.spill_url) if settings.spill_url else "none"
    return (
        f"teaser chat {settings.release}: engine {_describe_url(settings.store_url)},"
        f" stage {stage}{pinned}, spill {spill}, workers {workers} x {settings.threads} threads"
    )


def _describe_url(url: str) -> str:
    """An engine's URL without user, password and options."""
    parts = urlsplit(url)
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
    # An @ behind the host means that a password was cut in the wrong place.
    is_safe = "@" not in f"{parts.path}{parts.query}{parts.fragment}"
    return f"{parts.scheme}://{place if is_safe else '...'}"


def _read_file(env: Env, file: Path) -> None:
    """Read what the environment does not set."""
    try:
        env.read_env(file, recurse=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "It is no text file in UTF-8."
        raise ConfigError(f"The settings in {file} cannot be read: {reason}") from None


def _read_secret_key(env: Env, *, is_private: bool) -> str | None:
    """The secret, which only development on one machine may leave out."""
    if is_private:
        return cast(
            str | None,
            env.str("SECRET_KEY", default=DEVELOPMENT_SECRET, validate=CHECK_NOT_BLANK),
        )
    return cast(str | None, env.str("SECRET_KEY", validate=check_secret_key))


def _read_auth_secret(env: Env, key_set_file: str | None, *, is_private: bool) -> str | None:
    """The secret that verifies tokens unless a key set does; development has a built-in one."""

    def check(value: str) -> None:
        if value and key_set_file:
            raise ValidationError("AUTH_KEY_SET_FILE verifies tokens already; set one of the two.")
        if value and not (is_private and value == DEVELOPMENT_AUTH_SECRET):
            check_auth_secret(value)

    given = env.str("AUTH_SECRET", default="", validate=check)
    built_in = DEVELOPMENT_AUTH_SECRET if is_private and not key_set_file else None
    return given or built_in


def _read_fallbacks(env: Env, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The earlier secrets, each checked like the present one, without which there are none."""
    checks = {
        "secret_key": check_secret_key,
        "auth_secret": check_auth_secret,
        "ops_token": check_ops_token,
    }

    def read(name: str, check: Callable[[str], None]) -> tuple[str, ...]:
        setting = f"{name.upper()}_FALLBACKS"

        def check_all(text: str) -> None:
            build_check(parse_secrets, "{}")(text)
            earlier = parse_secrets(text)
            if earlier and values[name] is None:
                raise ValidationError(f"Set {name.upper()} as well; it is what they stand in for.")
            for one in earlier:
                check(one)

        text = env.str(setting, default="", validate=check_all)
        return parse_secrets(text) if text else ()

    return {f"{name}_fallbacks": read(name, check) for name, check in checks.items()}


def _read_store_url(env: Env) -> str:
    """The engine's URL: one of two settings, or a file in `instance/` when neither is set."""
    redis_url = env.str("REDIS_URL", default="", validate=check_redis_url)

    def check(url: str) -> None:
        if url and redis_url:
            raise ValidationError("REDIS_URL names an engine already; set one of the two.")
        check_url(url)

    other_url = env.str("SESSION_STORE_URL", default="", validate=check)
    return redis_url or other_url or f"sqlite:///{ROOT / 'instance' / 'sessions.db'}"


def _read_spill_url(env: Env, store_url: str | None) -> str | None:
    """The spill's URL; only an engine behind a network needs a spill."""
    url = env.str("SESSION_SPILL_URL", default="", validate=check_spill_url)
    if not is_redis(store_url or ""):
        return None
    return url or f"sqlite:///{ROOT / 'instance' / 'spill.db'}"


def _try_defaults(store_url: str, spill_url: str | None) -> None:
    """Try the files that nobody named, which no check of a setting has seen."""
    for name, url in (("SESSION_STORE_URL", store_url), ("SESSION_SPILL_URL", spill_url)):
        try:
            check_url(url or "", is_spill=name == "SESSION_SPILL_URL")
        except ValidationError as error:
            raise ConfigError(f"{REFUSED}\n  {name}: {error.args[0]}") from None


def _read_rate_limit(env: Env, name: str, default: str) -> str | None:
    """A limit's expression; empty for no limit."""
    check = build_check(parse_limit, "Use an expression such as `60 per minute`, or nothing.")
    return env.str(name, default=default, validate=check) or None


def _read_bytes(env: Env, name: str, default: int, *, least: int = 0) -> int | None:
    """A number of bytes; 0, where it may be that, for no limit."""
    check = validate.Range(least, LARGEST_FILE)
    return cast(int | None, env.int(name, default=default, validate=check))


def _read_positive(env: Env, name: str, default: int, most: int = LARGEST) -> int | None:
    return cast(int | None, env.int(name, default=default, validate=validate.Range(1, most)))
