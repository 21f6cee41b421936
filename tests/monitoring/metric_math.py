"""Expressions of metric math, as CloudWatch evaluates them for one period.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

# A value, or nothing: a period without data.
Number = float | None
Values = Mapping[str, Number]

ARITHMETIC: Mapping[type, Callable[[float, float], float | None]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda one, two: one / two if two else None,  # CloudWatch leaves such a data point out
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
}
AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {"SUM": sum, "MAX": max, "MIN": min}


@cache
def parse(expression: str) -> ast.expr:
    """Return the tree of an expression, whose syntax is Python's apart from `AND`."""
    return ast.parse(expression.replace(" AND ", " and "), mode="eval").body


@cache
def evaluate(expression: str, values: tuple[tuple[str, Number], ...]) -> Number:
    """Return the value of an expression. Of nothing, arithmetic makes nothing; aggregates of a list ignore it."""
    return _of(parse(expression), dict(values))


def _of(node: Any, values: Values) -> Number:  # noqa: ANN401, PLR0911 - any node, and a case of each kind
    match node:
        case ast.Constant():
            return float(str(node.value))
        case ast.Name():
            return values[node.id]
        case ast.BinOp():
            return _both(node.op, _of(node.left, values), _of(node.right, values))
        case ast.Compare(ops=[op], comparators=[right]):
            return _both(op, _of(node.left, values), _of(right, values))
        case ast.BoolOp():
            sides = [_of(each, values) for each in node.values]
            return None if None in sides else float(all(sides))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            chosen = _of(condition, values)
            return None if chosen is None else _of(yes if chosen else no, values)
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=items)]):
            known = [each for each in (_of(item, values) for item in items) if each is not None]
            return AGGREGATES[name](known) if known else None
    raise AssertionError(f"no model of {ast.unparse(node)}")


def _both(op: ast.AST, one: Number, two: Number) -> Number:
    if one is None or two is None:
        return None
    result = ARITHMETIC[type(op)](one, two)
    return None if result is None else float(result)
