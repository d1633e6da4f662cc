"""Reads the conditions of the catalogue: text such as "radio and not medical"."""

import ast
from collections.abc import Mapping
from types import MappingProxyType

from services.norms.connectives import AllOf, AnyOf, Not
from services.norms.expressions import Comparison, Constant, Expression, Has
from services.norms.facts import FACTS, Kind, read_day

__all__ = ["Expression", "ExpressionError", "parse"]

_OPERATORS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NO_DEFINITIONS: Mapping[str, Expression] = MappingProxyType({})


class ExpressionError(ValueError):
    """A condition that cannot be read; the message says what is wrong and in which column."""


def parse(text: str, definitions: Mapping[str, Expression] = _NO_DEFINITIONS) -> Expression:
    """Read a condition.

    The language is the part of Python's that needs no explanation: `and`, `or`, `not`,
    parentheses, `True`, `False`, names of facts, and number or date facts compared with
    number literals (`50 <= v_ac <= 1000`).

    Args:
        text: the condition; line breaks count as spaces.
        definitions: shared terms that may be used like facts.

    Raises:
        ExpressionError: the syntax is wrong, a name is unknown, or a fact is used as another
            kind.
    """
    flat = " ".join(text.splitlines())
    stripped = flat.strip()
    reader = _Reader(definitions, len(flat) - len(flat.lstrip()) + 1)
    if "#" in stripped:
        raise reader.build_error(stripped.index("#"), "a comment cannot stand inside a condition")
    try:
        return reader.read(ast.parse(stripped, mode="eval").body)
    except SyntaxError as error:
        # Python gives no offset if the text ends too soon.
        offset = error.offset - 1 if error.offset else len(stripped)
        raise reader.build_error(offset, error.msg) from error
    except (UnicodeError, RecursionError, MemoryError) as error:
        raise reader.build_error(0, f"this is no condition ({error})") from error


class _Reader:
    """Turns syntax nodes into expressions; `shift` is the column of the first character."""

    def __init__(self, definitions: Mapping[str, Expression], shift: int) -> None:
        self._definitions = definitions
        self._shift = shift

    def build_error(self, offset: int, what: str) -> ExpressionError:
        return ExpressionError(f"{what} (column {offset + self._shift})")

    def read(self, node: ast.expr) -> Expression:
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return AllOf(tuple(map(self.read, values)))
            case ast.BoolOp(values=values):
                return AnyOf(tuple(map(self.read, values)))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.read(operand))
            case ast.Constant(value=bool() as value):
                return Constant(value=value)
            case ast.Name(id=name):
                return self._read_name(name, node)
            case ast.Compare():
                return self._read_comparison(node)
        raise self.build_error(
            node.col_offset, "only and, or, not, facts and comparisons with numbers are allowed"
        )

    def _read_name(self, name: str, node: ast.expr) -> Expression:
        if name in self._definitions:
            return self._definitions[name]
        fact = FACTS.get(name)
        if fact is None:
            raise self.build_error(node.col_offset, f"unknown fact {name!r}")
        if fact.kind is not Kind.BOOL:
            raise self.build_error(node.col_offset, f"{name!r} is a {fact.kind}: compare it")
        return Has(name)

    def _read_comparison(self, node: ast.Compare) -> Expression:
        terms = [node.left, *node.comparators]
        bounds: dict[str, list[tuple[str, float]]] = {}
        for left, operator, right in zip(terms, node.ops, terms[1:], strict=False):
            name, symbol, limit = self._read_link(left, operator, right)
            bounds.setdefault(name, []).append((symbol, limit))
        parts = tuple(Comparison(name, tuple(found)) for name, found in bounds.items())
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _read_link(
        self, left: ast.expr, operator: ast.cmpop, right: ast.expr
    ) -> tuple[str, str, float]:
        symbol = _OPERATORS.get(type(operator))
        if symbol is None:
            raise self.build_error(left.col_offset, "compare with <, <=, > or >=")
        match left, right:
            case ast.Name(id=name), ast.Constant(value=int() | float() as limit):
                pass
            case ast.Constant(value=int() | float() as limit), ast.Name(id=name):
                symbol = _MIRRORED[symbol]
            case _:
                raise self.build_error(left.col_offset, "compare a fact with a number")
        self._check(name, limit, left)
        return name, symbol, limit

    def _check(self, name: str, limit: float, node: ast.expr) -> None:
        fact = FACTS.get(name)
        if fact is None:
            raise self.build_error(node.col_offset, f"unknown fact {name!r}")
        if fact.kind is Kind.BOOL or isinstance(limit, bool):
            raise self.build_error(node.col_offset, f"{name!r} cannot be compared with {limit!r}")
        if fact.kind is Kind.DATE and read_day(limit) is None:
            raise self.build_error(node.col_offset, f"{limit!r} is no day written as yyyymmdd")
