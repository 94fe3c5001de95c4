"""The variables that occur in SymPy objects whose variables nobody has listed.

A Symbol, an element of an array and an unknown function such as q(t) are variables wherever they
stand, but for the bound ones of Sum, Product, Subs and Lambda. What stands for several of them
stands for each: a whole matrix in a Trace, ``b[i]`` below a Sum over i.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import sympy
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement

from symgrad.errors import DerivativeError
from symgrad.functions.tracing import PRIMITIVES
from symgrad.ir.primitive import Primitive
from symgrad.parse.binders import MAX_TERMS, dependent
from symgrad.parse.names import resolve
from symgrad.parse.sympy_arguments import DECLARABLE, elements, opaque

Scope = Mapping[Any, Any]
"""Variables that have a meaning of their own, each with the integers it takes, or None."""

BINDABLE = (*DECLARABLE, sympy.Idx)


def occurring(
    entries: Iterable[Any],
    inputs: Collection[Any],
    defined: Iterable[Any] = (),
    rows: Mapping[str, Primitive] = PRIMITIVES,
) -> list[Any]:
    """The SymPy objects in ``entries`` that stand for variables, in the order of their first use.

    Args:
        entries: SymPy objects; others are passed over.
        inputs: objects that are variables whatever they look like.
        defined: symbols that stand for expressions and are no variables.
        rows: the function table.

    Raises:
        DerivativeError: a variable that is no input depends on one in an unknown way.
        LimitError: a matrix or an array has too many elements.

    Example:
        >>> x, k, b = sympy.Symbol("x"), sympy.Symbol("k"), sympy.IndexedBase("b")
        >>> occurring([sympy.Sum(b[k] * x**k, (k, 0, 2))], [])
        [b[0], b[1], b[2], x]
    """
    found: dict[Any, None] = {}
    seen: dict[tuple[int, ...], Any] = {}  # an identity means something only while its object lives
    outermost: Scope = dict.fromkeys(defined)
    roots = [entry for entry in entries if isinstance(entry, sympy.Basic)]
    stack: list[tuple[Any, Any, Scope]] = [(root, None, outermost) for root in reversed(roots)]
    while stack:
        entry = node, holder, scope = stack.pop()
        key = (id(node), id(holder), id(scope))
        if key in seen or (scope and isinstance(node, BINDABLE) and node in scope):
            continue
        seen[key] = entry
        inner = _held(node, inputs, rows)
        if inner is None:
            stack.extend((part, holder, below) for part, below in reversed(_below(node, scope)))
        elif scope and any(dependent(inner, list(scope)).values()):
            stack.extend((part, holder, outermost) for part in reversed(_spread(node, scope)))
        else:
            if holder is None:
                found[node] = None
            elif node in inputs:
                raise DerivativeError(
                    f"{holder} depends on the input {node}, and how is not known; write it out, or "
                    f"make {holder} itself an input"
                )
            stack.extend((part, node if holder is None else holder, scope) for part in inner)
    return list(found)


def _held(
    node: Any, inputs: Collection[Any], rows: Mapping[str, Primitive]
) -> Sequence[Any] | None:
    """What a SymPy object that stands for a variable depends on; None for any other object."""
    if opaque(node) or (isinstance(node, DECLARABLE) and node in inputs):
        return ()
    if isinstance(node, sympy.Indexed) or _is_entry(node):
        return tuple(node.args[1:])
    inner = node.expr if isinstance(node, sympy.Derivative) else node
    if isinstance(inner, AppliedUndef) and resolve(type(inner).__name__, rows) is None:
        return tuple(inner.args)
    return None


def _is_entry(node: Any) -> bool:
    return isinstance(node, MatrixElement) and isinstance(node.args[0], sympy.MatrixSymbol)


def _below(node: Any, scope: Scope) -> list[tuple[Any, Scope]]:
    """The parts of an object that is no variable, each with its scope."""
    if isinstance(node, sympy.MatrixSymbol | sympy.IndexedBase):
        level = elements(node) or []
        while level and isinstance(level[0], list):
            level = [entry for row in level for entry in row]
        return [(entry, {}) for entry in level]
    if isinstance(node, ExprWithLimits):
        inner: Scope = {**scope, **{limit[0]: _integers(limit) for limit in node.limits}}
        return [(part, inner) for part in node.args]
    if isinstance(node, sympy.Subs | sympy.Lambda):
        inner = {**scope, **dict.fromkeys(node.variables)}
        outside = [(node.point, scope)] if isinstance(node, sympy.Subs) else []
        return [(node.expr, inner), *outside]
    return [(part, scope) for part in node.args]


def _integers(limit: Any) -> range | None:
    """The integers from one bound to the other, also of bounds that are turned around."""
    if len(limit) != 3 or not all(bound.is_Integer for bound in limit[1:]):
        return None
    low, high = map(int, limit[1:])
    return range(min(low, high + 1), max(low, high + 1))


def _spread(node: Any, scope: Scope) -> list[Any]:
    """What an object with bound variables in it stands for, their values put in."""
    array = node.args[0]
    if isinstance(node, sympy.Indexed | MatrixElement) and getattr(array, "shape", None):
        return [array]
    bound = [variable for variable in scope if dependent([node], [variable])[id(node)]]
    ranges = [scope[variable] for variable in bound]
    if None in ranges or prod(map(len, ranges)) > MAX_TERMS:
        return []  # it has no meaning, and reading it will say so
    return [node.xreplace(dict(zip(bound, at, strict=True))) for at in _points(ranges)]


def _points(ranges: Sequence[range]) -> Iterable[tuple[Any, ...]]:
    """All combinations of one value from each range."""
    return product(*[[sympy.Integer(value) for value in one] for one in ranges])
