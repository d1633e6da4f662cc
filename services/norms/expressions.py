"""Elementary conditions over product facts, which are true, false, or not known yet."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable

from services.norms.facts import (
    FACTS,
    Facts,
    Kind,
    format_day,
    format_number,
    is_implied,
    join_items,
    phrase_fact,
)

Test = Callable[[Facts], bool | None]

_NOTHING: frozenset[str] = frozenset()

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_NUMBER_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_DATE_WORDS = {"<": "before", "<=": "not after", ">": "after", ">=": "not before"}


class Expression(ABC):
    """A condition over product facts that is True, False or, while it is open, None.

    Learning a fact may decide an open condition; it never reopens or flips a decided one.
    """

    __slots__ = ("_test", "leaves")

    def __init__(self, test: Test, leaves: "tuple[Leaf, ...]") -> None:
        self._test = test
        self.leaves = leaves

    def evaluate(self, facts: Facts) -> bool | None:
        """Decide the condition as far as the known facts allow; None while it is open."""
        return self._test(facts)

    def list_facts(self) -> frozenset[str]:
        """Name every fact the condition depends on."""
        return frozenset(leaf.fact for leaf in self.leaves)

    def find_open_facts(self, facts: Facts) -> frozenset[str]:
        """Name the unknown facts that can still change the outcome; none once it is decided."""
        if self._test(facts) is not None:
            return _NOTHING
        found: set[str] = set()
        self._add_open(facts, found)
        return frozenset(found)

    def find_grounds(self, facts: Facts) -> "tuple[Leaf, ...]":
        """Pick the elementary conditions that decide this one, each once.

        For an open condition they are those that already speak for it. If one of
        several is enough inside a larger condition, the shortest is picked.
        """
        found: dict[Leaf, None] = {}
        self._add_grounds(facts, found, wanted=self._test(facts) is not False, alone=True)
        return tuple(found)

    def write_reasons(self, facts: Facts) -> tuple[str, ...]:
        """Say in words which known facts decide the condition, or speak for it while it is open."""
        grounds = self.find_grounds(facts)
        if len(grounds) > 1 and self._test(facts) is False:
            grounds = _drop_consequences(grounds, facts)
        return tuple(dict.fromkeys(leaf.describe(facts) for leaf in grounds))

    @abstractmethod
    def _add_open(self, facts: Facts, into: set[str]) -> None:
        """Add the unknown facts that matter; called only while the condition is open."""

    @abstractmethod
    def _add_grounds(
        self, facts: Facts, into: "dict[Leaf, None]", *, wanted: bool, alone: bool
    ) -> None:
        """Add the leaves that make, or help to make, the condition `wanted`.

        `alone` is False inside a larger condition, where one sufficient ground is enough.
        """


def _drop_consequences(grounds: "tuple[Leaf, ...]", facts: Facts) -> "tuple[Leaf, ...]":
    """Leave out what another ground implies: "it is not electrical" says enough."""
    kept = [leaf for leaf in grounds if leaf.fact]
    constants = [leaf for leaf in grounds if not leaf.fact]
    for leaf in reversed(kept.copy()):
        others = [(other.fact, facts[other.fact]) for other in kept if other.fact != leaf.fact]
        if is_implied(leaf.fact, facts[leaf.fact], others):
            kept.remove(leaf)
    return (*constants, *kept)


class Leaf(Expression):
    """An elementary condition about one fact."""

    __slots__ = ("_itself", "fact")

    def __init__(self, fact: str, test: Test) -> None:
        super().__init__(test, (self,))
        self.fact = fact
        self._itself = frozenset((fact,))

    def find_open_facts(self, facts: Facts) -> frozenset[str]:
        """Name the fact while it is unknown."""
        return self._itself if self._test(facts) is None else _NOTHING

    @abstractmethod
    def describe(self, facts: Facts) -> str:
        """Say in words how the known fact relates to this condition."""

    def _add_open(self, facts: Facts, into: set[str]) -> None:  # noqa: ARG002 - shared shape
        into.add(self.fact)

    def _add_grounds(
        self,
        facts: Facts,
        into: "dict[Leaf, None]",
        *,
        wanted: bool,
        alone: bool,  # noqa: ARG002 - shared shape
    ) -> None:
        if self._test(facts) is wanted:
            into[self] = None


class Constant(Leaf):
    """A condition that is the same for every product; its `fact` is empty."""

    __slots__ = ()

    def __init__(self, *, value: bool) -> None:
        super().__init__("", lambda _facts: value)
        self.leaves = ()

    def describe(self, facts: Facts) -> str:
        """Say that every product is meant, or none."""
        return "every product is covered" if self._test(facts) else "no product is covered"


class Has(Leaf):
    """A yes-or-no fact being yes."""

    __slots__ = ()

    def __init__(self, fact: str) -> None:
        def test(facts: Facts) -> bool | None:
            value = facts.get(fact)
            return None if value is None else value != 0

        super().__init__(fact, test)

    def describe(self, facts: Facts) -> str:
        """Say the fact."""
        return phrase_fact(self.fact, facts[self.fact])


def _build_test(fact: str, bounds: tuple[tuple[str, float], ...]) -> Test:
    checks = tuple((_HOLDS[op], limit) for op, limit in bounds)
    if len(checks) == 1:
        (holds, only_limit), *_ = checks

        def test_one(facts: Facts) -> bool | None:
            value = facts.get(fact)
            return None if value is None else holds(value, only_limit)

        return test_one

    def test_all(facts: Facts) -> bool | None:
        value = facts.get(fact)
        if value is None:
            return None
        return all(holds(value, limit) for holds, limit in checks)

    return test_all


class Comparison(Leaf):
    """A number or date within bounds, each an operator and a limit: ("<=", 1000)."""

    __slots__ = ("bounds",)

    def __init__(self, fact: str, bounds: tuple[tuple[str, float], ...]) -> None:
        super().__init__(fact, _build_test(fact, bounds))
        self.bounds = bounds

    def describe(self, facts: Facts) -> str:
        """Compare the value with the bounds: "230 V lies within 50 to 1,000 V AC"."""
        value = facts[self.fact]
        about = FACTS[self.fact]
        if about.kind is Kind.DATE:
            bounds = self._describe_bounds(value, format_day, _DATE_WORDS)
            return f"it is {about.yes} on {format_day(value)}, {bounds}"
        if value == 0:
            return about.no
        amount = f"{format_number(value)} {about.unit.split()[0]}"
        limits = dict(self.bounds)
        if len(self.bounds) == len(limits) and limits.keys() == {">=", "<="}:
            place = "within" if self._test(facts) else "outside"
            span = f"{format_number(limits['>='])} to {format_number(limits['<='])}"
            return f"{amount} lies {place} {span} {about.unit}"
        return (
            f"{amount} is {self._describe_bounds(value, format_number, _NUMBER_WORDS)} {about.unit}"
        )

    def _describe_bounds(
        self, value: float, show: Callable[[float], str], words: dict[str, str]
    ) -> str:
        held = [(op, limit) for op, limit in self.bounds if _HOLDS[op](value, limit)]
        failed = [(_OPPOSITE[op], limit) for op, limit in self.bounds if (op, limit) not in held]
        return join_items(f"{words[op]} {show(limit)}" for op, limit in failed or held)
