"""The composition root: the one place that connects settings, engines, services and routes."""

import logging
from pathlib import Path

from flask import Flask

import config
from config import Settings
from routes import (
    agents,
    browser_data,
    chat,
    context,
    conversations,
    cross_origin,
    develope,
    docs,
    errors,
    limits,
    middleware,
    operations,
    ops,
    session_state,
    static_files,
)
from routes.commands import cleanup, site
from routes.commands import tenants as tenant_commands
from routes.commands.migration import commands as migration
from routes.description import Api
from services.browser_data import BrowserData
from services.byte_budgets import ByteBudgets
from services.contexts import Contexts, Tenants
from services.contexts.cleanup import Cleanup
from services.keyspaces import (
    CONTEXTS,
    STARTS,
    STATES,
    TEASER_CHAT,
    TENANTS,
    build_keyspaces,
)
from services.log_format import IdFreeFormatter
from services.operators import Operators
from services.plain_http import LostCookies
from services.rate_limits import MemoryCounters, SteadyCounters
from services.saved_state import SavedStates
from services.sessions import SessionRegistry
from services.sessions.flask.browser import BROWSER, BROWSER_TTL, BrowserSessions
from services.sessions.migration.control import ControlRoom
from services.sessions.migration.last_stage import open_last_stage
from services.sessions.migration.stages import Plan, Stage
from services.sessions.migration.store import MigratingStore
from services.sessions.migration.worker import Worker
from services.sessions.outage import Outage, Spill, open_spill
from services.sessions.stores import MemoryStore, Store, open_store
from services.teaser_chat import ConversationList, Limits, Starts, TeaserChat, UnifiedChat
from services.tokens import open_tokens

LOG_FORMAT = "[%(asctime)s] [%(process)d] [%(levelname)s] %(name)s: %(message)s"
LOG_TIME = "%Y-%m-%d %H:%M:%S %z"
"""The format of gunicorn's own lines, so that both can be read together."""
WRONG_TOKENS = "10 per minute"
"""How often one address may send a wrong operators' token."""


def create_app(settings: Settings | None = None, *, engine: Store | None = None) -> Flask:
    """Build the application; nothing is connected before the first request.

    Args:
        settings: the settings; those of the environment when left out.
        engine: the engine, instead of the one the settings name.

    Raises:
        config.ConfigError: the environment's settings are wrong.
    """
    settings = settings or config.load()
    app = Flask(__name__, instance_path=str(Path(__file__).resolve().parent / "instance"))
    app.config.from_mapping(_build_flask_config(settings))
    _configure_log(settings.log_level)

    # The dict that a migration starts from; unused once the stage is complete.
    old = MemoryStore(
        max_sessions=settings.memory_max_sessions, max_bytes=settings.memory_max_bytes
    )
    engine = engine or open_store(
        settings.store_url,
        pool_size=settings.redis_pool_size,
        timeout=settings.redis_timeout,
        max_sessions=settings.memory_max_sessions,
        memory_bytes=settings.memory_max_bytes,
    )
    keyspaces = build_keyspaces(
        settings.session_ttl, settings.session_ttl_analyzed, settings.state_max_bytes
    )
    spill = _open_spill(settings)
    outage = Outage(engine, keyspaces, spill)
    store = MigratingStore(old, outage.store, keyspaces, Plan(settings.stage or Stage.COMPLETE))
    counters = SteadyCounters(outage.counters, MemoryCounters())
    budgets = ByteBudgets(
        counters,
        per_address=settings.rate_limit_bytes_address,
        per_owner=settings.rate_limit_bytes_owner,
        name=limits.build_namer(settings.secret_key),
    )
    sessions = SessionRegistry(
        store, keyspaces, max_bytes=settings.session_max_bytes, spend=budgets.spend
    )
    app.extensions["sessions"] = sessions
    embedding = cross_origin.Embedding(settings.embed_origins)
    lost_cookies = LostCookies()
    app.session_interface = BrowserSessions(
        app,
        sessions.sessions_of(BROWSER),
        is_embedded=embedding.is_embedded,
        note_lost_cookie=lost_cookies.note,
    )

    middleware.init_app(app, trusted_proxies=settings.trusted_proxies)
    embedding.init_app(app)
    errors.init_app(app)
    static_files.init_app(app)
    limits.init_budgets(app, budgets)
    app.extensions["session_store"] = store
    app.extensions["spill"] = spill
    app.extensions["migration"] = Worker(
        store,
        ControlRoom(outage.engine),
        outage,
        open_last_stage(settings.spill_url),
        pinned=settings.stage is not None,
        release=settings.release,
        find_warnings=lost_cookies.find_warnings,
    )
    chats = sessions.sessions_of(TEASER_CHAT)
    starts = Starts(chats, sessions.sessions_of(STARTS))
    limits_of_chat = Limits(settings.conversation_max_turns, settings.conversation_max_questions)
    app.extensions["teaser_chat"] = TeaserChat(chats, starts, limits_of_chat)
    app.extensions["unified_chat"] = UnifiedChat(chats, starts, limits_of_chat)
    conversation_list = ConversationList(chats, starts)
    app.extensions["conversation_list"] = conversation_list
    states = sessions.sessions_of(STATES)
    app.extensions["saved_states"] = SavedStates(states)
    app.extensions["browser_data"] = BrowserData(conversation_list, chats, states)
    tenants = Tenants(sessions.sessions_of(TENANTS))
    app.extensions["contexts"] = Contexts(sessions.sessions_of(CONTEXTS), tenants)
    app.extensions["cleanup"] = Cleanup(outage.engine, keyspaces, tenants)
    app.extensions["tokens"] = open_tokens(
        settings.auth_secret,
        settings.auth_key_set_file,
        audience=settings.auth_audience,
        issuer=settings.auth_issuer,
        earlier_secrets=settings.auth_secret_fallbacks,
    )
    api = Api(app)
    for blueprint in (
        develope.blueprint,
        conversations.blueprint,
        browser_data.blueprint,
        chat.blueprint,
        session_state.blueprint,
        agents.blueprint,
        context.blueprint,
        operations.blueprint,
        docs.blueprint,
    ):
        api.register_blueprint(blueprint)
    if settings.ops_token:
        app.extensions["operators"] = Operators(settings.ops_token, settings.ops_token_fallbacks)
        api.register_blueprint(ops.blueprint)
    # Last: it wraps the views that are registered by then.
    limits.init_app(app, _list_limits(settings), counters)
    for group in (migration.group, tenant_commands.group, cleanup.group, site.group):
        app.cli.add_command(group)
    return app


def _configure_log(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(IdFreeFormatter(LOG_FORMAT, LOG_TIME))
    logging.basicConfig(level=level, handlers=[handler])


def _open_spill(settings: Settings) -> Spill | None:
    if not settings.spill_url:
        return None
    return open_spill(settings.spill_url, max_bytes=settings.session_spill_max_bytes)


def _list_limits(settings: Settings) -> dict[str, str | None]:
    return {
        limits.CONVERSATIONS: settings.rate_limit_conversations,
        limits.STATES: settings.rate_limit_states,
        limits.CONTEXTS: settings.rate_limit_contexts,
        limits.OPERATORS: WRONG_TOKENS if settings.ops_token else None,
    }


def _build_flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "MAX_CONTENT_LENGTH": settings.max_request_bytes,
        "MAX_SESSION_LENGTH": settings.session_max_bytes,
        "LONGEST_BODY": settings.longest_body,
        "EMBED_ORIGINS": settings.embed_origins,
        "MAX_STATE_LENGTH": min(settings.state_max_bytes, settings.session_max_bytes),
        # Errors outside views, such as in opening a session, reach our handlers in every mode.
        "PROPAGATE_EXCEPTIONS": False,
        "PERMANENT_SESSION_LIFETIME": BROWSER_TTL,
        "SESSION_COOKIE_NAME": "browser",
        "SESSION_COOKIE_NAME_EMBEDDED": "embedded",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.cookie_secure,
        "SESSION_REFRESH_EACH_REQUEST": False,
    }
