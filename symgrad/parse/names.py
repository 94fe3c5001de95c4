"""Every name that a function or a constant may have in a formula: SymPy's, NumPy's, PyTorch's, C's.

Formula text and SymPy objects are read with the same tables, so both know the same functions:
the rows, the compositions, the SPELLINGS of these, and the FORMS, which take conditions or are
written by operators. Everything is real: ``re(x)`` is x, ``im(x)`` is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any
from warnings import warn

from symgrad.errors import ArgumentError, FormulaError, SymgradWarning, UnknownFunctionError
from symgrad.functions.compositions import ANY, COMPOSITIONS
from symgrad.functions.generalized_hypergeometric import hypergeometric
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
    "ceiling": "ceil", "fix": "trunc", "roundeven": "rint",
    "Heaviside": "heaviside", "Mod": "mod", "remainder": "mod", "Rem": "fmod", "clip": "clamp",
    "Sqrt": "sqrt", "Cbrt": "cbrt",
    "expit": "sigmoid", "logsigmoid": "log_sigmoid", "logsumexp": "logaddexp", "swish": "silu",
    "prelu": "leaky_relu", "multigammaln": "mvlgamma", "exp_polar": "exp", "polar_lift": "positive",
    "neg": "negative", "lrint": "rint", "llrint": "rint", "lround": "round_away",
    "llround": "round_away", "ilogb": "logb",
    "radians": "deg2rad", "degrees": "rad2deg", "scalbn": "ldexp", "scalbln": "ldexp",
    "float_power": "pow",
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
    "Ei": "expint_ei", "expi": "expint_ei", "E1": "expint_e1", "exp1": "expint_e1",
    "Si": "sine_integral", "Ci": "cosine_integral",
    "Shi": "sinh_integral", "Chi": "cosh_integral", "dawsn": "dawson",
    "jv": "besselj", "yv": "bessely", "iv": "besseli", "kv": "besselk",
    "ive": "besselie", "kve": "besselke", "spherical_jn": "jn", "spherical_yn": "yn",
    "j0": "besselj0", "j1": "besselj1", "y0": "bessely0", "y1": "bessely1",
    "i0": "besseli0", "i1": "besseli1", "k0": "besselk0", "k1": "besselk1",
    "i0e": "besseli0e", "i1e": "besseli1e", "k0e": "besselk0e", "k1e": "besselk1e",
    "bessel_j0": "besselj0", "bessel_j1": "besselj1",
    "bessel_y0": "bessely0", "bessel_y1": "bessely1",
    "modified_bessel_i0": "besseli0", "modified_bessel_i1": "besseli1",
    "modified_bessel_k0": "besselk0", "modified_bessel_k1": "besselk1",
    "scaled_modified_bessel_k0": "besselk0e", "scaled_modified_bessel_k1": "besselk1e",
    "airy_ai": "airyai",
    "lgamma": "loggamma", "gammaln": "loggamma", "tgamma": "gamma",
    "lambertw": "LambertW", "betaln": "logbeta", "RisingFactorial": "rising_factorial",
    "rf": "rising_factorial", "poch": "rising_factorial",
    "igamma": "gammainc", "igammac": "gammaincc", "altzeta": "dirichlet_eta",
    "eval_legendre": "legendre", "eval_chebyt": "chebyshevt", "eval_chebyu": "chebyshevu",
    "eval_hermite": "hermite", "eval_hermitenorm": "hermite_prob", "eval_laguerre": "laguerre",
    "eval_genlaguerre": "assoc_laguerre", "eval_gegenbauer": "gegenbauer",
    "eval_jacobi": "jacobi",
    "conj": "conjugate", "adjoint": "conjugate", "transpose": "conjugate",
    "real": "re", "imag": "im", "angle": "arg",
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
    "meijerg": "Meijer's G has no row; write it in other functions, say by SymPy's hyperexpand",
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
    """C's fmax and fmin: the other number where one is nan; a tie is all a's, as in PyTorch."""

    def chosen(a: Expr, b: Expr) -> Expr:
        not_beyond = (b, a) if name == "max" else (a, b)
        return _where(Expr("le", not_beyond) | Expr("ne", (b, b)), a, b)

    return chosen


ZERO, ONE = constant(0), constant(1)


def _arg(x: Expr) -> Expr:
    other = Expr("select", (Expr("eq", (x, x)), constant(0), x))
    return Expr("select", (x < 0, named("pi"), other))


def _dirac_delta(x: Expr, order: Expr | None = None) -> Expr:
    return _zero_almost_everywhere("DiracDelta")


def _zero_almost_everywhere(name: str) -> Expr:
    warn(
        f"{name} was replaced by 0: derivatives hold almost everywhere",
        SymgradWarning,
        stacklevel=3,
    )
    return ZERO


def _singularity(x: Expr, start: Expr, exponent: Expr) -> Expr:
    """Macaulay's bracket <x - a>^n: (x - a)^n beyond a, else 0; a step at a where n = 0."""
    n = exponent.value
    if type(n) is not int:
        raise FormulaError("SingularityFunction(x, a, n) takes a whole number n")
    if n < 0:
        return _zero_almost_everywhere("SingularityFunction with a negative exponent")
    if n == 0:
        return _where(Expr("le", (start, x)), ONE, _where(Expr("lt", (x, start)), ZERO, x))
    return _where(Expr("le", (x, start)), ZERO, (x - start) ** n)


def _real_root(x: Expr, degree: Expr | None = None) -> Expr:
    """The real n-th root, odd in x for odd n."""
    n = 1 if degree is None else degree.value
    if type(n) is not int or n < 1:
        raise FormulaError("real_root(x, n) takes a whole number n from 1 on")
    if n == 1:
        return x
    if n == 3:
        return Expr("cbrt", (x,))
    return Expr("sign_pow", (x, 1 / constant(n))) if n % 2 else x ** (1 / constant(n))


def _polygamma(n: Expr, x: Expr) -> Expr:
    low = n.op == "constant" and n.value in (0, 1)
    own = ("trigamma" if n.value else "digamma") if low else None
    return Expr("polygamma", (n, x)) if own is None else Expr(own, (x,))


def _psi(n: Expr, x: Expr | None = None) -> Expr:
    return Expr("digamma", (n,)) if x is None else _polygamma(n, x)


def _lambertw(x: Expr, branch: Expr | None = None) -> Expr:
    """LambertW(x), LambertW(x, 0) or LambertW(x, -1)."""
    value = 0 if branch is None else branch.value
    if type(value) is not int or value not in (0, -1):
        raise FormulaError("LambertW has the branches 0 and -1 over the reals; name one of them")
    return Expr("lambertw" if value == 0 else "lambertw_minus", (x,))


def _factorial(x: Expr) -> Expr:
    """gamma(x + 1) as x gamma(x) where x is not near 0 or negative: x + 1 would be rounded."""
    far = Expr("lt", (constant(0.5), x))
    chosen = Expr("select", (far, x, x + 1))
    return Expr("gamma", (chosen,)) * Expr("select", (far, x, ONE))


def _falling(x: Expr, k: Expr) -> Expr:
    return Expr("rising_factorial", (x - k + 1, k))


def _harmonic(x: Expr, order: Expr = ONE) -> Expr:
    """The sum of 1/k^m for k = 1 ... x, NIST DLMF 25.11.4."""
    if order.value == 1:
        return Expr("digamma", (x + 1,)) + named("euler_gamma")
    return Expr("zeta", (order,)) - Expr("hurwitz_zeta", (order, x + 1))


def _dirichlet_eta(s: Expr, a: Expr | None = None) -> Expr:
    """The alternating zeta function; the sum of (-1)^k/(k + a)^s by Hurwitz's, for each parity."""
    if a is None:
        return Expr("dirichlet_eta", (s,))
    even, odd = (Expr("hurwitz_zeta", (s, at / 2)) for at in (a, a + 1))
    return 2**-s * (even - odd)


def _catalan(n: Expr) -> Expr:
    """4^n gamma(n + 1/2)/(sqrt(pi) gamma(n + 2)): binomial(2n, n)/(n + 1)."""
    return Expr("binomial", (2 * n, n)) / (n + 1)


def _betainc(a: Expr, b: Expr, low: Expr, high: Expr | None = None) -> Expr:
    """SciPy's betainc(a, b, x), or SymPy's betainc(a, b, x1, x2), which has no factor 1/B."""
    if high is None:
        return Expr("betainc", (a, b, low))
    return Expr("beta", (a, b)) * _betainc_regularized(a, b, low, high)


def _betainc_regularized(a: Expr, b: Expr, low: Expr, high: Expr) -> Expr:
    if high.op == "constant" and high.value == 1:
        return Expr("betaincc", (a, b, low))
    upper = Expr("betainc", (a, b, high))
    if low.op == "constant" and low.value == 0:
        return upper
    return upper - Expr("betainc", (a, b, low))


def _hyper(upper: object, lower: object, z: object) -> Expr:
    """SymPy's hyper((a, b), (c,), z), whose parameters stand in brackets."""
    if type(upper) is not tuple or type(lower) is not tuple or not isinstance(z, Expr):
        raise FormulaError("hyper takes its parameters in brackets: hyper((a, b), (c,), z)")
    return hypergeometric(upper, lower, z)


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
    "polygamma":  ((2,),   NUMBERS,    _polygamma),
    "psi":        ((1, 2), NUMBERS,    _psi),
    "zeta":       ((1, 2), NUMBERS,    lambda s, a=None: Expr("zeta", (s,)) if a is None
                                       else Expr("hurwitz_zeta", (s, a))),
    "LambertW":   ((1, 2), NUMBERS,    _lambertw),
    "factorial":  ((1,),   NUMBERS,    _factorial),
    "FallingFactorial": ((2,), NUMBERS, _falling),
    "ff":         ((2,),   NUMBERS,    _falling),
    "harmonic":   ((1, 2), NUMBERS,    _harmonic),
    "beta":       ((1, 2), NUMBERS,    lambda a, b=None: Expr("beta", (a, a if b is None else b))),
    "dirichlet_eta": ((1, 2), NUMBERS, _dirichlet_eta),
    "catalan":    ((1,),   NUMBERS,    _catalan),
    "betainc":    ((3, 4), NUMBERS,    _betainc),
    "betainc_regularized": ((4,), NUMBERS, _betainc_regularized),
    "spherical_bessel_j0": ((1,), NUMBERS, lambda x: Expr("jn", (ZERO, x))),
    "root":       ((2,),   NUMBERS,    _root),
    "Rational":   ((1, 2), NUMBERS,    _rational),
    "hyper":      ((3,),   NUMBERS,    _hyper),
    "re":         ((1,),   NUMBERS,    lambda x: x),
    "im":         ((1,),   NUMBERS,    lambda x: constant(0)),
    "conjugate":  ((1,),   NUMBERS,    lambda x: x),
    "arg":        ((1,),   NUMBERS,    _arg),
    "real_root":  ((1, 2), NUMBERS,    _real_root),
    "DiracDelta": ((1, 2), NUMBERS,    _dirac_delta),
    "SingularityFunction": ((3,), NUMBERS, _singularity),
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
    found = {*FORMS, *COMPOSITIONS, *filter(str.isidentifier, rows), *PIECEWISE}
    return frozenset(found | {name for name in SPELLINGS if resolve(name, rows) is not None})


def unknown_function(name: str, rows: Mapping[str, Primitive]) -> UnknownFunctionError:
    """The error for a function that no table has."""
    close = close_names(name, function_names(rows))
    return UnknownFunctionError(
        f"function {shorten(name)!r} has no row; see `symgrad functions` or functions={close}"
    )


def call(name: str, arguments: tuple[Any, ...], rows: Mapping[str, Primitive]) -> Expr:
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


def _check_kinds(name: str, kinds: str, arguments: tuple[Any, ...]) -> None:
    for index, argument in enumerate(arguments):
        wanted = kinds == CONDITIONS or (kinds == CHOICE and index == 0)
        if kinds == CHOICE and index > 0:
            continue
        parts = (argument,) if isinstance(argument, Expr) else argument
        if any(is_condition(part) != wanted for part in parts):
            should = "a condition, such as x < 0" if wanted else "a number, and not a condition"
            raise FormulaError(f"argument {index + 1} of {name} must be {should}")
