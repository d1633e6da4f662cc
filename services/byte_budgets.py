"""How many bytes one address, and one owner, may store within a sliding hour.

What counts is by how much a write makes a document longer, since that is the room it takes from
others. A document that was stored without being read first counts as a whole, unless this process
knows how long it was.
"""

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar

from services import metrics
from services.errors import BudgetSpent
from services.keyspaces import CONTEXTS, STATES, TEASER_CHAT
from services.rate_limits import SteadyCounters
from services.sessions import request_budget
from services.sessions.keyspaces import Keyspace
from services.sessions.stores.base import COUNTER_PREFIX, Record

NAME = "bytes"
"""What these budgets are called where refusals are counted."""
HOUR = 3600
"""Seconds of the window."""
MOST_SIZES = 10_000
"""The most documents whose length a process knows."""
BY_ADDRESS = (TEASER_CHAT, STATES)
"""The kinds of session that count against an address; a user of a tenant has any number of them."""
BY_OWNER = (*BY_ADDRESS, CONTEXTS)
"""The kinds that count against an owner."""

_address: ContextVar[Sequence[str] | None] = ContextVar("address", default=None)


class ByteBudgets:
    """The budgets of all addresses and owners.

    Args:
        counters: where bytes are counted.
        per_address: bytes for each address; 0 for no limit.
        per_owner: bytes for each owner; 0 for no limit.
        name: gives an address or an owner a name that does not reveal who it is.
    """

    def __init__(
        self,
        counters: SteadyCounters,
        *,
        per_address: int,
        per_owner: int,
        name: Callable[[Sequence[str]], str],
    ) -> None:
        self._counters = counters
        self._per_address = per_address
        self._per_owner = per_owner
        self._name = name
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()
        metrics.announce_limit(NAME)

    def begin_request(self, address: Sequence[str]) -> None:
        """Note from which address the present request comes."""
        _address.set(address)

    def spend(self, keyspace: Keyspace, record: Record, owner: str | None) -> None:
        """Spend what storing a document takes; called before it is stored.

        Outside of a request nothing is spent.

        Raises:
            BudgetSpent: the address or the owner has stored too much; nothing is spent.
        """
        address = _address.get() if request_budget.in_request() else None
        # Its key stands in every index as well; a key may be longer than the document.
        names = len(record.key) + len(record.member) * len(record.all_indexes)
        size = len(record.body) + names
        known = len(record.base) + names if record.base else self._sizes.get(record.key, 0)
        growth = size - known
        budgets: dict[str, int] = {}
        if address and self._per_address and keyspace.name in BY_ADDRESS:
            budgets[self._build_key(*address)] = self._per_address
        if address and owner and self._per_owner and keyspace.name in BY_OWNER:
            budgets[self._build_key("owner", keyspace.name, owner)] = self._per_owner
        if not budgets:
            return
        if growth > 0:
            self._spend_growth(budgets, growth)
        self._remember(record.key, size)

    def _spend_growth(self, budgets: dict[str, int], growth: int) -> None:
        wait = self._counters.spend(budgets, growth, HOUR)
        if wait:
            metrics.count_rate_limited(NAME)
            raise BudgetSpent(NAME, retry_after=int(wait) + 1)

    def _build_key(self, *client: str) -> str:
        return f"{COUNTER_PREFIX}{NAME}:{self._name(client)}"

    def _remember(self, key: str, size: int) -> None:
        with self._lock:
            self._sizes.pop(key, None)  # moves it to the end, as the newest
            while len(self._sizes) >= MOST_SIZES:
                del self._sizes[next(iter(self._sizes))]
            self._sizes[key] = size
