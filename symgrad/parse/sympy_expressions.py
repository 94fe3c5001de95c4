"""SymPy objects -> Expr: a table from type to plan, walked with an explicit stack.

Every SymPy object is visited once (memoised by identity: SymPy's own ``==`` compares whole trees),
nothing is evaluated or differentiated by SymPy, and no string ever reaches ``sympify``. All symbols
are real, whatever they assume. Functions are looked up by name in ``names.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
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
from symgrad.ir.expression import BOOLEAN, Expr, constant, named
from symgrad.ir.messages import close_names, shorten
from symgrad.ir.primitive import Primitive
from symgrad.parse.binders import Scope, derivative, exact, expand, substitution
from symgrad.parse.matrix_expressions import Grid, determinant, dot, grid, trace
from symgrad.parse.names import call, resolve, unknown_function
from symgrad.parse.sympy_arguments import (
    DECLARABLE,
    elements,
    identify,
    is_cse,
    is_vector,
    native,
    shown,
)
from symgrad.parse.variables import MAX_BITS, Differentiate

MAYBE_CONDITION = BOOLEAN | {"select"}

__all__ = ["DECLARABLE", "Converter", "elements", "identify", "is_cse", "native", "shown"]

Plan = tuple[Sequence[Any], Callable[[list[Expr]], Any], Sequence[Scope] | None]
"""What to convert first, how to join the results (into an Expr, or into the next Plan), and the
scope of each child where it is not the node's own."""


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
        self.grids: dict[int, Grid] = {}
        self.plans: dict[type, Callable[[Converter, Any], Plan | Expr]] = {}
        self.scope = Scope()
        self.terms = 0
        self.bound = 0

    def declare(self, value: Any, made: Expr) -> None:
        """Let an object that is no plain Symbol stand for an Expr."""
        self.objects[value] = made
        self.declared.add(type(value))

    def convert(self, value: Any, place: str = "the expression") -> Expr:
        """The Expr of ``value``; ``place`` names it in messages.

        Raises:
            UnknownSymbolError: a symbol is not declared.
            UnknownFunctionError: a function has no row.
            UnsupportedExpressionError: something has no meaning as real arithmetic.
        """
        self.place = place
        value = native(value)
        kept = self.kept
        root = Scope()
        root.memo = self.memo
        stack: list[tuple[Any, Scope, Plan | None]] = [(value, root, None)]
        while stack:
            node, scope, plan = stack.pop()
            memo = scope.memo
            planned: Any
            if plan is None:
                if id(node) in memo:
                    continue
                kept.append(node)
                self.scope = scope
                planned = self.plan(node)
            else:
                children, build, homes = plan
                try:
                    if homes is None:
                        planned = build([memo[id(child)] for child in children])
                    else:
                        pairs = zip(homes, children, strict=True)
                        planned = build([home.memo[id(child)] for home, child in pairs])
                except (UnknownSymbolError, UnknownFunctionError):
                    raise  # these name their place
                except (ArgumentError, FormulaError) as error:
                    raise self.located(error, node) from None
            if isinstance(planned, Expr):
                memo[id(node)] = planned
                continue
            children, build, homes = planned
            kept.append(children)
            if homes is None and scope.parent is None:
                stack.append((node, scope, planned))
                stack.extend([(c, scope, None) for c in reversed(children) if id(c) not in memo])
            else:
                inner = homes or [scope] * len(children)
                placed = [(c, s.home(c), None) for c, s in zip(children, inner, strict=True)]
                homes = [home for _, home, _ in placed]
                stack.append((node, scope, (children, build, homes)))
                stack.extend(reversed(placed))
        return self.memo[id(value)]

    def located(self, error: SymgradError, node: Any) -> SymgradError:
        """The error with the place added; a wrong argument is the formula's fault here."""
        kind = FormulaError if isinstance(error, ArgumentError) else type(error)
        return kind(f"in {self.place}, at {shown(node)}: {error}")

    def plan(self, node: Any) -> Plan | Expr:
        """The Expr of a leaf, or what to convert before the node."""
        kind, inner = type(node), self.scope.parent is not None
        found = self.scope.find(node) if inner else None
        if found is None and kind in self.declared and not (inner and node.args):
            found = self.objects.get(node)  # with bound variables in it, it is none of them
        if found is not None:
            return found
        handler = self.plans.get(kind)
        if handler is None:
            handler = next((PLANS[base] for base in kind.__mro__ if base in PLANS), refuse)
            self.plans[kind] = handler
        planned: Plan | Expr = handler(self, node)
        return planned

    def of_matrices(self, node: Any, matrices: Sequence[Any], make: Callable[..., Any]) -> Any:
        """What ``make`` makes of the entries of matrices."""
        try:
            return make(*[grid(matrix, self.grids) for matrix in matrices])
        except (LimitError, UnsupportedExpressionError) as error:
            raise self.located(error, node) from None

    def integer(self, made: Expr, otherwise: Callable[[], Exception]) -> int:
        """The integer that an Expr is, or the error that ``otherwise`` makes."""
        value = exact(made, self.rows)
        if type(value) is not int:
            raise otherwise()
        return value

    def fresh(self) -> str:
        """A name that no variable has."""
        self.bound += 1
        while f"bound {self.bound}" in self.symbols:
            self.bound += 1
        return f"bound {self.bound}"

    def unsupported(self, node: Any, why: str) -> UnsupportedExpressionError:
        """The error for a SymPy object that has no real value at a point."""
        return UnsupportedExpressionError(f"{shown(node)} in {self.place} {why}")


def refuse(converter: Converter, node: Any) -> Plan | Expr:
    """What the table does not have: a number all the same, as the root of a polynomial, or none."""
    if isinstance(node, sympy.Expr) and node.is_comparable is True:
        return constant(float(node.evalf(30)))
    title = type(node).__name__
    if is_vector(node):
        cure = "is a vector (type {}); give its components, as in v.to_matrix(frame)"
    elif isinstance(node, sympy.Expr):
        cure = "has no real value at a point (type {}); evaluate it first, say with .doit()"
    else:
        cure = "is no expression but of type {}; give the expressions that it is made of, in a list"
    raise converter.unsupported(node, cure.format(title))


def _because(why: str) -> Callable[[Converter, Any], Plan | Expr]:
    def refused(converter: Converter, node: Any) -> Plan | Expr:
        raise converter.unsupported(node, why)

    return refused


def _leaf(made: Expr) -> Callable[[Converter, Any], Plan | Expr]:
    return lambda converter, node: made


def _numbers(op: str) -> Callable[[Converter, Any], Plan | Expr]:
    def build(args: list[Expr]) -> Expr:
        for argument in args:
            if argument.op in MAYBE_CONDITION and is_condition(argument):
                raise FormulaError("a condition stands where a number must be; use Piecewise")
        return Expr(op, tuple(args))

    return lambda converter, node: (node.args, build, None)


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


def _evaluated(converter: Converter, node: Any) -> Plan | Expr:
    """A number whose digits SymPy knows, such as a root of a polynomial."""
    value = node.evalf(30)
    return _float(converter, value) if value.is_Float else refuse(converter, node)


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


def _unknown(converter: Converter, node: Any) -> Plan | Expr:
    """A Dummy, a coordinate or a unit that nobody declared; or a number of a rare type."""
    if node.is_comparable or is_vector(node):
        return refuse(converter, node)
    raise _undeclared(converter, node, type(node).__name__)


def _undeclared(converter: Converter, node: Any, kind: str) -> UnknownSymbolError:
    return UnknownSymbolError(
        f"the {kind} {shown(node)} in {converter.place} is not declared; add that very object to "
        "the inputs or parameters"
    )


def _element(converter: Converter, node: Any) -> Plan:
    """An element whose indices hold a bound variable, or of a matrix expression."""
    array, *indices = node.args

    def no_integer() -> Exception:
        return converter.unsupported(node, "has an index that is no integer")

    def build(args: list[Expr]) -> Plan | Expr:
        at = [converter.integer(argument, no_integer) for argument in args]
        if isinstance(node, sympy.Indexed) or isinstance(array, sympy.MatrixSymbol):
            try:
                found = node.func(array, *at)
            except IndexError:
                where = ", ".join(map(str, at))
                raise converter.unsupported(node, f"has no element [{where}]") from None
            made: Expr | None = converter.objects.get(found)
            if made is None:
                raise _undeclared(converter, found, "element")
            return made
        found = converter.of_matrices(node, [array], lambda rows: rows[at[0]][at[1]])
        if isinstance(found, MatrixElement) and found.args[0] == array:
            raise converter.unsupported(node, "is an entry that is not known; write it out")
        return [found], _only, None

    return indices, build, None


def _function(converter: Converter, node: Any) -> Plan | Expr:
    name, rows = type(node).__name__, converter.rows
    known = resolve(name, rows) is not None
    outermost = converter.scope.parent is None
    if outermost and known:
        return node.args, lambda args: call(name, tuple(args), rows), None

    def at_numbers(args: list[Expr]) -> Plan | Expr:
        """At numbers a function has the value that SymPy gives it, exact for k! and the like."""
        numbers = [exact(argument, rows) for argument in args]
        if all(isinstance(number, int | Fraction) for number in numbers):
            found = node.func(*map(sympy.Rational, numbers))
            if type(found) is not type(node):
                return [found], _only, None
            declared: Expr | None = converter.objects.get(found)
            if declared is not None:
                return declared
        if not known:
            raise no_row()
        return call(name, tuple(args), rows)

    def no_row() -> SymgradError:
        error = converter.located(unknown_function(name, rows), node)
        if isinstance(node, AppliedUndef):
            error = UnknownFunctionError(f"{error}; or declare {shown(node)} as an input")
        return error

    if outermost:
        if node.is_number and node.evalf(30).is_Float:
            return _evaluated(converter, node)
        raise no_row()
    return node.args, at_numbers, None


def _relation(converter: Converter, node: Any) -> Plan:
    return node.args, lambda args: call(type(node).__name__, tuple(args), converter.rows), None


def _piecewise(converter: Converter, node: Any) -> Plan:
    children = [part for pair in node.args for part in pair.args]

    def build(args: list[Expr]) -> Expr:
        pairs = list(zip(args[::2], args[1::2], strict=True))
        for value, condition in pairs:
            if is_condition(value) or not is_condition(condition):
                raise FormulaError("a pair of Piecewise is (value, condition)")
        return piecewise(pairs)

    return children, build, None


def _contains(converter: Converter, node: Any) -> Plan | Expr:
    """Membership as the relations that it stands for: ``0 <= x <= 1`` for the closed interval."""
    element, within = node.args
    try:
        parts = element if isinstance(element, sympy.Tuple) else [element]
        return [within.as_relational(*parts)], _only, None
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        raise converter.unsupported(
            node, "asks for a set that is not given by relations; write them out, as in x > 0"
        ) from None


def _hyper(converter: Converter, node: Any) -> Plan:
    upper, lower, z = node.args
    count = len(upper)

    def build(args: list[Expr]) -> Expr:
        return call("hyper", (tuple(args[:count]), tuple(args[count:-1]), args[-1]), converter.rows)

    return [*upper, *lower, z], build, None


def _only(args: list[Expr]) -> Expr:
    return args[0]


def _first(converter: Converter, node: Any) -> Plan:
    return node.args[:1], _only, None


def _of_matrices(make: Callable[..., Any]) -> Callable[[Converter, Any], Plan | Expr]:
    """The reading of a scalar that is made of the entries of matrices."""
    return lambda converter, node: ([converter.of_matrices(node, node.args, make)], _only, None)


def _matrix(converter: Converter, node: Any) -> Plan | Expr:
    raise converter.unsupported(
        node,
        f"is a matrix of shape {node.shape} where one expression must stand; take an entry, as "
        "in A[0, 0], or give it integer sizes and make it an output of its own",
    )


def _array(converter: Converter, node: Any) -> Plan | Expr:
    if node.shape:
        raise converter.unsupported(node, "is an array where one expression must stand")
    return [node[()]], _only, None


PLANS: dict[type, Callable[[Converter, Any], Plan | Expr]] = {
    sympy.Rational: _rational,
    sympy.Float: _float,
    sympy.core.numbers.Pi: _leaf(named("pi")),
    sympy.core.numbers.Exp1: _leaf(named("e")),
    sympy.core.numbers.EulerGamma: _leaf(named("euler_gamma")),
    sympy.core.numbers.GoldenRatio: _leaf(named("golden_ratio")),
    sympy.core.numbers.Catalan: _leaf(named("catalan")),
    sympy.core.numbers.NumberSymbol: _evaluated,
    sympy.polys.rootoftools.ComplexRootOf: _evaluated,
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
    sympy.Dummy: _unknown,
    sympy.core.expr.AtomicExpr: _unknown,
    sympy.Indexed: _element,
    MatrixElement: _element,
    sympy.Add: _numbers("add"),
    sympy.Mul: _numbers("multiply"),
    sympy.Pow: _numbers("power"),
    sympy.core.function.Application: _function,
    sympy.hyper: _hyper,
    sympy.meijerg: _because("is Meijer's G, which has no row; write it out, with hyperexpand"),
    sympy.core.relational.Relational: _relation,
    sympy.Piecewise: _piecewise,
    sympy.Contains: _contains,
    ExprCondPair: refuse,
    sympy.Lambda: _because("is a function and no value; apply it to its variables, as in f(x)"),
    sympy.Order: _because("is what a series leaves out; drop it first, with .removeO()"),
    sympy.UnevaluatedExpr: _first,
    sympy.Poly: lambda converter, node: ([node.as_expr()], _only, None),
    NDimArray: _array,
    sympy.Sum: expand("add", 0),
    sympy.Product: expand("multiply", 1),
    sympy.Subs: substitution,
    sympy.Derivative: derivative,
    sympy.Limit: _because("is a limit; take it first, with .doit()"),
    sympy.Integral: _because("is an integral; integrate it first, with .doit() or by quadrature"),
    sympy.MatrixBase: _because("is a matrix where one expression must stand; list its elements"),
    sympy.MatrixExpr: _matrix,
    sympy.Trace: _of_matrices(trace),
    sympy.Determinant: _of_matrices(determinant),
    sympy.DotProduct: _of_matrices(dot),
}
