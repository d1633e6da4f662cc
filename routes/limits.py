"""How often one client may ask for what takes room; one line above a view.

    @blueprint.post("/api/things")
    @limits.limited(limits.CONVERSATIONS)
    def make_thing() -> ...

A request beyond the limit is refused before its body or any session is looked at.
Who the client is, is hashed with the application's secret before it is kept anywhere.
"""

import functools
import hmac
import ipaddress
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from flask import Flask, request
from flask_limiter import Limiter, RequestLimit

from services import metrics
from services.errors import RateLimited
from services.rate_limits import SCHEME, SteadyCounters

log = logging.getLogger(__name__)

CONVERSATIONS = "conversations"
STATES = "states"
CONTEXTS = "contexts"
OPERATORS = "operators"
NAMES = (CONVERSATIONS, STATES, CONTEXTS, OPERATORS)
"""Each limit is one: views under the same name share what it allows."""
MOST_LOCKED = 10_000
"""Clients that are kept out at a time; beyond that the first may come back."""
CUSTOMER_BITS = 64
"""The part of an IPv6 address that a customer does not choose (RFC 6177)."""
_MARK = "rate_limit"

View = TypeVar("View", bound=Callable[..., Any])
Client = Callable[[], Sequence[str]]
"""Tells from the request who asks, in as many words as it takes."""


class _Limited(NamedTuple):
    """What a view asks for: the name of its limit, who is counted, and what does not count."""

    name: str
    client: Client
    unless: Callable[[], bool] | None
    locks: bool


class Locks:
    """Who has gone beyond a limit, until its window ends; known to this process alone.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def add(self, client: str, until: float) -> None:
        """Keep a client out until this instant, in seconds since 1970."""
        with self._lock:
            self._until.pop(client, None)
            while len(self._until) >= MOST_LOCKED:
                del self._until[next(iter(self._until))]
            self._until[client] = until

    def holds(self, client: str) -> bool:
        """Whether this client is kept out now."""
        return self._until.get(client, 0.0) > self._clock()


def client_address() -> Sequence[str]:
    """The client's address; a network of IPv6 counts as one client, having so many addresses."""
    text = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ("address", text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = int(address) >> (128 - CUSTOMER_BITS)
            return ("network", str(network))
        address = address.ipv4_mapped
    return ("address", str(address))


def limited(
    name: str,
    client: Client = client_address,
    *,
    unless: Callable[[], bool] | None = None,
    locks: bool = False,
) -> Callable[[View], View]:
    """Mark a view; `init_app` limits it.

    Args:
        name: one of NAMES.
        client: who is counted; what it raises is the answer to the request.
        unless: tells of a request that it does not count, as it makes nothing; None if all do.
        locks: whether who has gone beyond it is refused everything until the window ends, also
            what does not count: else the one guess that is right would come through.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, _Limited(name, client, unless, locks))
        return view

    return mark


def init_app(app: Flask, expressions: Mapping[str, str | None], counters: SteadyCounters) -> None:
    """Limit every marked view of this application; to be called when all are registered.

    Args:
        app: the application, whose secret hides who asked.
        expressions: by NAMES what is allowed, as `limits` writes it; None for no limit.
        counters: what counts.
    """
    if not any(expressions.values()):
        return
    secret = hmac.digest(str(app.secret_key).encode(), b"rate limits", "sha256")
    limiter = Limiter(
        lambda: _hidden(client_address(), secret),
        storage_uri=f"{SCHEME}://",
        storage_options={"counters": counters},  # type: ignore[dict-item]  # passed on as it is
        strategy="fixed-window",
    )
    # Known already, it leaves out its hooks around every request: they are for limits on all views
    # and for headers, and there are none of either.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    for endpoint, view in app.view_functions.items():
        mark: _Limited | None = getattr(view, _MARK, None)
        expression = expressions[mark.name] if mark else None
        if mark and expression:
            app.view_functions[endpoint] = _behind(limiter, view, mark, expression, secret)


def _behind(
    limiter: Limiter, view: Callable[..., Any], mark: _Limited, expression: str, secret: bytes
) -> Callable[..., Any]:
    metrics.announce_limit(mark.name)
    locks = Locks()

    def who() -> str:
        return _hidden(mark.client(), secret)

    def does_not_count() -> bool:
        return bool(mark.unless and mark.unless()) and not (mark.locks and locks.holds(who()))

    def refuse(limit: RequestLimit) -> None:
        # Raised here it is answered like every error of ours, with its own Retry-After.
        metrics.count_rate_limited(mark.name)
        if mark.client is client_address and _is_behind_an_unknown_proxy():
            warn_of_proxy()
        if mark.locks:
            locks.add(who(), limit.window.reset_time)
        rest = limit.window.reset_time - time.time()
        raise RateLimited(mark.name, retry_after=max(1, math.ceil(rest)))

    return limiter.shared_limit(
        expression,
        scope=mark.name,
        key_func=who,
        on_breach=refuse,
        exempt_when=does_not_count if mark.unless else None,
    )(view)


def _is_behind_an_unknown_proxy() -> bool:
    """Whether somebody passed the request on whom no setting trusts to say for whom."""
    return "X-Forwarded-For" in request.headers and "werkzeug.proxy_fix.orig" not in request.environ


@functools.cache
def warn_of_proxy() -> None:
    """Log, once in a process, that visitors may be taken for one; a client can pretend as well."""
    log.warning(
        "a limit was exceeded by an address that passes requests on: "
        "if it is your proxy, set TRUSTED_PROXIES, or all its visitors count as one"
    )


def _hidden(client: Sequence[str], secret: bytes) -> str:
    """A name for a client that tells nobody who it is."""
    return hmac.digest(secret, msgspec.json.encode(client), "sha256")[:16].hex()
