"""SymPy objects that bind a variable: Sum, Product, Subs, and Derivative.

A Sum is a loop: its body is read once for each value of the index, and parts without the index
are read once in all. SymPy writes nothing out, so neither size nor depth matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy
from sympy.core.function import AppliedUndef

from symgrad.errors import LimitError, SymgradError
from symgrad.functions.tracing import PRIMITIVES
from symgrad.ir.expression import MINUS_ONE, Expr, constant, symbol
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import Primitive
from symgrad.parse.names import resolve
from symgrad.parse.requests import MAX_ORDER
from symgrad.parse.sympy_arguments import shown
from symgrad.parse.variables import substitute

if TYPE_CHECKING:
    from symgrad.parse.sympy_expressions import Converter, Plan

MAX_TERMS = 100_000
"""Terms that all Sums and Products of one conversion may expand to."""

MAX_FOLDED = 40
"""Nodes of an Expr that is looked through for its exact value."""


class Scope:
    """Where bound variables have a meaning; ``Scope()`` is the outermost, where none has.

    Attributes:
        parent: the scope around it.
        bound: what each bound variable stands for.
        depends: identity -> whether an object holds a bound variable; an unknown one may.
        memo: the Expr of each object that was read in this scope, by identity.
    """

    __slots__ = ("bound", "depends", "kinds", "memo", "parent")

    def __init__(
        self,
        parent: Scope | None = None,
        bound: Mapping[Any, Expr] | None = None,
        depends: Mapping[int, bool] | None = None,
    ) -> None:
        self.parent = parent
        self.bound = bound or {}
        self.kinds = {type(variable) for variable in self.bound}
        self.depends = depends or {}
        self.memo: dict[int, Expr] = {}

    def home(self, value: Any) -> Scope:
        """The outermost scope in which ``value`` means the same."""
        scope, key = self, id(value)
        while scope.parent is not None and not scope.depends.get(key, True):
            scope = scope.parent
        return scope

    def find(self, value: Any) -> Expr | None:
        """What a bound variable stands for, innermost first; None for anything else."""
        scope, kind = self, type(value)
        while scope.parent is not None:
            if kind in scope.kinds:
                found = scope.bound.get(value)
                if found is not None:
                    return found
            scope = scope.parent
        return None


def dependent(roots: Iterable[Any], variables: Sequence[Any]) -> dict[int, bool]:
    """Identity -> whether an object holds one of ``variables``, for all objects below ``roots``."""
    kinds = {type(variable) for variable in variables}
    found: dict[int, bool] = {}
    stack = list(roots)
    while stack:
        node = stack[-1]
        key = id(node)
        parts = getattr(node, "_args", ())
        if key in found:
            stack.pop()
        elif not isinstance(node, sympy.Basic) or (type(node) in kinds and node in variables):
            found[key] = True
        else:
            missing = [part for part in parts if id(part) not in found]
            if missing:
                stack.extend(missing)
            else:
                found[key] = any(found[id(part)] for part in parts)
    return found


def exact(expr: Expr, rows: Mapping[str, Primitive] = PRIMITIVES) -> int | Fraction | float | None:
    """The number that a small Expr without variables is, exact if it can be; None otherwise."""
    if expr.op == "constant":
        return expr.value  # type: ignore[return-value]
    stack, count = [expr], 0
    while stack:
        node = stack.pop()
        count += 1
        if node.op in ("symbol", "named") or count > MAX_FOLDED:
            return None
        stack.extend(node.args)
    graph = Graph(rows)
    try:
        node_index = graph.add(expr)
    except SymgradError:  # a row that is not in the table
        return None
    found: int | Fraction | float = graph.data[node_index]
    return found if graph.ops[node_index] == "constant" else None


def expand(op: str, empty: int) -> Callable[[Converter, Any], Plan | Expr]:
    """The reading of a Sum ("add", 0) or a Product ("multiply", 1)."""

    def expanded(converter: Converter, node: Any) -> Plan | Expr:
        scope = converter.scope
        *inner, (index, low, high) = node.limits

        def no_integer(title: str, bound: Any) -> Exception:
            return converter.unsupported(
                node,
                f"has the {title} bound {shown(bound)}, which is no integer; put a number in its "
                "place, or call .doit() for a closed form",
            )

        for title, bound in (("lower", low), ("upper", high)):
            if not bound.is_Integer and scope.home(bound).parent is None:
                raise no_integer(title, bound)
        body = node.func(node.function, *inner) if inner else node.function
        converter.kept.append(body)

        def terms(ends: list[Expr]) -> Plan | Expr:
            first, last = (
                converter.integer(end, lambda t=title, b=bound: no_integer(t, b))  # type: ignore[misc]
                for end, title, bound in zip(ends, ("lower", "upper"), (low, high), strict=True)
            )
            inverse = last < first - 1  # SymPy turns such bounds around, after Karr
            if inverse:
                first, last = last + 1, first - 1
            count = last - first + 1
            converter.terms += count
            if converter.terms > MAX_TERMS:
                raise LimitError(
                    f"{shown(node)} in {converter.place} has more than {MAX_TERMS} terms; "
                    "write it in closed form"
                )
            if not count:
                return constant(empty)
            depends = dependent([body], [index])
            scopes = [Scope(scope, {index: constant(i)}, depends) for i in range(first, last + 1)]
            return [body] * count, build_of(inverse), scopes

        def build_of(inverse: bool) -> Callable[[list[Expr]], Expr]:
            def build(args: list[Expr]) -> Expr:
                whole = Expr(op, tuple(args)) if len(args) > 1 else args[0]
                if not inverse:
                    return whole
                return MINUS_ONE * whole if op == "add" else whole**MINUS_ONE

            return build

        return [low, high], terms, None

    return expanded


def substitution(converter: Converter, node: Any) -> Plan:
    """The reading of a Subs: its variables are bound, inside Derivatives to symbols first."""
    scope, body, variables = converter.scope, node.expr, list(node.variables)
    depends = dependent([body], variables)

    def bind(points: list[Expr]) -> Plan:
        if not _differentiated(body, set(variables)):
            inner = Scope(scope, dict(zip(variables, points, strict=True)), depends)
            return [body], lambda args: args[0], [inner]
        names = [converter.fresh() for _ in variables]
        bound = {v: symbol(name) for v, name in zip(variables, names, strict=True)}
        replaced = dict(zip(names, points, strict=True))
        return (
            [body],
            lambda args: substitute(args, replaced)[0],
            [Scope(scope, bound, depends)],
        )

    return list(node.point), bind, None


def _differentiated(body: Any, variables: set[Any]) -> bool:
    """Whether a Derivative by one of the variables stands in ``body``."""
    stack, seen = [body], set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, sympy.Derivative) and any(v in variables for v, _ in _counts(node)):
            return True
        stack.extend(getattr(node, "_args", ()))
    return False


def _counts(node: Any) -> list[tuple[Any, Any]]:
    """Variables of a Derivative, each with how often it is differentiated by."""
    return [(pair[0], pair[1]) for pair in node.variable_count]


def derivative(converter: Converter, node: Any) -> Plan:
    """The reading of a Derivative: of a closed expression, by variables."""
    differentiate = converter.differentiate
    if differentiate is None:
        raise converter.unsupported(node, "is not evaluated; call .doit() first")
    pairs = _counts(node)
    for variable, count in pairs:
        if isinstance(variable, sympy.MatrixExpr | sympy.NDimArray | sympy.IndexedBase):
            raise converter.unsupported(
                node,
                f"is by {shown(variable)}, which is no single variable; differentiate by its "
                "elements, or name the derivatives to compile instead",
            )
        if not count.is_Integer:
            raise converter.unsupported(node, f"has the order {shown(count)}; give a number")
    if sum(int(count) for _, count in pairs) > MAX_ORDER:
        raise LimitError(f"{shown(node)} in {converter.place} is beyond the order {MAX_ORDER}")
    inner = node.expr
    if isinstance(inner, AppliedUndef) and type(inner) not in converter.declared:
        name = type(inner).__name__
        if resolve(name, converter.rows) is None:
            raise converter.unsupported(
                node,
                f"differentiates {name}, a function that is not defined; put its formula in "
                f"place of {shown(inner)}, or declare {shown(node)} itself as an input",
            )
    by = {variable for variable, _ in pairs}
    for declared in converter.objects:
        if not isinstance(declared, AppliedUndef | sympy.Derivative):
            continue
        if by & declared.free_symbols:
            raise converter.unsupported(
                node,
                f"depends on its variable through the declared {shown(declared)}; call .doit() "
                "first, and declare the derivatives that appear",
            )
    names = [variable for variable, count in pairs for _ in range(int(count))]

    def build(args: list[Expr]) -> Expr:
        if any(variable.op != "symbol" for variable in args[1:]):
            raise converter.unsupported(node, "is by something that is no variable")
        return differentiate(args[0], tuple(str(variable.value) for variable in args[1:]))

    return [inner, *names], build, None
