"""Every name that a function or a constant may have in a formula: SymPy's, NumPy's, PyTorch's, C's.

Formula text and SymPy objects are read with the same tables, so both know the same functions:
the rows, the compositions, the SPELLINGS of these, and the FORMS, which take conditions or are
written by operators. Everything is real: ``re(x)`` is x, ``im(x)`` is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from warnings import warn

from symgrad.errors import ArgumentError, FormulaError, SymgradWarning, UnknownFunctionError
from symgrad.functions.compositions import ANY, COMPOSITIONS
from symgrad.functions.tracing import PRIMITIVES, apply
from symgrad.ir.conditions import is_condition
from symgrad.ir.expression import Expr, constant, named
from symgrad.ir.messages import close_names, shorten
from symgrad.ir.primitive import Primitive
from symgrad.ir.reader import PIECEWISE

# fmt: off
SPELLINGS: dict[str, str] = {
    "Abs": "abs", "absolute": "abs", "fabs": "abs",
    "Max": "max", "maximum": "max",
    "Min": "min", "minimum": "min",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh",
    "ceiling": "ceil", "fix": "trunc", "round": "rint",
    "Heaviside": "heaviside", "Mod": "mod", "remainder": "mod", "clip": "clamp",
    "Sqrt": "sqrt", "Cbrt": "cbrt",
    "sgn": "sign",
    "Pow": "pow", "power": "pow",
    "ITE": "where", "select": "where",
    "eq": "Eq", "Equality": "Eq", "equal": "Eq",
    "ne": "Ne", "Unequality": "Ne", "not_equal": "Ne",
    "lt": "Lt", "StrictLessThan": "Lt", "less": "Lt",
    "le": "Le", "LessThan": "Le", "less_equal": "Le",
    "StrictGreaterThan": "Gt", "greater": "Gt",
    "GreaterThan": "Ge", "greater_equal": "Ge",
    "and": "And", "or": "Or", "not": "Not",
    "logical_and": "And", "logical_or": "Or", "logical_not": "Not", "logical_xor": "Xor",
    "conj": "conjugate", "real": "re", "imag": "im", "angle": "arg",
}

CONSTANTS: dict[str, Expr] = {
    "pi": named("pi"), "E": named("e"), "e": named("e"),
    "EulerGamma": named("euler_gamma"), "euler_gamma": named("euler_gamma"),
    "GoldenRatio": named("golden_ratio"), "golden_ratio": named("golden_ratio"),
    "Catalan": named("catalan"), "catalan": named("catalan"),
    "oo": constant(float("inf")), "inf": constant(float("inf")), "nan": constant(float("nan")),
}

REFUSED: dict[str, str] = {
    "I": "symgrad is real; declare I as a variable, or split into real and imaginary parts",
    "\N{GREEK SMALL LETTER PI}": "write pi",
    "zoo": "complex infinity has no real value; write oo",
    "Integral": "integrals have no closed form here; integrate first",
    "Limit": "take the limit first", "Sum": "write the terms out, or pass a SymPy Sum",
    "Product": "write the factors out, or pass a SymPy Product",
    "Derivative": "name the derivatives to compile instead",
    "diff": "name the derivatives to compile instead",
}
# fmt: on


def _comparison(op: str, *, swapped: bool = False) -> Callable[..., Expr]:
    def compared(left: Expr, right: Expr) -> Expr:
        return Expr(op, (right, left) if swapped else (left, right))

    return compared


def _logic(fold: Callable[[Expr, Expr], Expr]) -> Callable[..., Expr]:
    def folded(*conditions: Expr) -> Expr:
        return reduce(fold, conditions)

    return folded


def _both(a: Expr, b: Expr) -> Expr:
    return a & b


def _either(a: Expr, b: Expr) -> Expr:
    return a | b


def _one(a: Expr, b: Expr) -> Expr:
    return (a & ~b) | (~a & b)


def _where(condition: Expr, chosen: Expr, other: Expr) -> Expr:
    if not is_condition(chosen) and not is_condition(other):
        return Expr("select", (condition, chosen, other))
    if is_condition(chosen) and is_condition(other):
        return (condition & chosen) | (~condition & other)
    raise FormulaError("where() chooses between two numbers or between two conditions")


def _root(x: Expr, degree: Expr) -> Expr:
    return x ** (1 / degree)


def _rational(numerator: Expr, denominator: Expr | None = None) -> Expr:
    for part in (numerator, denominator):
        if part is not None and type(part.value) is not int:
            raise FormulaError("Rational() takes whole numbers; write a / b")
    return numerator if denominator is None else numerator / denominator


def _ignoring_nan(name: str) -> Callable[..., Expr]:
    """C's fmax and fmin: the other number where one is nan."""

    def chosen(a: Expr, b: Expr) -> Expr:
        a_is_nan, b_is_nan = Expr("ne", (a, a)), Expr("ne", (b, b))
        return _where(a_is_nan, b, _where(b_is_nan, a, Expr(name, (a, b))))

    return chosen


ZERO, ONE = constant(0), constant(1)


def _arg(x: Expr) -> Expr:
    return Expr("select", (x < 0, named("pi"), constant(0)))


def _dirac_delta(x: Expr, order: Expr | None = None) -> Expr:
    warn(
        "DiracDelta was replaced by 0: derivatives hold almost everywhere",
        SymgradWarning,
        stacklevel=2,
    )
    return constant(0)


NUMBERS, CONDITIONS, CHOICE = "numbers", "conditions", "choice"

# fmt: off
FORMS: dict[str, tuple[tuple[int, ...], str, Callable[..., Expr]]] = {
    "where":      ((3,),   CHOICE,     _where),
    "Eq":         ((2,),   NUMBERS,    _comparison("eq")),
    "Ne":         ((2,),   NUMBERS,    _comparison("ne")),
    "Lt":         ((2,),   NUMBERS,    _comparison("lt")),
    "Le":         ((2,),   NUMBERS,    _comparison("le")),
    "Gt":         ((2,),   NUMBERS,    _comparison("lt", swapped=True)),
    "Ge":         ((2,),   NUMBERS,    _comparison("le", swapped=True)),
    "And":        ((ANY,), CONDITIONS, _logic(_both)),
    "Or":         ((ANY,), CONDITIONS, _logic(_either)),
    "Xor":        ((ANY,), CONDITIONS, _logic(_one)),
    "Not":        ((1,),   CONDITIONS, lambda a: ~a),
    "Nand":       ((ANY,), CONDITIONS, lambda *a: ~reduce(_both, a)),
    "Nor":        ((ANY,), CONDITIONS, lambda *a: ~reduce(_either, a)),
    "Xnor":       ((ANY,), CONDITIONS, lambda *a: ~reduce(_one, a)),
    "Implies":    ((2,),   CONDITIONS, lambda a, b: ~a | b),
    "Equivalent": ((2,),   CONDITIONS, lambda a, b: ~_one(a, b)),
    "pow":        ((2,),   NUMBERS,    lambda a, b: a**b),
    "fmax":       ((2,),   NUMBERS,    _ignoring_nan("max")),
    "fmin":       ((2,),   NUMBERS,    _ignoring_nan("min")),
    "root":       ((2,),   NUMBERS,    _root),
    "fma":        ((3,),   NUMBERS,    lambda a, b, c: a * b + c),
    "Rational":   ((1, 2), NUMBERS,    _rational),
    "re":         ((1,),   NUMBERS,    lambda x: x),
    "im":         ((1,),   NUMBERS,    lambda x: constant(0)),
    "conjugate":  ((1,),   NUMBERS,    lambda x: x),
    "arg":        ((1,),   NUMBERS,    _arg),
    "DiracDelta": ((1, 2), NUMBERS,    _dirac_delta),
    "KroneckerDelta": ((2,), NUMBERS,  lambda a, b: _where(Expr("eq", (a, b)), ONE, ZERO)),
}
# fmt: on


def resolve(name: str, rows: Mapping[str, Primitive]) -> str | None:
    """The name under which a table has the function, or None; a user's row comes first."""
    row = rows.get(name)
    if row is not None and row is not PRIMITIVES.get(name):
        return name
    target = SPELLINGS.get(name, name)
    return target if target in FORMS or target in COMPOSITIONS or target in rows else None


def function_names(rows: Mapping[str, Primitive]) -> frozenset[str]:
    """Every name under which a formula may call a function."""
    found = {*FORMS, *COMPOSITIONS, *rows, *PIECEWISE}
    return frozenset(found | {name for name in SPELLINGS if resolve(name, rows) is not None})


def unknown_function(name: str, rows: Mapping[str, Primitive]) -> UnknownFunctionError:
    """The error for a function that no table has."""
    close = close_names(name, function_names(rows))
    return UnknownFunctionError(
        f"function {shorten(name)!r} has no row; see `symgrad functions`{close}"
    )


def call(name: str, arguments: tuple[Expr, ...], rows: Mapping[str, Primitive]) -> Expr:
    """The Expr of the function ``name`` in any spelling, with the kinds of its arguments checked.

    Raises:
        UnknownFunctionError: no table has the name.
        FormulaError: an argument is a condition where a number must be, or the reverse.
        ArgumentError: the number of arguments is wrong.

    Example:
        >>> call("arcsin", (Expr("symbol", (), "x"),), PRIMITIVES)
        asin(x)
    """
    target = resolve(name, rows)
    if target is None:
        raise unknown_function(name, rows)
    own = rows.get(target)
    form = FORMS.get(target)
    if form is None or (own is not None and own is not PRIMITIVES.get(target)):
        _check_kinds(name, NUMBERS, arguments)
        return apply(target, arguments, rows)
    arities, kinds, build = form
    count = len(arguments)
    if count not in arities and not (ANY in arities and count):
        wanted = "one or more" if ANY in arities else " or ".join(map(str, arities))
        raise ArgumentError(f"{name} takes {wanted} argument(s), {count} given")
    _check_kinds(name, kinds, arguments)
    return build(*arguments)


def _check_kinds(name: str, kinds: str, arguments: tuple[Expr, ...]) -> None:
    for index, argument in enumerate(arguments):
        wanted = kinds == CONDITIONS or (kinds == CHOICE and index == 0)
        if kinds == CHOICE and index > 0:
            continue
        if is_condition(argument) != wanted:
            should = "a condition, such as x < 0" if wanted else "a number, and not a condition"
            raise FormulaError(f"argument {index + 1} of {name} must be {should}")
