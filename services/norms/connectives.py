"""Not, and, or: how conditions combine in Kleene's three-valued logic."""

from services.norms.expressions import Expression, Leaf, Test
from services.norms.facts import Facts

_SHORT = 2  # a ground of so few elementary conditions is easy to read


class Not(Expression):
    """The opposite of a condition."""

    __slots__ = ("_operand",)

    def __init__(self, operand: Expression) -> None:
        inner = operand._test

        def test(facts: Facts) -> bool | None:
            value = inner(facts)
            return None if value is None else not value

        super().__init__(test, operand.leaves)
        self._operand = operand

    def _add_open(self, facts: Facts, into: set[str]) -> None:
        self._operand._add_open(facts, into)

    def _add_grounds(
        self, facts: Facts, into: dict[Leaf, None], *, wanted: bool, alone: bool
    ) -> None:
        self._operand._add_grounds(facts, into, wanted=not wanted, alone=alone)


def _find_single_fact(expression: Expression) -> str | None:
    """Name the fact of a leaf or negated leaf; None for anything else."""
    while isinstance(expression, Not):
        expression = expression._operand
    return expression.fact if isinstance(expression, Leaf) else None


class _Group(Expression):
    """Several conditions; one with the value `_decisive` decides the group."""

    __slots__ = ("_nested", "_operands", "_single_facts")
    _decisive: bool

    def __init__(self, operands: tuple[Expression, ...], test: Test) -> None:
        super().__init__(test, tuple(leaf for operand in operands for leaf in operand.leaves))
        self._operands = operands
        # An unknown fact that is an operand, plain or negated, is open whenever the group is.
        single = [_find_single_fact(operand) for operand in operands]
        self._single_facts = tuple(dict.fromkeys(filter(None, single)))
        self._nested = tuple(
            operand for operand, fact in zip(operands, single, strict=True) if fact is None
        )

    def _add_open(self, facts: Facts, into: set[str]) -> None:
        for fact in self._single_facts:
            if facts.get(fact) is None:
                into.add(fact)
        for operand in self._nested:
            if operand._test(facts) is None:
                operand._add_open(facts, into)

    def _add_grounds(
        self, facts: Facts, into: dict[Leaf, None], *, wanted: bool, alone: bool
    ) -> None:
        # The operands that have the group's value decide it; while it is open, those that
        # already have the wanted value speak for it.
        decided: list[Expression] = []
        helpful: list[Expression] = []
        for operand in self._operands:
            value = operand._test(facts)
            if value is wanted:
                decided.append(operand)
            if value is None or value is wanted:
                helpful.append(operand)
        if decided and wanted is self._decisive:
            helpful = self._keep_shortest(decided) if alone else [min(decided, key=_count_leaves)]
        for operand in helpful:
            operand._add_grounds(facts, into, wanted=wanted, alone=False)

    def _keep_shortest(self, decided: list[Expression]) -> list[Expression]:
        """Leave long grounds out if there are short ones, which explain enough."""
        if self._decisive:
            return decided
        return [operand for operand in decided if _count_leaves(operand) <= _SHORT] or decided


def _count_leaves(expression: Expression) -> int:
    return len(expression.leaves)


class AllOf(_Group):
    """True when every operand is, False as soon as one is False."""

    __slots__ = ()
    _decisive = False

    def __init__(self, operands: tuple[Expression, ...]) -> None:
        tests = tuple(operand._test for operand in operands)

        def test(facts: Facts) -> bool | None:
            outcome: bool | None = True
            for each in tests:
                value = each(facts)
                if not value:
                    if value is not None:
                        return False
                    outcome = None
            return outcome

        super().__init__(operands, test)


class AnyOf(_Group):
    """True as soon as one operand is, False when every one is False."""

    __slots__ = ()
    _decisive = True

    def __init__(self, operands: tuple[Expression, ...]) -> None:
        tests = tuple(operand._test for operand in operands)

        def test(facts: Facts) -> bool | None:
            outcome: bool | None = False
            for each in tests:
                value = each(facts)
                if value:
                    return True
                if value is None:
                    outcome = None
            return outcome

        super().__init__(operands, test)
