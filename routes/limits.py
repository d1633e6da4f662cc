"""Limits how often one client may create something, by one line above a view.

    @blueprint.post("/api/things")
    @limits.limit(limits.CONVERSATIONS)
    def make_thing() -> ...

A request beyond the limit is refused before its body or any session is read. A client's identity
is hashed with the application's secret before it is stored anywhere.
"""

import functools
import hmac
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

import msgspec
from flask import Flask, request
from flask_limiter import Limiter, RequestLimit

from services import metrics
from services.addresses import identify_client
from services.byte_budgets import ByteBudgets
from services.errors import RateLimited
from services.rate_limits import SCHEME, SteadyCounters, find_wait

log = logging.getLogger(__name__)

CONVERSATIONS = "conversations"
STATES = "states"
CONTEXTS = "contexts"
OPERATORS = "operators"
NAMES = (CONVERSATIONS, STATES, CONTEXTS, OPERATORS)
"""The names of the limits; views with the same name share one limit."""
_MARK = "rate_limit"

View = TypeVar("View", bound=Callable[..., Any])
Client = Callable[[], Sequence[str]]
"""Identifies the client of the present request, by one or more strings."""


class _Mark(NamedTuple):
    """How a view is limited; see `limit`."""

    name: str
    client: Client
    unless: Callable[[], bool] | None
    locks: Callable[[], bool] | None


def get_client_address() -> Sequence[str]:
    """The client by its address, see `services.addresses`."""
    return identify_client(request.remote_addr or "")


def limit(
    name: str,
    client: Client = get_client_address,
    *,
    unless: Callable[[], bool] | None = None,
    locks: Callable[[], bool] | None = None,
) -> Callable[[View], View]:
    """Mark a view; `init_app` limits it.

    Args:
        name: one of NAMES.
        client: identifies who is counted; an error it raises becomes the response.
        unless: whether the present request is exempt, as it creates nothing; None if none is.
        locks: whether the present request, though exempt, is refused once its client has used up
            the limit, until the window ends; otherwise a right guess would still get through.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, _Mark(name, client, unless, locks))
        return view

    return mark


def build_namer(secret_key: str) -> Callable[[Sequence[str]], str]:
    """What gives clients names that do not reveal who they are.

    Args:
        secret_key: the application's secret.
    """
    secret = hmac.digest(secret_key.encode(), b"rate limits", "sha256")
    return lambda client: hmac.digest(secret, msgspec.json.encode(client), "sha256")[:16].hex()


def init_budgets(app: Flask, budgets: ByteBudgets) -> None:
    """Let every request of this application count against its client's budget of bytes."""
    app.before_request(lambda: budgets.begin_request(get_client_address()))


def init_app(app: Flask, expressions: Mapping[str, str | None], counters: SteadyCounters) -> None:
    """Limit every marked view of this application; call it when all views are registered.

    Args:
        app: the application, whose secret hashes clients.
        expressions: what each of NAMES allows, in the syntax of `limits`; None for no limit.
        counters: where requests are counted.
    """
    if not any(expressions.values()):
        return
    name = build_namer(str(app.secret_key))
    limiter = Limiter(
        lambda: name(get_client_address()),
        storage_uri=f"{SCHEME}://",
        storage_options={"counters": counters},  # type: ignore[dict-item]  # passed on as it is
        strategy="fixed-window",  # one counter per client, so one round trip
    )
    # An extension that is registered already adds no hooks around every request; they serve
    # limits on all views and headers, and neither is used here.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    for endpoint, view in app.view_functions.items():
        mark: _Mark | None = getattr(view, _MARK, None)
        expression = expressions[mark.name] if mark else None
        if mark and expression:
            limited = _limit_view(limiter, view, mark, expression, name)
            if mark.locks:
                limited = _lock_view(limited, mark, expression, name, counters)
            app.view_functions[endpoint] = limited


def _limit_view(
    limiter: Limiter,
    view: View,
    mark: _Mark,
    expression: str,
    name: Callable[[Sequence[str]], str],
) -> Callable[..., Any]:
    metrics.announce_limit(mark.name)

    def refuse(limit: RequestLimit) -> None:
        # Raising our own error here gives the response the usual form and a Retry-After.
        _refuse(mark, limit.window.reset_time - time.time())

    return limiter.shared_limit(
        expression,
        scope=mark.name,
        key_func=lambda: name(mark.client()),
        on_breach=refuse,
        exempt_when=mark.unless,
    )(view)


def _lock_view(
    view: View,
    mark: _Mark,
    expression: str,
    name: Callable[[Sequence[str]], str],
    counters: SteadyCounters,
) -> Callable[..., Any]:
    """Refuse what `locks` names once the limit is used up, by counts that all processes share."""

    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        if mark.locks and mark.locks():
            wait = find_wait(counters, expression, name(mark.client()), mark.name)
            if wait > 0:
                _refuse(mark, wait)
        return view(*args, **kwargs)

    return answer


def _refuse(mark: _Mark, seconds: float) -> NoReturn:
    metrics.count_rate_limited(mark.name)
    if mark.client is get_client_address and _is_behind_unknown_proxy():
        warn_of_proxy()
    raise RateLimited(mark.name, retry_after=max(1, math.ceil(seconds)))


def _is_behind_unknown_proxy() -> bool:
    """Whether a proxy that TRUSTED_PROXIES does not count forwarded the request."""
    return "X-Forwarded-For" in request.headers and "werkzeug.proxy_fix.orig" not in request.environ


@functools.cache
def warn_of_proxy() -> None:
    """Warn, once per process, that all visitors may count as one; a client can fake this."""
    log.warning(
        "an address that forwards requests has exceeded a limit: "
        "if it is your proxy, set TRUSTED_PROXIES, or all its visitors count as one"
    )
