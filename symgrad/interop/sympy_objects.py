"""Graph -> SymPy: what a table row is in SymPy, and the walk that builds a result.

SymPy simplifies what it builds, and takes very long over large expressions with shared parts; so
only small parts are built its way, and the others exactly as the Graph has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.operations import LatticeOp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.ndim_array import NDimArray

from symgrad.errors import UnknownFunctionError
from symgrad.functions import math
from symgrad.ir.expression import HALF, Expr, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import argument_name

SMALL, SHALLOW = 1000, 30
"""SymPy simplifies expressions of up to so many nodes and levels only, and none that holds a
Piecewise: it walks them as trees, recursively, and moves powers into the branches."""

CONSTANTS = {
    "pi": sympy.pi,
    "e": sympy.E,
    "euler_gamma": sympy.EulerGamma,
    "golden_ratio": sympy.GoldenRatio,
    "catalan": sympy.Catalan,
}

# fmt: off
FUNCTIONS: dict[str, Any] = {
    "exp": sympy.exp, "log": sympy.log, "pow": sympy.Pow,
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan,
    "asin": sympy.asin, "acos": sympy.acos, "atan": sympy.atan, "atan2": sympy.atan2,
    "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh,
    "asinh": sympy.asinh, "acosh": sympy.acosh, "atanh": sympy.atanh,
    "erf": sympy.erf, "erfc": sympy.erfc,
    "floor": sympy.floor, "ceil": sympy.ceiling, "abs": sympy.Abs, "sign": sympy.sign,
    "max": sympy.Max, "min": sympy.Min, "mod": sympy.Mod,
    "lt": sympy.StrictLessThan, "le": sympy.LessThan,
    "eq": sympy.Equality, "ne": sympy.Unequality,
    "and": sympy.And, "or": sympy.Or, "not": sympy.Not,
}
"""The rows that are functions of SymPy too; ``select`` is its Piecewise."""

WRITTEN_OUT: dict[str, Callable[..., Expr]] = {
    "exp2":  lambda x: 2**x,
    "expm1": lambda x: math.exp(x) - 1,
    "log1p": lambda x: math.log(1 + x),
    "log2":  lambda x: math.log(x) / math.log(2),
    "log10": lambda x: math.log(x) / math.log(10),
    "cbrt":  lambda x: math.sign(x) * abs(x) ** Fraction(1, 3),
    "hypot": lambda a, b: (a * a + b * b) ** HALF,
    "trunc": lambda x: math.select(x < 0, math.ceil(x), math.floor(x)),
    # Half to even: floor(x + 1/2), less 1 where x + 1/2 is odd.
    "rint":  lambda x: math.floor(x + HALF) - math.select(math.eq(math.mod(x + HALF, 2), 1), 1, 0),
    "fmod":  lambda a, b: a - b * math.trunc(a / b),
    "sigmoid":  lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
}
"""The other rows, in rows that SymPy has."""
# fmt: on

KEPT = frozenset(
    FUNCTIONS[name] for name in ("max", "min", "mod", "lt", "le", "eq", "ne", "and", "or", "not")
)
"""Never simplified: SymPy would have to prove which side is larger, or turn ``not`` around."""

LEFT_OUT = (sympy.Derivative, sympy.Subs, sympy.DiracDelta, sympy.UnevaluatedExpr, NDimArray)
"""What no result shows, as it says more or less than what it was read as."""


def known_objects(graph: Graph, pairs: Sequence[tuple[Any, Expr]]) -> dict[int, Any]:
    """SymPy objects by the nodes of their Exprs, those that hold LEFT_OUT ones excepted.

    Args:
        graph: where the Exprs have their nodes.
        pairs: SymPy objects and their Exprs, arguments before what uses them.
    """
    nodes = graph.add_all([made for _, made in pairs])
    known: dict[int, Any] = {}
    left_out: set[int] = set()
    for node, (value, _) in zip(nodes, pairs, strict=True):
        inner = bool(graph.args[node]) and isinstance(value, MatrixElement)  # (A*v)[0, 0]
        if inner or isinstance(value, LEFT_OUT) or any(id(part) in left_out for part in value.args):
            left_out.add(id(value))
        elif graph.args[node]:
            known.setdefault(node, value)
    return known


def to_sympy(
    graph: Graph, nodes: Sequence[int], symbols: Mapping[str, Any], known: Mapping[int, Any]
) -> list[Any]:
    """The nodes as SymPy objects that share what the nodes share.

    Args:
        graph: holds the nodes; rows that SymPy lacks are written out in it.
        nodes: what is wanted.
        symbols: the SymPy object of each variable's name.
        known: nodes whose SymPy object exists already.

    Raises:
        UnknownFunctionError: SymPy has no such function.
    """
    made = dict(known)
    sizes: list[tuple[int, int]] = []
    stack = list(reversed(nodes))
    while stack:
        node = stack[-1]
        op = graph.ops[node]
        args = graph.args[node]
        if node not in made and op in WRITTEN_OUT:
            names = [argument_name(i) for i in range(len(args))]
            body = WRITTEN_OUT[op](*[symbol(name) for name in names])
            args = (graph.add(body, dict(zip(names, args, strict=True))),)
        missing = [] if node in made else [a for a in args if a not in made]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        if node in made:
            continue
        parts = [made[argument] for argument in args]
        for new in range(len(sizes), len(graph)):
            below = [sizes[argument] for argument in graph.args[new]]
            chosen = SMALL if graph.ops[new] == "select" else 0
            size = 1 + chosen + sum(size for size, _ in below)
            sizes.append((min(size, SMALL + 1), 1 + max((depth for _, depth in below), default=0)))
        small = sizes[node][0] <= SMALL and sizes[node][1] <= SHALLOW
        made[node] = parts[0] if op in WRITTEN_OUT else _object(graph, node, parts, small, symbols)
    return [made[node] for node in nodes]


def _object(
    graph: Graph, node: int, parts: list[Any], small: bool, symbols: Mapping[str, Any]
) -> Any:
    """The SymPy object of one node over those of its arguments."""
    op, data = graph.ops[node], graph.data[node]
    if op == "symbol":
        return symbols[data]
    if op == "constant":
        return _number(data)
    if op == "named":
        return CONSTANTS[data]
    if op == "boolean":
        return sympy.true if data else sympy.false
    if op == "sum":
        start, coefficients = data
        terms = [_number(start)] if type(start) is float or start else []
        for part, c in zip(parts, coefficients, strict=True):
            one = type(c) is int and c == 1
            terms.append(part if one else _join(sympy.Mul, small, _number(c), part))
        return _join(sympy.Add, small, *terms)
    if op == "product":
        factors = [
            part if e == 1 else _join(sympy.Pow, small, part, _number(e))
            for part, e in zip(parts, data, strict=True)
        ]
        return _join(sympy.Mul, small, *factors)
    if op == "select":
        condition, chosen, other = parts
        pairs = [_join(ExprCondPair, False, chosen, condition)]
        if isinstance(other, sympy.Piecewise):
            pairs.extend(other.args)
        else:
            pairs.append(_join(ExprCondPair, False, other, sympy.true))
        return _join(sympy.Piecewise, False, *pairs)
    if op not in FUNCTIONS:
        raise UnknownFunctionError(
            f"SymPy has no function {op!r} that a result could be written in; differentiate traced "
            "variables (symgrad.variables), or compile the derivative"
        )
    return _join(FUNCTIONS[op], small, *parts)


def _join(kind: Any, small: bool, *parts: Any) -> Any:
    """A SymPy object of that kind, simplified by SymPy where it is small."""
    if kind in (sympy.Add, sympy.Mul) and len(parts) == 1:
        return parts[0]
    if small and kind not in KEPT:
        return kind(*parts)
    made = sympy.Basic.__new__(kind, *parts)
    if kind in (sympy.Add, sympy.Mul, sympy.Pow):
        made.is_commutative = True
    elif issubclass(kind, LatticeOp):
        made._argset = frozenset(parts)
    hash(made)  # kept by SymPy: from the bottom up it needs no recursion, later it would
    return made


def _number(value: int | Fraction | float) -> Any:
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)
