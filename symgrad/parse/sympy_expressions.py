"""SymPy objects -> Expr: a table from type to plan, walked with an explicit stack.

Every SymPy object is visited once (memoised by identity: SymPy's own ``==`` compares whole trees),
nothing is evaluated or differentiated by SymPy, and no string ever reaches ``sympify``. All symbols
are real, whatever they assume. Functions are looked up by name in ``names.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from math import isinf
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.ndim_array import NDimArray

from symgrad.errors import (
    ArgumentError,
    FormulaError,
    LimitError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
    UnsupportedExpressionError,
)
from symgrad.ir.conditions import is_condition, piecewise
from symgrad.ir.expression import MINUS_ONE, Expr, constant, named, symbol
from symgrad.ir.messages import close_names, shorten
from symgrad.ir.primitive import Primitive
from symgrad.parse.names import call, resolve, unknown_function
from symgrad.parse.variables import MAX_BITS, Differentiate, substitute

MAX_TERMS = 100_000
"""Terms that all Sums and Products of one conversion may expand to."""

Plan = tuple[Sequence[Any], Callable[[list[Expr]], Expr]]
"""What to convert first, and how to join the results."""


def native(value: Any) -> Any:
    """``value`` as SymPy's own object, where another library's says what that is."""
    while not isinstance(value, sympy.Basic) and hasattr(value, "_sympy_"):
        value = value._sympy_()
    return value


def identify(value: Any, place: str) -> tuple[str, Any]:
    """How a variable is known ("symbol" or "object"), and its name or the object.

    Raises:
        ArgumentError: it cannot be a variable.
    """
    value = native(value)
    if isinstance(value, sympy.Symbol) and not isinstance(value, sympy.Dummy):
        if not value.name:
            raise ArgumentError(f"{place} is a Symbol without a name; name it")
        return "symbol", value.name
    if isinstance(value, DECLARABLE):
        return "object", value
    raise ArgumentError(
        f"{place} is {shown(value)}, of SymPy's type {type(value).__name__}; a variable is a "
        "Symbol, a Dummy, an element of an array or a function such as q(t)"
    )


def elements(value: Any) -> list[Any] | None:
    """Elements of a SymPy sequence, rows of a matrix or array; None for a scalar."""
    value = native(value)
    if isinstance(value, sympy.Tuple):
        return list(value.args)
    if isinstance(value, sympy.MatrixBase):
        return [list(value[i, :]) for i in range(value.rows)]
    if isinstance(value, NDimArray):
        return list(value) if value.shape else None
    if isinstance(value, sympy.MatrixExpr) and all(n.is_Integer for n in value.shape):
        rows, columns = map(int, value.shape)
        return [[value[i, j] for j in range(columns)] for i in range(rows)]
    return None


def is_cse(value: Any) -> bool:
    """Whether ``value`` is what ``sympy.cse`` returns: pairs of new symbols, and expressions."""
    if not (isinstance(value, tuple) and len(value) == 2):
        return False
    pairs, reduced = value
    return (
        isinstance(pairs, list)
        and isinstance(reduced, list)
        and bool(reduced)
        and all(isinstance(p, tuple) and len(p) == 2 and type(p[0]) is sympy.Symbol for p in pairs)
        and all(isinstance(e, sympy.Basic | sympy.MatrixBase) for e in reduced)
    )


def shown(value: Any) -> str:
    """A short text of a SymPy object; only its head where it is large or deeply nested."""
    if not isinstance(value, sympy.Basic):
        return shorten(repr(value))
    stack, count = [value], 0
    while stack and count <= 40:
        stack.extend(islice(stack.pop().args, 41))
        count += 1
    if count <= 40:
        with suppress(ValueError):  # Python prints no integer of more than 4300 digits
            return shorten(str(value))
    return f"{type(value).__name__}(...)"


class Converter:
    """Converts SymPy objects over declared variables; shared parts become shared Exprs.

    Args:
        symbols: Symbol name -> Expr.
        objects: declared objects that are no plain Symbols -> Expr.
        rows: the function table.
        differentiate: evaluates Derivative objects; without it they are refused.
    """

    def __init__(
        self,
        symbols: Mapping[str, Expr],
        objects: Mapping[Any, Expr],
        rows: Mapping[str, Primitive],
        differentiate: Differentiate | None = None,
    ) -> None:
        self.symbols = symbols
        self.objects = dict(objects)
        self.declared = {type(key) for key in self.objects}
        self.rows = rows
        self.differentiate = differentiate
        self.place = "the expression"
        self.memo: dict[int, Expr] = {}
        self.kept: list[Any] = []  # an identity means something only while its object lives
        self.plans: dict[type, Callable[[Converter, Any], Plan | Expr]] = {}
        self.terms = 0
        self.bound = 0

    def convert(self, value: Any, place: str = "the expression") -> Expr:
        """The Expr of ``value``; ``place`` names it in messages.

        Raises:
            UnknownSymbolError: a symbol is not declared.
            UnknownFunctionError: a function has no row.
            UnsupportedExpressionError: something has no meaning as real arithmetic.
        """
        self.place = place
        root = native(value)
        memo, kept = self.memo, self.kept
        stack: list[tuple[Any, Plan | None]] = [(root, None)]
        while stack:
            node, plan = stack.pop()
            if plan is not None:
                children, build = plan
                try:
                    memo[id(node)] = build([memo[id(child)] for child in children])
                except (ArgumentError, FormulaError) as error:
                    raise self.located(error, node) from None
                continue
            if id(node) in memo:
                continue
            kept.append(node)
            planned = self.plan(node)
            if isinstance(planned, Expr):
                memo[id(node)] = planned
                continue
            kept.append(planned[0])
            stack.append((node, planned))
            stack.extend([(child, None) for child in reversed(planned[0]) if id(child) not in memo])
        return memo[id(root)]

    def located(self, error: SymgradError, node: Any) -> SymgradError:
        """The error with the place added; a wrong argument is the formula's fault here."""
        kind = FormulaError if isinstance(error, ArgumentError) else type(error)
        return kind(f"in {self.place}, at {shown(node)}: {error}")

    def plan(self, node: Any) -> Plan | Expr:
        """The Expr of a leaf, or what to convert before the node."""
        kind = type(node)
        if kind in self.declared:
            found: Expr | None = self.objects.get(node)
            if found is not None:
                return found
        handler = self.plans.get(kind)
        if handler is None:
            handler = next((PLANS[base] for base in kind.__mro__ if base in PLANS), refuse)
            self.plans[kind] = handler
        planned: Plan | Expr = handler(self, node)
        return planned

    def replace(self, node: Any, replacements: dict[Any, Any]) -> Any:
        """The SymPy object with bound symbols replaced."""
        try:
            replaced: sympy.Basic = node.xreplace(replacements)
        except (RecursionError, ValueError):  # too deep for SymPy, or an index bound twice
            raise self.unsupported(node, "cannot be written out; call .doit() first") from None
        return replaced

    def unsupported(self, node: Any, why: str) -> UnsupportedExpressionError:
        """The error for a SymPy object that has no real value at a point."""
        return UnsupportedExpressionError(f"{shown(node)} in {self.place} {why}")


def refuse(converter: Converter, node: Any) -> Plan | Expr:
    """What the table does not have."""
    title = type(node).__name__
    raise converter.unsupported(
        node, f"has no real value at a point (type {title}); evaluate it first, say with .doit()"
    )


def _because(why: str) -> Callable[[Converter, Any], Plan | Expr]:
    def refused(converter: Converter, node: Any) -> Plan | Expr:
        raise converter.unsupported(node, why)

    return refused


def _leaf(made: Expr) -> Callable[[Converter, Any], Plan | Expr]:
    return lambda converter, node: made


def _numbers(op: str) -> Callable[[Converter, Any], Plan | Expr]:
    def build(args: list[Expr]) -> Expr:
        for argument in args:
            if is_condition(argument):
                raise FormulaError("a condition stands where a number must be; use Piecewise")
        return Expr(op, tuple(args))

    return lambda converter, node: (node.args, build)


def _rational(converter: Converter, node: Any) -> Expr:
    if max(int(node.p).bit_length(), int(node.q).bit_length()) > MAX_BITS:
        raise LimitError(f"an exact number in {converter.place} has more than {MAX_BITS} bits")
    return constant(Fraction(int(node.p), int(node.q)))


def _float(converter: Converter, node: Any) -> Expr:
    sign, mantissa, exponent, bits = node._mpf_
    size = float("inf")
    if exponent + bits < -1100:
        size = 0.0
    elif exponent + bits <= 1024:
        with suppress(OverflowError):
            size = float(int(mantissa) * Fraction(2) ** exponent)  # rounds once, to nearest
    if isinf(size):
        raise LimitError(
            f"the number {shown(node)} in {converter.place} overflows double precision"
        )
    return constant(-size if sign else size)


def _symbol(converter: Converter, node: Any) -> Expr:
    found = converter.symbols.get(node.name)
    if found is None:
        close = close_names(node.name, list(converter.symbols))
        raise UnknownSymbolError(
            f"the symbol {shorten(node.name)!r} in {converter.place} is not declared; add it to "
            f"the inputs or parameters{close}"
        )
    if not node.is_commutative:
        raise converter.unsupported(node, "does not commute, and real numbers do")
    return found


def _element(converter: Converter, node: Any) -> Expr:
    kind = "Dummy" if isinstance(node, sympy.Dummy) else "element"
    raise UnknownSymbolError(
        f"the {kind} {shown(node)} in {converter.place} is not declared; add that very object to "
        "the inputs or parameters"
    )


def _function(converter: Converter, node: Any) -> Plan:
    name, rows = type(node).__name__, converter.rows
    if resolve(name, rows) is None:
        error = converter.located(unknown_function(name, rows), node)
        if isinstance(node, AppliedUndef):
            error = UnknownFunctionError(f"{error}; or declare {shown(node)} as an input")
        raise error
    return node.args, lambda args: call(name, tuple(args), rows)


def _relation(converter: Converter, node: Any) -> Plan:
    return node.args, lambda args: call(type(node).__name__, tuple(args), converter.rows)


def _piecewise(converter: Converter, node: Any) -> Plan:
    children = [part for pair in node.args for part in pair.args]

    def build(args: list[Expr]) -> Expr:
        pairs = list(zip(args[::2], args[1::2], strict=True))
        for value, condition in pairs:
            if is_condition(value) or not is_condition(condition):
                raise FormulaError("a pair of Piecewise is (value, condition)")
        return piecewise(pairs)

    return children, build


def _first(converter: Converter, node: Any) -> Plan:
    return node.args[:1], lambda args: args[0]


def _array(converter: Converter, node: Any) -> Plan | Expr:
    if node.shape:
        raise converter.unsupported(node, "is an array where one expression must stand")
    return [node[()]], lambda args: args[0]


def _expand(op: str, empty: int) -> Callable[[Converter, Any], Plan | Expr]:
    def expanded(converter: Converter, node: Any) -> Plan | Expr:
        *inner, (index, low, high) = node.limits
        if not (low.is_Integer and high.is_Integer):
            raise converter.unsupported(node, "has bounds that are no integers; call .doit() first")
        first, last = int(low), int(high)
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
        body = node.func(node.function, *inner) if inner else node.function
        terms = [converter.replace(body, {index: sympy.Integer(i)}) for i in range(first, last + 1)]

        def build(args: list[Expr]) -> Expr:
            whole = Expr(op, tuple(args)) if len(args) > 1 else args[0]
            if not inverse:
                return whole
            return MINUS_ONE * whole if op == "add" else whole**MINUS_ONE

        return terms, build

    return expanded


def _substitution(converter: Converter, node: Any) -> Plan:
    dummies = [sympy.Dummy() for _ in node.variables]
    names = []
    for dummy in dummies:
        converter.bound += 1
        while f"bound {converter.bound}" in converter.symbols:
            converter.bound += 1
        names.append(f"bound {converter.bound}")
        converter.objects[dummy] = symbol(names[-1])
    converter.declared.add(sympy.Dummy)
    body = converter.replace(node.expr, dict(zip(node.variables, dummies, strict=True)))

    def build(args: list[Expr]) -> Expr:
        return substitute([args[0]], dict(zip(names, args[1:], strict=True)))[0]

    return [body, *node.point], build


def _derivative(converter: Converter, node: Any) -> Plan:
    differentiate = converter.differentiate
    if differentiate is None:
        raise converter.unsupported(node, "is not evaluated; call .doit() first")
    by = set(node.variables)
    for declared in converter.objects:
        if isinstance(declared, AppliedUndef | sympy.Derivative) and by & declared.free_symbols:
            raise converter.unsupported(
                node,
                f"depends on its variable through the declared {shown(declared)}; call .doit() "
                "first, and declare the derivatives that appear",
            )
    children = [node.expr, *node.variables]

    def build(args: list[Expr]) -> Expr:
        if any(variable.op != "symbol" for variable in args[1:]):
            raise converter.unsupported(node, "is by something that is no variable")
        return differentiate(args[0], tuple(str(variable.value) for variable in args[1:]))

    return children, build


DECLARABLE = (sympy.Symbol, sympy.Indexed, MatrixElement, AppliedUndef, sympy.Derivative)
"""Types whose objects may be declared as variables."""

PLANS: dict[type, Callable[[Converter, Any], Plan | Expr]] = {
    sympy.Rational: _rational,
    sympy.Float: _float,
    sympy.core.numbers.Pi: _leaf(named("pi")),
    sympy.core.numbers.Exp1: _leaf(named("e")),
    sympy.core.numbers.EulerGamma: _leaf(named("euler_gamma")),
    sympy.core.numbers.GoldenRatio: _leaf(named("golden_ratio")),
    sympy.core.numbers.Catalan: _leaf(named("catalan")),
    sympy.core.numbers.Infinity: _leaf(constant(float("inf"))),
    sympy.core.numbers.NegativeInfinity: _leaf(constant(float("-inf"))),
    sympy.core.numbers.NaN: _leaf(constant(float("nan"))),
    sympy.core.numbers.ComplexInfinity: _because(
        "is complex infinity (zoo), from a division by zero; write oo where an infinity is meant"
    ),
    sympy.core.numbers.ImaginaryUnit: _because(
        "is the imaginary unit; symgrad is real: give real and imaginary part as two outputs"
    ),
    sympy.logic.boolalg.BooleanTrue: _leaf(constant(True)),
    sympy.logic.boolalg.BooleanFalse: _leaf(constant(False)),
    sympy.Symbol: _symbol,
    sympy.Dummy: _element,
    sympy.Indexed: _element,
    MatrixElement: _element,
    sympy.Add: _numbers("add"),
    sympy.Mul: _numbers("multiply"),
    sympy.Pow: _numbers("power"),
    sympy.core.function.Application: _function,
    sympy.core.relational.Relational: _relation,
    sympy.Piecewise: _piecewise,
    ExprCondPair: refuse,
    sympy.UnevaluatedExpr: _first,
    NDimArray: _array,
    sympy.Sum: _expand("add", 0),
    sympy.Product: _expand("multiply", 1),
    sympy.Subs: _substitution,
    sympy.Derivative: _derivative,
    sympy.Integral: _because("is an integral; integrate it first, with .doit() or by quadrature"),
    sympy.MatrixBase: _because("is a matrix where one expression must stand; list its elements"),
    sympy.MatrixExpr: _because("is a matrix where one expression must stand; call .as_explicit()"),
}
