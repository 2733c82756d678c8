"""Constraints: comparisons of parameters and results, in a grammar of their own.

The grammar has numbers, words in quotes, dotted names, ``+ - * / // % **``, comparisons, ``and or not`` and
parentheses. Python's parser reads it, and this module turns the tree into functions. Everything else is refused, and
nothing is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from accelsim.config import UserError, show_value, suggest

MOST_CHARACTERS = 1000
MOST_BITS = 1024  # of the result of a power

Values = Mapping[str, Any]
Term = Callable[[Values], Any]

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda a, b: _power(a, b),
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITY: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}

YAML_WORDS = {"true": True, "false": False}
_ALLOWED = "numbers, 'words', dotted names, + - * / // % **, < <= > >= == !=, and, or, not, parentheses"


class Constraint(NamedTuple):
    """A condition on parameters and results."""

    text: str
    names: frozenset[str]  #: of the parameters and results that it depends on
    holds: Callable[[Values], bool]  #: whether it is true for given values of its names


def parse_constraint(text: str) -> Constraint:
    """Parse a constraint.

    Raises: UserError for what the grammar does not have. The constraint's ``holds`` raises UserError where it cannot be
    decided for a value, such as a word that is compared with a number.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"longer than {MOST_CHARACTERS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        names: set[str] = set()
        term = _condition(tree, names)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UserError(f"is no condition: {show_value(text)}; allowed: {_ALLOWED}") from None

    def holds(values: Values) -> bool:
        try:
            return bool(term(values))
        except (ArithmeticError, TypeError) as error:
            raise UserError(f"{text}: {error}") from None

    return Constraint(text, frozenset(names), holds)


def refuse_unknown(constraint: Constraint, known: set[str]) -> None:
    """Refuse a constraint with a name that is not ``known``: of no parameter, result or value of the hardware.

    Raises: UserError with the nearest known name.
    """
    for name in sorted(constraint.names - known):
        raise UserError(f"no parameter or result called '{name}'{suggest(name, known)}")


def _condition(node: ast.expr, names: set[str]) -> Term:
    """A function that decides a condition, which must be true or false; its names are added to ``names``."""
    if isinstance(node, ast.BoolOp):
        parts = [_condition(part, names) for part in node.values]
        every = all if isinstance(node.op, ast.And) else any
        return lambda values: every(part(values) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        part = _condition(node.operand, names)
        return lambda values: not part(values)
    if isinstance(node, ast.Compare):
        return _comparison(node, names)
    if isinstance(node, ast.Name | ast.Attribute):
        name = _name(node, names)
        return lambda values: _truth(name, values[name])
    raise _refused(node)


def _comparison(node: ast.Compare, names: set[str]) -> Term:
    """A function that decides a chain of comparisons such as 1 < a <= b."""
    terms = [_term(side, names) for side in (node.left, *node.comparators)]
    compare = [_compared(kind) for kind in node.ops]

    def holds(values: Values) -> bool:
        sides = [term(values) for term in terms]
        return all(test(a, b) for test, a, b in zip(compare, sides, sides[1:], strict=False))

    return holds


def _compared(kind: ast.cmpop) -> Callable[[Any, Any], bool]:
    """The function of one comparison; an order is one of numbers only."""
    if type(kind) in _EQUALITY:
        return _EQUALITY[type(kind)]
    if type(kind) not in _ORDER:
        raise _refused(kind)
    test = _ORDER[type(kind)]
    return lambda a, b: test(_number(a), _number(b))


def _term(node: ast.expr, names: set[str]) -> Term:
    """A function that computes a value; its names are added to ``names``."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, str, bool):
        value = node.value
        return lambda _: value
    if isinstance(node, ast.Name) and node.id in YAML_WORDS:
        word = YAML_WORDS[node.id]
        return lambda _: word
    if isinstance(node, ast.Name | ast.Attribute):
        name = _name(node, names)
        return lambda values: values[name]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        sign, part = _SIGNS[type(node.op)], _term(node.operand, names)
        return lambda values: sign(_number(part(values)))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        apply = _ARITHMETIC[type(node.op)]
        left, right = _term(node.left, names), _term(node.right, names)
        return lambda values: apply(_number(left(values)), _number(right(values)))
    raise _refused(node)


def _name(node: ast.expr, names: set[str]) -> str:
    """The dotted name of a node; no part of it may begin with an underscore, as no key of a file does."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _refused(node)
    parts.append(node.id)
    if any(part.startswith("_") for part in parts):
        raise UserError(f"'{'.'.join(reversed(parts))}' is no name of a parameter or result")
    name = ".".join(reversed(parts))
    names.add(name)
    return name


def _refused(node: ast.AST) -> UserError:
    return UserError(f"a {type(node).__name__.lower()} has no place in a constraint; allowed: {_ALLOWED}")


def _number(value: Any) -> Any:
    """The value itself, if it is a number. Raises: TypeError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{show_value(value)} is no number")
    return value


def _truth(name: str, value: Any) -> bool:
    """The value itself, if it is true or false. Raises: TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {show_value(value)}, neither true nor false; compare it")
    return value


def _power(base: Any, exponent: Any) -> Any:
    """A power that is real and of at most MOST_BITS bits. Raises: ArithmeticError for others."""
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and base.bit_length() * abs(exponent) > MOST_BITS:
        raise ArithmeticError(f"{show_value(base)} ** {show_value(exponent)} is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ArithmeticError(f"{show_value(base)} ** {show_value(exponent)} is no real number")
    return result
