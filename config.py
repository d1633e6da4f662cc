"""Every setting, read once from the environment and frozen; the only reader of it.

All faults are reported together, one line each, before anything starts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from environs import Env, EnvValidationError, ValidationError, validate

from services import origins
from services.keyspaces import SESSION_TTL_ANALYZED
from services.rate_limits import parse_limit
from services.sessions.keyspaces import SESSION_TTL
from services.sessions.migration.stages import Stage, parse_stage
from services.sessions.repository import SESSION_MAX_BYTES
from services.sessions.request_budget import REQUEST_SECONDS
from services.sessions.stores import SCHEMES, TIMEOUT, open_store
from services.token_keys import SECRET_LENGTH as AUTH_SECRET_LENGTH
from services.tokens import AUDIENCE, open_tokens

ROOT = Path(__file__).resolve().parent
DEVELOPMENT_SECRET = "for-development-only"  # noqa: S105 - refused unless DEBUG is on
DEVELOPMENT_AUTH_SECRET = "for-development-only-never-in-a-deployment"  # noqa: S105 - as above

LARGEST = 2**31 - 1
LONGEST_TIMEOUT = REQUEST_SECONDS
"""What a request may wait in all is the most that one answer may take."""
SECRET_LENGTH = 16
RANDOM_HINT = (
    "Use a random text of at least {} characters,"
    " such as `python3 -c 'import secrets; print(secrets.token_hex())'` prints."
)
SECRET_LENGTHS = {
    "SECRET_KEY": SECRET_LENGTH,
    "AUTH_SECRET": AUTH_SECRET_LENGTH,
    "OPS_TOKEN": SECRET_LENGTH,
}
MOST_PROXIES = 10
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class ConfigError(Exception):
    """The environment does not describe a deployment that can start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment said; what may hold a secret is left out when it is printed.

    Attributes:
        debug: development on this machine: a built-in secret, cookies without TLS.
        secret_key: signs the browsers' cookies.
        auth_secret: verifies bearer tokens (HS256); None where it is not used.
        auth_key_set_file: public keys that verify bearer tokens (RS256); None where there is none.
        auth_audience: whom bearer tokens must be for.
        auth_issuer: who must have issued them; None for anyone with the key.
        ops_token: opens the operators' page; None where there is no such page.
        stage: the stage that SESSION_STAGE pins; None to follow the one in the engine.
        store_url: the engine; see services.sessions.stores.SCHEMES. It may hold a password.
        spill_url: where this host keeps what the engine cannot take; None where nothing is kept.
        session_ttl: seconds a conversation lives while chatting.
        session_ttl_analyzed: seconds it lives once it is analysed.
        session_max_bytes: the longest session document.
        memory_max_sessions: the most sessions kept in the process.
        redis_pool_size: the most Redis connections of one worker.
        redis_timeout: seconds to wait for a connection to Redis, and for its reply.
        max_request_bytes: the longest request body.
        cookie_secure: whether cookies travel over TLS only.
        embed_origins: whose pages may embed the chat, each exactly as a browser sends it.
        rate_limit_conversations: how many conversations one address may begin; None: no limit.
        rate_limit_states: how often one address may save its state, or what its page shows.
        rate_limit_contexts: how often one user may change contexts.
        trusted_proxies: how many proxies in front of this add the client to X-Forwarded-For.
        bind: address and port gunicorn listens on.
        workers: processes gunicorn starts.
        threads: requests each of them serves at once.
        log_level: DEBUG, INFO, WARNING or ERROR.
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
    memory_max_sessions: int
    redis_pool_size: int
    redis_timeout: float
    max_request_bytes: int
    cookie_secure: bool
    embed_origins: frozenset[str]
    rate_limit_conversations: str | None
    rate_limit_states: str | None
    rate_limit_contexts: str | None
    trusted_proxies: int
    bind: str
    workers: int
    threads: int
    log_level: str


def load() -> Settings:
    """Read the environment, and `.env` beside this file for what the environment leaves open.

    Raises:
        ConfigError: one line for each setting that is missing or wrong.
    """
    env = Env(eager=False)
    env.read_env(ROOT / ".env", recurse=False)
    debug = env.bool("DEBUG", default=False)
    store_url = _store_url(env)
    key_set_file = env.str("AUTH_KEY_SET_FILE", default="", validate=_is_key_set)
    values: dict[str, Any] = {
        "debug": debug,
        "secret_key": _secret_key(env, debug=bool(debug)),
        "auth_secret": _auth_secret(env, key_set_file, debug=bool(debug)),
        "auth_key_set_file": key_set_file or None,
        "auth_audience": env.str("AUTH_AUDIENCE", default=AUDIENCE, validate=_is_not_blank),
        "auth_issuer": env.str("AUTH_ISSUER", default="") or None,
        "ops_token": env.str("OPS_TOKEN", default="", validate=_is_ops_token) or None,
        "stage": env.str("SESSION_STAGE", default="", validate=_is_stage),
        "store_url": store_url,
        "spill_url": _spill_url(env, store_url),
        "session_ttl": _positive(env, "SESSION_TTL", SESSION_TTL),
        "session_ttl_analyzed": _positive(env, "SESSION_TTL_ANALYZED", SESSION_TTL_ANALYZED),
        "session_max_bytes": _positive(env, "SESSION_MAX_BYTES", SESSION_MAX_BYTES),
        "memory_max_sessions": _positive(env, "MEMORY_MAX_SESSIONS", 10_000),
        "redis_pool_size": _positive(env, "REDIS_POOL_SIZE", 16),
        "redis_timeout": env.float(
            "REDIS_TIMEOUT", default=TIMEOUT, validate=validate.Range(0.01, LONGEST_TIMEOUT)
        ),
        "max_request_bytes": _positive(env, "MAX_REQUEST_BYTES", 65_536),
        "cookie_secure": env.bool("SESSION_COOKIE_SECURE", default=not debug),
        "embed_origins": env.str("EMBED_ORIGINS", default="", validate=_are_origins),
        "rate_limit_conversations": _rate_limit(env, "RATE_LIMIT_CONVERSATIONS", "60 per minute"),
        "rate_limit_states": _rate_limit(env, "RATE_LIMIT_STATES", "300 per minute"),
        "rate_limit_contexts": _rate_limit(env, "RATE_LIMIT_CONTEXTS", "600 per minute"),
        "trusted_proxies": env.int(
            "TRUSTED_PROXIES", default=0, validate=validate.Range(0, MOST_PROXIES)
        ),
        "bind": env.str("BIND", default="127.0.0.1:8000"),
        "workers": _positive(env, "WEB_CONCURRENCY", 2),
        "threads": _positive(env, "GUNICORN_THREADS", 8),
        "log_level": env.str("LOG_LEVEL", default="INFO", validate=validate.OneOf(LOG_LEVELS)),
    }
    try:
        env.seal()
    except EnvValidationError as error:
        said = cast(dict[str, list[str]], error.error_messages)
        for name, length in SECRET_LENGTHS.items():
            said.get(name, []).append(RANDOM_HINT.format(length))
        faults = [f"  {name}: {' '.join(messages)}" for name, messages in said.items()]
        raise ConfigError("\n".join(["These settings keep it from starting:", *faults])) from None
    values["stage"] = Stage(values["stage"]) if values["stage"] else None
    values["embed_origins"] = origins.parse_origins(values["embed_origins"])
    return Settings(**values)


def _secret_key(env: Env, *, debug: bool) -> str | None:
    """The secret, which only development may leave out."""
    if debug:
        return env.str("SECRET_KEY", default=DEVELOPMENT_SECRET)
    return cast(str | None, env.str("SECRET_KEY", validate=_is_secret))


def _auth_secret(env: Env, key_set_file: str | None, *, debug: bool) -> str | None:
    """What verifies tokens unless a key set does; only development has one without a setting."""

    def check(value: str) -> None:
        if not value:
            return
        if key_set_file:
            raise ValidationError("AUTH_KEY_SET_FILE verifies tokens already; set one of the two.")
        if value == DEVELOPMENT_AUTH_SECRET and not debug:
            raise ValidationError("It is no secret.")
        _opens_tokens(secret=value)

    given = env.str("AUTH_SECRET", default="", validate=check)
    built_in = DEVELOPMENT_AUTH_SECRET if debug and not key_set_file else None
    return given or built_in


def _is_key_set(file: str) -> None:
    if file:
        _opens_tokens(key_set_file=file)


def _opens_tokens(*, secret: str | None = None, key_set_file: str | None = None) -> None:
    """Refuse what tokens cannot be verified with."""
    try:
        open_tokens(secret, key_set_file, audience=AUDIENCE, issuer=None)
    except ValueError as error:
        raise ValidationError(f"It is of no use: {error}.") from None


def _store_url(env: Env) -> str:
    """The engine's URL: one of two settings, or a file in `instance/` when neither is set."""
    redis_url = env.str("REDIS_URL", default="", validate=_names_redis)
    other_url = env.str("SESSION_STORE_URL", default="", validate=_is_free(bool(redis_url)))
    return redis_url or other_url or f"sqlite:///{ROOT / 'instance' / 'sessions.db'}"


def _spill_url(env: Env, store_url: str | None) -> str | None:
    """The spill's URL; only an engine behind a network needs one."""
    url = env.str("SESSION_SPILL_URL", default="", validate=_names_spill)
    if not _is_redis(store_url or ""):
        return None
    return url or f"sqlite:///{ROOT / 'instance' / 'spill.db'}"


def _rate_limit(env: Env, name: str, default: str) -> str | None:
    """An expression of how often; empty for as often as they like."""
    return env.str(name, default=default, validate=_is_rate_limit) or None


def _is_rate_limit(expression: str) -> None:
    try:
        if expression:
            parse_limit(expression)
    except ValueError as error:
        raise ValidationError("Use an expression such as `60 per minute`, or nothing.") from error


def _positive(env: Env, name: str, default: int) -> int | None:
    return cast(int | None, env.int(name, default=default, validate=validate.Range(1, LARGEST)))


def _is_secret(value: str) -> None:
    if len(value.strip()) < SECRET_LENGTH or value == DEVELOPMENT_SECRET:
        raise ValidationError("It is too short or no secret.")


def _is_ops_token(value: str) -> None:
    if value and not re.fullmatch(rf"[!-~]{{{SECRET_LENGTH},}}", value):
        raise ValidationError("It is too short, or has characters that no header can carry.")


def _is_not_blank(value: str) -> None:
    if not value.strip():
        raise ValidationError("It must not be empty.")


def _is_stage(name: str) -> None:
    try:
        if name:
            parse_stage(name)
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


def _are_origins(text: str) -> None:
    try:
        origins.parse_origins(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _names_spill(url: str) -> None:
    if url and not url.startswith(("sqlite:///", "memory://")):
        raise ValidationError("A spill is on this host: use sqlite:///path or memory://.")
    _opens(url)


def _is_redis(url: str) -> bool:
    return url.startswith(("redis://", "rediss://", "unix://"))


def _names_redis(url: str) -> None:
    if url and not _is_redis(url):
        raise ValidationError("Use a redis://, rediss:// or unix:// URL.")
    _opens(url)


def _is_free(taken: bool) -> Callable[[str], None]:
    """A check that no second engine is named beside REDIS_URL."""

    def check(url: str) -> None:
        if url and taken:
            raise ValidationError("REDIS_URL names an engine already; set one of the two.")
        _opens(url)

    return check


def _opens(url: str) -> None:
    """Refuse what no engine understands; opening one connects to nothing yet."""
    if not url:
        return
    try:
        open_store(url).close()
    except Exception as error:
        # Not the error's own words: they may quote a password out of the URL.
        raise ValidationError(f"No engine understands this URL; use one of {SCHEMES}.") from error
