"""Functions that are written in others, by name: they need no row and no lowering of their own.

Each entry gives how many arguments the function takes and the Expr it stands for. The formula
parser, the SymPy converter and ``sg.math`` all read this table.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symgrad.functions.elementary import PI, call, equal, select
from symgrad.functions.orthogonal import POLYNOMIALS, whole
from symgrad.ir.expression import HALF, Expr, wrap

ANY = -1
"""Arity of a function that takes one argument or more."""

INFINITY, LARGEST = float("inf"), 1.7976931348623157e308

SELU = (1.0507009873554805, 1.6732632423543772)
"""Scale and alpha of selu: Klambauer and others, Self-normalizing neural networks, 2017."""


def _fold(name: str) -> Callable[..., Expr]:
    def folded(*arguments: Any) -> Expr:
        result = wrap(arguments[0])
        for argument in arguments[1:]:
            result = call(name, result, argument)
        return result

    return folded


def _heaviside(x: Expr, at_zero: object = Fraction(1, 2)) -> Expr:
    return select(x > 0, 1, select(x < 0, 0, select(equal(x, 0), at_zero, x)))


def _log(x: Expr, base: object = None) -> Expr:
    if base is None:
        return call("log", x)
    for number, own in ((2, "log2"), (10, "log10")):
        if wrap(base).value == number:
            return call(own, x)
    return call("log", x) / call("log", base)


def _clamp(x: Expr, low: object, high: object) -> Expr:
    # The edge belongs to the inside, so that its derivative is 1 there (PyTorch's clamp).
    bottom, top = wrap(low), wrap(high)
    numbers: tuple[Any, Any] = (bottom.value, top.value)
    if bottom.op == top.op == "constant" and numbers[0] <= numbers[1]:
        return select(x < bottom, bottom, select(top < x, top, x))
    # An upper bound below the lower one is both, and one that is nan gives nan.
    raised = select(x < bottom, bottom, select(call("ne", bottom, bottom), bottom, x))
    return select(top < raised, top, select(call("ne", top, top), top, raised))


def _hardtanh(x: Expr, low: object = -1, high: object = 1) -> Expr:
    # The edge belongs to the outside, so that its derivative is 0 there (PyTorch's hardtanh).
    return select(x <= low, low, select(wrap(high) <= x, high, x))


def _round(x: Expr, decimals: object = None) -> Expr:
    if decimals is None:
        return call("rint", x)
    scale = 10 ** wrap(decimals)
    return call("rint", x * scale) / scale


def _round_away(x: Expr) -> Expr:
    whole = call("trunc", x)
    return select(abs(x - whole) >= HALF, whole + call("sign", x), whole)


def _logb(x: Expr) -> Expr:
    """The exponent of x in binary: log2(|x|) rounded down, whichever way log2 was rounded."""
    size = abs(x)
    near = call("floor", call("log2", size))
    power = call("exp2", near)
    return select(size < power, near - 1, select(2 * power <= size, near + 1, near))


def _log_sum_exp(*arguments: Any) -> Expr:
    """log(exp(a) + exp(b) + ...): shifted by the largest, which derivatives take as a constant."""
    exprs = tuple([wrap(argument) for argument in arguments])
    if len(exprs) <= 2:
        return exprs[0] if len(exprs) == 1 else call("logaddexp", *exprs)
    top = exprs[0]
    for argument in exprs[1:]:
        top = select(top < argument, argument, top)
    # Where the largest is an infinity the sum of exponentials is right by itself.
    shift = call("detach", select(abs(top) < INFINITY, top, 0))
    total = Expr("add", tuple([call("exp", argument - shift) for argument in exprs]))
    return shift + call("log", total)


def _logaddexp2(*arguments: Any) -> Expr:
    log_2 = call("log", 2)
    return _log_sum_exp(*[wrap(argument) * log_2 for argument in arguments]) / log_2


def _bernoulli_function(x: Expr) -> Expr:
    """x/(exp(x) - 1), near 0 as the reciprocal of (exp(x) - 1)/x, which is 1 there."""
    return select(abs(x) < 1, 1 / call("expm1c", x), x * call("bose", x))


def _fdim(a: Expr, b: Expr) -> Expr:
    return select(a <= wrap(b), 0, a - b)


def _nan_to_num(x: Expr, nan: object = 0, high: object = LARGEST, low: object = -LARGEST) -> Expr:
    infinite = select(equal(x, INFINITY), high, select(equal(x, -INFINITY), low, x))
    return select(call("ne", x, x), nan, infinite)


def _gelu_tanh(x: Expr) -> Expr:
    inner = (2 / PI) ** HALF * (x + Fraction(44715, 1000000) * x**3)
    return x * call("sigmoid", 2 * inner)


def _elu(x: Expr, alpha: object = 1) -> Expr:
    return select(x > 0, x, alpha * call("expm1", x))


def _celu(x: Expr, alpha: object = 1) -> Expr:
    return select(x > 0, x, alpha * call("expm1", x / wrap(alpha)))


def _leaky_relu(x: Expr, slope: object = Fraction(1, 100)) -> Expr:
    return select(x > 0, x, slope * x)


def _hard_shrink(x: Expr, edge: object = HALF) -> Expr:
    return select((x <= edge) & (x >= -wrap(edge)), 0, x)


def _soft_shrink(x: Expr, edge: object = HALF) -> Expr:
    edge = wrap(edge)
    inside = select(equal(x, x), 0, x)
    return select(x > edge, x - edge, select(x < -edge, x + edge, inside))


def _exp2m1(x: Expr, base: int) -> Expr:
    factor = call("log", base)
    far = call("exp2" if base == 2 else "exp10", x) - 1
    return select(abs(x) < 1, call("expm1", x * factor), far)


def _softplus(x: Expr, beta: object = 1, threshold: object = None) -> Expr:
    """log(1 + exp(beta x))/beta, or x itself where ``beta x`` is beyond a given threshold."""
    scale = wrap(beta)
    scaled = x if scale.value == 1 else scale * x
    smooth = call("softplus", scaled) if scaled is x else call("softplus", scaled) / scale
    return smooth if threshold is None else select(wrap(threshold) < scaled, x, smooth)


def _log_sigmoid(x: Expr) -> Expr:
    return -call("softplus", -x)


def _erf2inv(x: object, y: object) -> Expr:
    """The b of erf(b) - erf(x) = y, by erfc of the tail that x is nearer to."""
    x, y = wrap(x), wrap(y)
    right = call("erfcinv", call("erfc", x) - y)
    return select(x > 0, right, -call("erfcinv", call("erfc", -x) + y))


def _expint(n: object, x: object) -> Expr:
    """SymPy's expint(n, x), of which E1 has a row of its own."""
    order = wrap(n)
    one = type(order.value) is int and order.value == 1
    return call("expint_e1", x) if one else call("expint", order, x)


def _multigamma(name: str, x: Expr, dimension: object) -> tuple[int, list[Expr]]:
    """The dimension p, and p arguments of gamma: x, x - 1/2, ... (NIST DLMF 35.3.4)."""
    p = whole(name, "dimension", dimension, 1)
    return p, [wrap(x) - Fraction(k, 2) for k in range(p)]


def _multivariate_gamma(x: Expr, dimension: object) -> Expr:
    p, arguments = _multigamma("multigamma", x, dimension)
    factors = [call("gamma", argument) for argument in arguments]
    return Expr("multiply", (PI ** Fraction(p * (p - 1), 4), *factors))


def _multivariate_log_gamma(x: Expr, dimension: object) -> Expr:
    p, arguments = _multigamma("mvlgamma", x, dimension)
    terms = [call("loggamma", argument) for argument in arguments]
    return Expr("add", (call("log", PI) * Fraction(p * (p - 1), 4), *terms))


def _riemann_xi(s: Expr) -> Expr:
    """NIST DLMF 25.4.4; (s - 1) zeta(s) is 0 times infinity at 1."""
    half = wrap(s) / 2
    return s * (s - 1) * call("gamma", half) * call("zeta", s) / (2 * PI**half)


def _by_count(name: str, complete: str, count: int) -> Callable[..., Expr]:
    """The row ``complete`` of an elliptic integral for ``count`` arguments, ``name`` for more."""

    def chosen(*arguments: object) -> Expr:
        return call(complete if len(arguments) == count else name, *arguments)

    return chosen


# fmt: off
COMPOSITIONS: dict[str, tuple[tuple[int, ...], Callable[..., Expr]]] = {
    "sqrt":      ((1,), lambda x: wrap(x) ** HALF),
    "rsqrt":     ((1,), lambda x: wrap(x) ** -HALF),
    "square":    ((1,), lambda x: wrap(x) ** 2),
    "reciprocal": ((1,), lambda x: 1 / wrap(x)),
    "log":       ((1, 2), _log),
    "ln":        ((1,), _log),
    "sec":       ((1,), lambda x: 1 / call("cos", x)),
    "csc":       ((1,), lambda x: 1 / call("sin", x)),
    "max":       ((ANY,), _fold("max")),
    "min":       ((ANY,), _fold("min")),
    "heaviside": ((1, 2), _heaviside),
    "relu":      ((1,), lambda x: select(wrap(x) > 0, x, select(wrap(x) <= 0, 0, x))),
    "clamp":     ((3,), _clamp),
    "frac":      ((1,), lambda x: wrap(x) - call("floor", x)),
    "modf":      ((1,), lambda x: wrap(x) - call("trunc", x)),
    "round":     ((1, 2), _round),
    "round_away": ((1,), _round_away),
    "logb":      ((1,), _logb),
    "positive":  ((1,), wrap),
    "negative":  ((1,), lambda x: -wrap(x)),
    "nearbyint": ((1,), lambda x: call("rint", x)),
    "fdim":      ((2,), _fdim),
    "ldexp":     ((2,), lambda x, n: wrap(x) * call("exp2", n)),
    "lerp":      ((3,), lambda a, b, t: a + t * (wrap(b) - a)),
    "deg2rad":   ((1,), lambda x: wrap(x) * (PI / 180)),
    "rad2deg":   ((1,), lambda x: wrap(x) * (180 / PI)),
    "nan_to_num": ((1, 2, 3, 4), _nan_to_num),
    "sinc_pi":   ((1,), lambda x: call("sinc", PI * x)),
    "asinpi":    ((1,), lambda x: call("asin", x) / PI),
    "acospi":    ((1,), lambda x: call("acos", x) / PI),
    "atanpi":    ((1,), lambda x: call("atan", x) / PI),
    "atan2pi":   ((2,), lambda a, b: call("atan2", a, b) / PI),
    "exp2m1":    ((1,), lambda x: _exp2m1(x, 2)),
    "exp10m1":   ((1,), lambda x: _exp2m1(x, 10)),
    "log2p1":    ((1,), lambda x: call("log1p", x) / call("log", 2)),
    "log10p1":   ((1,), lambda x: call("log1p", x) / call("log", 10)),
    "logaddexp": ((ANY,), _log_sum_exp),
    "logaddexp2": ((ANY,), _logaddexp2),
    "bernoulli_function": ((1,), _bernoulli_function),
    "softplus":  ((1, 2, 3), _softplus),
    "log_sigmoid": ((1,), _log_sigmoid),
    "relu6":     ((1,), lambda x: _hardtanh(x, 0, 6)),
    "leaky_relu": ((1, 2), _leaky_relu),
    "rrelu":     ((1,), lambda x: _leaky_relu(x, Fraction(11, 48))),
    "elu":       ((1, 2), _elu),
    "celu":      ((1, 2), _celu),
    "selu":      ((1,), lambda x: SELU[0] * _elu(x, SELU[1])),
    "gelu":      ((1,), lambda x: x * call("ndtr", x)),
    "gelu_tanh": ((1,), _gelu_tanh),
    "silu":      ((1,), lambda x: x * call("sigmoid", x)),
    "mish":      ((1,), lambda x: x * call("tanh", call("softplus", x))),
    "hardtanh":  ((1, 3), _hardtanh),
    "hardsigmoid": ((1,), lambda x: _hardtanh(x + 3, 0, 6) / 6),
    "hardswish": ((1,), lambda x: select(x <= -3, 0, select(x >= 3, x, x * (x + 3) / 6))),
    "hardshrink": ((1, 2), _hard_shrink),
    "softshrink": ((1, 2), _soft_shrink),
    "threshold": ((3,), lambda x, edge, value: select(x <= edge, value, x)),
    "powm1":     ((2,), lambda a, b: call("expm1", b * call("log", a))),
    "multigamma": ((2,), _multivariate_gamma),
    "mvlgamma":  ((2,), _multivariate_log_gamma),
    "riemann_xi": ((1,), _riemann_xi),
    "erf2inv":   ((2,), _erf2inv),
    "expint":    ((2,), _expint),
    "Li":        ((1,), lambda x: call("li", x) - call("li", 2)),
    "elliptic_e": ((1, 2), _by_count("elliptic_e", "elliptic_e_complete", 1)),
    "elliptic_pi": ((2, 3), _by_count("elliptic_pi", "elliptic_pi_complete", 2)),
    "where":     ((3,), lambda c, a, b: select(c, a, b)),
    **POLYNOMIALS,
}
# fmt: on
